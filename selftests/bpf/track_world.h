/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A node for track_model_test: the real program and maps, the real agent code without its loop, and
 * beside them what the test itself knows of every member. It makes changes as an operator and the
 * health checks would; it judges no packet.
 */
#ifndef MTLB_SELFTESTS_TRACK_WORLD_H
#define MTLB_SELFTESTS_TRACK_WORLD_H

#include "userspace/agent/reconcile.h"
#include "userspace/agent/sweep.h"

#define WORLD_TENANTS  24 /* histories that run side by side */
#define WORLD_SERVICES 3  /* of each */
#define WORLD_MEMBERS \
	9 /* that a service may have: 1 to 5 call for one size of table, 6 for another */
#define WORLD_PORTS	  2
#define WORLD_STAMP_SHIFT 22 /* 4.2 ms, a tick of the clock */
#define WORLD_SECOND	  1000000000ULL
#define WORLD_LEARN_S	  1

enum world_health {
	WORLD_UP,
	WORLD_DOWN,
	WORLD_CHECKING
};

struct world_member {
	bool present, drain;
	enum world_health health;
	uint32_t weight;
	uint64_t drain_since, down_since, gone_since;
	bool let_go;	    /* past a deadline: its flows may go anywhere */
	bool gone_for_sure; /* let go in an earlier sweep already */
};

struct world_service {
	uint8_t protocol;
	bool always, checked;
	uint32_t idle_s, drain_s, stick_s;
	struct world_member members[WORLD_MEMBERS];
	uint64_t next_change;
	uint64_t unplanned_at; /* the last change that could not wait for learning */
	bool ever_orphaned;    /* of an old owner: it was let go, or there was none */
};

struct world_tenant {
	uint32_t flows; /* quota */
	bool tight;	/* smaller than the flows it has */
	struct world_service services[WORLD_SERVICES];
};

struct world {
	struct dataplane *dataplane;
	struct registry registry;
	struct members members;
	struct sweep sweep;
	struct state running;
	struct world_tenant tenants[WORLD_TENANTS];
	unsigned int seed;
	bool sabotage; /* take the flags away after each change */
	unsigned long changes, sweeps, restarts, cleared;
};

void world_open(struct world *world, unsigned int seed);
void world_close(struct world *world);

uint32_t world_random(struct world *world, uint32_t below);
uint64_t world_now(void); /* CLOCK_MONOTONIC ns */

/* Something changes in one service: its configuration, or the health of a member. */
void world_change(struct world *world, uint32_t tenant, uint32_t service);
void world_sweep(struct world *world);
/* The agent dies and another adopts the maps. */
void world_restart(struct world *world);

/* May a new flow go to this member? Nobody may when all are gone. */
bool world_eligible(const struct world_service *service, uint32_t member);
bool world_any_ready(const struct world_service *service);
/* Is the kernel's table of this service learning now? */
bool world_learning(const struct world *world, uint32_t tenant, uint32_t service);

#endif
