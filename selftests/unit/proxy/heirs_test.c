// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* proxy/keeper.c, proxy/heirs.c and what a worker notes for them: connections that go on. */
#include "heirs_fixture.h"

#include "userspace/sys/pass.h"
#include "userspace/wire/handover.h"

static void one_that_waits(void **state)
{
	struct peer *client = connected();

	(void)state;
	serves(client);
	assert_int_equal(journal_mark(line_of_newest())->buffer, BUFFER_NONE);
	another_takes_over();
	assert_int_equal(worker.conn_count, 1);
	assert_true(worker.conns->waiting);
	serves(client);
	peer_free(client);
}

static void one_that_never_asked(void **state)
{
	struct peer *client = connected();

	(void)state;
	run_until(newest_is_told_of, NULL);
	another_takes_over();
	serves(client);
	peer_free(client);
}

static void one_without_a_line(void **state)
{
	struct peer *client = connected(), *other;
	struct journal_line *line;

	(void)state;
	run_until(newest_is_told_of, NULL);
	/* beside a connection to a backend, which is not taken for it */
	serves(client);
	other = connected();
	run_until(newest_is_told_of, NULL);
	while (worker.conn_count < 2)
		run_until(newest_is_told_of, NULL);
	line = line_of_newest();
	line->open = false;
	journal->shared->accepting = ID + 1;
	another_takes_over();
	assert_int_equal(worker.conn_count, 2);
	serves(other);
	serves(client);
	peer_free(client);
	peer_free(other);
}

/* It is killed before its first turn, with all that it has: that is asked for by the next one. */
static void one_that_was_not_looked_at(void **state)
{
	struct peer *client = connected(), *backend, *again;
	static struct bequest bequest;
	struct journal_line *line;
	int socket, fd;

	(void)state;
	backend = asked(client, GET GET);
	answered(client, backend);
	expect_text(backend, "\r\n\r\n");
	socket = killed();
	assert_true(pass_receive(socket, &bequest, sizeof(bequest), &fd) > 0 && fd >= 0);
	assert_int_equal(conn_inherit(&worker, worker.listeners, fd, &bequest), 0);
	close(socket);
	line = line_of_newest();
	assert_int_equal(line->at, 0); /* as it was opened */
	assert_int_equal(line->marks[0].read, strlen(GET));
	assert_int_equal(line->marks[0].written, strlen(OK));
	another_takes_over();
	again = backend_accept(0);
	expect_text(again, "\r\n\r\n");
	answered(client, again);
	serves_by(client, again);
	assert_int_equal(client->length, 0);
	peer_free(backend);
	peer_free(again);
	peer_free(client);
}

/* It has come from the one before, and that is all. */
static void one_that_has_just_come(void **state)
{
	struct peer *other = connected(), *client, *backend, *again;

	(void)state;
	serves(other);
	client = connected();
	backend = asked(client, GET);
	another_takes_over();
	again = backend_accept(0);
	expect_text(again, "\r\n\r\n");
	/* the request is what came last of it, as far as that was handed over */
	assert_int_equal(journal->bequest->length, strlen(GET));
	assert_int_equal(journal->bequest->version, 0);
	journal->bequest->version = HANDOVER_VERSION;
	worker.conns->down.line->open = false;
	journal->shared->inheriting = true;
	another_takes_over();
	assert_int_equal(worker.conn_count, 2);
	peer_free(backend);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	answered(client, backend);
	peer_free(backend);
	peer_free(again);
	serves(other);
	peer_free(client);
	peer_free(other);
}

static void a_request_on_its_way(void **state)
{
	struct peer *client = connected(), *backend, *again;

	(void)state;
	backend = asked(client, GET);
	another_takes_over();
	again = backend_accept(0);
	expect_text(again, "GET / HTTP/1.1\r\n");
	assert_non_null(strstr(again->data, "X-Forwarded-For: 127.0.0.1\r\n"));
	expect_end(backend);
	answered(client, again);
	serves_by(client, again);
	assert_int_equal(client->length, 0);
	peer_free(backend);
	peer_free(again);
	peer_free(client);
}

static bool some_came(void *context)
{
	(void)context;
	return worker.conns && buffer_length(worker.conns->down.in) == 20;
}

static void half_a_head(void **state)
{
	struct peer *client = connected(), *backend;

	(void)state;
	say_bytes(client, GET, 20);
	run_until(some_came, NULL);
	another_takes_over();
	say(client, GET + 20);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	answered(client, backend);
	peer_free(backend);
	peer_free(client);
}

static void one_that_waits_for_its_body(void **state)
{
	struct peer *client = connected(), *backend;

	(void)state;
	say(client, "POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 4\r\n\r\nbo");
	while (!worker.conns || worker.conns->state != CONN_BODY)
		run_until(newest_is_told_of, NULL);
	another_takes_over();
	say(client, "dy");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\nbody");
	answered(client, backend);
	peer_free(backend);
	peer_free(client);
}

