// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define HASH_NONFATAL_OOM 1
#include "events.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

#include "../model/state.h"
#include "report/report.h"
#include "watchers.h"

/* Whose events are kept, and how many: a rack that goes down raises thousands at once. */
struct owner {
	char tenant[STATE_NAME_MAX];
	size_t count;
	UT_hash_handle hh;
};

struct kept {
	json_t *event;
	struct owner *owner;
};

struct events {
	struct watchers *watchers;
	uint64_t raised, of_kind[EVENTS_KINDS];
	struct owner *owners; /* of at least one */
	size_t count;
	struct kept kept[EVENTS_KEPT]; /* the oldest first */
};

static const char *const kind_names[EVENTS_KINDS] = {
#define EVENT(id, name) [EVENTS_##id] = name,
#include "events.def"
#undef EVENT
};

int events_new(struct watchers *watchers, struct events **ret_events)
{
	struct events *events = calloc(1, sizeof(*events));

	if (!events)
		return -ENOMEM;
	events->watchers = watchers;
	*ret_events = events;
	return 0;
}

static struct owner *find_owner(struct events *events, const char *tenant)
{
	struct owner *owner;

	HASH_FIND_STR(events->owners, tenant, owner);
	if (owner)
		return owner;
	owner = calloc(1, sizeof(*owner));
	if (!owner)
		return NULL;
	snprintf(owner->tenant, sizeof(owner->tenant), "%s", tenant);
	HASH_ADD_STR(events->owners, tenant, owner);
	if (owner->hh.tbl)
		return owner;
	free(owner);
	return NULL;
}

static void forget(struct events *events, const struct kept *kept)
{
	json_decref(kept->event);
	if (--kept->owner->count)
		return;
	HASH_DEL(events->owners, kept->owner);
	free(kept->owner);
}

void events_free(struct events *events)
{
	for (size_t i = 0; i < events->count; i++)
		forget(events, &events->kept[i]);
	free(events);
}

/* The oldest one of whoever has most. */
static size_t find_victim(const struct events *events)
{
	size_t most = 0, victim = 0;

	for (size_t i = 0; i < events->count; i++)
		if (events->kept[i].owner->count > most) {
			most = events->kept[i].owner->count;
			victim = i;
		}
	return victim;
}

/* Takes event over. -ENOMEM: it is gone. */
static int keep(struct events *events, const char *tenant, json_t *event)
{
	struct owner *owner;

	if (events->count == EVENTS_KEPT) {
		size_t victim = find_victim(events);

		forget(events, &events->kept[victim]);
		events->count--;
		memmove(&events->kept[victim], &events->kept[victim + 1],
			(events->count - victim) * sizeof(events->kept[0]));
	}
	owner = find_owner(events, tenant);
	if (!owner) {
		json_decref(event);
		return -ENOMEM;
	}
	owner->count++;
	events->kept[events->count++] = (struct kept){event, owner};
	return 0;
}

static void count_kind(struct events *events, const char *kind)
{
	for (int i = 0; i < EVENTS_KINDS; i++)
		events->of_kind[i] += !strcmp(kind, kind_names[i]);
}

void events_raise(struct events *events, const char *kind, const char *tenant, json_t *details,
		  const char *format, ...)
{
	json_t *event = details ?: json_object();
	char sentence[512];
	struct timespec now;
	va_list args;

	count_kind(events, kind);
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	clock_gettime(CLOCK_REALTIME, &now);
	json_object_set_new(event, "id", json_integer((json_int_t)++events->raised));
	json_object_set_new(event, "at",
			    report_time((uint64_t)now.tv_sec * 1000000000 + now.tv_nsec));
	json_object_set_new(event, "kind", json_string(kind));
	json_object_set_new(event, "sentence", json_string(sentence));
	if (json_object_set_new(event, "tenant", json_string(tenant))) {
		json_decref(event); /* no memory */
		return;
	}
	if (keep(events, tenant, event))
		return;
	watchers_tell(events->watchers, WATCHERS_EVENTS, tenant, kind, json_incref(event));
}

json_t *events_list(const struct events *events)
{
	json_t *items = json_array();

	for (size_t i = 0; i < events->count; i++)
		json_array_append(items, events->kept[i].event);
	return items;
}

uint64_t events_count(const struct events *events, enum events_kind kind)
{
	return events->of_kind[kind];
}

const char *events_kind_name(enum events_kind kind)
{
	return kind_names[kind];
}
