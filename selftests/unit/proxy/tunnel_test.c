// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Tunnels that carry much: copied, or spliced once they have; none keeps a pipe while it rests. */
#include "proxy_fixture.h"

#define LENGTH (4 << 20)

static struct peer *client, *backend;
static char bytes[LENGTH];

static void begin_tunnel(bool splice)
{
	worker.limits.splice = splice;
	for (size_t i = 0; i < LENGTH; i++)
		bytes[i] = (char)(i * 2654435761U >> 13);
	client = client_new();
	say(client, "GET / HTTP/1.1\r\nHost: acme.example\r\nConnection: Upgrade\r\n"
		    "Upgrade: websocket\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say(backend, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
		     "Upgrade: websocket\r\n\r\n");
	expect_text(client, "\r\n\r\n");
	peer_clear(client);
	peer_clear(backend);
}

/* What the worker cannot pass on waits in sockets, so both ends have to be served. */
static void carry(struct peer *from, struct peer *to)
{
	for (size_t sent = 0; sent < LENGTH; sent += 65536) {
		say_bytes(from, bytes + sent, 65536);
		expect_length(to, sent / 2);
	}
	expect_length(to, LENGTH);
	assert_int_equal(to->length, LENGTH);
	assert_memory_equal(to->data, bytes, LENGTH);
	peer_clear(to);
}

static void end_tunnel(void)
{
	say(client, "small talk");
	expect_text(backend, "small talk");
	shutdown(client->fd, SHUT_WR);
	expect_end(backend);
	say(backend, "the last");
	expect_text(client, "the last");
	peer_free(backend);
	expect_end(client);
	peer_free(client);
}

static unsigned held_pipes(void)
{
	return worker.pipes.count - worker.pipes.free_count;
}

static void copied(void **state)
{
	(void)state;
	begin_tunnel(false);
	carry(client, backend);
	carry(backend, client);
	assert_int_equal(worker.pipes.count, 0);
	end_tunnel();
}

static void spliced(void **state)
{
	(void)state;
	begin_tunnel(true);
	carry(client, backend);
	carry(backend, client);
	assert_true(worker.pipes.count > 0);
	assert_int_equal(held_pipes(), 0);
	assert_int_equal(worker.routing->pipes[0], 0);
	end_tunnel();
}

static bool pipe_is_held(void *context)
{
	(void)context;
	return held_pipes() > 0;
}

/* Who does not read has a pipe, until it reads or goes. */
static void stuck(void **state)
{
	char one[65536] = {0};

	(void)state;
	begin_tunnel(true);
	carry(backend, client);
	while (send(backend->fd, one, sizeof(one), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	run_until(pipe_is_held, NULL);
	assert_int_equal(worker.routing->pipes[0], 1);
	peer_free(backend);
	peer_free(client);
}

static bool nobody_is_there(void *context)
{
	(void)context;
	return !worker.conn_count;
}

/* Its end comes while it is spliced. */
static void cut(void **state)
{
	(void)state;
	begin_tunnel(true);
	carry(backend, client);
	say_bytes(backend, bytes, 65536);
	peer_free(backend);
	expect_end(client);
	assert_int_equal(client->length, 65536);
	assert_memory_equal(client->data, bytes, 65536);
	peer_free(client);
	run_until(nobody_is_there, NULL);
	assert_int_equal(held_pipes(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proxy_test(copied),
		proxy_test(spliced),
		proxy_test(stuck),
		proxy_test(cut),
	};

	return cmocka_run_group_tests_name("tunnel", tests, NULL, NULL);
}
