// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/proxy/conn_stall.c: clients that take nothing of their answers. */
#include "proxy_fixture.h"

#define READERS 33
#define LENGTH	(4 << 20)   /* more than all sockets hold here */
#define ROOM	(256 << 10) /* of each socket, twice that with what it costs */
#define TAKEN	(128 << 10) /* its window opens by so much, and its queue has room for no third */
#define ACME	(&worker.tally.tenants[1])
#define BOLT	(&worker.tally.tenants[2])

static struct peer *readers[READERS], *backends[READERS];
static unsigned most;
static size_t said; /* by the last backend that was full */
static char *body;

static void add_tenants(struct build *build, uint32_t tenant)
{
	uint32_t bolt;

	build_tenant_stalled(build, tenant, most);
	bolt = build_tenant(build, "bolt", 8, 1);
	build_domain(build, bolt, "bolt.example");
	build_tenant_stalled(build, bolt, most);
	add_route(build, bolt, "all", "/", add_pool(build, bolt, "one", 1));
}

static int begin(void **state)
{
	int error = proxy_begin(state);

	body = calloc(1, LENGTH + 1);
	if (error || !body)
		return -1;
	memset(body, 'b', LENGTH);
	worker.limits.stall = 40 * MS;
	return 0;
}

static int end(void **state)
{
	for (int i = 0; i < READERS; i++) {
		if (readers[i])
			peer_free(readers[i]);
		if (backends[i])
			peer_free(backends[i]);
	}
	memset(readers, 0, sizeof(readers));
	memset(backends, 0, sizeof(backends));
	free(body);
	return proxy_end(state);
}

