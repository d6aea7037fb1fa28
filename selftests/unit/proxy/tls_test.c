// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * TLS with clients: which certificate, whose session, which requests, and bodies to the last byte
 * through sockets that take little at a time.
 */
#include "tls_tenants.h"

#define BIG (3 << 20)

static void a_request(void **state)
{
	struct secure *client = shaken("acme.example");
	struct peer *backend;

	(void)state;
	assert_true(secure_sees(client, &acme));
	assert_string_equal(SSL_get_version(client->ssl), "TLSv1.3");
	secure_say(client, GET("acme.example"));
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	assert_non_null(strstr(backend->data, "X-Forwarded-Proto: https\r\n"));
	answer(backend, "hello");
	secure_expect(client, "\r\n\r\nhello");
	/* and one more on the same connections */
	peer_clear(backend);
	secure_clear(client);
	secure_say(client, GET("acme.example"));
	expect_text(backend, "\r\n\r\n");
	answer(backend, "again");
	secure_expect(client, "\r\n\r\nagain");
	assert_int_equal(worker.tls.counts.handshakes, 1);
	secure_free(client);
	peer_free(backend);
}

static void names_choose_certificates(void **state)
{
	static const struct {
		const char *name;
		const struct pair *pair;
	} rows[] = {{"acme.example", &acme},
		    {"ACME.example", &acme},
		    {"www.acme.example", &wild},
		    {"bolt.example", &bolt}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct secure *client = shaken(rows[i].name);

		assert_true(secure_sees(client, rows[i].pair));
		secure_free(client);
	}
	assert_int_equal(HASH_COUNT(worker.tls.parsed.list), 3);
}

static void unknown_names(void **state)
{
	static const char *const names[] = {"other.example", "a.b.acme.example", "x.bolt.example"};
	struct secure *client;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		client = secure_new(names[i]);
		assert_int_equal(secure_shake(client), SSL_R_TLSV1_UNRECOGNIZED_NAME);
		secure_free(client);
	}
	client = secure_new(NULL);
	assert_int_equal(secure_shake(client), SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
	secure_free(client);
	assert_int_equal(worker.tls.counts.unknown_names, 3);
	assert_int_equal(worker.tls.counts.handshakes, 0);
}

static void another_tenants_host(void **state)
{
	struct secure *client = shaken("acme.example");
	struct peer *backend;

	(void)state;
	secure_say(client, GET("bolt.example"));
	secure_expect(client, "HTTP/1.1 421 ");
	assert_true(nobody_waits(0));
	/* the connection goes on for who it was made for */
	secure_clear(client);
	secure_say(client, GET("www.acme.example"));
	backend = backend_accept(0);
	expect_text(backend, "Host: www.acme.example\r\n");
	answer(backend, "yes");
	secure_expect(client, "yes");
	secure_free(client);
	peer_free(backend);
}

