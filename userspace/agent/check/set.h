/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What check.c keeps: the checks, their pools, and the probers that make them. */
#ifndef MTLB_AGENT_CHECK_SET_H
#define MTLB_AGENT_CHECK_SET_H

#include "check.h"

/* Without memory for the table a check is not added, and we can say so. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* Compared as bytes: always cleared before it is filled. */
struct key {
	char tenant[STATE_NAME_MAX];
	char pool[STATE_NAME_MAX];
	struct addr address;
	uint16_t port;
};

/* What its checks add up to. */
struct pool {
	struct pool_key {
		char tenant[STATE_NAME_MAX];
		char pool[STATE_NAME_MAX];
	} key; /* as struct key begins */
	size_t total, down;
	uint32_t threshold;
	bool panics;
	UT_hash_handle hh;
};

struct check {
	struct key key;
	struct pool *pool;
	struct checks *checks;
	UT_hash_handle hh;
	uint32_t id, generation;
	struct state_health settings;
	uint16_t port; /* the one probed */
	struct {       /* on whose behalf: the first service that has the pool */
		char name[STATE_NAME_MAX];
		uint8_t protocol;
		struct addr vip;
	} service;
	struct check_way way;
	struct health health;
	struct check_result result;
	bool wanted; /* by the state that checks_set is working through */
	bool fresh;  /* made by the very same checks_set */
	uint64_t
		fault_ns; /* when a fault of this node was last told, 0: the last result was none */
};

struct checks {
	struct loop *loop;
	struct checks_events events;
	/* The one given to the checks_set() that is at work. */
	enum health_state (*seed)(void *context, const char *tenant, const char *pool,
				  const struct addr *address, uint16_t port);
	/* Each asks for probes of its own kinds. A number may be marked at both: at the other one
	 * it is that of a probe that went.
	 */
	struct side {
		struct checks *checks;
		struct prober *prober; /* that of scripts: NULL when they are not allowed */
	} plain, scripts;
	struct check *table;
	struct pool *pools;
	struct check **by_id;
	uint32_t room, used; /* of numbers */
	uint32_t *free_ids;
	uint32_t free_count;
	uint32_t generation;
	uint64_t good, failed;	      /* results */
	char fault[PROBES_ERROR_MAX]; /* of this node, the last one logged */
	uint64_t fault_ns;
};

/* A check's pool is made with the first and goes with the last of them. 0 or -ENOMEM. */
int pools_join(struct check *check);
void pools_leave(struct check *check);
/* Whether it is believed may have changed: then events.panic is called. */
void pools_judge(struct checks *checks, struct pool *pool);

#endif
