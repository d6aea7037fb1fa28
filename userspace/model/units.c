// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first: formatting takes the first that divides evenly. */
static const struct unit durations[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {}};
static const struct unit counts[] = {{"G", 1000000000}, {"M", 1000000}, {"k", 1000}, {"", 1}, {}};
static const struct unit rates[] = {
	{"G/s", 1000000000}, {"M/s", 1000000}, {"k/s", 1000}, {"/s", 1}, {}};
static const struct unit plain[] = {{"", 1}, {}};

static int parse(const char *text, const struct unit *units, uint64_t *ret)
{
	uint64_t number = 0;
	bool fits = true;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	/* Go on after an overflow: "99999999999999999999x" is no number at all. */
	for (; *text >= '0' && *text <= '9'; text++)
		fits = fits && !__builtin_mul_overflow(number, 10, &number) &&
		       !__builtin_add_overflow(number, (uint64_t)(*text - '0'), &number);
	for (; units->name; units++) {
		if (strcmp(units->name, text) != 0)
			continue;
		if (!fits || __builtin_mul_overflow(number, units->factor, &number))
			return -ERANGE;
		*ret = number;
		return 0;
	}
	return -EINVAL;
}

int units_parse_number(const char *text, uint64_t *ret_number)
{
	return parse(text, plain, ret_number);
}

int units_parse_count(const char *text, uint64_t *ret_count)
{
	return parse(text, counts, ret_count);
}

int units_parse_duration(const char *text, uint64_t *ret_ms)
{
	return parse(text, durations, ret_ms);
}

int units_parse_rate(const char *text, uint64_t *ret_per_second)
{
	return parse(text, rates, ret_per_second);
}

static char *format(uint64_t number, const struct unit *unit, const char *zero, char *text)
{
	if (number == 0)
		return strcpy(text, zero);
	while (number % unit->factor)
		unit++;
	snprintf(text, UNITS_TEXT_MAX, "%" PRIu64 "%s", number / unit->factor, unit->name);
	return text;
}

char *units_format_duration(uint64_t ms, char text[UNITS_TEXT_MAX])
{
	return format(ms, durations, "0s", text);
}

char *units_format_count(uint64_t count, char text[UNITS_TEXT_MAX])
{
	return format(count, counts, "0", text);
}

char *units_format_rate(uint64_t per_second, char text[UNITS_TEXT_MAX])
{
	return format(per_second, rates, "0/s", text);
}
