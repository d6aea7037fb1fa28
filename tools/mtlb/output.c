// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safe.h"
#include "cell.h"

#define GAP    2
#define RESET  "\033[0m"
#define BOLD   "\033[1m"
#define DIM    "\033[2m"
#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"

static const char *state_colour(const char *text)
{
	static const struct {
		const char *text, *colour;
	} colours[] = {
		{"up", GREEN},		{"down", RED},		{"drain", YELLOW},
		{"gone", DIM},		{"DROP", RED},		{"PASS", YELLOW},
		{"established", GREEN}, {"closing", DIM},	{"unproven", YELLOW},
		{"attack-begins", RED}, {"attack-ends", GREEN}, {"member-down", RED},
		{"member-up", GREEN},
	};
	size_t i;

	for (i = 0; i < sizeof(colours) / sizeof(*colours); i++)
		if (!strcmp(colours[i].text, text))
			return colours[i].colour;
	return NULL;
}

static void print_cell(const struct options *options, const char *text, const char *colour,
		       int before, int after)
{
	printf("%*s", before, "");
	if (options->colour && colour)
		printf("%s%s" RESET, colour, text);
	else
		fputs(text, stdout);
	printf("%*s", after, "");
}

static size_t count_columns(const struct column *columns)
{
	size_t count = 0;

	while (columns[count].title)
		count++;
	return count;
}

/* One row of cells; the last one has no blanks after it. */
static void print_row(const struct options *options, const struct column *columns, size_t count,
		      char *const *cells, const size_t *widths)
{
	size_t i;

	for (i = 0; i < count; i++) {
		const char *text = cells ? cells[i] : columns[i].title, *colour = NULL;
		size_t blanks = widths[i] - safe_width(text), gap = i ? GAP : 0;
		bool right = cell_is_number(columns[i].kind);

		if (!cells)
			colour = BOLD;
		else if (columns[i].kind == VALUE_STATE)
			colour = state_colour(text);
		print_cell(options, text, colour, gap + (right ? blanks : 0),
			   right || i + 1 == count ? 0 : blanks);
	}
	putchar('\n');
}

int output_table(const struct options *options, const struct column *columns, const json_t *items)
{
	size_t i, row, count = count_columns(columns), rows = json_array_size(items);
	char **cells = calloc(rows * count + 1, sizeof(*cells));
	size_t *widths = calloc(count, sizeof(*widths));
	int code = -ENOMEM;

	if (!cells || !widths)
		goto release;
	for (i = 0; i < count; i++)
		widths[i] = strlen(columns[i].title);
	for (i = 0; i < rows * count; i++) {
		const struct column *column = &columns[i % count];
		size_t width;

		cells[i] = cell_format(json_array_get(items, i / count), column, options->raw);
		if (!cells[i])
			goto release;
		width = safe_width(cells[i]);
		if (width > widths[i % count])
			widths[i % count] = width;
	}
	print_row(options, columns, count, NULL, widths);
	for (row = 0; row < rows; row++)
		print_row(options, columns, count, cells + row * count, widths);
	code = 0;
release:
	for (i = 0; cells && i < rows * count; i++)
		free(cells[i]);
	free(cells);
	free(widths);
	return code;
}

int output_fields(const struct options *options, const struct column *columns, const json_t *item)
{
	size_t i, width = 0, count = count_columns(columns);

	for (i = 0; i < count; i++)
		if (strlen(columns[i].title) > width)
			width = strlen(columns[i].title);
	for (i = 0; i < count; i++) {
		char *text = cell_format(item, &columns[i], options->raw);

		if (!text)
			return -ENOMEM;
		print_cell(options, columns[i].title, BOLD, 0,
			   width + GAP - strlen(columns[i].title));
		print_cell(options, text, NULL, 0, 0);
		putchar('\n');
		free(text);
	}
	return 0;
}

void output_state(const struct options *options, const char *text)
{
	const char *colour = text && options->colour ? state_colour(text) : NULL;

	fputs(colour ? colour : "", stdout);
	safe_print(stdout, text ? text : "-");
	fputs(colour ? RESET : "", stdout);
}

void output_text(const json_t *value)
{
	const char *text = json_string_value(value);

	safe_print(stdout, text && *text ? text : "-");
}

void output_json(const struct options *options, const json_t *value)
{
	/* As ASCII, for a terminal takes some characters beyond it as controls. */
	size_t flags = JSON_ENCODE_ANY | JSON_ENSURE_ASCII;

	json_dumpf(value, stdout, flags | (options->pretty ? JSON_INDENT(2) : JSON_COMPACT));
	putchar('\n');
}

void output_changes(const struct options *options, const json_t *changes)
{
	const json_t *change;
	size_t i;

	json_array_foreach (changes, i, change) {
		const char *text = json_string_value(change), *colour = NULL;

		if (!text)
			continue;
		if (options->colour)
			colour = *text == '+' ? GREEN : *text == '-' ? RED : YELLOW;
		fputs(colour ? colour : "", stdout);
		safe_print(stdout, text);
		puts(colour ? RESET : "");
	}
}