static void after_a_post(void **state)
{
	struct peer *client = connected(), *backend;

	(void)state;
	backend = asked(client, POST);
	answered(client, backend);
	goes_on_unnoted(client);
	peer_free(backend);
	peer_free(client);
}

static void not_what_was_answered(void **state)
{
	struct peer *client = connected();

	(void)state;
	serves(client);
	forget_the_last_step();
	another_takes_over();
	assert_int_equal(worker.conn_count, 1);
	serves(client);
	assert_true(nobody_waits(0));
	assert_int_equal(client->length, 0);
	peer_free(client);
}

static void not_what_was_answered_in_chunks(void **state)
{
	struct peer *client = connected(), *backend;

	(void)state;
	backend = asked(client, GET);
	say(backend, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
	expect_text(client, "ok\r\n0\r\n\r\n");
	peer_clear(client);
	goes_on_unnoted(client);
	peer_free(backend);
	peer_free(client);
}

static void not_what_was_answered_here(void **state)
{
	struct peer *client = connected();

	(void)state;
	say(client, "GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n");
	expect_text(client, "HTTP/1.1 404 ");
	expect_text(client, "}");
	peer_clear(client);
	goes_on_unnoted(client);
	peer_free(client);
}

/* The second of two in a row, the first of which is answered. */
static void the_next_one(bool noted)
{
	struct peer *client = connected(), *backend, *again;

	backend = asked(client, GET "GET /second HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	answered(client, backend);
	expect_text(backend, "GET /second ");
	if (!noted)
		forget_the_last_step();
	another_takes_over();
	again = backend_accept(0);
	expect_text(again, "GET /second HTTP/1.1\r\n");
	answered(client, again);
	serves_by(client, again);
	peer_free(backend);
	peer_free(again);
	peer_free(client);
}

static void the_second_of_two(void **state)
{
	(void)state;
	the_next_one(true);
}

static void the_second_of_two_not_noted(void **state)
{
	(void)state;
	the_next_one(false);
}

static void one_that_ends_with_its_answer(void **state)
{
	struct peer *client = connected();

	(void)state;
	serves(client);
	/* as if it had been about to end it */
	forget_the_last_step();
	journal_mark(line_of_newest())->last = true;
	another_takes_over();
	assert_int_equal(worker.conn_count, 0);
	expect_end(client);
	assert_false(client->reset);
	peer_free(client);
}

static void one_that_says_no_more(void **state)
{
	struct peer *client = connected(), *backend, *again;

	(void)state;
	backend = asked(client, GET);
	assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
	while (!worker.conns->down.hung_up)
		run_until(newest_is_told_of, NULL);
	another_takes_over();
	again = backend_accept(0);
	expect_text(again, "\r\n\r\n");
	/* its FIN is no byte of it */
	assert_int_equal(buffer_length(worker.conns->down.in), strlen(GET));
	answered(client, again);
	expect_end(client);
	assert_int_equal(client->length, 0);
	assert_false(client->reset);
	peer_free(backend);
	peer_free(again);
	peer_free(client);
}

static void who_a_proxy_said_it_is(void **state)
{
	struct peer *client, *backend, *again;

	(void)state;
	in_front = "127.0.0.0/8";
	use_image(NULL, NULL);
	client = connected();
	backend = asked(client, "PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\r\n" GET);
	another_takes_over();
	again = backend_accept(0);
	expect_text(again, "X-Forwarded-For: 203.0.113.9\r\n");
	answered(client, again);
	another_takes_over();
	peer_free(backend);
	backend = asked(client, GET);
	assert_non_null(strstr(backend->data, "X-Forwarded-For: 203.0.113.9\r\n"));
	answered(client, backend);
	assert_int_equal(worker.conns->local_port, 80);
	peer_free(backend);
	peer_free(again);
	peer_free(client);
}

/* What the kernel counts as urgent is data, and no byte of it is missing. */
static void urgent_data(void **state)
{
	struct peer *client = connected(), *backend, *again;

	(void)state;
	serves(client);
	assert_int_equal(send(client->fd, "G", 1, MSG_OOB), 1);
	say(client, "ET /urgent HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "GET /urgent HTTP/1.1\r\n");
	assert_int_equal(send(client->fd, "!", 1, MSG_OOB), 1);
	say_body(client, 100);
	another_takes_over();
	again = backend_accept(0);
	expect_text(again, "GET /urgent HTTP/1.1\r\n");
	say(again, OK);
	/* and what was behind it is what it was: no request */
	expect_text(client, "\r\n\r\nok");
	say(client, "\r\n\r\n");
	expect_text(client, "HTTP/1.1 501 ");
	peer_free(backend);
	peer_free(again);
	peer_free(client);
}

/* A client of TLS that says nothing looks like one that was accepted just now. */
static void one_that_is_apart(void **state)
{
	struct peer *client = connected(), *other;

	(void)state;
	run_until(newest_is_told_of, NULL);
	journal_set_apart(line_of_newest());
	other = connected();
	while (worker.conn_count < 2)
		run_until(newest_is_told_of, NULL);
	line_of_newest()->open = false;
	journal->shared->accepting = ID + 1;
	another_takes_over();
	assert_int_equal(worker.conn_count, 1);
	expect_end(client);
	serves(other);
	peer_free(client);
	peer_free(other);
}

static void a_head_alone(void **state)
{
	struct peer *client = connected(), *backend;

	(void)state;
	backend = asked(client, "HEAD / HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 700\r\n\r\n");
	expect_text(client, "\r\n\r\n");
	peer_clear(client);
	goes_on_unnoted(client);
	peer_free(backend);
	peer_free(client);
}

static void after_a_long_body(void **state)
{
	struct peer *client = connected(), *backend;

	(void)state;
	say(client, "PUT / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 100000\r\n\r\n");
	say_body(client, 50000);
	backend = backend_accept(0);
	say_body(client, 50000);
	expect_length(backend, 100000);
	answered(client, backend);
	goes_on_unnoted(client);
	peer_free(backend);
	peer_free(client);
}

static void many(void **state)
{
	struct peer *clients[20];

	(void)state;
	for (int i = 0; i < 20; i++)
		serves(clients[i] = connected());
	another_takes_over();
	assert_int_equal(worker.conn_count, 20);
	for (int i = 0; i < 20; i++)
		serves(clients[i]);
	for (int i = 0; i < 20; i++)
		peer_free(clients[i]);
}

static void bytes_are_counted_once(void **state)
{
	struct peer *client = connected();
	uint64_t in;

	(void)state;
	serves(client);
	in = worker.tally.tenants[1].bytes_in + worker.tally.tenants[0].bytes_in;
	another_takes_over();
	serves(client);
	assert_int_equal(worker.tally.tenants[1].bytes_in + worker.tally.tenants[0].bytes_in, in);
	peer_free(client);
}

static unsigned descriptors(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void send_bequest(int to, struct bequest *bequest, size_t length, int fd)
{
	assert_int_equal(pass_send(to, bequest, length, fd), 0);
}

/* Whatever comes that is none: it is not taken, and nothing is left of it. */
static void what_is_no_bequest(void **state)
{
	static struct bequest bequest;
	const struct {
		uint32_t version, listener, length;
		uint64_t read;
		size_t sent;
	} wrong[] = {
		{HANDOVER_VERSION + 1, ID, 0, 0, offsetof(struct bequest, bytes)},
		{HANDOVER_VERSION, ID + 1, 0, 0, offsetof(struct bequest, bytes)},
		{HANDOVER_VERSION, ID, 10, 10, offsetof(struct bequest, bytes)},
		{HANDOVER_VERSION, ID, 10, 9, offsetof(struct bequest, bytes) + 10},
		{HANDOVER_VERSION, ID, UINT32_MAX, UINT32_MAX, sizeof(bequest)},
		{HANDOVER_VERSION, ID, 0, 0, 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		unsigned before = descriptors();
		int pair[2], fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
		bequest = (struct bequest){.version = wrong[i].version,
					   .listener = wrong[i].listener,
					   .length = wrong[i].length,
					   .read = wrong[i].read};
		send_bequest(pair[1], &bequest, wrong[i].sent, fd);
		close(fd);
		close(pair[1]);
		assert_int_equal(heirs_new(&worker, pair[0], 7), 0);
		run_until(all_came, NULL);
		assert_int_equal(worker.conn_count, 0);
		assert_int_equal(descriptors(), before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		heirs_case(one_that_waits),
		heirs_case(one_that_never_asked),
		heirs_case(one_without_a_line),
		heirs_case(one_that_was_not_looked_at),
		heirs_case(one_that_has_just_come),
		heirs_case(a_request_on_its_way),
		heirs_case(half_a_head),
		heirs_case(one_that_waits_for_its_body),
		heirs_case(after_a_post),
		heirs_case(not_what_was_answered),
		heirs_case(not_what_was_answered_in_chunks),
		heirs_case(not_what_was_answered_here),
		heirs_case(the_second_of_two),
		heirs_case(the_second_of_two_not_noted),
		heirs_case(one_that_ends_with_its_answer),
		heirs_case(one_that_says_no_more),
		heirs_case(who_a_proxy_said_it_is),
		heirs_case(urgent_data),
		heirs_case(one_that_is_apart),
		heirs_case(a_head_alone),
		heirs_case(after_a_long_body),
		heirs_case(many),
		heirs_case(bytes_are_counted_once),
		heirs_case(what_is_no_bequest),
	};

	return cmocka_run_group_tests_name("heirs", tests, NULL, NULL);
}
