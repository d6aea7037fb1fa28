// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Bytes to a recording of mtlb-top, as --replay reads them. What is refused must be refused in a
 * printable sentence; what is taken must be shown as text that moves no cursor, and be written and
 * read again as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mtlb-top/parse.h"
#include "tools/mtlb-top/view.h"
#include "tools/mtlb-top/words.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void put(void *context, enum tone tone, const char *text)
{
	REQUIRE(!context && tone < TONES);
	for (; *text; text++)
		REQUIRE(*text >= ' ' && *text <= '~');
}

/* In one of the panels, at a narrow or a wide width. */
static void show(const struct board *board, size_t which)
{
	static const unsigned widths[] = {VIEW_WIDTH_MIN, 80, VIEW_WIDTH_MAX};
	struct view_source source = {.replay = true};
	struct pen pen = {.put = put, .width = widths[which / PANELS % 3]};
	struct list list = {};
	struct state state;

	state_init(&state);
	state.panel = (enum panel_id)(which % PANELS);
	REQUIRE(state_list(&state, board, &list) == 0);
	view_node(&pen, board, &state, &source);
	view_traffic(&pen, board, &state);
	view_room(&pen, board);
	view_titles(&pen, &state);
	REQUIRE(pen.used == pen.width);
	for (size_t row = 0; row < list.count; row++) {
		view_row(&pen, &state, list.rows[row].entity, !row);
		REQUIRE(pen.used == pen.width);
	}
	list_fini(&list);
}

static void write_again(struct sample *sample)
{
	struct parse parse = {};
	struct sample back = {};
	char *text = NULL, *at;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	int code = 0;

	REQUIRE(file && !parse_write(file, sample, true) && !fclose(file));
	for (at = text; *at; at += strcspn(at, "\n") + 1)
		REQUIRE((code = parse_line(&parse, at, strcspn(at, "\n"), &back, NULL)) >= 0);
	REQUIRE(code == 1 && back.at_ms == sample->at_ms && back.kinds == sample->kinds);
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		size_t count = sample->rows[kind].count;

		REQUIRE(back.rows[kind].count == count);
		REQUIRE(!count || !memcmp(back.rows[kind].row, sample->rows[kind].row,
					  count * sizeof(struct row)));
	}
	free(text);
	sample_fini(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = text + size;
	/* the first line is no riddle: it is asked for in unit tests */
	struct parse parse = {
		.titled = size < strlen(PARSE_TITLE) ||
			  memcmp(data, PARSE_TITLE, strlen(PARSE_TITLE)) != 0,
	};
	struct sample sample = {};
	struct board board = {};
	struct err err = {};
	int code = 0;

	while (text < end && code >= 0) {
		const char *line = text, *stop = memchr(text, '\n', (size_t)(end - text));

		text = stop ? stop + 1 : end;
		code = parse_line(&parse, line, (size_t)((stop ? stop : end) - line), &sample,
				  &err);
		if (code != 1)
			continue;
		write_again(&sample);
		REQUIRE(!board_update(&board, &sample));
	}
	show(&board, size);
	if (code < 0)
		REQUIRE(err.text[0]);
	for (const char *at = err.text; *at; at++)
		REQUIRE(*at >= ' ' && *at <= '~');
	board_fini(&board);
	sample_fini(&sample);
	words_fini();
	return 0;
}
