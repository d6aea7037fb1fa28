// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* TLS with backends: who they must prove to be, what they are shown, and whose connections are
 * kept. */
#include "tls_fixture.h"

#include "userspace/proxy/tls_backend.h"

#define GET		 "GET /safe HTTP/1.1\r\nHost: acme.example\r\n\r\n"
#define SENT_IN_CLEAR	 "GET /safe"
#define ROW_OF_SAFE	 (&worker.tally.pools[3])
#define ROW_OF_ACME	 (&worker.tally.tenants[1])
#define CONNECT_LIMIT_MS 100
#define ATTEMPTS	 3 /* to connect, for one request */

static struct pair named, addressed, stranger, friend;
static SSL_CTX *server_context;

/* What the pool "safe" has; by whom: NULL for nobody. */
static struct build_pool settings;
static struct pair secrets;

static void add_safe(struct build *build, uint32_t tenant)
{
	struct build_member member = {.port = ports[0], .weight = 1};
	uint32_t pool;

	settings.tenant = tenant;
	settings.name = "safe";
	assert_int_equal(addr_parse("127.0.0.1", &member.address), 0);
	pool = build_pool(build, &settings);
	build_member(build, &member);
	add_route(build, tenant, "safe", "/safe", pool);
}

/* by: whose word backends must bring; as: what they are shown. Either may be NULL. */
static void secure_pool(enum image_pool_tls mode, const char *name, const struct pair *by,
			const struct pair *as)
{
	struct pair *const list[] = {&secrets};

	secrets = (struct pair){};
	if (by)
		secrets.parts[CERTIFICATE_CLIENT_CA] = by->parts[CERTIFICATE_CHAIN];
	if (as) {
		secrets.parts[CERTIFICATE_CHAIN] = as->parts[CERTIFICATE_CHAIN];
		secrets.parts[CERTIFICATE_KEY] = as->parts[CERTIFICATE_KEY];
	}
	memcpy(secrets.digest, by ? by->digest : as ? as->digest : named.digest, IMAGE_DIGEST_SIZE);
	secrets.digest[0] ^= as ? 1 : 0;
	settings = (struct build_pool){
		.tls = mode,
		.tls_name = name,
		.tls_digest = by || as ? secrets.digest : NULL,
	};
	use_store(list, by || as ? 1 : 0);
	use_image(NULL, add_safe);
}

/* The backend's side of what comes next; asks: for a certificate by this one. */
static struct secure *serve_peer(struct peer *peer, const struct pair *as, const struct pair *asks)
{
	struct secure *server = calloc(1, sizeof(*server));
	const struct certificate_bytes parts[CERTIFICATE_PARTS] = {
		[CERTIFICATE_CHAIN] = as->parts[CERTIFICATE_CHAIN],
		[CERTIFICATE_KEY] = as->parts[CERTIFICATE_KEY],
		[CERTIFICATE_CLIENT_CA] =
			asks ? asks->parts[CERTIFICATE_CHAIN] : (struct certificate_bytes){},
	};
	enum certificate_part wrong;
	struct certificate certificate;

	assert_int_equal(certificate_parse(parts, &certificate, &wrong, NULL), 0);
	server->peer = peer;
	server->ssl = SSL_new(server_context);
	SSL_set_fd(server->ssl, server->peer->fd);
	assert_int_equal(SSL_use_cert_and_key(server->ssl, certificate.leaf, certificate.key,
					      certificate.chain, 1),
			 1);
	if (asks) {
		SSL_set_verify(server->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			       NULL);
		SSL_set1_verify_cert_store(server->ssl, certificate.client_ca);
		X509_VERIFY_PARAM_set_flags(SSL_get0_param(server->ssl), X509_V_FLAG_PARTIAL_CHAIN);
	}
	SSL_set_accept_state(server->ssl);
	certificate_fini(&certificate);
	return server;
}

static struct secure *serve(const struct pair *as, const struct pair *asks)
{
	return serve_peer(backend_accept(0), as, asks);
}

static void answer(struct secure *server, const char *body)
{
	char text[256];

	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
		 strlen(body), body);
	secure_say(server, text);
}

/* A request of a client gets to this backend, and its answer back. */
static void expect_served(struct peer *client, struct secure *server)
{
	secure_expect(server, "\r\n\r\n");
	assert_non_null(strstr(server->peer->data, "GET /safe HTTP/1.1\r\n"));
	secure_clear(server);
	answer(server, "secret");
	expect_text(client, "secret");
	peer_clear(client);
}

