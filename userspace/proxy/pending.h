/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many requests a pool has at a time (circuitBreaker.maxRequests), and those that wait for one
 * of them to end: in the order in which they came, so many at most, and for so long. What is
 * counted is the pool's, whichever image a request began with.
 */
#ifndef MTLB_PROXY_PENDING_H
#define MTLB_PROXY_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

struct conn;
struct upstreams;

struct pending {
	uint64_t key; /* of the pool */
	unsigned refs;
	unsigned requests, waiting;
	struct conn *first, *last;
	UT_hash_handle hh;
};

/* Each is one more reference. NULL: no memory. */
struct pending *pending_get(struct upstreams *upstreams, uint64_t key);
void pending_put(struct upstreams *upstreams, struct pending *pending);

enum pending_result {
	PENDING_ADMITTED,
	PENDING_WAITS,
	PENDING_FULL, /* so many have requests, and so many wait */
};

/* The request at hand, whose pool is known. */
enum pending_result pending_enter(struct conn *conn);
/* It is over, or waits no longer: then whoever waits for longest has his turn. */
void pending_leave(struct conn *conn);

#endif
