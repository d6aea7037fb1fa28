// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* TLS that is passed through: two tenants behind one listener, each with backends that have their
 * own certificates. */
#include "tls_fixture.h"

#define ROW_OF_NOBODY (&worker.tally.tenants[0])
#define ROW_OF_ACME   (&worker.tally.tenants[1])
#define HEAD_LIMIT_MS 50

static struct pair acme, bolt;
static SSL_CTX *server_context;
static uint32_t most; /* connections of acme at a time; 0: any number */

static uint32_t pool_of(struct build *build, uint32_t tenant, uint16_t port)
{
	const struct build_pool settings = {.tenant = tenant, .name = "own"};
	struct build_member member = {.port = port, .weight = 1};
	uint32_t pool = build_pool(build, &settings);

	assert_int_equal(addr_parse("127.0.0.1", &member.address), 0);
	build_member(build, &member);
	return pool;
}

/* acme.example by the first backend, bolt.example by the second one. */
static void use_tenants(void)
{
	struct build *build = build_new(1, 1);
	struct addr address;
	struct build_listener listener = {
		.name = "raw",
		.addresses = &address,
		.address_count = 1,
		.port = 443,
		.protocol = IMAGE_TLS,
	};
	struct routing *routing;
	struct err err = {};
	uint32_t first, second;
	size_t size;
	void *bytes;
	int fd;

	assert_int_equal(addr_parse("192.0.2.1", &address), 0);
	build_listener(build, &listener);
	first = build_tenant(build, "acme", 7, 1);
	build_tenant_limits(build, first, 0, most);
	build_domain(build, first, "*.acme.example");
	build_domain(build, first, "acme.example");
	second = build_tenant(build, "bolt", 8, 1);
	build_domain(build, second, "bolt.example");
	add_route(build, first, "all", "/", pool_of(build, first, ports[0]));
	add_route(build, second, "all", "/", pool_of(build, second, ports[1]));
	if (build_finish(build, &bytes, &size, &err))
		fail_msg("%s", err.text);
	build_free(build);
	fd = sealed("image", bytes, size);
	free(bytes);
	if (routing_open(&worker.upstreams, fd, &routing, &err))
		fail_msg("%s", err.text);
	close(fd);
	worker_use(&worker, routing);
}

static int begin(void **state)
{
	most = 0;
	if (proxy_begin(state))
		return -1;
	use_tenants();
	return 0;
}

struct hands {
	struct secure *client, *server;
};

static bool both_shook(void *context)
{
	struct hands *hands = context;
	bool client = SSL_do_handshake(hands->client->ssl) == 1;
	bool server = SSL_do_handshake(hands->server->ssl) == 1;

	ERR_clear_error();
	return client && server;
}

static bool has_spoken(void *context)
{
	struct secure *client = context;

	SSL_do_handshake(client->ssl);
	ERR_clear_error();
	return SSL_get_state(client->ssl) != TLS_ST_BEFORE;
}

/* The backend's side of it. */
static struct secure *serve(int number, const struct pair *as)
{
	struct secure *server = calloc(1, sizeof(*server));
	BIO *cert = BIO_new_mem_buf(as->cert, (int)as->cert_length);
	BIO *key = BIO_new_mem_buf(as->key, (int)as->key_length);
	X509 *x509 = PEM_read_bio_X509(cert, NULL, NULL, NULL);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);

	server->peer = backend_accept(number);
	server->ssl = SSL_new(server_context);
	SSL_set_fd(server->ssl, server->peer->fd);
	assert_int_equal(SSL_use_cert_and_key(server->ssl, x509, pkey, NULL, 1), 1);
	SSL_set_accept_state(server->ssl);
	X509_free(x509);
	EVP_PKEY_free(pkey);
	BIO_free(cert);
	BIO_free(key);
	return server;
}

/* A client for this name is served by that backend itself. */
static struct hands expect_passed(const char *name, int number, const struct pair *as)
{
	struct hands hands = {.client = secure_new(name)};

	run_until(has_spoken, hands.client);
	hands.server = serve(number, as);
	run_until(both_shook, &hands);
	assert_true(secure_sees(hands.client, as));
	assert_string_equal(SSL_get_servername(hands.server->ssl, TLSEXT_NAMETYPE_host_name), name);
	secure_say(hands.client, "question");
	secure_expect(hands.server, "question");
	secure_say(hands.server, "answer");
	secure_expect(hands.client, "answer");
	return hands;
}

static void end(struct hands hands)
{
	secure_free(hands.server);
	expect_end(hands.client->peer);
	secure_free(hands.client);
}