/* It cannot prove who it is: no byte of the request reaches it, however often it is tried. */
static void expect_refused(const struct pair *as)
{
	uint64_t untrusted = ROW_OF_ACME->refused[REFUSAL_backend_untrusted];
	uint64_t failures = ROW_OF_SAFE->tls_failures;
	struct peer *client = client_new();

	say(client, GET);
	for (int i = 0; i < ATTEMPTS; i++) {
		struct secure *server = serve(as, NULL);

		secure_shake(server);
		secure_expect_end(server);
		assert_int_equal(server->peer->length, 0);
		secure_free(server);
	}
	expect_text(client, "HTTP/1.1 502 ");
	assert_int_equal(ROW_OF_ACME->refused[REFUSAL_backend_untrusted], untrusted + 1);
	assert_int_equal(ROW_OF_SAFE->tls_failures, failures + ATTEMPTS);
	peer_free(client);
}

static void proves_its_name(void **state)
{
	struct peer *client = client_new();
	struct secure *server;

	(void)state;
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &named, NULL);
	say(client, GET);
	server = serve(&named, NULL);
	assert_int_equal(secure_shake(server), 0);
	assert_string_equal(SSL_get_servername(server->ssl, TLSEXT_NAMETYPE_host_name),
			    "backend.example");
	expect_served(client, server);
	/* and the connection is kept */
	say(client, GET);
	expect_served(client, server);
	assert_true(nobody_waits(0));
	secure_free(server);
	peer_free(client);
}

static void proves_its_address(void **state)
{
	struct peer *client = client_new();
	struct secure *server;

	(void)state;
	secure_pool(IMAGE_TLS_VERIFIED, NULL, &addressed, NULL);
	say(client, GET);
	server = serve(&addressed, NULL);
	assert_int_equal(secure_shake(server), 0);
	assert_null(SSL_get_servername(server->ssl, TLSEXT_NAMETYPE_host_name));
	expect_served(client, server);
	secure_free(server);
	peer_free(client);
	/* somebody who is trusted, but not for the address */
	secure_pool(IMAGE_TLS_VERIFIED, NULL, &named, NULL);
	expect_refused(&named);
}

static void another_issuer(void **state)
{
	(void)state;
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &named, NULL);
	expect_refused(&stranger);
}

static void another_name(void **state)
{
	(void)state;
	secure_pool(IMAGE_TLS_VERIFIED, "other.example", &named, NULL);
	expect_refused(&named);
}

static void anybody_unverified(void **state)
{
	struct peer *client = client_new();
	struct secure *server;

	(void)state;
	secure_pool(IMAGE_TLS_UNVERIFIED, "backend.example", NULL, NULL);
	say(client, GET);
	server = serve(&stranger, NULL);
	assert_int_equal(secure_shake(server), 0);
	expect_served(client, server);
	secure_free(server);
	peer_free(client);
}

static void mutual(void **state)
{
	struct peer *client = client_new();
	struct secure *server;

	(void)state;
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &named, &friend);
	say(client, GET);
	server = serve(&named, &friend);
	assert_int_equal(secure_shake(server), 0);
	assert_true(secure_sees(server, &friend));
	expect_served(client, server);
	secure_free(server);
	peer_free(client);
}

/* What the pool has for TLS is not there: then nobody is spoken to, in the clear least of all. */
static void expect_nobody_asked(void)
{
	struct peer *client = client_new(), *backend;

	say(client, GET);
	expect_text(client, "HTTP/1.1 502 ");
	backend = backend_accept(0);
	expect_end(backend);
	assert_int_equal(backend->length, 0);
	peer_free(backend);
	peer_free(client);
}

static void broken_files(void **state)
{
	(void)state;
	secure_pool(IMAGE_TLS_BROKEN, "backend.example", NULL, NULL);
	expect_nobody_asked();
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", NULL, NULL);
	expect_nobody_asked();
	/* shown is something, but nobody's word would be taken */
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", NULL, &friend);
	expect_nobody_asked();
	assert_int_equal(ROW_OF_ACME->refused[REFUSAL_backend_tls], 3);
	assert_int_equal(ROW_OF_SAFE->ejections, 0);
}

static void other_settings_other_connections(void **state)
{
	struct peer *client = client_new();
	struct secure *server, *next;

	(void)state;
	secure_pool(IMAGE_TLS_UNVERIFIED, "backend.example", NULL, NULL);
	say(client, GET);
	server = serve(&stranger, NULL);
	expect_served(client, server);
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &named, NULL);
	say(client, GET);
	next = serve(&named, NULL);
	expect_served(client, next);
	secure_expect_end(server);
	assert_int_equal(server->peer->length, 0);
	secure_free(server);
	secure_free(next);
	peer_free(client);
}

