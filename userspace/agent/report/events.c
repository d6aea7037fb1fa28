// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What happened, and what happens: the last events, and streams of events and dropped packets. */
#include <errno.h>
#include <string.h>

#include "../events.h"
#include "../watchers.h"
#include "reasons.h"
#include "report.h"

static bool is_reason(const char *name)
{
	for (enum mtlb_reason reason = 0; reason < MTLB_REASON_COUNT; reason++)
		if (!strcmp(reason_name(reason), name))
			return reason_verdict(reason) == MTLB_VERDICT_DROP;
	return false;
}

static int watch(struct agent *agent, const struct http_request *request, enum watchers_topic topic,
		 struct http_reply *reply)
{
	const char *tenant = http_query(request, "tenant");
	const char *reason = topic == WATCHERS_DROPS ? http_query(request, "reason") : NULL;
	int error;

	if (tenant && !registry_tenant(&agent->registry, tenant)) {
		http_problem(reply, 404, "No such tenant", tenant);
		return 0;
	}
	if (reason && !is_reason(reason)) {
		http_problem(reply, 404, "No packet is dropped for such a reason", reason);
		return 0;
	}
	error = watchers_add(agent->watchers, topic, tenant, reason, &reply->stream);
	if (error == -EBUSY) {
		http_problem(reply, 503, "Too many watch already",
			     "at most 32 clients may watch at a time");
		return 0;
	}
	return error;
}

int report_events(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;

	if (http_query(request, "watch"))
		return watch(agent, request, WATCHERS_EVENTS, reply);
	return report_items(reply, events_list(agent->events));
}

int report_watched_drops(struct agent *agent, const struct http_request *request,
			 struct http_reply *reply)
{
	return watch(agent, request, WATCHERS_DROPS, reply);
}
