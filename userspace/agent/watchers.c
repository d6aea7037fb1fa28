// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "watchers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/stream.h"

struct watcher {
	struct watcher *next;
	struct watchers *watchers;
	struct stream *stream;
	enum watchers_topic topic;
	char tenant[STATE_NAME_MAX], reason[STATE_NAME_MAX]; /* empty: any */
};

struct watchers {
	struct watcher *first;
	size_t count;
	uint64_t missed; /* of those that are gone */
};

int watchers_new(struct watchers **ret_watchers)
{
	*ret_watchers = calloc(1, sizeof(**ret_watchers));
	return *ret_watchers ? 0 : -ENOMEM;
}

void watchers_end(struct watchers *watchers)
{
	for (struct watcher *watcher = watchers->first; watcher; watcher = watcher->next)
		stream_end(watcher->stream);
}

void watchers_free(struct watchers *watchers)
{
	free(watchers);
}

static void closed(void *context, struct stream *stream)
{
	struct watcher *watcher = context, **at = &watcher->watchers->first;

	while (*at != watcher)
		at = &(*at)->next;
	*at = watcher->next;
	watcher->watchers->count--;
	watcher->watchers->missed += stream_missed(stream);
	free(watcher);
}

int watchers_add(struct watchers *watchers, enum watchers_topic topic, const char *tenant,
		 const char *reason, struct stream **ret_stream)
{
	struct watcher *watcher;

	if (watchers->count == WATCHERS_MAX)
		return -EBUSY;
	watcher = calloc(1, sizeof(*watcher));
	if (!watcher)
		return -ENOMEM;
	watcher->stream = stream_new(closed, watcher);
	if (!watcher->stream) {
		free(watcher);
		return -ENOMEM;
	}
	watcher->watchers = watchers;
	watcher->topic = topic;
	snprintf(watcher->tenant, sizeof(watcher->tenant), "%s", tenant ?: "");
	snprintf(watcher->reason, sizeof(watcher->reason), "%s", reason ?: "");
	watcher->next = watchers->first;
	watchers->first = watcher;
	watchers->count++;
	*ret_stream = watcher->stream;
	return 0;
}

static bool wants(const struct watcher *watcher, enum watchers_topic topic, const char *tenant,
		  const char *reason)
{
	return watcher->topic == topic &&
	       (!watcher->tenant[0] || !strcmp(watcher->tenant, tenant)) &&
	       (!watcher->reason[0] || !strcmp(watcher->reason, reason));
}

bool watchers_want(const struct watchers *watchers, enum watchers_topic topic, const char *tenant,
		   const char *reason)
{
	const struct watcher *watcher = watchers->first;

	while (watcher && !wants(watcher, topic, tenant, reason))
		watcher = watcher->next;
	return watcher;
}

void watchers_tell(struct watchers *watchers, enum watchers_topic topic, const char *tenant,
		   const char *reason, json_t *line)
{
	for (struct watcher *watcher = watchers->first; watcher; watcher = watcher->next)
		if (wants(watcher, topic, tenant, reason))
			stream_write(watcher->stream, json_incref(line));
	json_decref(line);
}

size_t watchers_count(const struct watchers *watchers)
{
	return watchers->count;
}

uint64_t watchers_missed(const struct watchers *watchers)
{
	uint64_t missed = watchers->missed;

	for (const struct watcher *watcher = watchers->first; watcher; watcher = watcher->next)
		missed += stream_missed(watcher->stream);
	return missed;
}
