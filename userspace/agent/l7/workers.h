/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The processes of the L7 tier, as their supervisor sees them: starts so many mtlb-proxy, hands
 * each its listening sockets and the image in use, and starts another one when one dies or falls
 * silent. The sockets are kept here, so that who dies takes no connection along that it had not
 * accepted.
 */
#ifndef MTLB_AGENT_L7_WORKERS_H
#define MTLB_AGENT_L7_WORKERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "../../sys/loop.h"
#include "../../wire/handover.h"

#define WORKERS_MAX 64

struct scribe;
struct tallies;

struct workers_options {
	const char *path; /* of the program; NULL: beside this one */
	unsigned count;
	struct tallies *tallies; /* where they count; NULL: each for itself */
	uint64_t term;		 /* see place.h; 0: workers end with this process */
	int terms;		 /* its map, which stays the caller's */
	/* A worker has taken an image, and knows its sockets. May be NULL. */
	void (*ready)(void *context);
	/* A worker ejected the member with this key after so many failures. May be NULL. */
	void (*ejected)(void *context, unsigned worker, uint64_t key, uint32_t failures);
	void *context;
};

struct workers_status {
	pid_t pid;		       /* 0: it does not run */
	bool answers;		       /* it has said hello */
	uint64_t starts;	       /* so far */
	uint64_t generation;	       /* of the image that it uses; 0: none */
	struct handover_counts counts; /* of this process */
	const char *reason;	       /* why the last one went; empty when none ever did */
};

struct workers;

int workers_new(struct loop *loop, const struct workers_options *options,
		struct workers **ret_workers);
void workers_free(struct workers *workers);
/* The same, but they go on serving, on sockets that are theirs alone then, until their term is
 * over.
 */
void workers_leave(struct workers *workers);
unsigned workers_count(const struct workers *workers);

/* image: a sealed memfd, which is the workers' from here on. states: one with a byte for each
 * member of it, not 0 while the member is down; it stays the caller's, for as long. -1: all are up.
 */
void workers_use(struct workers *workers, int image, int states, uint64_t generation);

/* The same, of the certificates that the next image names. */
void workers_store(struct workers *workers, int store);
/* Stays the caller's, who calls again when it changes. */
void workers_tickets(struct workers *workers, const struct handover_tickets *tickets);
/* Who writes their access log; NULL: there is none. */
void workers_log(struct workers *workers, struct scribe *scribe, uint32_t sample, bool query);

/* A listening socket for each of them, in their order; they are the workers' from here on. 0, or
 * -ENOMEM: they are still the caller's. */
int workers_listen(struct workers *workers, uint32_t id, const char *name, const int *sockets);
void workers_unlisten(struct workers *workers, uint32_t id);

void workers_status(const struct workers *workers, unsigned number,
		    struct workers_status *ret_status);

#endif
