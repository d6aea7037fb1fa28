/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections to backends. Each member of a pool has those that wait for the next request, the one
 * used last on top, and what is known of it from using it: requests in flight, failures in a row.
 * Members are found by their key, which is the same in every image, so a reload loses none of this.
 */
#ifndef MTLB_PROXY_UPSTREAM_H
#define MTLB_PROXY_UPSTREAM_H

#include <netinet/in.h>

#include <uthash.h>

#include "../base/addr.h"
#include "../model/l7/tally.h"
#include "channel.h"
#include "ewma.h"
#include "wheel.h"

union upstream_address {
	struct sockaddr any;
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;
	struct sockaddr_storage room;
};

struct upstream;
struct tls_backend;

struct upstream_member {
	uint64_t key;
	union upstream_address address;
	struct upstream *idle; /* the one used last first */
	unsigned idle_count;
	unsigned connections, requests; /* all; in flight */
	unsigned refs;			/* images that have it */
	unsigned failures;		/* in a row */
	uint64_t ejected_until;		/* see eject.h; 0: it is not */
	uint64_t ejected_for, readmitted_at;
	bool on_trial; /* has the one request that is to show whether it works again */
	struct ewma cost;
	int64_t credit;		  /* see balance.c */
	struct tally_pool *tally; /* of its pool */
	UT_hash_handle hh;
};

struct upstream {
	struct channel channel;
	struct upstream_member *member;
	struct upstreams *owner;
	struct upstream **list;		  /* while idle: its member's, or its client's */
	struct upstream *next, *previous; /* while idle */
	struct wheel_timer timer;	  /* while idle */
	void *user;			  /* NULL: idle */
	bool reached;			  /* by TCP */
	bool connected;			  /* and its handshake is done, if it has one */
	uint64_t tls_key;		  /* of struct tls_backend that it was made with; 0: none */
	bool on_trial; /* its request is the one that shows whether its member works again */
	bool reused;   /* it has served a request before: it may just be going away */
	bool told;     /* whose it is: it serves that client alone */
	bool mirrors;  /* its user is a copy of a request, see mirror.h */
};

struct upstreams {
	struct loop *loop;
	struct wheel *wheel;
	struct buffers *buffers;
	struct upstream_member *members;
	struct pending *pending; /* of pools, see pending.h */
	/* Something has changed for the user of a connection. */
	void (*ready)(void *user, struct upstream *upstream, uint32_t events);
	/* A member gets no requests for a while. May be NULL. */
	void (*ejected)(void *context, const struct upstream_member *member);
	void *ejected_context;
	unsigned idle_most; /* of a member */
	uint64_t idle_ns;
	unsigned connections, idle;
};

void upstreams_fini(struct upstreams *upstreams);

void upstream_address_of(const struct sockaddr *from, struct addr *ret_address, uint16_t *ret_port);

/* The member with this key, which is made if there is none. NULL: no memory. Each call is one more
 * reference. */
struct upstream_member *upstream_member_get(struct upstreams *upstreams, uint64_t key,
					    const struct sockaddr *address);
/* The same, but none is made. */
struct upstream_member *upstream_member_find(struct upstreams *upstreams, uint64_t key);
void upstream_member_put(struct upstreams *upstreams, struct upstream_member *member);

/*
 * A connection for one request: one that waits, unless it is to be fresh, or one that is about to
 * be made (connected is false). kept: the client's own, for a member that is told whose a
 * connection is; none of the others is taken then, and told is for the caller to set. NULL: those
 * of the member. tls: how TLS is spoken on it, NULL: not at all; one that was made in another way
 * is closed. 0 or a negative errno, of tls_backend_open() as well.
 */
int upstream_take(struct upstreams *upstreams, struct upstream_member *member,
		  struct upstream *const *kept, const struct tls_backend *tls, void *user,
		  bool fresh, struct upstream **ret_upstream);
/* It is connected by now? 1; 0: not yet; else a negative errno, as of tls_backend_handshake(). */
int upstream_check(struct upstream *upstream);
/* The request is over, and another one may use the connection: anybody's, or, if its member was
 * told whose it is, one of the client's, who has it among these. */
void upstream_release(struct upstream *upstream, struct upstream **kept);
void upstream_close(struct upstream *upstream);

#endif
