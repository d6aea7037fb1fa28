// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of routes, and what all reports share. */
#include "report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "../api/scrape.h"

static const char *const metrics_types[] = {"text/plain", "application/openmetrics-text", NULL};

static const struct http_route routes[] = {
#define ROUTE(verb, where, handler, who, owned, kind, object, says) \
	{.method = verb,                                            \
	 .path = where,                                             \
	 .handle = handler,                                         \
	 .need = HTTP_NEED_##who,                                   \
	 .owner = owned,                                            \
	 .tag = kind,                                               \
	 .schema = object,                                          \
	 .summary = says},
#define TEXT(verb, where, handler, who, kind, says) \
	{.method = verb,                            \
	 .path = where,                             \
	 .handle = handler,                         \
	 .need = HTTP_NEED_##who,                   \
	 .types = kind,                             \
	 .summary = says},
#include "routes.def"
};

const struct http_route *report_routes(size_t *ret_count)
{
	*ret_count = sizeof(routes) / sizeof(routes[0]);
	return routes;
}

int report_items(struct http_reply *reply, json_t *items)
{
	reply->body = json_pack("{s:o}", "items", items);
	return reply->body ? 0 : -ENOMEM;
}

json_t *report_address(const struct mtlb_address *address)
{
	struct addr addr = registry_addr(address);
	char text[ADDR_TEXT_MAX];

	return json_string(addr_format(&addr, text));
}

json_t *report_endpoint(const struct mtlb_address *address, __be16 port)
{
	struct addr addr = registry_addr(address);
	char text[ADDR_TEXT_MAX];

	return json_string(addr_format_endpoint(&addr, ntohs(port), text));
}

json_t *report_time(uint64_t realtime_ns)
{
	time_t seconds = (time_t)(realtime_ns / 1000000000);
	char text[64], whole[32];
	struct tm utc;

	if (!realtime_ns)
		return json_null();
	gmtime_r(&seconds, &utc);
	strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text, sizeof(text), "%s.%03uZ", whole, (unsigned)(realtime_ns / 1000000 % 1000));
	return json_string(text);
}

json_t *report_monotonic(uint64_t monotonic_ns)
{
	struct timespec real, mono;

	if (!monotonic_ns)
		return json_null();
	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	return report_time(monotonic_ns + ((uint64_t)real.tv_sec * 1000000000 + real.tv_nsec) -
			   ((uint64_t)mono.tv_sec * 1000000000 + mono.tv_nsec));
}

const char *report_protocol(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "TCP" : protocol == IPPROTO_UDP ? "UDP" : "any";
}

const char *report_ip_protocol(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "TCP";
	case IPPROTO_UDP:
		return "UDP";
	case IPPROTO_SCTP:
		return "SCTP";
	case IPPROTO_ICMP:
		return "ICMP";
	case IPPROTO_ICMPV6:
		return "ICMPv6";
	default:
		return "other";
	}
}

const char *report_member_state(const struct mtlb_member_name *name)
{
	switch (name->state) {
	case MTLB_MEMBER_GONE:
		return "gone";
	case MTLB_MEMBER_DOWN:
		return "down";
	case MTLB_MEMBER_CHECKING:
		return name->drain ? "drain" : "checking";
	default:
		return name->drain ? "drain" : "up";
	}
}

void report_count_states(const struct agent *agent, const struct registry_service *service,
			 struct report_states *states)
{
	const struct dataplane_view *view = dataplane_view(agent->dataplane);

	for (size_t i = 0; i < service->member_count; i++) {
		const struct mtlb_member_name *name = &view->member_names[service->members[i]];

		if (name->state == MTLB_MEMBER_GONE)
			states->gone++;
		else if (name->state == MTLB_MEMBER_DOWN || name->state == MTLB_MEMBER_CHECKING)
			states->down++;
		else if (name->drain)
			states->drain++;
		else
			states->up++;
	}
}

json_t *report_states(const struct report_states *states)
{
	return json_pack("{s:I,s:I,s:I,s:I}", "up", states->up, "down", states->down, "drain",
			 states->drain, "gone", states->gone);
}
