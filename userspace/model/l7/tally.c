// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tally.h"

#include <errno.h>
#include <stdbool.h>

const char *const refusal_names[REFUSALS] = {
#define REFUSAL(name, status, sentence) #name,
#include "refusals.def"
#undef REFUSAL
};

const char *const refusal_sentences[REFUSALS] = {
#define REFUSAL(name, status, sentence) sentence,
#include "refusals.def"
#undef REFUSAL
};

static const unsigned refusal_statuses[REFUSALS] = {
#define REFUSAL(name, status, sentence) status,
#include "refusals.def"
#undef REFUSAL
};

enum refusal refusal_of(unsigned status)
{
	for (int i = 0; i < REFUSALS; i++)
		if (status && refusal_statuses[i] == status)
			return (enum refusal)i;
	return status >= 400 && status < 500 ? REFUSAL_bad_request : REFUSAL_internal;
}

/* where the rows are */

static size_t times_at(uint32_t tenants)
{
	return sizeof(struct tally_head) + tenants * sizeof(struct tally_tenant);
}

static size_t pools_at(uint32_t tenants)
{
	return times_at(tenants) + tenants * sizeof(struct tally_times);
}

static size_t routes_at(uint32_t tenants, uint32_t pools)
{
	return pools_at(tenants) + pools * sizeof(struct tally_pool);
}

size_t tally_size(uint32_t tenants, uint32_t pools, uint32_t routes)
{
	return routes_at(tenants, pools) + routes * sizeof(struct tally_route);
}

void tally_begin(void *base, uint32_t tenants, uint32_t pools, uint32_t routes)
{
	*(struct tally_head *)base = (struct tally_head){
		.magic = TALLY_MAGIC,
		.version = TALLY_VERSION,
		.head_size = sizeof(struct tally_head),
		.tenants = tenants,
		.pools = pools,
		.routes = routes,
	};
}

int tally_open(void *base, size_t size, struct tally *ret_tally)
{
	const struct tally_head head = *(struct tally_head *)base;

	if (size < sizeof(head) || head.magic != TALLY_MAGIC || head.version != TALLY_VERSION ||
	    head.head_size != sizeof(head) || !head.tenants || !head.pools || !head.routes ||
	    size < tally_size(head.tenants, head.pools, head.routes))
		return -EINVAL;
	*ret_tally = (struct tally){
		.base = base,
		.size = size,
		.tenants_count = head.tenants,
		.pools_count = head.pools,
		.routes_count = head.routes,
		.tenants = (void *)((char *)base + sizeof(head)),
		.times = (void *)((char *)base + times_at(head.tenants)),
		.pools = (void *)((char *)base + pools_at(head.tenants)),
		.routes = (void *)((char *)base + routes_at(head.tenants, head.pools)),
	};
	return 0;
}

/* sums */

static void settle(uint64_t *gauge)
{
	__atomic_store_n(gauge, 0, __ATOMIC_RELAXED);
}

void tally_settle_tenant(struct tally_tenant *tenant)
{
	/* what was in flight was not answered, and is at its end */
	tally_add(&tenant->answers[0], tenant->requests_open);
#define TENANT_GAUGE(name, sentence) settle(&tenant->name);
#include "tally.def"
}

void tally_settle_pool(struct tally_pool *pool)
{
#define POOL_GAUGE(name, sentence) settle(&pool->name);
#include "tally.def"
}

static void sum(uint64_t *to, const uint64_t *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* Each of them is an array of numbers. */
#define SUM(to, from) \
	sum((uint64_t *)(void *)(to), (const uint64_t *)(const void *)(from), sizeof(*(to)) / 8)

void tally_sum_tenant(struct tally_tenant *to, const struct tally_tenant *from)
{
	SUM(to, from);
}

void tally_sum_times(struct tally_times *to, const struct tally_times *from)
{
	SUM(to, from);
}

void tally_sum_pool(struct tally_pool *to, const struct tally_pool *from)
{
	SUM(to, from);
}

void tally_sum_route(struct tally_route *to, const struct tally_route *from)
{
	SUM(to, from);
}
