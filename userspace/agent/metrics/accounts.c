// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "accounts.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct accounts {
	struct accounts_options options;
	bool counts;
	uint32_t free_places, first_free; /* no place before that one is free */
	uint32_t *at;			  /* by place, from 1: the tenant's index */
	uint32_t *lingering;		  /* indices; 0: that tenant is gone or has a place again */
	uint32_t lingering_count;
	struct accounts_tenant **tenants;
	uint64_t *others, *all;
	uint64_t ranked_at;
};

int accounts_new(const struct accounts_options *options, struct accounts **ret_accounts)
{
	struct accounts *accounts = calloc(1, sizeof(*accounts));

	if (!accounts)
		return -ENOMEM;
	accounts->options = *options;
	accounts->free_places = options->places;
	accounts->first_free = 1;
	accounts->at = calloc((size_t)options->places + 1, sizeof(*accounts->at));
	accounts->lingering = calloc(options->tenants, sizeof(*accounts->lingering));
	accounts->tenants = calloc(options->tenants, sizeof(struct accounts_tenant *));
	accounts->others = calloc(2 * (size_t)options->columns, sizeof(*accounts->others));
	if (!accounts->at || !accounts->lingering || !accounts->tenants || !accounts->others) {
		accounts_free(accounts);
		return -ENOMEM;
	}
	accounts->all = accounts->others + options->columns;
	*ret_accounts = accounts;
	return 0;
}

static void free_tenant(struct accounts_tenant *tenant)
{
	if (tenant)
		free(tenant->own);
	free(tenant);
}

void accounts_free(struct accounts *accounts)
{
	if (!accounts)
		return;
	for (uint32_t i = 0; accounts->tenants && i < accounts->options.tenants; i++)
		free_tenant(accounts->tenants[i]);
	free(accounts->tenants);
	free(accounts->others);
	free(accounts->lingering);
	free(accounts->at);
	free(accounts);
}

/* lingering: who is shown without a place. There is room for all: nobody is in it twice. */

static void linger(struct accounts *accounts, uint32_t index, uint64_t now)
{
	accounts->tenants[index]->until = now + ACCOUNTS_LINGER_NS;
	accounts->lingering[accounts->lingering_count++] = index;
}

static void end_linger(struct accounts *accounts, uint32_t index)
{
	if (!accounts->tenants[index]->until)
		return;
	accounts->tenants[index]->until = 0;
	for (uint32_t i = 0; i < accounts->lingering_count; i++)
		if (accounts->lingering[i] == index)
			accounts->lingering[i] = 0;
}

/* Keeps their order. */
static void end_lingers(struct accounts *accounts, uint64_t now)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < accounts->lingering_count; i++) {
		uint32_t index = accounts->lingering[i];

		if (index && accounts->tenants[index]->until > now)
			accounts->lingering[kept++] = index;
		else if (index)
			accounts->tenants[index]->until = 0;
	}
	accounts->lingering_count = kept;
}

/* So that no more series come and go than that. */
static bool may_leave(const struct accounts *accounts)
{
	uint32_t most = accounts->options.places / ACCOUNTS_LINGER_SHARE;

	return accounts->lingering_count < (most ? most : 1);
}

/* places */

static void leave(struct accounts *accounts, struct accounts_tenant *tenant)
{
	accounts->at[tenant->place] = 0;
	if (tenant->place < accounts->first_free)
		accounts->first_free = tenant->place;
	tenant->place = 0;
	accounts->free_places++;
}

/* False for want of memory: then it goes on as one of the others. */
static bool enter(struct accounts *accounts, uint32_t index, uint32_t place)
{
	struct accounts_tenant *tenant = accounts->tenants[index];

	if (!tenant->own)
		tenant->own = calloc(accounts->options.columns, sizeof(*tenant->own));
	if (!tenant->own)
		return false;
	end_linger(accounts, index);
	tenant->place = place;
	accounts->at[place] = index;
	accounts->free_places--;
	return true;
}

static uint32_t find_free(struct accounts *accounts)
{
	while (accounts->at[accounts->first_free])
		accounts->first_free++;
	return accounts->first_free;
}

int accounts_set_places(struct accounts *accounts, uint32_t places, uint64_t now)
{
	uint32_t *at = calloc((size_t)places + 1, sizeof(*at)), before = accounts->options.places;

	if (!at)
		return -ENOMEM;
	end_lingers(accounts, now);
	for (uint32_t place = 1; place <= before; place++) {
		uint32_t index = accounts->at[place];

		if (index && place > places) {
			leave(accounts, accounts->tenants[index]);
			linger(accounts, index, now);
		} else if (place <= places) {
			at[place] = index;
		}
	}
	accounts->free_places = accounts->free_places + places - before;
	accounts->options.places = places;
	accounts->first_free = 1;
	free(accounts->at);
	accounts->at = at;
	return 0;
}

void accounts_count(struct accounts *accounts, bool counts)
{
	accounts->counts = counts;
}

void accounts_part(struct accounts *accounts, uint32_t index)
{
	struct accounts_tenant *tenant = accounts->tenants[index];

	if (!tenant)
		return;
	end_linger(accounts, index);
	if (tenant->place)
		leave(accounts, tenant);
	tenant->gone = true;
}

