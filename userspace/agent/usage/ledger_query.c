// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "days.h"

/* Rows of a day's file and of the book, both in order, become rows of the answer. */
struct search {
	const struct ledger_query *query;
	const struct usage_row **fresh; /* of the book, of the day that is being read */
	size_t fresh_count, fresh_at;
	struct usage_row answer; /* that rows are still added to; no tenant: none */
	size_t count;
	bool more;
	void (*each)(void *context, const struct usage_row *row);
	void *context;
};

static bool is_wanted(const struct ledger_query *query, const struct usage_row *row)
{
	return row->key.hour >= query->from && row->key.hour < query->to &&
	       (!query->tenant || !strcmp(query->tenant, row->key.tenant));
}

/* 1: enough. */
static int flush(struct search *search)
{
	const struct usage_row *answer = &search->answer;
	const struct ledger_query *query = search->query;
	bool behind = !query->after.hour || usage_compare(&answer->key, &query->after) > 0;

	if (!answer->key.tenant[0] || !behind)
		return 0;
	if (search->count == query->limit) {
		search->more = true;
		return 1;
	}
	search->count++;
	search->each(search->context, answer);
	return 0;
}

/* Rows of one hour and tenant, from the file and from the book, come one after the other: so do all
 * of a day and tenant. What they are one row of the answer of is known when the next one comes. */
static int take_row(struct search *search, const struct usage_row *row)
{
	struct usage_row next = *row;
	int stop;

	if (!is_wanted(search->query, row))
		return 0;
	if (search->query->by_day)
		next.key.hour -= next.key.hour % 24;
	if (search->answer.key.tenant[0] && !usage_compare(&search->answer.key, &next.key)) {
		usage_add(&search->answer.usage, &next.usage);
		search->answer.approximate |= next.approximate;
		return 0;
	}
	stop = flush(search);
	search->answer = next;
	return stop;
}

/* Those of the book that come no later than row; NULL: all. */
static int take_fresh(struct search *search, const struct usage_row *row)
{
	int stop = 0;

	while (!stop && search->fresh_at < search->fresh_count) {
		const struct usage_row *fresh = search->fresh[search->fresh_at];

		if (row && usage_compare(&fresh->key, &row->key) > 0)
			break;
		search->fresh_at++;
		stop = take_row(search, fresh);
	}
	return stop;
}

#define NO_MORE_OF_IT 2 /* the file has nothing more of the tenant */

static int take_old(void *context, const struct usage_row *row)
{
	struct search *search = context;
	const char *tenant = search->query->tenant;

	if (tenant && strcmp(row->key.tenant, tenant) > 0)
		return NO_MORE_OF_IT;
	return take_fresh(search, row) ?: take_row(search, row);
}

/* Where the tenant, or what comes behind the last answer, begins; NULL: at the beginning. */
static const char *begin_of(const struct ledger_query *query, uint64_t day)
{
	if (query->tenant)
		return query->tenant;
	return query->after.hour && query->after.hour / 24 == day ? query->after.tenant : NULL;
}

/* 0, 1 when there is enough, or a negative errno. */
static int read_day(const struct ledger *ledger, struct search *search, uint64_t day,
		    size_t *damaged)
{
	const struct usage_row **all = search->fresh;
	size_t count = search->fresh_count;
	uint64_t merged = 0;
	size_t here = 0;
	int stop = days_merged(ledger->folder, day, &merged);

	if (stop && stop != -EBADMSG)
		return stop;
	search->fresh_at = 0;
	while (search->fresh_at < count && all[search->fresh_at]->key.hour / 24 < day)
		search->fresh_at++;
	search->fresh_count = search->fresh_at;
	/* what a merge that is not finished has written counts once */
	while (merged < ledger->number && search->fresh_count < count &&
	       all[search->fresh_count]->key.hour / 24 == day)
		search->fresh_count++;
	stop = days_read(ledger->folder, day, begin_of(search->query, day), take_old, search,
			 &here);
	*damaged += here;
	if (!stop || stop == NO_MORE_OF_IT)
		stop = take_fresh(search, NULL);
	search->fresh_count = count;
	return stop;
}

static bool may_be_wanted(void *context, const struct usage_row *row)
{
	const struct ledger_query *query = context;

	return is_wanted(query, row) && row->key.hour / 24 >= query->after.hour / 24;
}

/* The next day, from that one on, that there is a file of or a row in the book. */
static uint64_t next_day(const struct search *search, const uint64_t *days, size_t count,
			 uint64_t day)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < count && next == UINT64_MAX; i++)
		if (days[i] >= day)
			next = days[i];
	for (size_t i = 0; i < search->fresh_count; i++) {
		uint64_t here = search->fresh[i]->key.hour / 24;

		if (here >= day && here < next)
			next = here;
	}
	return next;
}

static int read_days(const struct ledger *ledger, struct search *search, const uint64_t *days,
		     size_t count, size_t *damaged)
{
	const struct ledger_query *query = search->query;
	uint64_t from = query->after.hour > query->from ? query->after.hour : query->from;
	uint64_t day = next_day(search, days, count, from / 24);
	int stop = 0;

	while (!stop && day != UINT64_MAX && day * 24 < query->to) {
		stop = read_day(ledger, search, day, damaged);
		day = next_day(search, days, count, day + 1);
	}
	return stop ?: flush(search);
}

int ledger_query(const struct ledger *ledger, const struct ledger_query *query,
		 void (*each)(void *context, const struct usage_row *row), void *context,
		 bool *ret_more, size_t *ret_damaged)
{
	struct search search = {.query = query, .each = each, .context = context};
	struct ledger_query may = *query;
	uint64_t *days = NULL;
	size_t count = 0;
	int error = usage_book_sort(&ledger->book, may_be_wanted, &may, &search.fresh,
				    &search.fresh_count);

	*ret_damaged = 0;
	error = error ?: days_list(ledger->folder, &days, &count);
	if (!error)
		error = read_days(ledger, &search, days, count, ret_damaged);
	free(search.fresh);
	free(days);
	*ret_more = search.more;
	return error < 0 ? error : 0;
}
