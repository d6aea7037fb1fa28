// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/proxy/idle.c: who makes room when a worker is full. */
#include "proxy_fixture.h"

#define MOST   6
#define BOLT   (&worker.tally.tenants[2])
#define CORD   (&worker.tally.tenants[3])
#define NOBODY (&worker.tally.tenants[0])

static struct peer *clients[MOST];
static uint16_t port;

static void add_tenants(struct build *build, uint32_t tenant)
{
	(void)tenant;
	build_domain(build, build_tenant(build, "bolt", 8, 2), "bolt.example");
	build_domain(build, build_tenant(build, "cord", 9, 3), "cord.example");
}

static int begin(void **state)
{
	int fd, error = proxy_begin(state);

	if (error)
		return error;
	use_image(NULL, add_tenants);
	fd = listen_on_loopback(&port);
	worker.limits.conns = MOST;
	return worker_listen(&worker, 1, "web", fd);
}

static int end(void **state)
{
	for (int i = 0; i < MOST; i++)
		if (clients[i])
			peer_free(clients[i]);
	memset(clients, 0, sizeof(clients));
	return proxy_end(state);
}

static struct peer *connected(void)
{
	return peer_new(connect_on_loopback(port));
}

static bool all_accepted(void *context)
{
	return worker.counts.accepted == *(const uint64_t *)context;
}

/* One that was accepted before the next one comes. */
static struct peer *accepted(void)
{
	uint64_t number = worker.counts.accepted + 1;
	struct peer *peer = connected();

	run_until(all_accepted, &number);
	return peer;
}

/* The worker itself answers, and the connection is kept. */
static struct peer *rests(const char *host)
{
	struct peer *peer = accepted();

	say(peer, "GET / HTTP/1.1\r\nHost: ");
	say(peer, host);
	say(peer, "\r\n\r\n");
	expect_text(peer, "HTTP/1.1 404 ");
	expect_text(peer, "}\n");
	peer_clear(peer);
	return peer;
}

static bool is_open(struct peer *peer)
{
	peer_pull(peer);
	return !peer->ended && !peer->reset;
}

static void expect_answer(struct peer *peer)
{
	say(peer, "GET / HTTP/1.1\r\nHost: cord.example\r\n\r\n");
	expect_text(peer, "HTTP/1.1 404 ");
}

/* Who connects and says nothing, or half of something, goes in the order in which they came. */
static void nobodys(void **state)
{
	struct peer *late;

	(void)state;
	for (int i = 0; i < MOST; i++) {
		clients[i] = accepted();
		say(clients[i], i % 2 ? "GET / HT" : "\r\n");
	}
	late = accepted();
	expect_answer(late);
	expect_end(clients[0]);
	say(clients[1], "TP/1.1");
	peer_free(accepted());
	expect_end(clients[1]);
	for (int i = 2; i < MOST; i++)
		assert_true(is_open(clients[i]));
	assert_int_equal(NOBODY->connections_evicted, 2);
	assert_int_equal(worker.counts.shed, 0);
	peer_free(late);
}

/* Of two tenants it is that with the more connections, though the other one has the oldest. */
static void the_larger_one(void **state)
{
	struct peer *late;

	(void)state;
	clients[0] = rests("cord.example");
	for (int i = 1; i < MOST; i++)
		clients[i] = rests("bolt.example");
	late = accepted();
	expect_answer(late);
	expect_end(clients[1]);
	assert_true(is_open(clients[0]));
	assert_int_equal(BOLT->connections_evicted, 1);
	assert_int_equal(CORD->connections_evicted, 0);
	expect_answer(clients[0]);
	peer_free(late);
}

/* Requests in flight are nobody's to end. */
static void busy(void **state)
{
	struct peer *backends[MOST / 2], *late;

	(void)state;
	for (int i = 0; i < MOST / 2; i++) {
		clients[i] = accepted();
		say(clients[i], "GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n");
		backends[i] = backend_accept(0);
	}
	worker.limits.conns = MOST / 2;
	late = connected();
	expect_end(late);
	assert_int_equal(worker.counts.shed, 1);
	peer_free(late);
	for (int i = 0; i < MOST / 2; i++) {
		assert_true(is_open(clients[i]));
		say(backends[i], "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
		expect_text(clients[i], "\r\n\r\nok");
		peer_free(backends[i]);
	}
	/* what has its answer may go */
	late = accepted();
	expect_answer(late);
	expect_end(clients[0]);
	peer_free(late);
}

#define idle_test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		idle_test(nobodys),
		idle_test(the_larger_one),
		idle_test(busy),
	};

	return cmocka_run_group_tests_name("idle", tests, NULL, NULL);
}
