/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One worker process: its loop and all that its connections share. Workers share nothing with one
 * another but listening sockets' ports and the pages of the image.
 */
#ifndef MTLB_PROXY_WORKER_H
#define MTLB_PROXY_WORKER_H

#include "../base/addr.h"
#include "../model/l7/tally.h"
#include "access_log.h"
#include "held.h"
#include "journal.h"
#include "pipes.h"
#include "routing.h"
#include "tls_server.h"
#include "turns.h"

#define WORKER_LISTENER_NAME_MAX 64

struct conn;
struct heirs;
struct worker;

/* A listening socket. Of one listener there may be several, one for each of its addresses. */
struct listener {
	struct loop_fd fd;
	struct loop_timer rested;
	struct worker *worker;
	struct listener *next;
	uint32_t id; /* whoever handed it over calls it so */
	char name[WORKER_LISTENER_NAME_MAX];
	uint32_t index;	  /* of the image in use; IMAGE_NONE: it has no such listener */
	unsigned conns;	  /* that came by it: it stays until they are gone */
	unsigned burst;	  /* taken at a time */
	uint64_t full_in; /* the round in which so many were there, and maybe more */
	bool closed;
};

struct worker_counts {
	uint64_t accepted, shed, requests, refused, retries, answers[6]; /* by hundreds */
};

/* Nanoseconds. */
struct worker_limits {
	uint64_t idle;	  /* between requests */
	uint64_t head;	  /* from the first byte of a head to its last */
	uint64_t connect; /* of one attempt */
	uint64_t pending; /* for a pool to have room */
	uint64_t reply;	  /* a backend's silence */
	uint64_t body;	  /* a client's, or a backend's, that takes or gives too little */
	uint64_t stall;	  /* a client that takes nothing, where its tenant has too many of those */
	uint64_t tunnel;  /* silence on both sides */
	uint64_t linger;  /* for a client that is to close */
	uint64_t quiet;	  /* before it is looked whether it has */
	unsigned conns;	  /* at a time */
	unsigned pipes_of_tenant;
	bool can_splice, splice;
};

struct worker {
	struct loop *loop;
	struct wheel wheel;
	struct buffers buffers;
	struct pipes pipes;
	struct upstreams upstreams;
	struct tls_shared tls;
	struct vault *vault;	 /* for the next image; NULL: none has come yet */
	struct routing *routing; /* NULL: none has come yet */
	struct listener *listeners;
	struct mirror *mirrors; /* see mirror.h */
	unsigned mirror_count;
	struct conn *conns;
	unsigned conn_count;
	struct conn *idle_first, *idle_last; /* see idle.h */
	unsigned idle_homeless;
	struct turns turns; /* of its connections that have something to do */
	bool leaving;	    /* another one has its place: clients are to go there */
	struct loop_timer leave_timer;
	bool draining;			/* no request after the one at hand */
	void (*drained)(void *context); /* the last connection has gone */
	void *drained_context;
	uint64_t random;
	uint64_t stranger_secret; /* see conn_turn.c */
	uint64_t shortage_told;	  /* when it was last told of; 0: never */
	struct worker_limits limits;
	struct worker_counts counts;
	struct access_log log;
	struct tally tally; /* mtlbd's, or its own until that comes */
	uint64_t *pace;	    /* of handshakes, of each row of tenants: see pace.h */
	struct held held;
	struct journal *journal; /* the caller's; NULL: its connections end with it */
	struct heirs *heirs;	 /* see heirs.h */
	void (*inherited)(void *context, uint32_t id);
	void *inherited_context;
};

extern const struct worker_limits worker_limits_default;

int worker_init(struct worker *worker, struct loop *loop, const struct worker_limits *limits);
/* Before the first connection: it tells in there what comes of them. ready: of its buffers. */
void worker_keep_journal(struct worker *worker, struct journal *journal, uint32_t ready);
void worker_fini(struct worker *worker);

/* Counts in this memory of mtlbd's from here on, which stays the caller's as a descriptor. Before
 * the first connection. 0 or a negative errno. */
int worker_count_in(struct worker *worker, int fd);

/* Takes the reference: what images that come from here on name is in there. */
void worker_use_vault(struct worker *worker, struct vault *vault);

/* Takes the reference; connections go on with what they have until their next request. */
void worker_use(struct worker *worker, struct routing *routing);

/* A listening socket, which is the worker's from here on. 0 or a negative errno. */
int worker_listen(struct worker *worker, uint32_t id, const char *name, int fd);
/* Its connections stay. */
void worker_unlisten(struct worker *worker, uint32_t id);
/* Others get the new connections: what is on its way here is still taken, whoever sends a request
 * on a connection that is kept is told that it ends with the answer, and then it drains. */
void worker_leave(struct worker *worker);
/* No new connections, and none of those that are here has another request. */
void worker_drain(struct worker *worker);

/* The answer at hand is the last one on its connection. */
static inline bool worker_goes(const struct worker *worker)
{
	return worker->draining || worker->leaving;
}

uint64_t worker_random(struct worker *worker);
void listener_put(struct listener *listener);

#endif
