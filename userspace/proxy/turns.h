/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose turn it is in a worker that has more to do than it can do at once: a tenant with a thousand
 * connections that want something waits for its own share, and one with a single request does not
 * wait for the thousand.
 *
 * Deficit round robin over tenants (Shreedhar and Varghese, SIGCOMM 1995), where what a turn costs
 * is the time it took, known afterwards, so that a queue may come to owe some. What it owes is
 * forgiven while it wants nothing, at the pace of the clock. A queue that was empty, and owes
 * nothing, goes before those that were not, once (RFC 8290, 4.1 and 4.2). After TURNS_SPAN_NS the
 * loop is asked for what has come meanwhile.
 *
 * Memory for a queue each is the caller's to ask for; nothing is allocated for a turn.
 */
#ifndef MTLB_PROXY_TURNS_H
#define MTLB_PROXY_TURNS_H

#include "../sys/loop.h"

#define TURNS_SPAN_NS	 100000ULL
#define TURNS_QUANTUM_NS 5000LL	 /* for a weight of 1 */
#define TURNS_FIRST_NS	 50000LL /* at most, before those who wait */
#define TURNS_OWED_MOST	 2000000LL

struct turn {
	struct turn *next, *previous;
	uint32_t queue; /* 1 + its number; 0: it does not wait */
};

struct turn_queue {
	struct turn *first, *last;
	struct turn_queue *next; /* in the list it is in */
	int64_t credit;		 /* ns; less than 0: it owes some */
	uint64_t empty_at;	 /* when it left its list */
	uint32_t weight;	 /* 0: 1 */
	uint8_t list;		 /* which one */
};

struct turns_list {
	struct turn_queue *first, *last;
};

struct turns {
	struct loop *loop;
	struct loop_task task;
	struct turn_queue *queues;
	struct turns_list fresh, rota;
	/* Does what can be done; returns whom the time is charged to. The turn may be gone. */
	uint32_t (*take)(struct turn *turn);
	uint64_t (*clock)(void); /* ns */
};

/* count: queues, which are numbered from 0. 0 or -ENOMEM. */
int turns_init(struct turns *turns, struct loop *loop, uint32_t count,
	       uint32_t (*take)(struct turn *turn));
/* Nobody waits. */
void turns_fini(struct turns *turns);

/* At the end of its queue, unless it waits in one already. weight: of the queue from here on; 0: as
 * it was, which is 1 at first. */
void turns_wait(struct turns *turns, struct turn *turn, uint32_t queue, uint32_t weight);
void turns_leave(struct turns *turns, struct turn *turn);

#endif
