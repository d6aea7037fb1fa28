/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Usage for billing: what tenants sent and were sent, by the hour in UTC. Amounts are differences
 * of counters; the hour of one is told by the clock when they were read, which may have been set
 * wrong, or right, meanwhile. Pure: time is told, in seconds since 1970.
 */
#ifndef MTLB_MODEL_USAGE_H
#define MTLB_MODEL_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "state.h"

#define USAGE_HOUR     3600ULL
#define USAGE_DAY      (24 * USAGE_HOUR)
#define USAGE_TIME_MAX 32 /* text of a time */

enum usage_kind {
#define USAGE(name, key, how, unit, sentence) USAGE_##name,
#include "usage.def"
#undef USAGE
	USAGE_KINDS,
};

struct usage {
	uint64_t value[USAGE_KINDS];
};

const char *usage_key(enum usage_kind kind);
const char *usage_unit(enum usage_kind kind);
const char *usage_sentence(enum usage_kind kind);
bool usage_is_sum(enum usage_kind kind);

bool usage_is_none(const struct usage *usage);
void usage_add(struct usage *to, const struct usage *more);
/* What came since. false: a counter was larger before, so all of them began anew, and what there is
 * now is what came. What is no sum is taken as it is. */
bool usage_since(const struct usage *before, const struct usage *now, struct usage *ret_since);

/* Of which hour (counted from 1970) is what came between two readings? */
struct usage_place {
	uint64_t hour;
	bool approximate; /* some of it may be of another hour */
};

/* last 0: there was none. */
struct usage_place usage_place(uint64_t last, uint64_t now);
/* How long until the next reading: interval, but one comes as each hour ends. */
uint64_t usage_wait_ns(uint64_t now_ns, uint32_t interval_s);

/* "2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31T12:00Z": 0 or -EINVAL. */
int usage_parse_time(const char *text, uint64_t *ret_seconds);
char *usage_format_time(uint64_t seconds, char text[USAGE_TIME_MAX]);

/* What is of one tenant and hour. */
struct usage_key {
	uint64_t hour;
	char tenant[STATE_NAME_MAX];
};

struct usage_row {
	struct usage_key key;
	struct usage usage;
	bool approximate;
	UT_hash_handle hh;
};

/* Rows in memory; all zero is an empty one. */
struct usage_book {
	struct usage_row *rows;
};

/* 0 or -ENOMEM. */
int usage_book_add(struct usage_book *book, const struct usage_key *key, const struct usage *usage,
		   bool approximate);
/* Those that are wanted (NULL: all), by day, then tenant, then hour; to be freed. 0 or -ENOMEM. */
int usage_book_sort(const struct usage_book *book,
		    bool (*wanted)(void *context, const struct usage_row *row), void *context,
		    const struct usage_row ***ret_rows, size_t *ret_count);
int usage_compare(const struct usage_key *a, const struct usage_key *b);
void usage_book_remove(struct usage_book *book, struct usage_row *row);
void usage_book_fini(struct usage_book *book);

#endif
