/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of each thing on the node: the last row of it, what its counters do a second, and
 * what its first one did lately. Made of samples, one after the other. Pure.
 */
#ifndef MTLB_TOP_BOARD_H
#define MTLB_TOP_BOARD_H

#include <uthash.h>

#include "../../bpf/abi/reason.h"
#include "sample.h"

#define BOARD_HISTORY  32
#define BOARD_COUNTERS 3

struct entity {
	const char *key[RECORD_TEXTS]; /* its naming texts; the rest NULL */
	enum record_kind kind;
	struct row row;
	double rate[BOARD_COUNTERS];  /* a second; NAN: not known (yet) */
	float history[BOARD_HISTORY]; /* a ring */
	unsigned history_count;
	/* of a tenant: what was dropped a second, and the reason of most of it, NULL: none */
	double dropped, worst;
	const char *why;
	int reason;    /* of a drop: its place in reasons.def; -1: it has none */
	bool is_drop;  /* of a drop: board_is_drop() */
	uint32_t rank; /* its place among its kind by name */
	unsigned seen; /* number of the last sample that had it */
	UT_hash_handle hh;
};

struct totals {
	double packets, bytes, new_flows, dropped, active;
	double worst; /* of the reason below */
	const char *why;
	double busy, softirq; /* of all CPUs, from 0 to 1; NAN: not known */
	size_t tenants, cpus;
};

struct board {
	struct entity *entities[RECORD_KINDS]; /* by key */
	uint64_t at_ms[RECORD_KINDS];	       /* of the last sample that had the kind; 0: none */
	uint64_t now_ms;
	unsigned samples;
	struct totals totals;
	struct entity *dropper; /* the tenant of the last drop, while they are summed up */
	double by_reason[MTLB_REASON_COUNT]; /* dropped a second */
};

/* 0 or -ENOMEM. */
int board_update(struct board *board, const struct sample *sample);
void board_fini(struct board *board);

struct entity *board_find(const struct board *board, enum record_kind kind,
			  const char *const key[RECORD_TEXTS]);

/* The last ones of its history, the newest last; returns how many there are, at most count. */
unsigned board_history(const struct entity *entity, float *ret, unsigned count);

/* The share of its tightest limit that a tenant uses; NAN: it has none. ret_which: 'p', 'b' or 'f'.
 */
double board_meter(const struct entity *tenant, char *ret_which);
/* Of the time: of a CPU, or of what is full of a map. NAN: not known. */
double board_share(const struct entity *entity);
double board_softirq(const struct entity *cpu);

/* Is it a packet that was dropped, and not one that was passed or answered? */
bool board_is_drop(const char *reason);
/* What the reason means; "" for one of a newer agent. */
const char *board_sentence(const char *reason);

#endif
