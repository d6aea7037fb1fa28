/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which member a client had. A cookie says it by a code (SipHash-2-4-128) of the pool and the
 * member, keyed by the image's secret: it tells nothing of either, nobody else can make one, and of
 * another pool, or another tenant, it is just wrong. Headers and addresses are hashed, for maglev.
 */
#ifndef MTLB_PROXY_SESSION_H
#define MTLB_PROXY_SESSION_H

#include "../wire/h1.h"
#include "routing.h"

/* The value of the first cookie of this name; at is NULL: there is none. */
struct h1_text session_cookie(const struct h1_head *head, struct h1_text name);

/* The member that the request's cookie names, of all pools of its route; false: there is none. */
bool session_find(struct routing *routing, uint32_t route, const struct h1_head *head,
		  uint32_t *ret_pool, uint32_t *ret_member);

/* Of a cookie, a header, or, where the request has none, the client's address. */
uint64_t session_hash(const struct image *image, enum image_hash_by by, struct image_text name,
		      const struct h1_head *head, const struct addr *peer);

/* What makes the client name this member from now on. */
void session_write(struct routing *routing, uint32_t route, uint32_t pool, uint32_t member,
		   struct h1_writer *writer);

#endif
