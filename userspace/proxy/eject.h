/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The circuit breaker of a member: after so many failures in a row it gets no requests for a while,
 * then one on trial, and, as that one ends, all of its own again or none for twice as long. One of
 * a pool, or half of it at most, is ejected: when more than that fails, it is not they who are to
 * blame, or there is nobody better.
 */
#ifndef MTLB_PROXY_EJECT_H
#define MTLB_PROXY_EJECT_H

#include "routing.h"

#define EJECT_FIRST_NS 10000000000ULL
#define EJECT_MOST_NS  300000000000ULL

/* It is not to be asked now, unless there is no other. */
static inline bool eject_holds(const struct upstream_member *member, uint64_t now)
{
	return member->ejected_until && (member->ejected_until > now || member->on_trial);
}

/* How a request, or an attempt to connect, ended for this member. */
void eject_failed(const struct routing *routing, uint32_t pool, struct upstream_member *member,
		  uint64_t now);
void eject_succeeded(const struct routing *routing, struct upstream_member *member, uint64_t now);

#endif
