// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "mirror.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "tls_backend.h"

#define OF_TENANT 64 /* at a time, in one worker */
#define OF_WORKER 512
#define TIME_NS	  10000000000ULL
#define ANSWER_MAX \
	(1 << 20) /* bytes that are read, so that the backend may think that it is heard */

/* It is the one request of its connection. */
#define CLOSE "Connection: close\r\n\r\n"

struct mirror {
	struct worker *worker;
	struct routing *routing; /* held */
	struct tally_tenant *tally;
	uint32_t tenant, pool;
	struct buffer *request; /* while it is not whole */
	size_t left;		/* of its body */
	struct mirror **holder; /* the request that it is of, while that one is needed */
	struct upstream *up;
	struct wheel_timer timer;
	uint64_t began;
	bool answered;
	struct mirror *next, *previous; /* all of the worker's */
};

static void end(struct mirror *mirror)
{
	struct worker *worker = mirror->worker;

	wheel_cancel(&worker->wheel, &mirror->timer);
	if (mirror->holder)
		*mirror->holder = NULL;
	if (mirror->up)
		upstream_close(mirror->up);
	buffer_drop(&worker->buffers, &mirror->request);
	if (mirror->previous)
		mirror->previous->next = mirror->next;
	else
		worker->mirrors = mirror->next;
	if (mirror->next)
		mirror->next->previous = mirror->previous;
	worker->mirror_count--;
	mirror->routing->mirrors[mirror->tenant]--;
	routing_drop(mirror->routing);
	free(mirror);
}

static void drop(struct mirror *mirror)
{
	tally_one(&mirror->tally->mirrors_dropped);
	end(mirror);
}

static void failed(struct mirror *mirror, unsigned why)
{
	seen_pool_failed(mirror->worker, mirror->routing, mirror->pool, why);
	balance_failed(mirror->routing, mirror->pool, mirror->up->member,
		       loop_now(mirror->worker->loop));
	end(mirror);
}

static void late(struct wheel_timer *timer)
{
	struct mirror *mirror = timer->context;

	if (!mirror->up)
		drop(mirror);
	else if (mirror->answered)
		end(mirror);
	else
		failed(mirror, mirror->up->connected ? IMAGE_RETRY_TIMEOUT : IMAGE_RETRY_CONNECT);
}

/* --- making one --------------------------------------------------------------------------------
 */

static const struct image_filter *filter_of(const struct conn *conn)
{
	const struct image *image = &conn->exchange.routing->image;
	struct image_range filters = image->routes[conn->exchange.route].filters;

	for (uint32_t i = filters.first; i < filters.first + filters.count; i++)
		if (image->filters[i].type == IMAGE_MIRROR && image->filters[i].pool != IMAGE_NONE)
			return &image->filters[i];
	return NULL;
}

/* A worker that has little room left has none for these. */
static bool has_room(const struct conn *conn)
{
	const struct worker *worker = conn->worker;

	return !worker_goes(worker) && worker->mirror_count < OF_WORKER &&
	       conn->exchange.routing->mirrors[conn->exchange.tenant] < OF_TENANT &&
	       worker->conn_count < worker->limits.conns - worker->limits.conns / 4;
}

/* Head and body: all of it, or nothing. */
static bool fits(const struct exchange *exchange, size_t length)
{
	size_t body = exchange->body == H1_BODY_LENGTH ? (size_t)exchange->content_length : 0;

	return exchange->body != H1_BODY_CHUNKED && body <= BUFFER_SIZE &&
	       length + sizeof(CLOSE) + body <= BUFFER_SIZE;
}

static void launch(struct mirror *mirror)
{
	static const struct balance_tried none;
	struct worker *worker = mirror->worker;
	struct routing *routing = mirror->routing;
	uint64_t now = loop_now(worker->loop), random = worker_random(worker);
	const struct balance_request request = {
		.now = now, .random = random, .hash = random, .tried = &none};
	uint32_t index = balance_pick(routing, mirror->pool, &request);
	const struct tls_backend tls = conn_backend_tls(worker, routing, mirror->pool);
	struct upstream_member *member;

	if (mirror->holder)
		*mirror->holder = NULL;
	mirror->holder = NULL;
	if (index == IMAGE_NONE) {
		drop(mirror);
		return;
	}
	member = routing->members[index];
	seen_asked(worker, routing, mirror->pool, member);
	if (upstream_take(&worker->upstreams, member, NULL, tls.mode ? &tls : NULL, mirror, true,
			  &mirror->up)) {
		drop(mirror);
		return;
	}
	mirror->up->mirrors = true;
	mirror->up->channel.out = mirror->request;
	mirror->request = NULL;
	mirror->began = now;
	tally_one(&mirror->tally->mirrored);
}

