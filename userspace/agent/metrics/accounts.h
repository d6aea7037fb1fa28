/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which tenants have series of their own, and what is in them: what a tenant does is added to its
 * own account while it has a place, and to that of all others together while it has none. Nothing
 * is taken back or moved, so no series goes backwards, and growth that one series does not show
 * another one does. A tenant that loses its place is shown for a while longer, at a standstill:
 * what was added last would otherwise be seen by whoever scrapes first, and by nobody else. Pure:
 * knows numbers and times, no maps.
 */
#ifndef MTLB_AGENT_METRICS_ACCOUNTS_H
#define MTLB_AGENT_METRICS_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACCOUNTS_NAME_MAX     64
#define ACCOUNTS_HALF_LIFE_NS 300000000000ULL /* of what counts for a place */
#define ACCOUNTS_LINGER_NS    300000000000ULL /* how long it is shown without one */
#define ACCOUNTS_LINGER_SHARE 4		      /* a place in so many changes hands in that time */
#define ACCOUNTS_AHEAD	      2		      /* so many times more than who has the place */

struct accounts_options {
	uint32_t tenants; /* indices below this */
	uint32_t places;
	uint32_t columns; /* of an account */
	uint32_t ranked;  /* the first ones of them are what counts for a place */
};

/* A tenant, by its index. */
struct accounts_tenant {
	char name[ACCOUNTS_NAME_MAX];
	uint64_t id;	 /* another one when the index is another tenant's, or the tenant anew */
	bool gone;	 /* it gets no place any more */
	uint32_t place;	 /* from 1; 0: none */
	uint64_t until;	 /* without a place, shown to then; 0: it is not */
	double score;	 /* what counts for a place, the less the longer ago it was */
	uint64_t *own;	 /* its account; NULL: it never had a place */
	uint64_t last[]; /* totals, as they were */
};

struct accounts;

int accounts_new(const struct accounts_options *options, struct accounts **ret_accounts);
void accounts_free(struct accounts *accounts);

/* Places that are too many become free. 0 or -ENOMEM; then all is as before. */
int accounts_set_places(struct accounts *accounts, uint32_t places, uint64_t now);

/* Until it counts, totals are only noted: what was before nobody's series has. */
void accounts_count(struct accounts *accounts, bool counts);

/* The index is this tenant's now; it gets a place if one is free. 0 or -ENOMEM, then it is not
 * known. */
int accounts_meet(struct accounts *accounts, uint32_t index, uint64_t id, const char *name);
/* The tenant is gone: its series ends, and what is still added is the others', until somebody else
 * is met at the index. */
void accounts_part(struct accounts *accounts, uint32_t index);

/* The total of a column, which grows. Of a tenant that is not known, nothing. */
void accounts_total(struct accounts *accounts, uint32_t index, uint32_t column, uint64_t total);

/* After all that: places go to whom they belong. */
void accounts_rank(struct accounts *accounts, uint64_t now);

/* Who is shown, i from 0 to below this; 0: nobody. */
uint32_t accounts_shown(const struct accounts *accounts);
uint32_t accounts_shown_at(const struct accounts *accounts, uint32_t i);
/* Who has the place, from 1; 0: nobody. */
uint32_t accounts_at(const struct accounts *accounts, uint32_t place);
uint32_t accounts_places(const struct accounts *accounts);
/* NULL: not known. */
const struct accounts_tenant *accounts_tenant(const struct accounts *accounts, uint32_t index);
/* The account of all that have no place; and of all, whatever became of them. */
const uint64_t *accounts_others(const struct accounts *accounts);
const uint64_t *accounts_all(const struct accounts *accounts);

#endif
