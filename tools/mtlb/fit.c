// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "fit.h"

#include <string.h>

#define NARROW 12 /* a text is cut to no less while a column can be left out instead */
#define WORDS  24 /* of a text that goes on in the next line */

struct fit {
	const struct column *columns;
	size_t count;
	size_t *widths;
};

/* Only the last column may go on in the next line. */
static bool wraps(const struct fit *fit, size_t i)
{
	return i + 1 == fit->count && fit->columns[i].kind == VALUE_TEXT;
}

static size_t width_of_others(const struct fit *fit, size_t which)
{
	size_t i, sum = 0;

	for (i = 0; i < fit->count; i++)
		if (i != which && fit->widths[i])
			sum += fit->widths[i] + FIT_GAP;
	return sum;
}

static bool is_too_wide(const struct fit *fit, size_t room)
{
	size_t last = fit->count - 1, need = fit->widths[last];

	if (wraps(fit, last) && need > WORDS)
		need = WORDS;
	if (need)
		return width_of_others(fit, last) + need > room;
	return width_of_others(fit, last) > room + FIT_GAP;
}

static void leave_out_spare(struct fit *fit, const char *const *spare, size_t room)
{
	size_t i;

	for (; spare && *spare && is_too_wide(fit, room); spare++)
		for (i = 1; i < fit->count; i++)
			if (!strcmp(fit->columns[i].title, *spare))
				fit->widths[i] = 0;
}

/* The widest text gives way first, a character at a time. False when none can. */
static bool cut_widest(struct fit *fit)
{
	size_t i, widest = fit->count;

	for (i = 0; i < fit->count; i++) {
		enum value_kind kind = fit->columns[i].kind;

		if ((kind != VALUE_TEXT && kind != VALUE_LIST) || wraps(fit, i) ||
		    fit->widths[i] <= NARROW)
			continue;
		if (widest == fit->count || fit->widths[i] > fit->widths[widest])
			widest = i;
	}
	if (widest == fit->count)
		return false;
	fit->widths[widest]--;
	return true;
}

/* What stands to the right is left out, but for the words at the end; then these, too. */
static bool leave_out_last(struct fit *fit)
{
	size_t i = fit->count - 1;

	while (i && (!fit->widths[i] || wraps(fit, i)))
		i--;
	if (!i)
		i = fit->count - 1;
	if (!i || !fit->widths[i])
		return false;
	fit->widths[i] = 0;
	return true;
}

void fit_columns(const struct column *columns, size_t count, const char *const *spare, size_t room,
		 size_t *widths)
{
	struct fit fit = {columns, count, widths};
	size_t last = count - 1, others;

	if (!count)
		return;
	leave_out_spare(&fit, spare, room);
	while (is_too_wide(&fit, room) && cut_widest(&fit))
		;
	while (is_too_wide(&fit, room) && leave_out_last(&fit))
		;
	others = width_of_others(&fit, last);
	if (widths[last] && others + widths[last] > room)
		widths[last] = room > others ? room - others : 1;
	if (widths[0] > room)
		widths[0] = room ? room : 1;
}

static bool begins_character(char byte)
{
	return (byte & 0xc0) != 0x80;
}

size_t fit_line(const char *text, size_t width, bool words)
{
	size_t i, characters = 0, blank = 0;

	for (i = 0; text[i]; i++) {
		if (begins_character(text[i]) && characters++ == width)
			break;
		if (text[i] == ' ')
			blank = i;
	}
	if (!text[i] || !words || !blank || text[i] == ' ')
		return i;
	return blank;
}