/* The backend has said as much as sockets take. */
static bool is_full(void *context)
{
	const struct peer *backend = context;
	ssize_t n = 0, sent = 0;

	while (sent < LENGTH / 2 &&
	       (n = send(backend->fd, body, 65536, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
		sent += n;
	said += (size_t)sent;
	return n < 0 && errno == EAGAIN && worker.conns && !worker.conns->down.can_write;
}

static void ask(int number, const char *host)
{
	const int room = ROOM;
	char text[128];

	readers[number] = client_new();
	setsockopt(readers[number]->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host);
	say(readers[number], text);
	backends[number] = backend_accept(0);
	setsockopt(backends[number]->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	expect_text(backends[number], "\r\n\r\n");
	setsockopt(worker.conns->down.fd.fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LENGTH);
	say(backends[number], text);
}

static void stall(int number, const char *host)
{
	ask(number, host);
	said = 0;
	run_until(is_full, backends[number]);
}

static bool is_reset(void *context)
{
	struct peer *reader = context;

	peer_pull(reader);
	return reader->reset;
}

static bool so_many_reset(void *context)
{
	unsigned count = 0;

	for (int i = 0; i < READERS; i++)
		if (readers[i])
			count += is_reset(readers[i]);
	return count == *(const unsigned *)context;
}

static bool is_later(void *context)
{
	return loop_now(loop) >= *(const uint64_t *)context;
}

/* A share of them stays, the others are cut, long before limits.body. */
static void too_many(void **state)
{
	(void)state;
	most = 3;
	use_image(NULL, add_tenants);
	for (int i = 0; i < 6; i++)
		stall(i, "acme.example");
	expect_count(&ACME->refused[REFUSAL_stalled], 3);
	assert_int_equal(ACME->clients_stalled, 3);
	assert_int_equal(ACME->refused[REFUSAL_slow_client], 0);
	assert_int_equal(worker.conn_count, 3);
	run_until(so_many_reset, &(unsigned){3});
}

static bool is_looked_at(void *context)
{
	const struct stall *stall = worker.conns ? &worker.conns->exchange.stall : NULL;

	return stall && stall->looked && stall->at != *(const uint64_t *)context;
}

/* Who takes something is none of them, however little room that makes. */
static void it_goes_on(void **state)
{
	uint64_t at, sent;

	(void)state;
	most = 0;
	worker.limits.stall = 400 * MS;
	use_image(NULL, add_tenants);
	stall(0, "acme.example");
	run_until(is_looked_at, &(uint64_t){0});
	at = worker.conns->exchange.stall.at;
	sent = worker.conns->down.sent;
	assert_true(recv(readers[0]->fd, readers[0]->data, TAKEN, MSG_DONTWAIT) == TAKEN);
	run_until(is_looked_at, &at);
	assert_int_equal(worker.conns->down.sent, sent);
	assert_int_equal(ACME->clients_stalled, 0);
	/* and then no more */
	expect_count(&ACME->refused[REFUSAL_stalled], 1);
}

static bool has_come(void *context)
{
	struct expected *expected = context;
	struct peer *backend = backends[0];

	while (send(backend->fd, body, 4096, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
	peer_pull(expected->peer);
	return expected->peer->length > expected->length;
}

static void it_is_let_be(void **state)
{
	(void)state;
	most = 1;
	use_image(NULL, add_tenants);
	stall(0, "acme.example");
	expect_count(&ACME->clients_stalled, 1);
	run_until(has_come, &(struct expected){.peer = readers[0], .length = LENGTH});
	assert_int_equal(ACME->clients_stalled, 0);
	expect_count(&ACME->requests_open, 0);
	assert_int_equal(ACME->refused[REFUSAL_stalled], 0);
}

/* 31 whose backend says nothing, and two that take nothing. */
static void one_in_32(void **state)
{
	(void)state;
	most = 0;
	use_image(NULL, add_tenants);
	for (int i = 0; i < 31; i++) {
		readers[i] = client_new();
		say(readers[i], "GET /x HTTP/1.1\r\nHost: acme.example\r\n\r\n");
		backends[i] = backend_accept(0);
	}
	stall(31, "acme.example");
	stall(32, "acme.example");
	expect_count(&ACME->refused[REFUSAL_stalled], 1);
	assert_int_equal(ACME->clients_stalled, 1);
	assert_int_equal(worker.conn_count, 32);
	run_until(so_many_reset, &(unsigned){1});
}

/* Those of another tenant do not count. */
static void each_for_itself(void **state)
{
	(void)state;
	most = 1;
	use_image(NULL, add_tenants);
	stall(0, "acme.example");
	expect_count(&ACME->clients_stalled, 1);
	stall(1, "bolt.example");
	expect_count(&BOLT->clients_stalled, 1);
	assert_int_equal(worker.conn_count, 2);
	stall(2, "bolt.example");
	expect_count(&BOLT->refused[REFUSAL_stalled], 1);
	assert_int_equal(ACME->refused[REFUSAL_stalled], 0);
}

/* A little more than the client's sockets take. */
static bool is_just_full(void *context)
{
	const struct peer *backend = context;
	ssize_t n = 0;

	if (worker.conns->down.can_write)
		n = send(backend->fd, body, 16384, MSG_DONTWAIT | MSG_NOSIGNAL);
	said += n > 0 ? (size_t)n : 0;
	return ACME->clients_stalled;
}

/* Its answer is not over, but there is nothing of it that it could take. */
static void it_has_all_there_is(void **state)
{
	(void)state;
	most = 1;
	use_image(NULL, add_tenants);
	ask(0, "acme.example");
	said = 0;
	run_until(is_just_full, backends[0]);
	expect_length(readers[0], said);
	expect_count(&ACME->clients_stalled, 0);
	assert_int_equal(ACME->requests_open, 1);
}

/* That there is room is told of once, and may be told of when it was about to be looked at. */
static void room_when_it_is_late(void **state)
{
	struct conn *conn;

	(void)state;
	use_image(NULL, add_tenants);
	worker.limits.stall = 10000 * MS;
	stall(0, "acme.example");
	conn = worker.conns;
	conn->late = true;
	conn_wait_turn(conn);
	peer_pull(readers[0]);
	expect_length(readers[0], said);
}

static void it_goes_away(void **state)
{
	(void)state;
	most = 1;
	use_image(NULL, add_tenants);
	stall(0, "acme.example");
	expect_count(&ACME->clients_stalled, 1);
	peer_free(readers[0]);
	readers[0] = NULL;
	expect_count(&ACME->clients_stalled, 0);
	expect_count(&ACME->requests_open, 0);
}

/* The client has taken all that there is: it is not what is waited for. */
static void a_slow_backend(void **state)
{
	uint64_t later;

	(void)state;
	most = 0;
	use_image(NULL, add_tenants);
	ask(0, "acme.example");
	expect_text(readers[0], "\r\n\r\n");
	say(backends[0], "some");
	expect_text(readers[0], "some");
	later = loop_now(loop) + 3 * worker.limits.stall;
	run_until(is_later, &later);
	assert_int_equal(worker.conn_count, 1);
}

/* Who has its share is cut by limits.body, and that is told as well. */
static void the_other_limit(void **state)
{
	(void)state;
	most = 1;
	use_image(NULL, add_tenants);
	worker.limits.body = 2000 * MS;
	stall(0, "acme.example");
	expect_count(&ACME->clients_stalled, 1);
	expect_count(&ACME->refused[REFUSAL_slow_client], 1);
	assert_int_equal(ACME->clients_stalled, 0);
	assert_int_equal(ACME->refused[REFUSAL_stalled], 0);
	run_until(is_reset, readers[0]);
}

/* All of one address. */
static void so_many_are_cut(void)
{
	worker.limits.stall = 150 * MS; /* it is full before that */
	for (unsigned i = 0; i < HELD_CUTS; i++) {
		stall((int)i, "acme.example");
		expect_count(&ACME->refused[REFUSAL_stalled], i + 1);
	}
}

static void is_served(const char *host)
{
	struct peer *client = client_new(), *backend;
	char text[128];

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host);
	say(client, text);
	backend = backend_accept(0);
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	expect_text(client, "\r\n\r\nok");
	peer_free(backend);
	peer_free(client);
}

/* Its requests are not served for a while, but those to other tenants are. */
static void who_comes_again(void **state)
{
	struct peer *client;

	(void)state;
	most = 0;
	use_image(NULL, add_tenants);
	so_many_are_cut();
	client = client_new();
	say(client, "GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	expect_text(client, "HTTP/1.1 429 ");
	expect_text(client, "Retry-After: ");
	assert_in_range(atoi(strstr(client->data, "Retry-After: ") + 13), 50, 60);
	expect_end(client);
	assert_false(client->reset);
	assert_int_equal(ACME->refused[REFUSAL_held], 1);
	assert_int_equal(ACME->refused[REFUSAL_stalled], HELD_CUTS);
	assert_int_equal(ACME->requests_open, 0);
	assert_true(nobody_waits(0));
	peer_free(client);
	is_served("bolt.example");
	for (unsigned i = 0; i < HELD_PLACES; i++)
		worker.held.clients[i].at -= HELD_FOR;
	is_served("acme.example");
}

/* Its connections are those of many clients. */
static void a_proxy_that_is_trusted(void **state)
{
	(void)state;
	most = 0;
	use_image(CLIENT_TEXT "/32", add_tenants);
	so_many_are_cut();
	is_served("acme.example");
	assert_int_equal(ACME->refused[REFUSAL_held], 0);
}

#define stall_test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		stall_test(too_many),
		stall_test(it_goes_on),
		stall_test(it_is_let_be),
		stall_test(one_in_32),
		stall_test(each_for_itself),
		stall_test(it_goes_away),
		stall_test(it_has_all_there_is),
		stall_test(room_when_it_is_late),
		stall_test(a_slow_backend),
		stall_test(the_other_limit),
		stall_test(who_comes_again),
		stall_test(a_proxy_that_is_trusted),
	};

	return cmocka_run_group_tests_name("stall", tests, NULL, NULL);
}
