// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "events.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/report.h"
#include "watchers.h"

struct events {
	struct watchers *watchers;
	uint64_t raised, of_kind[EVENTS_KINDS];
	size_t count;
	json_t *kept[EVENTS_KEPT]; /* the oldest first */
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

void events_free(struct events *events)
{
	for (size_t i = 0; i < events->count; i++)
		json_decref(events->kept[i]);
	free(events);
}

static const char *tenant_of(const json_t *event)
{
	return json_string_value(json_object_get(event, "tenant"));
}

static size_t count_of(const struct events *events, const char *tenant)
{
	size_t count = 0;

	for (size_t i = 0; i < events->count; i++)
		count += !strcmp(tenant_of(events->kept[i]), tenant);
	return count;
}

/* The oldest one of whoever has most. Events are rare: it may look at all of them for each. */
static size_t find_victim(const struct events *events)
{
	size_t most = 0, victim = 0;

	for (size_t i = 0; i < events->count; i++) {
		size_t count = count_of(events, tenant_of(events->kept[i]));

		if (count > most) {
			most = count;
			victim = i;
		}
	}
	return victim;
}

static void keep(struct events *events, json_t *event)
{
	if (events->count == EVENTS_KEPT) {
		size_t victim = find_victim(events);

		json_decref(events->kept[victim]);
		events->count--;
		memmove(&events->kept[victim], &events->kept[victim + 1],
			(events->count - victim) * sizeof(events->kept[0]));
	}
	events->kept[events->count++] = event;
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
	keep(events, event);
	watchers_tell(events->watchers, WATCHERS_EVENTS, tenant, kind, json_incref(event));
}

json_t *events_list(const struct events *events)
{
	json_t *items = json_array();

	for (size_t i = 0; i < events->count; i++)
		json_array_append(items, events->kept[i]);
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
