/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Heads as they go on: written anew from what was understood, so that no two parsers can disagree,
 * without what is for one hop, with what says whom they come from, and with what filters change.
 * What a client says of that itself is left out, unless the listener trusts it. Pure.
 */
#ifndef MTLB_PROXY_FORWARD_H
#define MTLB_PROXY_FORWARD_H

#include "../base/addr.h"
#include "../model/l7/image.h"
#include "../wire/h1.h"

struct forward {
	const struct image *image;
	uint32_t route;
	uint32_t matched; /* of the path, see route.h */
	const struct addr *peer;
	bool trusted;
	bool tls;		 /* between the client and here */
	const char *client_cert; /* what is to be said of its certificate; NULL: nothing */
	bool upgrade;		 /* to WebSocket: passed on */
	const char *traceparent; /* ours; NULL: the client's goes on as it is */
	bool trace_begun;	 /* here: what the client says of one does not go on */
};

int forward_request(const struct forward *forward, const struct h1_request *request,
		    struct h1_writer *writer);

struct routing;

struct forward_reply {
	const struct image *image;
	uint32_t route;
	uint8_t minor;	 /* the client's */
	bool keep_alive; /* the client's connection goes on */
	bool upgrade;
	struct routing *routing; /* for a cookie that names the member; NULL: none is set */
	uint32_t pool, member;
};

int forward_reply(const struct forward_reply *forward, const struct h1_response *response,
		  struct h1_writer *writer);

/* 100 to 199, but 101: as it is. */
int forward_interim(const struct h1_response *response, struct h1_writer *writer);

/* Whether the request wants what is passed on. */
bool forward_is_upgrade(const struct h1_request *request);

/* The answer that a redirect gives, if the route has one: its length; 0: it has none; -ENOBUFS. */
int forward_redirect(const struct forward *forward, const struct h1_request *request,
		     bool keep_alive, struct h1_writer *writer);

unsigned forward_redirect_status(const struct forward *forward); /* 0: it has none */

#endif
