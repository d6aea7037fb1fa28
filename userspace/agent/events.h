/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What happened on this node that an operator may have to act on: attacks on tenants, backends that
 * went down or came back. Keeps the last ones, logs nothing, and tells those who watch. When there
 * is no room the oldest one of the tenant that has most goes, so that one tenant's trouble does not
 * push out what is known of the others.
 */
#ifndef MTLB_AGENT_EVENTS_H
#define MTLB_AGENT_EVENTS_H

#include <jansson.h>
#include <stdint.h>

#define EVENTS_KEPT 512

/* Kinds; one that is not here is counted as none of them. */
enum events_kind {
#define EVENT(id, name) EVENTS_##id,
#include "events.def"
#undef EVENT
	EVENTS_KINDS,
};

struct events;
struct watchers;

int events_new(struct watchers *watchers, struct events **ret_events);
void events_free(struct events *events);

/*
 * details: an object with what else there is to say, or NULL; its reference is taken. It gets the
 * members id, at, kind, tenant and sentence.
 */
void events_raise(struct events *events, const char *kind, const char *tenant, json_t *details,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Those that are kept, the oldest first. */
json_t *events_list(const struct events *events);

/* How many of that kind were raised, and its name. */
uint64_t events_count(const struct events *events, enum events_kind kind);
const char *events_kind_name(enum events_kind kind);

#endif
