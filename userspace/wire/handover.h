/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What mtlbd and a worker of the proxy say to one another, a message at a time over a socket pair,
 * with a descriptor where the message is about one. Both are of one version, and each takes the
 * other's words for what anybody might send. Pure.
 */
#ifndef MTLB_WIRE_HANDOVER_H
#define MTLB_WIRE_HANDOVER_H

#include <stddef.h>
#include <stdint.h>

#define HANDOVER_VERSION   7
#define HANDOVER_SOCKET_FD 3 /* the worker's end */
#define HANDOVER_KEEPER_FD 4 /* where its connections go when it is killed, see HEIRS */
#define HANDOVER_NAME_MAX  64
#define HANDOVER_TEXT_MAX  256

enum handover_type {
	/* to the worker */
	HANDOVER_TALLY = 1, /* with a memfd, before all else: count in it (model/l7/tally.h) */
	HANDOVER_IMAGE,	    /* with a sealed memfd: from here on this configuration */
	HANDOVER_TERM,	    /* with a map: generation is mtlbd's term, see place.h */
	HANDOVER_STATES,    /* with a memfd: states of the members of the image that comes next */
	HANDOVER_LISTEN,    /* with a listening socket */
	HANDOVER_UNLISTEN,
	HANDOVER_LOG,	/* with a pipe: the access log; without one: there is none */
	HANDOVER_DRAIN, /* it ends once its connections have */
	HANDOVER_STORE, /* with a sealed memfd: certificates of the next image, and those after */
	HANDOVER_TICKETS,
	HANDOVER_HEIRS, /* with a socket: connections of a worker that was killed come from there */
	/* from the worker */
	HANDOVER_HELLO,
	HANDOVER_TAKEN,	    /* the image is in use */
	HANDOVER_REFUSED,   /* it is not: text says why */
	HANDOVER_ALIVE,	    /* now and then */
	HANDOVER_INHERITED, /* all connections from the socket with this id have come */
	HANDOVER_EJECTED,   /* a member failed too often, and gets no requests for a while */
	HANDOVER_TYPES
};

struct handover_counts {
	uint64_t connections; /* now */
	uint64_t upstreams;   /* now */
	uint64_t accepted, shed, requests, refused, retries;
	uint64_t handshakes, handshakes_failed; /* of TLS; those that were shed have failed */
	uint64_t answers[6];			/* by hundreds of the status; 0: none of them */
};

#define HANDOVER_TICKETS_MAX 3

/* Keys of session tickets: new ones are made with the first, all are taken. */
struct handover_tickets {
	struct handover_ticket_key {
		uint8_t name[16], cipher[32], mac[32];
	} keys[HANDOVER_TICKETS_MAX];
	uint32_t count;
};

struct handover_message {
	uint32_t version, type;
	uint32_t id;	     /* of a listening socket, or one of HEIRS */
	uint32_t sample;     /* of the access log: one of so many requests */
	uint64_t generation; /* of an image */
	union {
		char name[HANDOVER_NAME_MAX]; /* of the listener in the image */
		char text[HANDOVER_TEXT_MAX];
		struct handover_counts counts;
		uint8_t query; /* the access log has queries as well */
		struct {
			uint64_t key;	   /* of a member, see image.h */
			uint32_t failures; /* in a row */
		} ejected;
		struct handover_tickets tickets;
	};
};

/* Whether these bytes are a message: 0; -EPROTO: of another version; -EINVAL: none. Texts have
 * their NUL then. */
int handover_check(const struct handover_message *message, size_t length);

#endif