static void each_to_its_own(void **state)
{
	struct hands first, second, third;

	(void)state;
	first = expect_passed("acme.example", 0, &acme);
	second = expect_passed("bolt.example", 1, &bolt);
	third = expect_passed("WWW.acme.example", 0, &acme);
	assert_int_equal(ROW_OF_ACME->connections_open, 2);
	assert_int_equal(ROW_OF_ACME->requests_open, 2);
	end(first);
	end(second);
	end(third);
	expect_count(&ROW_OF_ACME->requests_open, 0);
	assert_int_equal(ROW_OF_ACME->requests, 2);
	assert_true(ROW_OF_ACME->bytes_in > 0 && ROW_OF_ACME->bytes_out > 0);
}

static void expect_alert(const char *name, int reason)
{
	struct secure *client = secure_new(name);

	assert_int_equal(secure_shake(client), reason);
	expect_end(client->peer);
	secure_free(client);
}

static void names_that_nobody_has(void **state)
{
	(void)state;
	expect_alert("other.example", SSL_R_TLSV1_UNRECOGNIZED_NAME);
	expect_alert("www.bolt.example", SSL_R_TLSV1_UNRECOGNIZED_NAME);
	expect_alert(NULL, SSL_R_TLSV1_UNRECOGNIZED_NAME);
	assert_int_equal(ROW_OF_NOBODY->refused[REFUSAL_unknown_name], 3);
	assert_true(nobody_waits(0));
	assert_true(nobody_waits(1));
}

static void no_hello(void **state)
{
	struct peer *client = client_new();

	(void)state;
	say(client, "GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	expect_length(client, 7);
	assert_memory_equal(client->data, "\x15\x03\x03\x00\x02\x02\x0a", 7); /* unexpected */
	expect_end(client);
	assert_int_equal(ROW_OF_NOBODY->refused[REFUSAL_bad_request], 1);
	assert_true(nobody_waits(0));
	peer_free(client);
}

static void a_slow_hello(void **state)
{
	struct peer *client, *silent;

	(void)state;
	worker.limits.head = HEAD_LIMIT_MS * MS;
	silent = client_new();
	client = client_new();
	say_bytes(client, "\x16\x03\x01\x02\x00\x01", 6);
	expect_end(client);
	expect_end(silent);
	assert_int_equal(ROW_OF_NOBODY->refused[REFUSAL_slow_client], 1);
	peer_free(client);
	peer_free(silent);
}

/* However it is cut. */
static void byte_by_byte(void **state)
{
	struct peer *client = client_new(), *backend;
	SSL *ssl = SSL_new(client_context);
	BIO *out = BIO_new(BIO_s_mem());
	char *hello;
	long length;

	(void)state;
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
	SSL_set_tlsext_host_name(ssl, "acme.example");
	SSL_set_connect_state(ssl);
	SSL_do_handshake(ssl);
	length = BIO_get_mem_data(out, &hello);
	assert_true(length > 100);
	for (long i = 0; i < length; i++) {
		assert_true(nobody_waits(0));
		say_bytes(client, hello + i, 1);
	}
	backend = backend_accept(0);
	expect_length(backend, (size_t)length);
	assert_memory_equal(backend->data, hello, (size_t)length);
	peer_free(backend);
	expect_end(client);
	peer_free(client);
	SSL_free(ssl);
}

static void nobody_there(void **state)
{
	(void)state;
	backend_down(0);
	expect_alert("acme.example", SSL_R_TLSV1_ALERT_INTERNAL_ERROR);
	assert_int_equal(ROW_OF_ACME->refused[REFUSAL_no_connection], 1);
}

static void no_more_of_a_tenant(void **state)
{
	struct hands first, second;

	(void)state;
	most = 1;
	use_tenants();
	first = expect_passed("acme.example", 0, &acme);
	expect_alert("acme.example", SSL_R_TLSV1_ALERT_INTERNAL_ERROR);
	assert_int_equal(ROW_OF_ACME->refused[REFUSAL_tenant_limit], 1);
	second = expect_passed("bolt.example", 1, &bolt);
	end(first);
	end(second);
}

static int set_up(void **state)
{
	(void)state;
	pair_make(&acme, "DNS:acme.example", 30);
	pair_make(&bolt, "DNS:bolt.example", 30);
	server_context = SSL_CTX_new(TLS_server_method());
	client_context = SSL_CTX_new(TLS_client_method());
	return server_context && client_context ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	pair_free(&acme);
	pair_free(&bolt);
	SSL_CTX_free(server_context);
	SSL_CTX_free(client_context);
	return 0;
}

#define pass_test(name) cmocka_unit_test_setup_teardown(name, begin, proxy_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		pass_test(each_to_its_own),
		pass_test(names_that_nobody_has),
		pass_test(no_hello),
		pass_test(a_slow_hello),
		pass_test(byte_by_byte),
		pass_test(nobody_there),
		pass_test(no_more_of_a_tenant),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