static bool has_line(void *context)
{
	struct peer *backend = context;
	ssize_t n = recv(backend->fd, backend->data, 256, MSG_PEEK | MSG_DONTWAIT);

	return n > 0 && memchr(backend->data, '\n', (size_t)n);
}

/* Whose a connection is is told before TLS. */
static void told_first(void **state)
{
	struct peer *client = client_new(), *backend;
	struct secure *server;
	size_t length;

	(void)state;
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &named, NULL);
	settings.proxy_protocol = 1;
	use_image(NULL, add_safe);
	say(client, GET);
	backend = backend_accept(0);
	run_until(has_line, backend);
	length = (size_t)(strchr(backend->data, '\n') + 1 - backend->data);
	assert_int_equal(recv(backend->fd, backend->data, length, 0), length);
	assert_memory_equal(backend->data, "PROXY TCP4 " CLIENT_TEXT " ",
			    strlen("PROXY TCP4 " CLIENT_TEXT " "));
	peer_clear(backend);
	server = serve_peer(backend, &named, NULL);
	assert_int_equal(secure_shake(server), 0);
	expect_served(client, server);
	say(client, GET);
	expect_served(client, server);
	secure_free(server);
	peer_free(client);
}

/* One that speaks no TLS, and one that says nothing at all. */
static void no_agreement(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &named, NULL);
	say(client, GET);
	for (int i = 0; i < ATTEMPTS; i++) {
		backend = backend_accept(0);
		say(backend, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
		expect_end(backend);
		assert_null(strstr(backend->data, SENT_IN_CLEAR));
		peer_free(backend);
	}
	expect_text(client, "HTTP/1.1 502 ");
	assert_int_equal(ROW_OF_ACME->refused[REFUSAL_backend_tls], 1);
	peer_clear(client);
	worker.limits.connect = CONNECT_LIMIT_MS * MS;
	say(client, GET);
	backend = backend_accept(0);
	expect_text(client, "HTTP/1.1 502 ");
	expect_end(backend);
	assert_null(strstr(backend->data, SENT_IN_CLEAR));
	assert_int_equal(ROW_OF_ACME->refused[REFUSAL_no_connection], 1);
	peer_free(backend);
	peer_free(client);
}

/* Without length, and without a word that it was all: it may have been cut by anybody. */
static void cut_off(void **state)
{
	struct peer *client = client_new();
	struct secure *server;

	(void)state;
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &named, NULL);
	say(client, GET);
	server = serve(&named, NULL);
	secure_expect(server, "\r\n\r\n");
	secure_say(server, "HTTP/1.1 200 OK\r\n\r\nhalf of");
	expect_text(client, "half of");
	shutdown(server->peer->fd, SHUT_WR);
	expect_end(client);
	assert_null(strstr(client->data, "\r\n0\r\n"));
	secure_free(server);
	peer_free(client);
	/* and with it */
	client = client_new();
	say(client, GET);
	server = serve(&named, NULL);
	secure_expect(server, "\r\n\r\n");
	secure_say(server, "HTTP/1.1 200 OK\r\n\r\nall of it");
	SSL_shutdown(server->ssl);
	expect_text(client, "\r\n0\r\n");
	secure_free(server);
	peer_free(client);
}

/* Sessions. All servers have the same keys of tickets, so that none but the worker minds who
 * resumes what.
 */

/* Of a host, on a connection of its own. Whether its handshake went on with a session. */
static bool resumes(const char *host, const struct pair *as, const struct pair *asks)
{
	struct peer *client = client_new();
	struct secure *server;
	bool reused;
	char get[128];

	snprintf(get, sizeof(get), "GET /safe HTTP/1.1\r\nHost: %s\r\n\r\n", host);
	say(client, get);
	server = serve(as, asks);
	assert_int_equal(secure_shake(server), 0);
	expect_served(client, server);
	reused = SSL_session_reused(server->ssl);
	secure_free(server);
	peer_free(client);
	return reused;
}

static bool acme_resumes(const struct pair *as)
{
	return resumes("acme.example", as, NULL);
}

static void check_resumed(int version)
{
	uint64_t handshakes = ROW_OF_SAFE->tls_handshakes, resumed = ROW_OF_SAFE->tls_resumed;

	SSL_CTX_set_max_proto_version(server_context, version);
	assert_false(acme_resumes(&named));
	for (int i = 0; i < TLS_RESUME_EACH + 2; i++)
		assert_true(acme_resumes(&named));
	assert_int_equal(ROW_OF_SAFE->tls_handshakes - handshakes, TLS_RESUME_EACH + 3);
	assert_int_equal(ROW_OF_SAFE->tls_resumed - resumed, TLS_RESUME_EACH + 2);
}

