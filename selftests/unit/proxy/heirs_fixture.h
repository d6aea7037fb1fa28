/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A worker with a journal that is killed (its connections are handed over, and then it is taken
 * apart without a word), and the next one, which has them. What was not noted in time is played by
 * turning the mark back that is written last.
 */
#ifndef SELFTESTS_UNIT_HEIRS_FIXTURE_H
#define SELFTESTS_UNIT_HEIRS_FIXTURE_H

#include "proxy_fixture.h"

#include "userspace/proxy/bequest.h"
#include "userspace/proxy/heirs.h"
#include "userspace/proxy/keeper.h"

#define GET	"GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n"
#define OK	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define POST	"POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 4\r\n\r\nbody"
#define ID	5
#define FDS	256
#define BUFFERS 16

static struct journal *journal;
static uint16_t port;
static int socket_of_all; /* mtlbd's, of what clients connect to */

static inline void begin_worker(void)
{
	assert_int_equal(journal_new(FDS, BUFFERS, &journal), 0);
	assert_int_equal(worker_init(&worker, loop, &limits), 0);
	worker_keep_journal(&worker, journal, 4);
	use_image(in_front ? NULL : "127.0.0.0/8", NULL);
	assert_int_equal(
		worker_listen(&worker, ID, "web", fcntl(socket_of_all, F_DUPFD_CLOEXEC, 0)), 0);
}

static inline int begin(void **state)
{
	(void)state;
	limits = worker_limits_default;
	for (int i = 0; i < BACKENDS; i++)
		listening[i] = listen_on_loopback(&ports[i]);
	if (loop_new(&loop))
		return -1;
	socket_of_all = listen_on_loopback(&port);
	begin_worker();
	return 0;
}

static inline int end(void **state)
{
	int error;

	close(socket_of_all);
	error = proxy_end(state);
	journal_free(journal);
	in_front = NULL;
	return error;
}

static inline struct peer *connected(void)
{
	return peer_new(connect_on_loopback(port));
}

static inline bool all_came(void *context)
{
	(void)context;
	return !worker.heirs;
}

/* What the keeper sends; the worker is gone then. */
static inline int killed(void)
{
	struct journal *before = journal;
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	keeper_bequeath(journal, pair[1], false);
	close(pair[1]);
	worker_fini(&worker);
	journal_free(before);
	begin_worker();
	return pair[0];
}

static inline void another_takes_over(void)
{
	int socket = killed();

	assert_int_equal(heirs_new(&worker, socket, 7), 0);
	run_until(all_came, NULL);
}

static inline struct journal_line *line_of_newest(void)
{
	assert_non_null(worker.conns);
	assert_non_null(worker.conns->down.line);
	return worker.conns->down.line;
}

/* As if it had been killed before it noted the end of the request. */
static inline void forget_the_last_step(void)
{
	line_of_newest()->at ^= 1;
}

static inline struct peer *asked(struct peer *client, const char *request)
{
	struct peer *backend;

	say(client, request);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	return backend;
}

static inline void answered(struct peer *client, struct peer *backend)
{
	say(backend, OK);
	expect_text(client, "\r\n\r\nok");
	peer_clear(client);
	peer_clear(backend);
}

static inline void serves(struct peer *client)
{
	struct peer *backend = asked(client, GET);

	answered(client, backend);
	peer_free(backend);
}

/* By a connection that this backend has already. */
static inline void serves_by(struct peer *client, struct peer *backend)
{
	say(client, GET);
	expect_text(backend, "\r\n\r\n");
	answered(client, backend);
}

/* The end of its request was not noted; it is served on, and has nothing twice. */
static inline void goes_on_unnoted(struct peer *client)
{
	forget_the_last_step();
	another_takes_over();
	serves(client);
	assert_int_equal(client->length, 0);
}

static inline void expect_cut(struct peer *client)
{
	expect_end(client);
	assert_true(client->reset);
	assert_int_equal(worker.conn_count, 0);
}

/* It had nothing of an answer. */
static inline void expect_none(struct peer *client)
{
	expect_end(client);
	assert_int_equal(client->length, 0);
	assert_int_equal(worker.conn_count, 0);
}

/* Its worker is killed, and no backend is asked again. */
static inline void ends_without_answer(struct peer *client)
{
	another_takes_over();
	expect_none(client);
	assert_true(nobody_waits(0));
}

#define heirs_case(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
