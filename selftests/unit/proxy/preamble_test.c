// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/proxy/conn_preamble.c: headers of the PROXY protocol, from those in front and to pools.
 */
#include "proxy_fixture.h"

#include "userspace/wire/proxy_header.h"

#define GET "GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n"
#define OK  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define V1  "PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\r\n"

static uint64_t *refused(void)
{
	return &worker.tally.tenants[0].refused[REFUSAL_proxy_header];
}

static int begin(void **state)
{
	int error = proxy_begin(state);

	in_front = "198.51.100.0/24";
	if (!error)
		use_image(NULL, NULL);
	return error;
}

static int end(void **state)
{
	in_front = NULL;
	return proxy_end(state);
}

static bool no_connections(void *context)
{
	(void)context;
	return !worker.upstreams.connections;
}

static void answered(struct peer *client, struct peer *backend, const char *forwarded_for)
{
	char line[80];

	expect_text(backend, "\r\n\r\n");
	snprintf(line, sizeof(line), "X-Forwarded-For: %s\r\n", forwarded_for);
	assert_non_null(strstr(backend->data, line));
	say(backend, OK);
	expect_text(client, "\r\n\r\nok");
	peer_clear(client);
	peer_clear(backend);
}

static void a_line(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, V1 GET);
	backend = backend_accept(0);
	answered(client, backend, "203.0.113.9");
	/* once for a connection: another one is no request */
	say(client, GET);
	answered(client, backend, "203.0.113.9");
	say(client, V1);
	expect_text(client, "HTTP/1.1 400 ");
	assert_int_equal(*refused(), 0);
	peer_free(client);
	peer_free(backend);
}

static size_t binary(char *to, size_t size, bool local)
{
	struct proxy_header header = {.version = 2,
				      .local = local,
				      .transport = PROXY_TCP,
				      .source_port = 4711,
				      .destination_port = 443};
	int length;

	assert_int_equal(addr_parse("2001:db8::9", &header.source), 0);
	assert_int_equal(addr_parse("2001:db8::1", &header.destination), 0);
	length = proxy_header_write(&header, to, size);
	assert_true(length > 0);
	return (size_t)length;
}

/* A byte at a time, and the request's first ones with its last ones. */
static void in_pieces(void **state)
{
	struct peer *client = client_new(), *backend;
	char bytes[256];
	size_t length = binary(bytes, sizeof(bytes), false);

	(void)state;
	for (size_t i = 0; i < length - 1; i++)
		say_bytes(client, bytes + i, 1);
	memcpy(bytes + length, "GET / ", 6);
	say_bytes(client, bytes + length - 1, 7);
	say(client, GET + 6);
	backend = backend_accept(0);
	answered(client, backend, "2001:db8::9");
	peer_free(client);
	peer_free(backend);
}

/* Nothing is told: the client is who has connected. */
static void untold(void **state)
{
	char bytes[256];
	size_t length = binary(bytes, sizeof(bytes), true);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct peer *client = client_new(), *backend;

		if (i)
			say(client, "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n");
		else
			say_bytes(client, bytes, length);
		say(client, GET);
		backend = backend_accept(0);
		answered(client, backend, CLIENT_TEXT);
		peer_free(backend);
		peer_free(client);
		run_until(no_connections, NULL);
	}
	assert_int_equal(*refused(), 0);
}

static void closed(const char *bytes, size_t length)
{
	struct peer *client = client_new();
	uint64_t before = *refused();

	say_bytes(client, bytes, length);
	expect_end(client);
	assert_int_equal(client->length, 0); /* not a word */
	assert_int_equal(*refused(), before + 1);
	peer_free(client);
}

