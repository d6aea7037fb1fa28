// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/proxy/conn_body.c: no backend is asked for a body that has not begun to come. */
#include "proxy_fixture.h"

#define POST "POST / HTTP/1.1\r\nHost: acme.example\r\n"
#define OK   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define ACME (&worker.tally.tenants[1])

static bool body_is_waited_for(void *context)
{
	(void)context;
	return worker.conns && worker.conns->state == CONN_BODY;
}

/* All that was sent has been read: nobody was asked for it. */
static bool all_is_read(void *context)
{
	return worker.conns && worker.conns->down.received == *(const uint64_t *)context;
}

static struct peer *waiting_client(const char *head, size_t body)
{
	struct peer *client = client_new();

	say(client, head);
	if (body)
		say_body(client, body);
	run_until(body_is_waited_for, NULL);
	run_until(all_is_read, &(uint64_t){strlen(head) + body});
	assert_true(nobody_waits(0));
	assert_int_equal(worker.conns->exchange.routing->requests[0], 1);
	assert_null(worker.conns->up);
	assert_null(worker.conns->down.out);
	return client;
}

static void answered(struct peer *client, struct peer *backend)
{
	say(backend, OK);
	expect_text(client, "\r\n\r\nok");
	peer_free(backend);
	peer_free(client);
}

static void a_short_one(void **state)
{
	struct peer *client = waiting_client(POST "Content-Length: 10\r\n\r\nabc", 0), *backend;

	(void)state;
	say(client, "def");
	run_until(all_is_read, &(uint64_t){strlen(POST "Content-Length: 10\r\n\r\nabcdef")});
	assert_true(nobody_waits(0));
	say(client, "ghij");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\nabcdefghij");
	answered(client, backend);
}

/* As much as is waited for, and one byte less. */
static void a_long_one(void **state)
{
	struct peer *client =
		waiting_client(POST "Content-Length: 20000\r\n\r\n", FIRST_OF_BODY - 1);
	struct peer *backend;

	(void)state;
	say_body(client, 1);
	backend = backend_accept(0);
	expect_length(backend, FIRST_OF_BODY);
	say_body(client, 20000 - FIRST_OF_BODY);
	expect_text(backend, "\r\n\r\n");
	expect_length(backend,
		      (size_t)(strstr(backend->data, "\r\n\r\n") + 4 - backend->data) + 20000);
	answered(client, backend);
}

/* Behind a head that is as large as one may be. */
static void a_large_head(void **state)
{
	static char head[CONN_HEAD_MAX + 1];
	static const char end[] = "\r\nContent-Length: 9000\r\n\r\n";
	size_t length = (size_t)snprintf(head, sizeof(head), "%s", POST "X-One: ");
	struct peer *client, *backend;

	(void)state;
	/* of four lines, as one has a limit of its own */
	for (int i = 0; i < 3; i++) {
		memset(head + length, 'h', 4000);
		length += 4000;
		length += (size_t)sprintf(head + length, "\r\nX-More: ");
	}
	memset(head + length, 'h', sizeof(head) - length - sizeof(end));
	memcpy(head + sizeof(head) - sizeof(end), end, sizeof(end));
	assert_int_equal(strlen(head), CONN_HEAD_MAX);
	client = waiting_client(head, 100);
	say_body(client, 8900);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	expect_length(backend,
		      (size_t)(strstr(backend->data, "\r\n\r\n") + 4 - backend->data) + 9000);
	answered(client, backend);
}

/* The next request came with the end of it. */
static void one_behind_it(void **state)
{
	struct peer *client = waiting_client(POST "Content-Length: 4\r\n\r\nab", 0), *backend;

	(void)state;
	say(client, "cdGET /next HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\nabcd");
	say(backend, OK);
	expect_text(client, "\r\n\r\nok");
	peer_clear(client);
	expect_text(backend, "GET /next HTTP/1.1\r\n");
	answered(client, backend);
}

/* And it is found in the same read as the request before. */
static void behind_another_one(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, "GET /first HTTP/1.1\r\nHost: acme.example\r\n\r\n" POST
		    "Content-Length: 10\r\n\r\nabc");
	backend = backend_accept(0);
	expect_text(backend, "GET /first HTTP/1.1\r\n");
	peer_clear(backend);
	say(backend, OK);
	expect_text(client, "\r\n\r\nok");
	peer_clear(client);
	run_until(body_is_waited_for, NULL);
	peer_pull(backend);
	assert_int_equal(backend->length, 0);
	say(client, "defghij");
	expect_text(backend, "\r\n\r\nabcdefghij");
	answered(client, backend);
}