static void forget(struct accounts *accounts, uint32_t index)
{
	accounts_part(accounts, index);
	free_tenant(accounts->tenants[index]);
	accounts->tenants[index] = NULL;
}

int accounts_meet(struct accounts *accounts, uint32_t index, uint64_t id, const char *name)
{
	const struct accounts_options *options = &accounts->options;
	struct accounts_tenant *tenant = accounts->tenants[index];

	if (tenant && (tenant->id != id || strcmp(tenant->name, name) != 0))
		forget(accounts, index);
	tenant = accounts->tenants[index];
	if (tenant)
		return 0;
	tenant = calloc(1, sizeof(*tenant) + options->columns * sizeof(tenant->last[0]));
	if (!tenant)
		return -ENOMEM;
	tenant->id = id;
	snprintf(tenant->name, sizeof(tenant->name), "%s", name);
	accounts->tenants[index] = tenant;
	/* the others wait for accounts_rank() */
	if (accounts->free_places)
		enter(accounts, index, find_free(accounts));
	return 0;
}

/* One that fell began anew behind the agent's back. */
void accounts_total(struct accounts *accounts, uint32_t index, uint32_t column, uint64_t total)
{
	struct accounts_tenant *tenant = accounts->tenants[index];
	uint64_t more;

	if (!tenant)
		return;
	more = total < tenant->last[column] ? total : total - tenant->last[column];
	tenant->last[column] = total;
	if (!more || !accounts->counts)
		return;
	(tenant->place ? tenant->own : accounts->others)[column] += more;
	accounts->all[column] += more;
	if (column < accounts->options.ranked)
		tenant->score += (double)more;
}

/* ranking */

static void age(struct accounts *accounts, uint64_t now)
{
	double kept = exp2(-(double)(now - accounts->ranked_at) / (double)ACCOUNTS_HALF_LIFE_NS);

	for (uint32_t i = 0; i < accounts->options.tenants; i++)
		if (accounts->tenants[i])
			accounts->tenants[i]->score *= kept;
	accounts->ranked_at = now;
}

struct candidate {
	double score;
	uint32_t index;
};

static int by_candidate(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;

	return (left->score > right->score) - (left->score < right->score);
}

/* Fills list with the tenants that have a place, or have none and a score above least; the least
 * first. */
static size_t list_tenants(const struct accounts *accounts, bool placed, double least,
			   struct candidate *list)
{
	size_t count = 0;

	for (uint32_t i = 0; i < accounts->options.tenants; i++) {
		const struct accounts_tenant *tenant = accounts->tenants[i];

		if (tenant && !tenant->gone && !tenant->place == !placed && tenant->score > least)
			list[count++] = (struct candidate){tenant->score, i};
	}
	qsort(list, count, sizeof(*list), by_candidate);
	return count;
}

static void take_over(struct accounts *accounts, uint32_t weakest, uint32_t index, uint64_t now)
{
	struct accounts_tenant *loser = accounts->tenants[weakest];
	uint32_t place = loser->place;

	leave(accounts, loser);
	if (enter(accounts, index, place))
		linger(accounts, weakest, now);
	else
		enter(accounts, weakest, place);
}

/* Without memory places stay as they are. */
void accounts_rank(struct accounts *accounts, uint64_t now)
{
	struct candidate *in = calloc(2 * (size_t)accounts->options.tenants, sizeof(*in));
	struct candidate *out = in ? in + accounts->options.tenants : NULL;
	size_t in_count, out_count, next = 0;
	double least;

	age(accounts, now);
	end_lingers(accounts, now);
	if (!in)
		return;
	in_count = list_tenants(accounts, true, -1, in);
	/* few or none of ten thousand: sorting all would take a millisecond */
	least = accounts->free_places ? -1 : in_count ? ACCOUNTS_AHEAD * in[0].score : 0;
	out_count = list_tenants(accounts, false, least, out);
	while (out_count && accounts->free_places &&
	       enter(accounts, out[out_count - 1].index, find_free(accounts)))
		out_count--;
	while (out_count && next < in_count && may_leave(accounts) &&
	       out[out_count - 1].score > ACCOUNTS_AHEAD * in[next].score)
		take_over(accounts, in[next++].index, out[--out_count].index, now);
	free(in);
}

uint32_t accounts_shown(const struct accounts *accounts)
{
	return accounts->options.places + accounts->lingering_count;
}

uint32_t accounts_shown_at(const struct accounts *accounts, uint32_t i)
{
	uint32_t places = accounts->options.places;

	if (i < places)
		return accounts->at[i + 1];
	return i - places < accounts->lingering_count ? accounts->lingering[i - places] : 0;
}

uint32_t accounts_at(const struct accounts *accounts, uint32_t place)
{
	return accounts->at[place];
}

uint32_t accounts_places(const struct accounts *accounts)
{
	return accounts->options.places;
}

const struct accounts_tenant *accounts_tenant(const struct accounts *accounts, uint32_t index)
{
	return accounts->tenants[index];
}

const uint64_t *accounts_others(const struct accounts *accounts)
{
	return accounts->others;
}

const uint64_t *accounts_all(const struct accounts *accounts)
{
	return accounts->all;
}