static void versions(void **state)
{
	struct secure *client = secure_new("acme.example");

	(void)state;
	SSL_set_max_proto_version(client->ssl, TLS1_2_VERSION);
	assert_int_equal(secure_shake(client), 0);
	assert_string_equal(SSL_get_version(client->ssl), "TLSv1.2");
	secure_free(client);
	use_tenants(&acme, true);
	client = secure_new("acme.example");
	SSL_set_max_proto_version(client->ssl, TLS1_2_VERSION);
	assert_int_equal(secure_shake(client), SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
	secure_free(client);
	secure_free(shaken("acme.example"));
}

static void alpn(void **state)
{
	struct secure *client = secure_new("acme.example");
	const unsigned char *name;
	unsigned length;

	(void)state;
	SSL_set_alpn_protos(client->ssl, (const unsigned char *)"\x02h2\x08http/1.1", 12);
	assert_int_equal(secure_shake(client), 0);
	SSL_get0_alpn_selected(client->ssl, &name, &length);
	assert_int_equal(length, 8);
	assert_memory_equal(name, "http/1.1", 8);
	secure_free(client);
	client = secure_new("acme.example");
	SSL_set_alpn_protos(client->ssl, (const unsigned char *)"\x02h2", 3);
	assert_int_equal(secure_shake(client), SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL);
	secure_free(client);
}

/* --- sessions ----------------------------------------------------------------------------------
 */

static bool resumes(SSL_SESSION *session, const char *name)
{
	struct secure *client = secure_new(name);
	SSL_SESSION *copy = SSL_SESSION_dup(session); /* one that was offered is used up */
	bool reused;

	SSL_set_max_proto_version(client->ssl, SSL_SESSION_get_protocol_version(session));
	SSL_set_session(client->ssl, copy);
	SSL_SESSION_free(copy);
	assert_int_equal(secure_shake(client), 0);
	reused = SSL_session_reused(client->ssl);
	secure_free(client);
	return reused;
}

static void tickets(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct handover_tickets next = {.count = 2};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		SSL_SESSION *session = session_for("acme.example", versions[i]);

		assert_true(resumes(session, "acme.example"));
		/* of another tenant's name, and of another one of the same tenant */
		assert_false(resumes(session, "bolt.example"));
		assert_false(resumes(session, "www.acme.example"));
		/* a new key, and the old one is known still; then it is not */
		next.keys[1] = worker.tls.tickets.keys[0];
		memset(&next.keys[0], 'a' + (int)i, sizeof(next.keys[0]));
		next.count = 2;
		tls_server_use_tickets(&worker.tls, &next);
		assert_true(resumes(session, "acme.example"));
		next.count = 1;
		tls_server_use_tickets(&worker.tls, &next);
		assert_false(resumes(session, "acme.example"));
		SSL_SESSION_free(session);
	}
}

/* --- a reload ----------------------------------------------------------------------------------
 */

static void another_certificate(void **state)
{
	struct pair *const pairs[] = {&acme_next, &wild, &bolt};
	struct secure *old = shaken("acme.example"), *client;
	struct peer *backend;

	(void)state;
	use_store(pairs, 3);
	/* until the image comes, the one before holds */
	client = shaken("acme.example");
	assert_true(secure_sees(client, &acme));
	secure_free(client);
	use_tenants(&acme_next, false);
	client = shaken("acme.example");
	assert_true(secure_sees(client, &acme_next));
	secure_say(old, GET("acme.example"));
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	answer(backend, "still");
	secure_expect(old, "still");
	secure_free(client);
	secure_free(old);
	peer_free(backend);
}

static void no_certificate_in_the_store(void **state)
{
	struct pair *const pairs[] = {&wild, &bolt};
	struct secure *client;

	(void)state;
	use_store(pairs, 2);
	use_tenants(&acme_next, false);
	client = secure_new("acme.example");
	assert_int_equal(secure_shake(client), SSL_R_TLSV1_ALERT_INTERNAL_ERROR);
	secure_free(client);
	secure_free(shaken("bolt.example"));
}

static void few_are_kept(void **state)
{
	(void)state;
	worker.tls.parsed.most = 2;
	for (int i = 0; i < 2; i++) {
		secure_free(shaken("acme.example"));
		secure_free(shaken("www.acme.example"));
		secure_free(shaken("bolt.example"));
		assert_int_equal(HASH_COUNT(worker.tls.parsed.list), 2);
	}
}

/* --- bodies ------------------------------------------------------------------------------------
 */

static char *noise(void)
{
	char *bytes = malloc(BIG);

	assert_non_null(bytes);
	for (size_t i = 0; i < BIG; i++)
		bytes[i] = (char)((i * 2654435761U) >> 13);
	return bytes;
}

