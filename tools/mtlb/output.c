// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "fit.h"
#include "safe.h"

#define RESET  "\033[0m"
#define BOLD   "\033[1m"
#define DIM    "\033[2m"
#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"

#define CUT "~" /* stands for what there was no room for */

static const char *state_colour(const char *text)
{
	static const struct {
		const char *text, *colour;
	} colours[] = {
		{"up", GREEN},		{"down", RED},		{"drain", YELLOW},
		{"gone", DIM},		{"drop", RED},		{"pass", YELLOW},
		{"established", GREEN}, {"closing", DIM},	{"unproven", YELLOW},
		{"attack-begins", RED}, {"attack-ends", GREEN}, {"member-down", RED},
		{"member-up", GREEN},	{"ok", GREEN},		{"warn", YELLOW},
		{"bad", RED},
	};
	size_t i;

	for (i = 0; i < sizeof(colours) / sizeof(*colours); i++)
		if (!strcmp(colours[i].text, text))
			return colours[i].colour;
	return NULL;
}

static void print_blanks(int count)
{
	for (; count > 0; count--)
		putchar_unlocked(' ');
}

static void print_cell(const struct options *options, const char *text, size_t length,
		       const char *colour, int before, int after)
{
	bool coloured = options->colour && colour;

	print_blanks(before);
	if (coloured)
		fputs(colour, stdout);
	fwrite_unlocked(text, 1, length, stdout);
	if (coloured)
		fputs(RESET, stdout);
	print_blanks(after);
}

static size_t count_columns(const struct column *columns)
{
	size_t count = 0;

	while (columns[count].title)
		count++;
	return count;
}

/* A table on its way: a width of 0 is a column that is not shown. */
struct sheet {
	const struct options *options;
	const struct column *columns;
	size_t count, shown; /* columns, and one more than the last that is shown */
	size_t *widths;
};

static const char *colour_of(const struct sheet *sheet, size_t i, const char *text, bool head)
{
	if (head)
		return BOLD;
	return sheet->columns[i].kind == VALUE_STATE ? state_colour(text) : NULL;
}

/* What did not fit into the last column's line, in lines of its own. */
static void print_rest(const struct sheet *sheet, const char *text)
{
	size_t i, before = 0, width = sheet->widths[sheet->shown - 1];

	for (i = 0; i + 1 < sheet->shown; i++)
		if (sheet->widths[i])
			before += sheet->widths[i] + FIT_GAP;
	while (*(text += strspn(text, " "))) {
		size_t length = fit_line(text, width, true);

		printf("\n%*s%.*s", (int)before, "", (int)length, text);
		text += length;
	}
}

/*
 * A text that is too wide, with a mark behind what there is room for: of a list, that is whole
 * elements where there are any, for a piece of an address looks like another one.
 */
static void print_cut(const struct sheet *sheet, const char *text, size_t i, size_t gap)
{
	size_t width = sheet->widths[i], length = fit_line(text, width - 1, false), whole = length;
	char *cut;

	while (sheet->columns[i].kind == VALUE_LIST && whole && text[whole] != ',' &&
	       text[whole - 1] != ',')
		whole--;
	if (asprintf(&cut, "%.*s" CUT, (int)(whole ? whole : length), text) < 0)
		return;
	print_cell(sheet->options, cut, strlen(cut), colour_of(sheet, i, text, false), (int)gap,
		   i + 1 == sheet->shown ? 0 : (int)(width - safe_width(cut)));
	free(cut);
}

/* One row of cells, or the titles; the last one has no blanks after it. */
static void print_row(const struct sheet *sheet, char *const *cells)
{
	size_t i, gap = 0;

	for (i = 0; i < sheet->shown; i++) {
		const char *text = cells ? cells[i] : sheet->columns[i].title;
		bool right = cell_is_number(sheet->columns[i].kind), last = i + 1 == sheet->shown;
		bool flows = last && sheet->columns[i].kind == VALUE_TEXT;
		size_t width = sheet->widths[i], length, blanks;

		if (!width)
			continue;
		length = fit_line(text, width, flows);
		if (text[length] && !flows && width > 1) {
			print_cut(sheet, text, i, gap);
			gap = FIT_GAP;
			continue;
		}
		blanks = text[length] ? 0 : width - safe_width(text);
		print_cell(sheet->options, text, length, colour_of(sheet, i, text, !cells),
			   (int)(gap + (right ? blanks : 0)), right || last ? 0 : (int)blanks);
		if (flows)
			print_rest(sheet, text + length);
		gap = FIT_GAP;
	}
	putchar('\n');
}

