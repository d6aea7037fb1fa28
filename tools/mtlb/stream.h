/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A JSON array that is printed while it comes into being, and so may be longer than memory. */
#ifndef MTLB_TOOLS_STREAM_H
#define MTLB_TOOLS_STREAM_H

#include "noun.h"

struct stream {
	const struct options *options;
	bool any;
};

void stream_begin(struct stream *stream, const struct options *options);
/* Takes over item. */
void stream_add(struct stream *stream, json_t *item);
/* For whoever prints the item itself. */
void stream_separate(struct stream *stream);
void stream_end(struct stream *stream);

#endif
