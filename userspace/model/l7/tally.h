/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a worker counts, in memory that it shares with mtlbd: a region for each worker, which that
 * worker alone writes, by plain stores, and mtlbd reads at any time. So no two workers share a
 * cache line, nobody waits for anybody, and what was counted stays when the worker is gone. The
 * next one goes on where it ended.
 *
 * A region has rows, of tenants, pools and routes. Which row is whose says mtlbd, in the image; row
 * 0 is nobody's. A row is never given to somebody else, as a request that goes on for an hour may
 * still be counted there. The region has room for more rows than there will be, since pages that
 * nobody touched cost nothing.
 */
#ifndef MTLB_MODEL_L7_TALLY_H
#define MTLB_MODEL_L7_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "histogram.h"

#define TALLY_VERSION 8
#define TALLY_MAGIC   UINT64_C(0x31796c6c61743770)
#define TALLY_LINE    64

enum refusal {
#define REFUSAL(name, status, sentence) REFUSAL_##name,
#include "refusals.def"
#undef REFUSAL
	REFUSALS
};

extern const char *const refusal_names[REFUSALS];
extern const char *const refusal_sentences[REFUSALS];
/* Of an answer with this status, about which nothing closer was said. */
enum refusal refusal_of(unsigned status);

#define TALLY_STATUSES 6 /* by hundreds; 0: none was given */

struct tally_tenant {
#define TENANT_COUNT(name, sentence) uint64_t name;
#define TENANT_GAUGE(name, sentence) uint64_t name;
#include "tally.def"
	uint64_t answers[TALLY_STATUSES];
	uint64_t refused[REFUSALS];
} __attribute__((aligned(TALLY_LINE)));

/* Apart, so that who is idle costs no page of it. */
struct tally_times {
	struct histogram request;    /* from its head to the end of its answer; no tunnels */
	struct histogram first_byte; /* of a backend, from when it was asked */
} __attribute__((aligned(TALLY_LINE)));

struct tally_pool {
#define POOL_COUNT(name, sentence) uint64_t name;
#define POOL_GAUGE(name, sentence) uint64_t name;
#include "tally.def"
} __attribute__((aligned(TALLY_LINE)));

struct tally_route {
	uint64_t requests;
	uint64_t answers[TALLY_STATUSES];
	struct histogram request;
} __attribute__((aligned(TALLY_LINE)));

struct tally_head {
	uint64_t magic;
	uint32_t version, head_size;
	uint32_t tenants, pools, routes; /* rows */
	uint32_t reserved;
} __attribute__((aligned(TALLY_LINE)));

struct tally {
	void *base;
	size_t size;
	uint32_t tenants_count, pools_count, routes_count;
	struct tally_tenant *tenants;
	struct tally_times *times; /* of tenants */
	struct tally_pool *pools;
	struct tally_route *routes;
};

size_t tally_size(uint32_t tenants, uint32_t pools, uint32_t routes);
/* base: so many bytes, of zeros. */
void tally_begin(void *base, uint32_t tenants, uint32_t pools, uint32_t routes);
/* 0; -EINVAL: it is none. base must stay. */
int tally_open(void *base, size_t size, struct tally *ret_tally);

/* What nobody else writes needs no more than to be written in one piece. */
static inline void tally_add(uint64_t *count, uint64_t more)
{
	__atomic_store_n(count, *count + more, __ATOMIC_RELAXED);
}

static inline void tally_one(uint64_t *count)
{
	tally_add(count, 1);
}

/* Of a gauge. */
static inline void tally_less(uint64_t *count)
{
	tally_add(count, UINT64_MAX);
}

static inline void tally_time(struct histogram *histogram, uint64_t ns)
{
	tally_one(&histogram->buckets[histogram_bucket(ns)]);
	tally_add(&histogram->sum_ns, ns);
}

/* Gauges of a worker that is gone: there is nothing of it left. */
void tally_settle_tenant(struct tally_tenant *tenant);
void tally_settle_pool(struct tally_pool *pool);

/* Sums, for whoever reads. */
void tally_sum_tenant(struct tally_tenant *to, const struct tally_tenant *from);
void tally_sum_times(struct tally_times *to, const struct tally_times *from);
void tally_sum_pool(struct tally_pool *to, const struct tally_pool *from);
void tally_sum_route(struct tally_route *to, const struct tally_route *from);

#endif