static void resumed(void **state)
{
	(void)state;
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &named, NULL);
	check_resumed(TLS1_3_VERSION);
	secure_pool(IMAGE_TLS_VERIFIED, "second.example", &named, NULL);
	check_resumed(TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(server_context, 0);
}

static void check_terms(int version)
{
	SSL_CTX_set_max_proto_version(server_context, version);
	secure_pool(IMAGE_TLS_UNVERIFIED, "backend.example", &named, NULL);
	assert_false(acme_resumes(&stranger));
	/* who was not verified is not taken for one who was */
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &named, NULL);
	expect_refused(&stranger);
	assert_false(acme_resumes(&named));
	assert_true(acme_resumes(&named));
	/* nor who is known by one name for one of another */
	secure_pool(IMAGE_TLS_VERIFIED, "second.example", &named, NULL);
	assert_false(acme_resumes(&named));
	/* nor for somebody whose issuer is trusted */
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &stranger, NULL);
	expect_refused(&named);
	assert_false(acme_resumes(&stranger));
	/* and who was shown one certificate is shown the next one */
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &named, &friend);
	assert_false(resumes("acme.example", &named, &friend));
	assert_true(resumes("acme.example", &named, &friend));
	/* the first terms are as good as they were */
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &named, NULL);
	assert_true(acme_resumes(&named));
	tls_resume_fini(&worker.tls.resume);
}

static void resumed_under_the_same_terms_only(void **state)
{
	(void)state;
	check_terms(TLS1_3_VERSION);
	check_terms(TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(server_context, 0);
}

static void add_safe_twice(struct build *build, uint32_t tenant)
{
	uint32_t other = build_tenant(build, "other", 8, 2);

	build_domain(build, other, "other.example");
	add_safe(build, tenant);
	add_safe(build, other);
}

static void resumed_by_the_same_tenant_only(void **state)
{
	(void)state;
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &named, NULL);
	use_image(NULL, add_safe_twice);
	assert_false(resumes("acme.example", &named, NULL));
	assert_true(resumes("acme.example", &named, NULL));
	assert_false(resumes("other.example", &named, NULL));
	assert_true(resumes("other.example", &named, NULL));
}

static void as_many_sessions_as_there_is_room_for(void **state)
{
	(void)state;
	worker.tls.resume.most = 1;
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &named, NULL);
	assert_false(acme_resumes(&named));
	assert_int_equal(HASH_COUNT(worker.tls.resume.terms), 0);
	assert_int_equal(worker.tls.resume.bytes, 0);
	assert_false(acme_resumes(&named));

	worker.tls.resume.most = TLS_RESUME_BYTES;
	assert_false(acme_resumes(&named));
	/* for those of one's terms, whose lengths are not quite the same each time, and not of two
	 */
	worker.tls.resume.most = worker.tls.resume.bytes * 3 / 2;
	secure_pool(IMAGE_TLS_VERIFIED, "second.example", &named, NULL);
	assert_false(acme_resumes(&named));
	assert_true(acme_resumes(&named));
	assert_in_range(worker.tls.resume.bytes, 1, worker.tls.resume.most);
	/* those of the other terms had to go */
	secure_pool(IMAGE_TLS_VERIFIED, "backend.example", &named, NULL);
	assert_false(acme_resumes(&named));
}

static int set_up(void **state)
{
	(void)state;
	pair_make(&named, "DNS:backend.example,DNS:second.example", 30);
	pair_make(&addressed, "IP:127.0.0.1", 30);
	pair_make(&stranger, "DNS:backend.example", 30);
	pair_make(&friend, "DNS:client.example", 30);
	server_context = SSL_CTX_new(TLS_server_method());
	return server_context && SSL_CTX_set_session_id_context(server_context,
								(const unsigned char *)"test", 4)
		       ? 0
		       : -1;
}

static int tear_down(void **state)
{
	(void)state;
	pair_free(&named);
	pair_free(&addressed);
	pair_free(&stranger);
	pair_free(&friend);
	SSL_CTX_free(server_context);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proxy_test(proves_its_name),
		proxy_test(proves_its_address),
		proxy_test(another_issuer),
		proxy_test(another_name),
		proxy_test(anybody_unverified),
		proxy_test(mutual),
		proxy_test(broken_files),
		proxy_test(other_settings_other_connections),
		proxy_test(told_first),
		proxy_test(no_agreement),
		proxy_test(cut_off),
		proxy_test(resumed),
		proxy_test(resumed_under_the_same_terms_only),
		proxy_test(resumed_by_the_same_tenant_only),
		proxy_test(as_many_sessions_as_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