static struct mirror *make(struct conn *conn, const struct image_filter *filter)
{
	struct worker *worker = conn->worker;
	struct exchange *exchange = &conn->exchange;
	struct mirror *mirror = calloc(1, sizeof(*mirror));

	if (!mirror || !(mirror->request = buffer_take(&worker->buffers))) {
		free(mirror);
		return NULL;
	}
	mirror->worker = worker;
	mirror->routing = routing_hold(exchange->routing);
	mirror->tally = conn->seen.tenant;
	mirror->tenant = exchange->tenant;
	mirror->pool = filter->pool;
	mirror->timer = (struct wheel_timer){.fire = late, .context = mirror};
	mirror->next = worker->mirrors;
	if (mirror->next)
		mirror->next->previous = mirror;
	worker->mirrors = mirror;
	worker->mirror_count++;
	mirror->routing->mirrors[mirror->tenant]++;
	wheel_set(&worker->wheel, &mirror->timer, loop_now(worker->loop) + TIME_NS);
	return mirror;
}

static void append(struct mirror *mirror, const char *bytes, size_t length)
{
	memcpy(mirror->request->bytes + mirror->request->end, bytes, length);
	mirror->request->end += (uint32_t)length;
}

void mirror_begin(struct conn *conn, const char *head, size_t length)
{
	struct exchange *exchange = &conn->exchange;
	const struct image_filter *filter = exchange->mirrored ? NULL : filter_of(conn);
	struct mirror *mirror = NULL;

	exchange->mirrored = true;
	if (!filter || exchange->upgrade || worker_random(conn->worker) % 100 >= filter->percent)
		return;
	if (has_room(conn) && fits(exchange, length))
		mirror = make(conn, filter);
	if (!mirror) {
		tally_one(&conn->seen.tenant->mirrors_dropped);
		return;
	}
	append(mirror, head, length - 2); /* without the empty line */
	append(mirror, CLOSE, sizeof(CLOSE) - 1);
	mirror->left = exchange->body == H1_BODY_LENGTH ? (size_t)exchange->content_length : 0;
	mirror->holder = &exchange->mirror;
	exchange->mirror = mirror;
	if (!mirror->left)
		launch(mirror);
}

void mirror_body(void *context, const char *bytes, size_t length)
{
	struct mirror *mirror = context;

	if (length > mirror->left)
		length = mirror->left;
	append(mirror, bytes, length);
	mirror->left -= length;
	if (!mirror->left)
		launch(mirror);
}

void mirror_cut(struct mirror *mirror)
{
	drop(mirror);
}

/* --- sending it --------------------------------------------------------------------------------
 */

static void note_answer(struct mirror *mirror)
{
	uint64_t now = loop_now(mirror->worker->loop);

	if (!mirror->answered)
		balance_succeeded(mirror->routing, mirror->up->member, now, now - mirror->began);
	mirror->answered = true;
}

void mirror_told(struct mirror *mirror)
{
	struct channel *channel = &mirror->up->channel;
	int connected = upstream_check(mirror->up);
	ssize_t n;

	if (connected < 0)
		failed(mirror, IMAGE_RETRY_CONNECT);
	if (connected <= 0)
		return;
	channel_send(channel, NULL, 0); /* what fails is found by reading as well */
	for (;;) {
		n = channel_fill(channel);
		buffer_drop(channel->buffers, &channel->in);
		if (n == -EAGAIN)
			return;
		if (n <= 0)
			break;
		note_answer(mirror);
		if (channel->received > ANSWER_MAX)
			break;
	}
	if (mirror->answered)
		end(mirror);
	else
		failed(mirror, IMAGE_RETRY_RESET);
}

void mirror_end_all(struct worker *worker)
{
	while (worker->mirrors)
		end(worker->mirrors);
}
