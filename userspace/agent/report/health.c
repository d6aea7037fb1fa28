// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The health checks: what each backend is asked, and what came of it. */
#include "report.h"

static void add_check(void *context, const struct check_status *check)
{
	const struct check_result *result = check->result;
	bool up = result->state == HEALTH_UP;
	const struct check_way *way = check->way;
	char address[ADDR_TEXT_MAX], vip[ADDR_TEXT_MAX], source[ADDR_TEXT_MAX];

	json_array_append_new(
		context,
		json_pack("{s:s,s:s,s:s,s:i,s:s,s:i,s:s,s:s,s:s,s:s,s:s,s:o,s:I,s:I,s:I,s:I,s:f,s:"
			  "o,s:s,s:o,s:I,s:b}",
			  "tenant", check->tenant, "pool", check->pool, "address",
			  addr_format(&check->address, address), "port", (int)check->port, "type",
			  probe_kind_name(check->settings->type), "asked", (int)check->asked, "via",
			  way->barred	? "none"
			  : way->by_vip ? "vip"
					: "direct",
			  "vip", way->by_vip ? addr_format(&way->vip, vip) : "", "source",
			  way->by_vip && !addr_is_zero(&way->source)
				  ? addr_format(&way->source, source)
				  : "",
			  "viaReason", way->why, "state", health_state_name(result->state), "since",
			  report_monotonic(result->since_ns), "streak", (json_int_t)check->streak,
			  "needed",
			  (json_int_t)(up ? check->settings->fall : check->settings->rise),
			  "probes", (json_int_t)result->probes, "failures",
			  (json_int_t)result->failures, "took", (double)result->last_ns / 1e9,
			  "next", report_monotonic(result->next_ns), "lastError", result->error,
			  "failedAt", report_monotonic(result->failed_ns), "heldFor",
			  (json_int_t)(check->held_ns / 1000000000), "panic", (int)check->panic));
}

int report_health(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	json_t *items = json_array();

	(void)request;
	checks_each(agent->checks, add_check, items);
	return report_items(reply, items);
}
