// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* How a client's connection ends: who is waited for, and what that costs on the wire. */
#include "proxy_fixture.h"

#include <linux/tcp.h>

#define ANSWER		    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define ASKS(version, more) "GET / HTTP/" version "\r\nHost: acme.example\r\n" more "\r\n"

static bool all_gone(void *context)
{
	(void)context;
	return !worker.conn_count;
}

/* A client that got its answer, and its end, and has not closed. */
static struct peer *answered(const char *request)
{
	struct peer *client = client_new(), *backend;

	say(client, request);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say(backend, ANSWER);
	expect_end(client);
	assert_non_null(strstr(client->data, "\r\n\r\nok"));
	assert_false(client->reset);
	peer_free(backend);
	return client;
}

static void is_not_waited_for(const char *request)
{
	struct peer *client = answered(request);

	run_until(all_gone, NULL);
	peer_free(client);
}

static void is_waited_for(const char *request)
{
	struct peer *client = answered(request);

	assert_int_equal(worker.conn_count, 1);
	peer_free(client);
	run_until(all_gone, NULL);
}

static void test_who_asks_for_nothing_more(void **state)
{
	(void)state;
	worker.limits.linger = 3600 * 1000 * MS;
	is_not_waited_for(ASKS("1.1", "Connection: close\r\n"));
	is_not_waited_for(ASKS("1.0", ""));
}

/* Nor one whom no backend was asked for. */
static void test_who_is_refused_and_asks_for_nothing_more(void **state)
{
	struct peer *client = client_new();

	(void)state;
	worker.limits.linger = worker.limits.quiet = 3600 * 1000 * MS;
	say(client, "GET / HTTP/1.1\r\nHost: nobody.example\r\nConnection: close\r\n\r\n");
	expect_end(client);
	run_until(all_gone, NULL);
	peer_free(client);
}

/* The answer would be lost by the RST for what has not been read. */
static void test_who_may_send_more(void **state)
{
	(void)state;
	worker.limits.linger = 3600 * 1000 * MS;
	is_waited_for(ASKS("1.1", "Connection: close\r\n") "GET ");
	is_waited_for("POST / HTTP/1.1\r\nHost: acme.example\r\nConnection: close\r\n"
		      "Content-Length: 2\r\n\r\nhi");
}

/* The same, when it comes later than the request, and before the answer. */
static void test_who_sends_more_later(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	worker.limits.linger = 3600 * 1000 * MS;
	say(client, ASKS("1.1", "Connection: close\r\n"));
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say(client, "\r\n");
	say(backend, ANSWER);
	expect_end(client);
	assert_non_null(strstr(client->data, "\r\n\r\nok"));
	assert_false(client->reset);
	assert_int_equal(worker.conn_count, 1);
	peer_free(client);
	run_until(all_gone, NULL);
	peer_free(backend);
}

/* What a backend sends behind an answer that was spliced stays in the kernel, and its event has
 * been: it is nobody's answer. */
