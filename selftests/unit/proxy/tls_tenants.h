/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two tenants behind a listener of HTTPS: acme with two certificates, bolt with one. */
#ifndef SELFTESTS_UNIT_PROXY_TLS_TENANTS_H
#define SELFTESTS_UNIT_PROXY_TLS_TENANTS_H

#include "tls_fixture.h"

#define GET(host) "GET / HTTP/1.1\r\nHost: " host "\r\n\r\n"

static struct pair acme, wild, bolt, acme_next, friend;

static const struct pair *asks; /* clients for a certificate */
static enum image_client_auth asked;

static uint32_t pace_of_acme; /* handshakes in a second; 0: any number */

static inline enum image_client_auth client_auth_of(const struct pair *pair)
{
	return pair == asks ? asked : IMAGE_CLIENT_AUTH_NONE;
}

static inline void add_certificate(struct build *build, uint32_t tenant, const char *name,
				   const struct pair *pair, const char *server)
{
	const struct build_certificate certificate = {
		.tenant = tenant,
		.name = name,
		.digest = pair->digest,
		.client_ca = pair->digest,
		.client_auth = client_auth_of(pair),
	};

	build_certificate(build, &certificate);
	build_server(build, server);
}

/* acme.example and *.acme.example are acme's, bolt.example is bolt's; each has a certificate. */
static inline void use_tenants(const struct pair *of_acme, bool tls13)
{
	struct build *build = build_new(1, 1);
	struct addr address;
	struct build_listener listener = {
		.name = "web",
		.addresses = &address,
		.address_count = 1,
		.port = 443,
		.protocol = IMAGE_HTTPS,
		.alpn = IMAGE_ALPN_HTTP1,
		.tls13 = tls13,
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
	build_tenant_handshakes(build, first, pace_of_acme);
	build_domain(build, first, "acme.example");
	build_domain(build, first, "*.acme.example");
	second = build_tenant(build, "bolt", 8, 1);
	build_domain(build, second, "bolt.example");
	add_route(build, first, "all", "/", add_pool(build, first, "one", 1));
	add_route(build, second, "all", "/", add_pool(build, second, "one", 1));
	add_certificate(build, first, "main", of_acme, "acme.example");
	add_certificate(build, first, "wild", &wild, "*.acme.example");
	add_certificate(build, second, "main", &bolt, "bolt.example");
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

static inline int begin(void **state)
{
	struct pair *const pairs[] = {&acme, &wild, &bolt};

	if (proxy_begin(state))
		return -1;
	use_store(pairs, 3);
	use_tenants(&acme, false);
	return 0;
}

static inline int make_pairs(void **state)
{
	(void)state;
	pair_make(&acme, "DNS:acme.example", 30);
	pair_make(&wild, "DNS:*.acme.example", 30);
	pair_make(&bolt, "DNS:bolt.example", 30);
	pair_make(&acme_next, "DNS:acme.example", 60);
	pair_make(&friend, "DNS:client.example", 30);
	return 0;
}

static inline int free_pairs(void **state)
{
	(void)state;
	pair_free(&acme);
	pair_free(&wild);
	pair_free(&bolt);
	pair_free(&acme_next);
	pair_free(&friend);
	SSL_CTX_free(client_context);
	return 0;
}

static inline void answer(struct peer *backend, const char *body)
{
	char text[256];

	snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
		 strlen(body), body);
	say(backend, text);
}

static inline struct secure *shaken(const char *name)
{
	struct secure *client = secure_new(name);

	assert_int_equal(secure_shake(client), 0);
	return client;
}

static inline bool has_session(void *context)
{
	struct secure *client = context;

	secure_pull(client);
	return *(SSL_SESSION **)SSL_get_app_data(client->ssl);
}

static inline SSL_SESSION *session_for(const char *name, int version)
{
	struct secure *client = secure_new(name);
	SSL_SESSION *session = NULL;

	SSL_set_max_proto_version(client->ssl, version);
	SSL_set_app_data(client->ssl, &session);
	assert_int_equal(secure_shake(client), 0);
	run_until(has_session, client);
	SSL_set_app_data(client->ssl, NULL);
	secure_free(client);
	return session;
}

#define tls_test(name) cmocka_unit_test_setup_teardown(name, begin, proxy_end)

#endif
