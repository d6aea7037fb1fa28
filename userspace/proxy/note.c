// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conn.h"
#include "line.h"

#define LINE_MAX_BYTES 32768
#define METHOD_MAX     32
#define HOST_MAX       255
#define PATH_MAX_BYTES 1024
#define QUERY_MAX      1024

/* the trace */

/* More than one is as good as none (3.2.1). */
static bool continued(const struct conn *conn, const struct h1_request *request,
		      char id[TRACE_ID_LENGTH], uint8_t *flags)
{
	const struct h1_header *found = h1_find(&request->head, H1_HEADER_traceparent);
	unsigned count = 0;

	for (unsigned i = 0; i < request->head.count; i++)
		count += request->head.headers[i].id == H1_HEADER_traceparent;
	return found && count == 1 &&
	       image_trusts(&conn->exchange.routing->image, conn->exchange.listener, &conn->peer) &&
	       trace_parse(h1_value(found), id, flags);
}

/* Sampled (01) is a new trace whose beginning is recorded: in the log. */
static void note_trace(struct conn *conn, const struct h1_request *request, struct seen_note *note)
{
	struct worker *worker = conn->worker;
	const uint64_t random[2] = {worker_random(worker), worker_random(worker)};
	char id[TRACE_ID_LENGTH];
	uint8_t flags = note->picked;

	note->begun = !continued(conn, request, id, &flags);
	if (note->begun)
		trace_begin(random, id);
	trace_format(id, worker_random(worker), flags, note->traceparent);
}

void seen_head(struct conn *conn, const struct h1_request *request)
{
	static char bytes[LINE_MAX_BYTES];
	struct access_log *log = &conn->worker->log;
	struct line line = {.at = bytes, .size = sizeof(bytes)};
	bool picked = access_log_picks(log);
	struct seen_note *note;

	if (!access_log_on(log))
		return;
	if (picked) {
		line_text(&line, "host", request->host.at, request->host.length, HOST_MAX);
		line_text(&line, "method", request->method_name.at, request->method_name.length,
			  METHOD_MAX);
		line_text(&line, "path", request->path.at, request->path.length, PATH_MAX_BYTES);
		if (log->query && request->query.at)
			line_text(&line, "query", request->query.at, request->query.length,
				  QUERY_MAX);
	}
	note = malloc(sizeof(*note) + line.used);
	if (!note)
		return;
	*note = (struct seen_note){.picked = picked, .length = (uint32_t)line.used};
	memcpy(note->text, bytes, line.used);
	note->routing = routing_hold(conn->exchange.routing);
	note_trace(conn, request, note);
	conn->seen.note = note;
}

const char *seen_traceparent(const struct conn *conn)
{
	return conn->seen.note ? conn->seen.note->traceparent : NULL;
}

bool seen_trace_begun(const struct conn *conn)
{
	return conn->seen.note && conn->seen.note->begun;
}

/* the line */

static void put_time(struct line *line, uint64_t took)
{
	char text[48], whole[24];
	struct timespec now;
	uint64_t ns;
	time_t seconds;
	struct tm utc;

	clock_gettime(CLOCK_REALTIME, &now);
	ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec - took;
	seconds = (time_t)(ns / 1000000000);
	gmtime_r(&seconds, &utc);
	strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text, sizeof(text), "%s.%03uZ", whole, (unsigned)(ns / 1000000 % 1000));
	line_text(line, "time", text, strlen(text), sizeof(text));
}

static void put_name(struct line *line, const char *key, const struct image *image,
		     struct image_text name)
{
	line_text(line, key, image_string(image, name), name.length, HOST_MAX);
}

static void put_client(struct line *line, const struct conn *conn)
{
	char text[ADDR_TEXT_MAX];

	addr_format(&conn->peer, text);
	line_text(line, "client", text, strlen(text), sizeof(text));
	line_number(line, "port", conn->peer_port);
}

static void put_member(struct line *line, const struct conn *conn)
{
	const union upstream_address *at = &conn->seen.member;
	char text[ADDR_TEXT_MAX + 8];
	struct addr address = {};
	uint16_t port;

	if (at->any.sa_family == AF_INET6) {
		memcpy(address.byte, &at->ipv6.sin6_addr, 16);
		port = ntohs(at->ipv6.sin6_port);
	} else {
		address.byte[10] = address.byte[11] = 0xff;
		memcpy(address.byte + 12, &at->ipv4.sin_addr, 4);
		port = ntohs(at->ipv4.sin_port);
	}
	addr_format_endpoint(&address, port, text);
	line_text(line, "member", text, strlen(text), sizeof(text));
}

