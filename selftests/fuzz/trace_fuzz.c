// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What clients send, and the log: a traceparent that is taken is of that form and is written as one
 * that is taken again; a line of the log is JSON in ASCII whatever is in it.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/proxy/line.h"
#include "userspace/wire/trace.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void try_trace(const char *bytes, size_t size)
{
	char id[TRACE_ID_LENGTH], again[TRACE_ID_LENGTH], text[TRACE_PARENT_LENGTH + 1];
	uint8_t flags, flags_again;

	if (!trace_parse((struct h1_text){bytes, size}, id, &flags))
		return;
	trace_format(id, size, flags, text);
	REQUIRE(trace_parse((struct h1_text){text, strlen(text)}, again, &flags_again));
	REQUIRE(!memcmp(id, again, sizeof(id)) && flags == flags_again);
}

/* Into a line of any size: what is there is whole. */
static void try_line(const char *bytes, size_t size, size_t room)
{
	char text[1024] = "";
	struct line line = {.at = text, .size = room};
	json_t *read;

	line_raw(&line, "{", 1);
	line.size -= 1; /* for the end */
	line_text(&line, "a", bytes, size, 100);
	line_number(&line, "b", size);
	line_text(&line, "c", bytes, size, 20);
	line_seconds(&line, "d", size * 1000003);
	line.size += 1;
	line_raw(&line, "}", 1);
	REQUIRE(line.used <= room);
	for (size_t i = 0; i < line.used; i++)
		REQUIRE(text[i] >= 0x20 && text[i] < 0x7f);
	read = json_loadb(text, line.used, JSON_ALLOW_NUL, NULL);
	REQUIRE(read);
	json_decref(read);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	char *copy = malloc(size + !size);

	REQUIRE(copy);
	if (size)
		memcpy(copy, input, size);
	try_trace(copy, size);
	try_line(copy, size, 1024);
	try_line(copy, size, 2 + size % 300);
	free(copy);
	return 0;
}
