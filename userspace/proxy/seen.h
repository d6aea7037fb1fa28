/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is seen of connections and requests, and counted where mtlbd reads it (model/l7/tally.h).
 * The machine of conn.h calls these where something happens; nothing it does depends on them.
 */
#ifndef MTLB_PROXY_SEEN_H
#define MTLB_PROXY_SEEN_H

#include <stdbool.h>
#include <stdint.h>

#include "../model/l7/tally.h"
#include "upstream.h"

struct conn;
struct routing;
struct worker;
struct h1_request;
struct seen_note;

struct seen {
	struct tally_tenant *tenant; /* whose the request at hand is, or was the last one */
	struct tally_times *times;
	struct tally_route *route; /* NULL: none */
	struct tally_tenant *home; /* who has this connection among its own; NULL: nobody yet */
	struct tally_tenant *left; /* who had it, until seen_leave() */
	bool open;		   /* a request is in flight */
	uint64_t began;
	uint64_t connected_at;		/* of the last attempt; 0: not yet */
	uint64_t first_byte_at;		/* of the answer; 0: not yet */
	uint64_t in, out;		/* bytes of the client's connection that are counted */
	uint64_t in_before, out_before; /* when the request began */
	uint64_t attempt_at;		/* the last one began */
	union upstream_address member;	/* that was asked, with attempt_at */
	uint32_t refused;		/* 1 + enum refusal; 0: it was not */
	struct seen_note *note;		/* for the access log; NULL: there is none */
};

void seen_open(struct conn *conn);
/* Bytes up to here; to be called now and then, as they come. */
void seen_bytes(struct conn *conn);
void seen_close(struct conn *conn);
/* Its answer has gone, and so has its client, presumably: it is no connection of its tenant's any
 * more. */
void seen_leave(struct conn *conn);
/* It has not. */
void seen_return(struct conn *conn);

/* A request whose tenant and route are known, as far as it has any. */
void seen_request(struct conn *conn);
/* Its head, as far as the log and traces want to know. */
void seen_head(struct conn *conn, const struct h1_request *request);
/* What the backend is to be told of its trace; NULL: nothing of ours. */
const char *seen_traceparent(const struct conn *conn);
bool seen_trace_begun(const struct conn *conn);
void seen_attempt(struct conn *conn, struct upstream_member *member);
/* A request, or a copy of one, goes to this member of the pool; or it has failed there. */
void seen_asked(struct worker *worker, const struct routing *routing, uint32_t pool,
		struct upstream_member *member);
void seen_pool_failed(struct worker *worker, const struct routing *routing, uint32_t pool,
		      unsigned why);
void seen_connected(struct conn *conn);
void seen_retry(struct conn *conn);
/* The attempt has failed, for a reason of enum image_retry. */
void seen_failed(struct conn *conn, unsigned why);
void seen_first_byte(struct conn *conn);
void seen_refused(struct conn *conn, enum refusal why);
/* It is answered, or will not be. */
void seen_end(struct conn *conn);

/* Where the tenant of this index of the image in use is counted. */
struct tally_tenant *seen_row(const struct worker *worker, uint32_t tenant);

enum seen_handshake {
	SEEN_FULL,
	SEEN_RESUMED,
	SEEN_FAILED,
	SEEN_SHED, /* there were too many of the tenant's */
};

/* tenant: seen_row() of whoever has the name; NULL: nobody, or there was no name. */
void seen_handshake(struct worker *worker, struct tally_tenant *tenant, enum seen_handshake how);

#endif
