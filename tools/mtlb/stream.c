// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stream.h"

#include <stdio.h>

void stream_begin(struct stream *stream, const struct options *options)
{
	*stream = (struct stream){.options = options};
	putchar('[');
}

void stream_separate(struct stream *stream)
{
	if (stream->any)
		putchar(',');
	if (stream->options->pretty)
		putchar('\n');
	stream->any = true;
}

void stream_add(struct stream *stream, json_t *item)
{
	size_t flags = JSON_ENCODE_ANY | JSON_ENSURE_ASCII;

	stream_separate(stream);
	json_dumpf(item, stdout, flags | (stream->options->pretty ? JSON_INDENT(2) : JSON_COMPACT));
	json_decref(item);
}

void stream_end(struct stream *stream)
{
	puts(stream->any && stream->options->pretty ? "\n]" : "]");
}
