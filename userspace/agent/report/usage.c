// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What tenants used, from the ledger: a page at a time, as there may be years of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"

#define LIMIT_MAX 1000

struct asked {
	struct ledger_query query;
	uint64_t from, to; /* seconds */
	json_t *items;
	struct usage_key last;
};

static int refuse(struct http_reply *reply, const char *detail)
{
	http_problem(reply, 400, "A parameter is wrong", detail);
	return -EINVAL;
}

static int take_time(const struct http_request *request, struct http_reply *reply, const char *name,
		     uint64_t fallback, uint64_t *ret_seconds)
{
	const char *text = http_query(request, name);
	char detail[128];

	*ret_seconds = fallback;
	if (!text || !usage_parse_time(text, ret_seconds))
		return 0;
	snprintf(detail, sizeof(detail),
		 "%s: expected a day or a time in UTC, such as 2026-01-31 or 2026-01-31T12:00:00Z",
		 name);
	return refuse(reply, detail);
}

static int take_by(const struct http_request *request, struct http_reply *reply, bool *ret_by_day)
{
	const char *by = http_query(request, "by");

	*ret_by_day = by && !strcmp(by, "day");
	return !by || *ret_by_day || !strcmp(by, "hour")
		       ? 0
		       : refuse(reply, "by: expected hour or day");
}

static int take_limit(const struct http_request *request, struct http_reply *reply,
		      size_t *ret_limit)
{
	const char *text = http_query(request, "limit");
	unsigned long limit = LIMIT_MAX;
	char *end = NULL;

	if (text)
		limit = strtoul(text, &end, 10);
	*ret_limit = limit;
	return !text || (*text && !*end && limit > 0 && limit <= LIMIT_MAX)
		       ? 0
		       : refuse(reply, "limit: expected a number from 1 to 1000");
}

/* "HOUR/TENANT", as format_key() has it. */
static int take_after(const struct http_request *request, struct http_reply *reply,
		      struct usage_key *ret_after)
{
	const char *text = http_query(request, "after"), *slash = text ? strchr(text, '/') : NULL;
	char time[USAGE_TIME_MAX];
	uint64_t seconds;

	*ret_after = (struct usage_key){};
	if (!text)
		return 0;
	if (!slash || slash - text >= USAGE_TIME_MAX || strlen(slash + 1) >= STATE_NAME_MAX)
		return refuse(reply, "after: expected \"next\" of an answer");
	snprintf(time, sizeof(time), "%.*s", (int)(slash - text), text);
	if (usage_parse_time(time, &seconds) || seconds < USAGE_HOUR)
		return refuse(reply, "after: expected \"next\" of an answer");
	ret_after->hour = seconds / USAGE_HOUR;
	strcpy(ret_after->tenant, slash + 1);
	return 0;
}

static json_t *format_key(const struct usage_key *key)
{
	char time[USAGE_TIME_MAX];

	return json_sprintf("%s/%s", usage_format_time(key->hour * USAGE_HOUR, time), key->tenant);
}

static int take(const struct http_request *request, struct http_reply *reply, struct asked *asked)
{
	uint64_t now = (uint64_t)time(NULL);
	int error = take_time(request, reply, "from", now - now % USAGE_DAY, &asked->from);

	error = error ?: take_time(request, reply, "to", now + 1, &asked->to);
	error = error ?: take_by(request, reply, &asked->query.by_day);
	error = error ?: take_limit(request, reply, &asked->query.limit);
	error = error ?: take_after(request, reply, &asked->query.after);
	if (!error && asked->to <= asked->from)
		error = refuse(reply, "to: expected a time after from");
	asked->query.tenant = http_tenant(request);
	/* whole hours: nothing is known of less */
	asked->query.from = asked->from / USAGE_HOUR;
	asked->query.to = (asked->to + USAGE_HOUR - 1) / USAGE_HOUR;
	return error;
}

static json_t *time_of(uint64_t hour)
{
	char text[USAGE_TIME_MAX];

	return json_string(usage_format_time(hour * USAGE_HOUR, text));
}

/* Of a day, what was asked for. */
static void add_row(void *context, const struct usage_row *row)
{
	struct asked *asked = context;
	const struct ledger_query *query = &asked->query;
	uint64_t from = row->key.hour, to = from + (query->by_day ? 24 : 1);
	json_t *item = json_object();

	json_object_set_new(item, "tenant", json_string(row->key.tenant));
	json_object_set_new(item, "from", time_of(from > query->from ? from : query->from));
	json_object_set_new(item, "to", time_of(to < query->to ? to : query->to));
	for (int i = 0; i < USAGE_KINDS; i++)
		json_object_set_new(item, usage_key(i),
				    json_integer((json_int_t)row->usage.value[i]));
	json_object_set_new(item, "approximate", json_boolean(row->approximate));
	json_array_append_new(asked->items, item);
	asked->last = row->key;
}

static int answer(struct agent *agent, struct asked *asked, struct http_reply *reply)
{
	struct usage_status status = usage_status(agent->usage);
	size_t damaged;
	bool more;
	int error = ledger_query(usage_ledger(agent->usage), &asked->query, add_row, asked, &more,
				 &damaged);

	if (error) {
		json_decref(asked->items);
		return error;
	}
	reply->body = json_pack("{s:o,s:o}", "items", asked->items, "readAt",
				report_time(status.ledger->read_at * 1000000000));
	if (more)
		json_object_set_new(reply->body, "next", format_key(&asked->last));
	if (damaged)
		json_object_set_new(reply->body, "unreadable", json_integer((json_int_t)damaged));
	return reply->body ? 0 : -ENOMEM;
}

int report_usage(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	struct asked asked = {};

	if (!usage_ledger(agent->usage)) {
		http_problem(reply, 503, "Usage is not recorded", usage_status(agent->usage).error);
		return 0;
	}
	if (take(request, reply, &asked))
		return 0;
	asked.items = json_array();
	return answer(agent, &asked, reply);
}

json_t *report_usage_status(struct agent *agent)
{
	struct usage_status status = usage_status(agent->usage);
	json_t *item = json_pack("{s:s,s:b}", "directory", status.directory, "recorded",
				 status.ledger && !status.error[0]);

	if (status.error[0])
		json_object_set_new(item, "lastError", json_string(status.error));
	if (!status.ledger)
		return item;
	json_object_set_new(item, "readAt", report_time(status.ledger->read_at * 1000000000));
	json_object_set_new(item, "readings", json_integer((json_int_t)status.flushes));
	json_object_set_new(item, "readingUs", json_integer((json_int_t)status.flush_ns / 1000));
	json_object_set_new(item, "longestSliceUs",
			    json_integer((json_int_t)status.slice_ns / 1000));
	json_object_set_new(item, "syncUs", json_integer((json_int_t)status.sync_ns / 1000));
	json_object_set_new(item, "written", json_integer((json_int_t)status.ledger->written));
	json_object_set_new(item, "journalBytes",
			    json_integer((json_int_t)status.ledger->journal_bytes));
	json_object_set_new(item, "accounts", json_integer((json_int_t)status.ledger->accounts));
	json_object_set_new(item, "rows", json_integer((json_int_t)status.ledger->rows));
	return item;
}