static void test_bytes_behind_an_answer(void **state)
{
	enum {
		LENGTH = 120000
	};
	const int room = 4 << 20;
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 120000\r\n\r\n";
	static const char more[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
	struct peer *first = client_new(), *second = client_new(), *backend, *other;
	size_t size = strlen(head) + LENGTH + strlen(more);
	char *answer = malloc(size);

	(void)state;
	assert_non_null(answer);
	memset(answer, 'a', size);
	memcpy(answer, head, strlen(head));
	memcpy(answer + size - strlen(more), more, strlen(more));
	say(first, ASKS("1.1", ""));
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	/* all of it is there, and told of, before any of it is read */
	assert_int_equal(setsockopt(worker.conns->next->up->channel.fd.fd, SOL_SOCKET, SO_RCVBUF,
				    &room, sizeof(room)),
			 0);
	say_bytes(backend, answer, size);
	expect_length(first, LENGTH);
	say(second, ASKS("1.1", ""));
	other = backend_accept(0);
	expect_text(other, "\r\n\r\n");
	say(other, ANSWER);
	expect_text(second, "\r\n\r\nok");
	assert_null(strstr(second->data, "evil"));
	free(answer);
	peer_free(first);
	peer_free(second);
	peer_free(backend);
	peer_free(other);
}

/* So many segments without data has it received. */
static uint32_t bare_segments(const struct peer *peer)
{
	struct tcp_info info = {};
	socklen_t length = sizeof(info);

	assert_int_equal(getsockopt(peer->fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
	assert_true(length > offsetof(struct tcp_info, tcpi_data_segs_in));
	return info.tcpi_segs_in - info.tcpi_data_segs_in;
}

static void ends_in_one_segment(const char *answer)
{
	struct peer *client = client_new(), *backend;
	uint32_t before;

	say(client, ASKS("1.1", "Connection: close\r\n"));
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	before = bare_segments(client);
	say(backend, answer);
	expect_end(client);
	assert_non_null(strstr(client->data, "ok"));
	assert_int_equal(bare_segments(client), before);
	peer_free(backend);
	peer_free(client);
}

static void test_end_goes_with_last_bytes(void **state)
{
	(void)state;
	ends_in_one_segment(ANSWER);
	ends_in_one_segment(
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
	ends_in_one_segment("HTTP/1.1 204 ok\r\n\r\n");
}

static void test_end_goes_with_own_answer(void **state)
{
	struct peer *client = client_new();
	uint32_t before = bare_segments(client);

	(void)state;
	say(client, "GET / HTTP/1.1\r\nHost: nobody.example\r\nConnection: close\r\n\r\n");
	expect_end(client);
	assert_non_null(strstr(client->data, "HTTP/1.1 404 "));
	/* the request is acknowledged at once, or with the answer */
	assert_true(bare_segments(client) - before <= 1);
	peer_free(client);
}

/* A client that was refused, and has not closed. */
static struct peer *refused(const char *request, const char *answer)
{
	struct peer *client = client_new();

	worker.limits.linger = 3600 * 1000 * MS;
	say(client, request);
	expect_end(client);
	assert_non_null(strstr(client->data, answer));
	assert_int_equal(worker.conn_count, 1);
	return client;
}

/* Its end is looked for a little later. */
static void test_end_wakes_nobody(void **state)
{
	struct peer *client = refused("GET /\r\n\r\n", "HTTP/1.1 400 ");

	(void)state;
	assert_false(worker.conns->down.fd.added);
	peer_free(client);
	run_until(all_gone, NULL);
}

/* From then on it is told of. */
static void test_who_stays_is_heard_later(void **state)
{
	struct peer *client = refused("GET /\r\n\r\n", "HTTP/1.1 400 ");

	(void)state;
	assert_false(worker.conns->down.fd.added);
	say(client, "GET ");
	run_until(newest_is_told_of, NULL);
	worker.limits.quiet = 3600 * 1000 * MS;
	assert_int_equal(worker.conn_count, 1);
	peer_free(client);
	run_until(all_gone, NULL);
}

/* And has no longer for it than anybody else. */
static void test_who_stays_for_ever_is_cut(void **state)
{
	struct peer *client = refused("GET /\r\n\r\n", "HTTP/1.1 400 ");

	(void)state;
	worker.limits.linger = 300 * MS;
	run_until(all_gone, NULL);
	peer_free(client);
}

/* Where there is not much room, it is wanted back at once. */
static void test_no_room_to_wait(void **state)
{
	struct peer *client;

	(void)state;
	worker.limits.conns = 8;
	client = refused("GET /\r\n\r\n", "HTTP/1.1 400 ");
	assert_true(worker.conns->down.fd.added);
	peer_free(client);
	run_until(all_gone, NULL);
}

static void test_who_goes_does_not_wait(void **state)
{
	struct peer *client;

	(void)state;
	worker.leaving = true;
	client = refused("GET /\r\n\r\n", "HTTP/1.1 400 ");
	assert_true(worker.conns->down.fd.added);
	peer_free(client);
	run_until(all_gone, NULL);
}

/* Or a long body would come to a halt, and its sender might not look for the answer before. */
static void test_who_is_sending_is_heard(void **state)
{
	struct peer *client =
		refused("POST / HTTP/1.1\r\nHost: nobody.example\r\nContent-Length: 100000\r\n\r\n",
			"HTTP/1.1 404 ");

	(void)state;
	assert_true(worker.conns->down.fd.added);
	peer_free(client);
	run_until(all_gone, NULL);
}

static uint16_t listen_for_clients(void)
{
	uint16_t port;

	assert_int_equal(worker_listen(&worker, 1, "web", listen_on_loopback(&port)), 0);
	return port;
}

static bool one_is_here(void *context)
{
	(void)context;
	return worker.conn_count == 1;
}

static void test_nothing_is_held_back(void **state)
{
	int fd = connect_on_loopback(listen_for_clients()), nodelay = 0;
	socklen_t length = sizeof(nodelay);

	(void)state;
	run_until(one_is_here, NULL);
	assert_int_equal(
		getsockopt(worker.conns->down.fd.fd, IPPROTO_TCP, TCP_NODELAY, &nodelay, &length),
		0);
	assert_true(nodelay);
	close(fd);
}

/* More than are taken at a time at first. */
static void test_all_who_wait_are_taken(void **state)
{
	enum {
		MANY = 40
	};
	uint16_t port = listen_for_clients();
	int fds[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++)
		fds[i] = connect_on_loopback(port);
	expect_count(&worker.counts.accepted, MANY);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proxy_test(test_who_asks_for_nothing_more),
		proxy_test(test_who_may_send_more),
		proxy_test(test_who_sends_more_later),
		proxy_test(test_bytes_behind_an_answer),
		proxy_test(test_end_goes_with_last_bytes),
		proxy_test(test_end_goes_with_own_answer),
		proxy_test(test_end_wakes_nobody),
		proxy_test(test_who_stays_is_heard_later),
		proxy_test(test_who_is_sending_is_heard),
		proxy_test(test_who_stays_for_ever_is_cut),
		proxy_test(test_no_room_to_wait),
		proxy_test(test_who_goes_does_not_wait),
		proxy_test(test_who_is_refused_and_asks_for_nothing_more),
		proxy_test(test_nothing_is_held_back),
		proxy_test(test_all_who_wait_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