/* These are not waited for. */
static void it_is_not_known_how_long(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, POST "Transfer-Encoding: chunked\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say(client, "2\r\nab\r\n0\r\n\r\n");
	expect_text(backend, "2\r\nab\r\n0\r\n\r\n");
	answered(client, backend);
}

static void the_client_waits(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say(backend, "HTTP/1.1 100 Continue\r\n\r\n");
	expect_text(client, "HTTP/1.1 100 Continue\r\n\r\n");
	say(client, "ab");
	expect_text(backend, "\r\n\r\nab");
	answered(client, backend);
}

/* how it ends */

static void too_slow(void **state)
{
	struct peer *client;

	(void)state;
	worker.limits.body = 100 * MS;
	client = waiting_client(POST "Content-Length: 10\r\n\r\nabc", 0);
	expect_text(client, "HTTP/1.1 408 ");
	expect_end(client);
	assert_int_equal(ACME->refused[REFUSAL_slow_client], 1);
	assert_int_equal(ACME->requests, 1);
	assert_int_equal(ACME->answers[4], 1);
	assert_true(nobody_waits(0));
	peer_free(client);
}

static bool nobody_is_there(void *context)
{
	(void)context;
	return !worker.conn_count;
}

static void cut_off(void **state)
{
	struct peer *client = waiting_client(POST "Content-Length: 10\r\n\r\nabc", 0);

	(void)state;
	assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
	expect_end(client);
	run_until(nobody_is_there, NULL);
	assert_int_equal(worker.routing->requests[0], 0);
	assert_int_equal(ACME->requests, 1);
	assert_int_equal(ACME->answers[0], 1);
	assert_true(nobody_waits(0));
	peer_free(client);
}

/* What it waits with stays until it is done. */
static void a_new_image(void **state)
{
	struct peer *client = waiting_client(POST "Content-Length: 10\r\n\r\nabc", 0), *backend;

	(void)state;
	use_image(NULL, NULL);
	say(client, "defghij");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\nabcdefghij");
	answered(client, backend);
}

/* Who was let in is not judged again. */
static void its_client_is_held(void **state)
{
	struct peer *client = waiting_client(POST "Content-Length: 10\r\n\r\nabc", 0), *backend;

	(void)state;
	for (int i = 0; i < HELD_CUTS; i++)
		held_cut(&worker.held, 1, &worker.conns->peer, loop_now(loop));
	say(client, "defghij");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\nabcdefghij");
	say(backend, OK);
	expect_text(client, "\r\n\r\nok");
	peer_clear(client);
	say(client, POST "Content-Length: 10\r\n\r\nabc");
	expect_text(client, "HTTP/1.1 429 ");
	peer_free(backend);
	peer_free(client);
}

/* The time for its first bytes is not taken from that for the others. */
static void the_rest_has_its_own_time(void **state)
{
	struct peer *client =
		waiting_client(POST "Content-Length: 20000\r\n\r\n", FIRST_OF_BODY - 1);
	struct peer *backend;

	(void)state;
	worker.conns->exchange.mark_at = 1;
	say_body(client, 1);
	backend = backend_accept(0);
	expect_length(backend, FIRST_OF_BODY);
	assert_true(worker.conns->exchange.mark_at > 1);
	peer_free(backend);
	peer_free(client);
}

static void the_worker_drains(void **state)
{
	struct peer *client = waiting_client(POST "Content-Length: 10\r\n\r\nabc", 0), *backend;

	(void)state;
	worker_drain(&worker);
	say(client, "defghij");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\nabcdefghij");
	say(backend, OK);
	expect_end(client);
	assert_non_null(strstr(client->data, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(client->data, "\r\n\r\nok"));
	peer_free(backend);
	peer_free(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proxy_test(a_short_one),
		proxy_test(a_long_one),
		proxy_test(a_large_head),
		proxy_test(one_behind_it),
		proxy_test(behind_another_one),
		proxy_test(it_is_not_known_how_long),
		proxy_test(the_client_waits),
		proxy_test(too_slow),
		proxy_test(cut_off),
		proxy_test(a_new_image),
		proxy_test(its_client_is_held),
		proxy_test(the_rest_has_its_own_time),
		proxy_test(the_worker_drains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
