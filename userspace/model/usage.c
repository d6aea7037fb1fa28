// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A reading as an hour ends may be so late, when there are many tenants, and is still of that hour.
 */
#define END_OF_HOUR 2

enum usage_how {
	USAGE_SUM,
	USAGE_MOST,
};

static const struct {
	const char *key, *unit, *sentence;
	enum usage_how how;
} kinds[] = {
#define USAGE(name, key, how, unit, sentence) {key, unit, sentence, USAGE_##how},
#include "usage.def"
#undef USAGE
};

_Static_assert(USAGE_KINDS <= 32, "usage.def outgrew the mask of its files");

const char *usage_key(enum usage_kind kind)
{
	return kinds[kind].key;
}

const char *usage_unit(enum usage_kind kind)
{
	return kinds[kind].unit;
}

const char *usage_sentence(enum usage_kind kind)
{
	return kinds[kind].sentence;
}

bool usage_is_sum(enum usage_kind kind)
{
	return kinds[kind].how == USAGE_SUM;
}

/* amounts */

bool usage_is_none(const struct usage *usage)
{
	for (int i = 0; i < USAGE_KINDS; i++)
		if (usage->value[i])
			return false;
	return true;
}

void usage_add(struct usage *to, const struct usage *more)
{
	for (int i = 0; i < USAGE_KINDS; i++) {
		if (usage_is_sum(i))
			to->value[i] += more->value[i];
		else if (more->value[i] > to->value[i])
			to->value[i] = more->value[i];
	}
}

bool usage_since(const struct usage *before, const struct usage *now, struct usage *ret_since)
{
	*ret_since = *now;
	for (int i = 0; i < USAGE_KINDS; i++)
		if (usage_is_sum(i) && now->value[i] < before->value[i])
			return false;
	for (int i = 0; i < USAGE_KINDS; i++)
		if (usage_is_sum(i))
			ret_since->value[i] -= before->value[i];
	return true;
}

/* time */

struct usage_place usage_place(uint64_t last, uint64_t now)
{
	uint64_t hour = now / USAGE_HOUR, before = last / USAGE_HOUR;

	if (!last || before == hour)
		return (struct usage_place){hour, false};
	/* the reading as an hour ends is of that hour */
	if (before + 1 == hour && now % USAGE_HOUR < END_OF_HOUR)
		return (struct usage_place){before, false};
	return (struct usage_place){hour, true};
}

uint64_t usage_wait_ns(uint64_t now_ns, uint32_t interval_s)
{
	const uint64_t hour_ns = USAGE_HOUR * 1000000000;
	uint64_t left = hour_ns - now_ns % hour_ns, wait = interval_s * 1000000000ULL;

	return left < wait ? left : wait;
}

int usage_parse_time(const char *text, uint64_t *ret_seconds)
{
	static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm utc = {}, asked;
		const char *end = strptime(text, forms[i], &utc);
		time_t seconds;

		if (!end || *end)
			continue;
		asked = utc;
		seconds = timegm(&utc);
		/* not the 31st of February, which timegm() takes for a day in March */
		if (seconds < 0 || utc.tm_mday != asked.tm_mday || utc.tm_mon != asked.tm_mon)
			return -EINVAL;
		*ret_seconds = (uint64_t)seconds;
		return 0;
	}
	return -EINVAL;
}

char *usage_format_time(uint64_t seconds, char text[USAGE_TIME_MAX])
{
	time_t time = (time_t)seconds;
	struct tm utc;

	if (!gmtime_r(&time, &utc) || !strftime(text, USAGE_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &utc))
		snprintf(text, USAGE_TIME_MAX, "?");
	return text;
}

/* books */

int usage_book_add(struct usage_book *book, const struct usage_key *key, const struct usage *usage,
		   bool approximate)
{
	struct usage_key clean = {.hour = key->hour};
	struct usage_row *row;

	/* what follows a name's end is part of the key */
	memcpy(clean.tenant, key->tenant, strnlen(key->tenant, sizeof(clean.tenant) - 1));
	HASH_FIND(hh, book->rows, &clean, sizeof(clean), row);
	if (!row) {
		row = calloc(1, sizeof(*row));
		if (!row)
			return -ENOMEM;
		row->key = clean;
		HASH_ADD(hh, book->rows, key, sizeof(row->key), row);
	}
	usage_add(&row->usage, usage);
	row->approximate |= approximate;
	return 0;
}

int usage_compare(const struct usage_key *a, const struct usage_key *b)
{
	uint64_t day_a = a->hour / 24, day_b = b->hour / 24;
	int names;

	if (day_a != day_b)
		return day_a < day_b ? -1 : 1;
	names = strcmp(a->tenant, b->tenant);
	return names ?: (a->hour > b->hour) - (a->hour < b->hour);
}

static int compare_rows(const void *a, const void *b)
{
	const struct usage_row *const *x = a, *const *y = b;

	return usage_compare(&(*x)->key, &(*y)->key);
}

int usage_book_sort(const struct usage_book *book,
		    bool (*wanted)(void *context, const struct usage_row *row), void *context,
		    const struct usage_row ***ret_rows, size_t *ret_count)
{
	const struct usage_row **rows = calloc(HASH_COUNT(book->rows) + 1, sizeof(const void *));
	size_t count = 0;

	*ret_rows = rows;
	*ret_count = 0;
	if (!rows)
		return -ENOMEM;
	for (const struct usage_row *row = book->rows; row; row = row->hh.next)
		if (!wanted || wanted(context, row))
			rows[count++] = row;
	qsort(rows, count, sizeof(const void *), compare_rows);
	*ret_count = count;
	return 0;
}

void usage_book_remove(struct usage_book *book, struct usage_row *row)
{
	HASH_DELETE(hh, book->rows, row);
	free(row);
}

void usage_book_fini(struct usage_book *book)
{
	struct usage_row *row, *next;

	HASH_ITER (hh, book->rows, row, next)
		usage_book_remove(book, row);
}