/* "policies":["rewrite",...]: what the route does to requests and answers, in its order. */
static void put_policies(struct line *line, const struct image *image, uint32_t route)
{
	static const char *const names[IMAGE_FILTERS] = {
		[IMAGE_REDIRECT] = "redirect",
		[IMAGE_REWRITE] = "rewrite",
		[IMAGE_REQUEST_HEADERS] = "requestHeaders",
		[IMAGE_RESPONSE_HEADERS] = "responseHeaders",
		[IMAGE_MIRROR] = "mirror",
	};
	struct image_range filters = image->routes[route].filters;

	if (!filters.count || filters.count > 64)
		return;
	line_raw(line, ",\"policies\":[", 13);
	for (uint32_t i = 0; i < filters.count; i++) {
		const char *name = names[image->filters[filters.first + i].type];

		line_raw(line, i ? ",\"" : "\"", i ? 2 : 1);
		line_raw(line, name, strlen(name));
		line_raw(line, "\"", 1);
	}
	line_raw(line, "]", 1);
}

static void put_whose(struct line *line, const struct conn *conn)
{
	const struct exchange *exchange = &conn->exchange;
	const struct image *image;

	if (!conn->seen.note)
		return;
	image = &conn->seen.note->routing->image;
	if (exchange->tenant != IMAGE_NONE)
		put_name(line, "tenant", image, image->tenants[exchange->tenant].name);
	if (exchange->route == IMAGE_NONE)
		return;
	put_name(line, "route", image, image->routes[exchange->route].name);
	put_policies(line, image, exchange->route);
	if (conn->seen.attempt_at)
		put_name(line, "pool", image, image->pools[exchange->pool].name);
}

static void put_times(struct line *line, const struct conn *conn, uint64_t took)
{
	const struct seen *seen = &conn->seen;

	line_seconds(line, "seconds", took);
	if (seen->connected_at)
		line_seconds(line, "connectSeconds", seen->connected_at - seen->attempt_at);
	if (seen->first_byte_at)
		line_seconds(line, "firstByteSeconds", seen->first_byte_at - seen->attempt_at);
}

static void put_line(struct line *line, const struct conn *conn, uint64_t took)
{
	const struct seen *seen = &conn->seen;
	const struct exchange *exchange = &conn->exchange;

	line_raw(line, "{", 1);
	put_time(line, took);
	put_whose(line, conn);
	put_client(line, conn);
	if (seen->note && seen->note->length) {
		line_raw(line, ",", 1);
		line_raw(line, seen->note->text, seen->note->length);
	}
	if (exchange->status)
		line_number(line, "status", exchange->status);
	else
		line_null(line, "status");
	if (seen->refused)
		line_text(line, "refused", refusal_names[seen->refused - 1],
			  strlen(refusal_names[seen->refused - 1]), HOST_MAX);
	line_number(line, "bytesIn", seen->in - seen->in_before);
	line_number(line, "bytesOut", seen->out - seen->out_before);
	put_times(line, conn, took);
	if (seen->attempt_at)
		put_member(line, conn);
	line_number(line, "retries", exchange->attempts);
	if (seen->note)
		line_text(line, "trace", seen->note->traceparent + 3, TRACE_ID_LENGTH,
			  TRACE_ID_LENGTH);
	line_raw(line, "}\n", 2);
}

void note_write(struct conn *conn, uint64_t took)
{
	static char bytes[LINE_MAX_BYTES];
	struct line line = {.at = bytes, .size = sizeof(bytes)};
	struct seen *seen = &conn->seen;
	struct access_log *log = &conn->worker->log;
	/* what was no request has no note */
	bool picked = seen->note ? seen->note->picked : access_log_picks(log);

	if (picked && access_log_on(log)) {
		put_line(&line, conn, took);
		if (access_log_put(log, (uint32_t)(seen->tenant - conn->worker->tally.tenants),
				   line.at, line.used))
			tally_one(&seen->tenant->lines);
		else
			tally_one(&seen->tenant->lines_lost);
	}
	if (seen->note)
		routing_drop(seen->note->routing);
	free(seen->note);
	seen->note = NULL;
}
