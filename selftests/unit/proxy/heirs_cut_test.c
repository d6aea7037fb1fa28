// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* proxy/keeper.c and proxy/heirs.c: connections that are cut with their worker, so that no client
 * has an answer twice, or takes a part for the whole. */
#include "heirs_fixture.h"

static void not_a_post(void **state)
{
	struct peer *client = connected(), *backend;

	(void)state;
	backend = asked(client, POST);
	ends_without_answer(client);
	peer_free(backend);
	peer_free(client);
}

static void not_an_empty_post(void **state)
{
	struct peer *client = connected(), *backend;

	(void)state;
	backend =
		asked(client, "POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 0\r\n\r\n");
	ends_without_answer(client);
	peer_free(backend);
	peer_free(client);
}

static void a_part_of_an_answer(void **state)
{
	struct peer *client = connected(), *backend;

	(void)state;
	backend = asked(client, GET);
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart");
	expect_text(client, "\r\n\r\npart");
	another_takes_over();
	expect_cut(client);
	assert_true(nobody_waits(0));
	peer_free(backend);
	peer_free(client);
}

static void not_for_the_third_time(void **state)
{
	struct peer *client = connected(), *backend, *again;

	(void)state;
	backend = asked(client, GET);
	another_takes_over();
	again = backend_accept(0);
	expect_text(again, "\r\n\r\n");
	ends_without_answer(client);
	peer_free(backend);
	peer_free(again);
	peer_free(client);
}

static void not_where_urgent_data_is_skipped(void **state)
{
	struct peer *client;
	int zero = 0;

	(void)state;
	assert_int_equal(setsockopt(socket_of_all, SOL_SOCKET, SO_OOBINLINE, &zero, sizeof(zero)),
			 0);
	client = connected();
	serves(client);
	another_takes_over();
	expect_cut(client);
	peer_free(client);
}

/* What was told in between is a part of the answer. */
static void an_answer_in_between(void **state)
{
	struct peer *client = connected(), *backend;

	(void)state;
	backend = asked(client, GET);
	say(backend, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
	expect_text(client, "HTTP/1.1 103 ");
	another_takes_over();
	expect_cut(client);
	assert_true(nobody_waits(0));
	peer_free(backend);
	peer_free(client);
}

static void an_old_client_with_a_part(void **state)
{
	struct peer *client = connected(), *backend;

	(void)state;
	backend = asked(client, "GET / HTTP/1.0\r\nHost: acme.example\r\n\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n");
	expect_text(client, "part");
	another_takes_over();
	expect_cut(client);
	peer_free(backend);
	peer_free(client);
}

static void a_long_body(void **state)
{
	struct peer *client = connected(), *backend;

	(void)state;
	say(client, "PUT / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 100000\r\n\r\n");
	say_body(client, 50000);
	backend = backend_accept(0);
	expect_length(backend, 50000);
	ends_without_answer(client);
	peer_free(backend);
	peer_free(client);
}

static void a_tunnel(void **state)
{
	struct peer *client = connected(), *backend;

	(void)state;
	backend = asked(client, "GET / HTTP/1.1\r\nHost: acme.example\r\nConnection: Upgrade\r\n"
				"Upgrade: websocket\r\n\r\n");
	say(backend, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
		     "Upgrade: websocket\r\n\r\n");
	expect_text(client, "HTTP/1.1 101 ");
	another_takes_over();
	expect_cut(client);
	peer_free(backend);
	peer_free(client);
}

/* Nobody takes them: whoever has all of its answers is not made to lose any, and a part is no
 * whole. */
static void nobody_inherits(void **state)
{
	struct peer *idle = connected(), *half = connected(), *backend;

	(void)state;
	serves(idle);
	backend = asked(half, GET);
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart");
	expect_text(half, "\r\n\r\npart");
	keeper_bequeath(journal, -1, false);
	close(killed());
	expect_cut(half);
	expect_end(idle);
	assert_false(idle->reset);
	peer_free(backend);
	peer_free(half);
	peer_free(idle);
}

/* More of them than the memory that outlives has room for. */
static void more_than_there_are_buffers(void **state)
{
	struct peer *clients[BUFFERS + 4], *backends[BUFFERS + 4];
	int cut = 0;

	(void)state;
	for (int i = 0; i < BUFFERS + 4; i++)
		backends[i] = asked(clients[i] = connected(), GET);
	another_takes_over();
	for (int i = 0; i < BUFFERS + 4; i++)
		peer_free(backends[i]);
	for (unsigned i = 0; i < worker.conn_count; i++)
		backends[i] = backend_accept(0);
	for (int i = 0; i < BUFFERS + 4; i++) {
		peer_pull(clients[i]);
		assert_int_equal(clients[i]->length, 0);
		cut += clients[i]->ended || clients[i]->reset;
	}
	assert_int_equal(cut + (int)worker.conn_count, BUFFERS + 4);
	assert_true(cut >= 4);
	assert_true(worker.conn_count > 0);
	for (unsigned i = worker.conn_count; i; i--) {
		expect_text(backends[i - 1], "\r\n\r\n");
		peer_free(backends[i - 1]);
	}
	for (int i = 0; i < BUFFERS + 4; i++)
		peer_free(clients[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		heirs_case(not_a_post),
		heirs_case(not_an_empty_post),
		heirs_case(a_part_of_an_answer),
		heirs_case(not_for_the_third_time),
		heirs_case(not_where_urgent_data_is_skipped),
		heirs_case(an_answer_in_between),
		heirs_case(an_old_client_with_a_part),
		heirs_case(a_long_body),
		heirs_case(a_tunnel),
		heirs_case(nobody_inherits),
		heirs_case(more_than_there_are_buffers),
	};

	return cmocka_run_group_tests_name("heirs cut", tests, NULL, NULL);
}