static void upload(void **state)
{
	struct secure *client = shaken("acme.example");
	char head[128], *body = noise();
	struct peer *backend;
	const char *at;

	(void)state;
	snprintf(head, sizeof(head),
		 "PUT / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: %d\r\n\r\n", BIG);
	secure_say(client, head);
	secure_say_bytes(client, body, 65536);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	at = strstr(backend->data, "\r\n\r\n") + 4;
	/* more than the sockets hold: the backend reads only when all that has gone that can */
	for (size_t sent = 65536; sent < BIG; sent += 65536) {
		secure_say_bytes(client, body + sent, 65536);
		peer_pull(backend);
	}
	expect_length(backend, (size_t)(at - backend->data) + BIG);
	assert_memory_equal(at, body, BIG);
	answer(backend, "ok");
	secure_expect(client, "ok");
	free(body);
	secure_free(client);
	peer_free(backend);
}

static void download(const char *head, bool ends)
{
	struct secure *client = shaken("acme.example");
	char *body = noise();
	struct peer *backend;
	size_t length;
	const char *at;
	int small = 65536;

	/* a client whose socket holds little: records wait */
	setsockopt(client->peer->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	secure_say(client, GET("acme.example"));
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say(backend, head);
	for (size_t sent = 0; sent < BIG; sent += 65536) {
		say_bytes(backend, body + sent, 65536);
		secure_pull(client);
	}
	if (ends) {
		close(backend->fd);
		backend->fd = -1;
	}
	secure_expect(client, "\r\n\r\n");
	at = strstr(client->peer->data, "\r\n\r\n") + 4;
	length = (size_t)(at - client->peer->data) + BIG;
	if (!ends) {
		secure_expect_length(client, length);
		assert_memory_equal(at, body, BIG);
	} else {
		secure_expect_end(client);
		/* it broke off, and does not look whole */
		assert_false(client->finished);
	}
	free(body);
	secure_free(client);
	peer_free(backend);
}

static void a_long_answer(void **state)
{
	char head[128];

	(void)state;
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BIG);
	download(head, false);
	assert_int_equal(worker.pipes.count, 0); /* nothing of it was spliced */
}

static void a_cut_answer(void **state)
{
	char head[128];

	(void)state;
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BIG + 1);
	download(head, true);
}

static void close_notify(void **state)
{
	struct secure *client = shaken("acme.example");
	struct peer *backend;

	(void)state;
	secure_say(client, "GET / HTTP/1.1\r\nHost: acme.example\r\nConnection: close\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	answer(backend, "last");
	secure_expect(client, "last");
	secure_expect_end(client);
	assert_true(client->finished);
	secure_free(client);
	peer_free(backend);
}

/* Its side is done, ours is not. */
static void half_closed(void **state)
{
	struct secure *client = shaken("acme.example");
	struct peer *backend;

	(void)state;
	secure_say(client, GET("acme.example"));
	SSL_shutdown(client->ssl);
	shutdown(client->peer->fd, SHUT_WR);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	answer(backend, "late");
	secure_expect(client, "late");
	secure_free(client);
	peer_free(backend);
}

static void no_tls_at_all(void **state)
{
	struct peer *client = client_new();

	(void)state;
	say(client, GET("acme.example"));
	expect_end(client);
	assert_null(strstr(client->data, "HTTP/"));
	assert_int_equal(worker.tls.counts.failed, 1);
	peer_free(client);
}

static void too_slow(void **state)
{
	struct peer *client;

	(void)state;
	worker.limits.head = 50 * MS;
	client = client_new();
	expect_end(client);
	peer_free(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		tls_test(a_request),
		tls_test(names_choose_certificates),
		tls_test(unknown_names),
		tls_test(another_tenants_host),
		tls_test(versions),
		tls_test(alpn),
		tls_test(tickets),
		tls_test(another_certificate),
		tls_test(no_certificate_in_the_store),
		tls_test(few_are_kept),
		tls_test(upload),
		tls_test(a_long_answer),
		tls_test(a_cut_answer),
		tls_test(close_notify),
		tls_test(half_closed),
		tls_test(no_tls_at_all),
		tls_test(too_slow),
	};

	return cmocka_run_group_tests(tests, make_pairs, free_pairs);
}