/* A terminal has only so much room; who reads a pipe gets everything. */
static void fit_sheet(struct sheet *sheet, const char *const *spare)
{
	if (sheet->options->width)
		fit_columns(sheet->columns, sheet->count, spare, sheet->options->width,
			    sheet->widths);
	for (sheet->shown = sheet->count; sheet->shown > 1 && !sheet->widths[sheet->shown - 1];)
		sheet->shown--;
}

static void print_left_out(const struct sheet *sheet)
{
	size_t i, count = 0;

	for (i = 0; i < sheet->count; i++)
		count += !sheet->widths[i];
	if (count)
		printf("(%zu more columns: --wide)\n", count);
}

int output_table(const struct options *options, const struct column *columns, const json_t *items)
{
	return output_sheet(options, columns, NULL, items);
}

int output_sheet(const struct options *options, const struct column *columns,
		 const char *const *spare, const json_t *items)
{
	size_t i, row, count = count_columns(columns), rows = json_array_size(items);
	char **cells = calloc(rows * count + 1, sizeof(*cells));
	size_t *widths = calloc(count + 1, sizeof(*widths));
	struct sheet sheet = {options, columns, count, count, widths};
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
	fit_sheet(&sheet, spare);
	print_row(&sheet, NULL);
	for (row = 0; row < rows; row++)
		print_row(&sheet, cells + row * count);
	print_left_out(&sheet);
	code = 0;
release:
	for (i = 0; cells && i < rows * count; i++)
		free(cells[i]);
	free(cells);
	free(widths);
	return code;
}

#define ROWS_FIRST 1000

struct output_rows {
	struct sheet sheet;
	const char *const *spare;
	char **cells; /* of the first rows, until their widths are known */
	size_t kept;  /* cells */
	bool begun;
};

struct output_rows *output_rows_open(const struct options *options, const struct column *columns,
				     const char *const *spare)
{
	struct output_rows *rows = calloc(1, sizeof(*rows));
	size_t count = count_columns(columns);
	size_t *widths = calloc(count + 1, sizeof(*widths));
	char **cells = calloc(ROWS_FIRST * count, sizeof(*cells));

	if (!rows || !widths || !cells) {
		free(rows);
		free(widths);
		free(cells);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		widths[i] = strlen(columns[i].title);
	*rows = (struct output_rows){
		.sheet = {options, columns, count, count, widths}, .spare = spare, .cells = cells};
	return rows;
}

static void begin_rows(struct output_rows *rows)
{
	fit_sheet(&rows->sheet, rows->spare);
	print_row(&rows->sheet, NULL);
	for (size_t i = 0; i < rows->kept; i += rows->sheet.count)
		print_row(&rows->sheet, rows->cells + i);
	rows->begun = true;
}

/* A text that is wider than those of the first rows pushes the others to the right, on a pipe. */
static void print_late(struct output_rows *rows, char *const *cells)
{
	for (size_t i = 0; !rows->sheet.options->width && i < rows->sheet.count; i++) {
		size_t width = safe_width(cells[i]);

		if (width > rows->sheet.widths[i])
			rows->sheet.widths[i] = width;
	}
	print_row(&rows->sheet, cells);
}

int output_rows_add(struct output_rows *rows, char *const *cells)
{
	if (rows->begun) {
		print_late(rows, cells);
		return 0;
	}
	for (size_t i = 0; i < rows->sheet.count; i++) {
		size_t width = safe_width(cells[i]);
		char *copy = strdup(cells[i]);

		if (!copy)
			return -ENOMEM;
		rows->cells[rows->kept++] = copy;
		if (width > rows->sheet.widths[i])
			rows->sheet.widths[i] = width;
	}
	if (rows->kept == ROWS_FIRST * rows->sheet.count)
		begin_rows(rows);
	return 0;
}

void output_rows_close(struct output_rows *rows)
{
	if (!rows->begun)
		begin_rows(rows);
	print_left_out(&rows->sheet);
	for (size_t i = 0; i < rows->kept; i++)
		free(rows->cells[i]);
	free(rows->cells);
	free(rows->sheet.widths);
	free(rows);
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
		print_cell(options, columns[i].title, strlen(columns[i].title), BOLD, 0,
			   (int)(width + FIT_GAP - strlen(columns[i].title)));
		puts(text);
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