static void malformed(void **state)
{
	static const char *const heads[] = {
		GET,
		"PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\n" GET,
		"PROXY TCP4 203.0.113.9 2001:db8::1 4711 80\r\n" GET,
		"PROXY TCP4 203.0.113.9 192.0.2.1 4711 65536\r\n" GET,
		"\r\n" V1 GET,
	};
	static char line[PROXY_HEADER_V1_MAX + 1];
	char bytes[256];
	size_t length = binary(bytes, sizeof(bytes), false);

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		closed(heads[i], strlen(heads[i]));
	memset(line, ' ', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	closed(line, sizeof(line));
	bytes[14] = 0x20; /* 8 KB of it */
	closed(bytes, length);
	assert_true(nobody_waits(0));
}

/* Whoever is not in front of it says nothing about clients, not even something right. */
static void from_elsewhere(void **state)
{
	struct peer *client;

	(void)state;
	in_front = "198.51.100.8";
	use_image(NULL, NULL);
	client = client_new();
	expect_end(client);
	assert_int_equal(*refused(), 1);
	assert_true(nobody_waits(0));
	peer_free(client);
}

static void cut_off(void **state)
{
	struct peer *client = client_new();

	(void)state;
	say(client, "PROXY TCP4 203.0.113.9");
	assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
	expect_end(client);
	assert_int_equal(*refused(), 1);
	peer_free(client);
	/* who looks whether somebody is here does nothing wrong */
	client = client_new();
	assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
	expect_end(client);
	assert_int_equal(*refused(), 1);
	peer_free(client);
}

static void too_slow(void **state)
{
	struct peer *client;

	(void)state;
	worker.limits.head = 20 * MS;
	client = client_new();
	say(client, "PROXY TCP4 203.0.113.9");
	expect_end(client);
	assert_int_equal(*refused(), 1);
	peer_free(client);
}

/* What is believed of the client is what counts: an untrusted one's own words do not. */
static void trust_is_the_clients(void **state)
{
	struct peer *client, *backend;

	(void)state;
	use_image("203.0.113.0/24", NULL);
	client = client_new();
	say(client, V1 "GET / HTTP/1.1\r\nHost: acme.example\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n");
	backend = backend_accept(0);
	answered(client, backend, "10.0.0.1, 203.0.113.9");
	peer_free(client);
	client = client_new();
	say(client, "PROXY TCP4 203.0.112.9 192.0.2.1 4711 80\r\n"
		    "GET / HTTP/1.1\r\nHost: acme.example\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n");
	answered(client, backend, "203.0.112.9");
	peer_free(client);
	peer_free(backend);
}

/* pools */

static unsigned version;

static void add_told(struct build *build, uint32_t tenant)
{
	const struct build_pool settings = {
		.tenant = tenant, .name = "told", .proxy_protocol = (uint8_t)version};
	uint32_t pool = build_pool(build, &settings);

	for (unsigned i = 0; i < BACKENDS; i++) {
		struct build_member member = {.port = ports[i], .weight = 1};

		assert_int_equal(addr_parse("127.0.0.1", &member.address), 0);
		build_member(build, &member);
	}
	add_route(build, tenant, "told", "/told", pool);
}

static void expect_told(struct peer *backend, const char *source, bool fresh)
{
	struct proxy_header header;
	char text[ADDR_TEXT_MAX];
	size_t length = 0;

	expect_text(backend, "\r\n\r\n");
	if (version == 2) /* its signature has an empty line, and a NUL behind it */
		expect_length(backend, 60);
	if (!fresh) {
		assert_memory_equal(backend->data, "GET ", 4);
		return;
	}
	assert_int_equal(proxy_header_parse(backend->data, backend->length, &header, &length), 0);
	assert_int_equal(header.version, version);
	assert_string_equal(addr_format(&header.source, text), source);
	assert_memory_equal(backend->data + length, "GET ", 4);
}

#define TOLD "GET /told HTTP/1.1\r\nHost: acme.example\r\n\r\n"

static void served(struct peer *client, struct peer *backend)
{
	say(backend, OK);
	expect_text(client, "\r\n\r\nok");
	peer_clear(client);
	peer_clear(backend);
}

/* A connection is one client's: its next request has it, another client's does not, and when the
 * client is gone, so is it. */
static void one_clients_alone(unsigned which)
{
	struct peer *clients[2], *backends[4];

	version = which;
	use_image(NULL, add_told);
	for (int i = 0; i < 2; i++) {
		clients[i] = client_new();
		if (i)
			say(clients[i], "PROXY TCP4 203.0.113.10 192.0.2.1 4711 80\r\n");
		else
			say(clients[i], V1);
		for (int j = 0; j < 2; j++) { /* in turn */
			say(clients[i], TOLD);
			backends[2 * i + j] = backend_accept((2 * i + j) % 2);
			expect_told(backends[2 * i + j], i ? "203.0.113.10" : "203.0.113.9", true);
			served(clients[i], backends[2 * i + j]);
		}
	}
	for (int round = 0; round < 4; round++) {
		say(clients[round / 2], TOLD);
		expect_told(backends[round], NULL, false);
		served(clients[round / 2], backends[round]);
	}
	assert_int_equal(worker.upstreams.connections, 4);
	peer_free(clients[0]);
	expect_end(backends[0]);
	expect_end(backends[1]);
	assert_int_equal(worker.upstreams.connections, 2);
	peer_free(clients[1]);
	run_until(no_connections, NULL);
	for (int i = 0; i < 4; i++)
		peer_free(backends[i]);
}

static void told_v1(void **state)
{
	(void)state;
	one_clients_alone(1);
}

static void told_v2(void **state)
{
	(void)state;
	one_clients_alone(2);
}

/* Nobody has told anything of the client, who is told of all the same; and what a pool that does
 * not want to know has is not used for one that does. */
static void told_of_a_peer(void **state)
{
	struct peer *client, *backend;

	(void)state;
	in_front = NULL;
	version = 0;
	use_image(NULL, add_told);
	client = client_new();
	say(client, TOLD);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	assert_memory_equal(backend->data, "GET ", 4);
	served(client, backend);
	peer_free(backend);
	backend_down(1);
	version = 1;
	use_image(NULL, add_told);
	say(client, TOLD);
	backend = backend_accept(0);
	expect_told(backend, CLIENT_TEXT, true);
	served(client, backend);
	peer_free(client);
	peer_free(backend);
	run_until(no_connections, NULL);
}

/* The backend closes what waited: the client's next request has a new connection, that is told. */
static void kept_and_closed(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	version = 2;
	use_image(NULL, add_told);
	say(client, V1 TOLD);
	backend = backend_accept(0);
	expect_told(backend, "203.0.113.9", true);
	served(client, backend);
	peer_free(backend);
	run_until(no_connections, NULL);
	say(client, TOLD);
	backend = backend_accept(1);
	expect_told(backend, "203.0.113.9", true);
	served(client, backend);
	peer_free(client);
	peer_free(backend);
}

#define front_test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		front_test(a_line),	    front_test(in_pieces),
		front_test(untold),	    front_test(malformed),
		front_test(from_elsewhere), front_test(cut_off),
		front_test(too_slow),	    front_test(trust_is_the_clients),
		front_test(told_v1),	    front_test(told_v2),
		front_test(told_of_a_peer), front_test(kept_and_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
