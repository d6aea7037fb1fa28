// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Certificates of clients, for which hosts they count, and what issuers say of ours. */
#include "tls_tenants.h"

#include <openssl/ocsp.h>

/* --- clients' certificates ---------------------------------------------------------------------
 */

/* www.acme.example asks for one by friend; acme.example and bolt.example do not. */
static void ask(enum image_client_auth auth)
{
	struct pair *const pairs[] = {&acme, &wild, &bolt};

	asks = &wild;
	asked = auth;
	wild.parts[CERTIFICATE_CLIENT_CA] = friend.parts[CERTIFICATE_CHAIN];
	parsed_fini(&worker.tls.parsed); /* its digest is what it was */
	use_store(pairs, 3);
	use_tenants(&acme, false);
}

static int ask_nobody(void **state)
{
	asks = NULL;
	wild.parts[CERTIFICATE_CLIENT_CA] = (struct certificate_bytes){};
	return proxy_end(state);
}

static struct secure *client_as(const char *name, const struct pair *who)
{
	struct secure *client = secure_new(name);
	BIO *cert = BIO_new_mem_buf(who->cert, (int)who->cert_length);
	BIO *key = BIO_new_mem_buf(who->key, (int)who->key_length);
	X509 *x509 = PEM_read_bio_X509(cert, NULL, NULL, NULL);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);

	assert_int_equal(SSL_use_cert_and_key(client->ssl, x509, pkey, NULL, 1), 1);
	X509_free(x509);
	EVP_PKEY_free(pkey);
	BIO_free(cert);
	BIO_free(key);
	return client;
}

/* What its backend gets; who says so itself is not believed. */
static void expect_told(struct secure *client, const char *host, bool told)
{
	struct peer *backend;
	char text[256];

	snprintf(text, sizeof(text),
		 "GET / HTTP/1.1\r\nHost: %s\r\nX-Forwarded-Client-Cert: Hash=me\r\n\r\n", host);
	secure_say(client, text);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	assert_null(strstr(backend->data, "Hash=me"));
	assert_int_equal(strstr(backend->data, "X-Forwarded-Client-Cert: Hash=") != NULL, told);
	answer(backend, "ok");
	secure_expect(client, "ok");
	peer_free(backend);
}

static void a_certificate_is_required(void **state)
{
	struct secure *client;

	(void)state;
	ask(IMAGE_CLIENT_AUTH_REQUIRED);
	client = client_as("www.acme.example", &friend);
	assert_int_equal(secure_shake(client), 0);
	expect_told(client, "www.acme.example", true);
	secure_free(client);
	/* with TLS 1.3 a client learns of it by its first reading */
	client = client_as("www.acme.example", &bolt);
	secure_shake(client);
	secure_expect_end(client);
	assert_int_equal(client->error, SSL_R_TLSV1_ALERT_UNKNOWN_CA);
	secure_free(client);
	client = secure_new("www.acme.example");
	secure_shake(client);
	secure_expect_end(client);
	assert_int_equal(client->error, SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED);
	secure_free(client);
	assert_int_equal(worker.tls.counts.failed, 2);
}

static void a_certificate_is_optional(void **state)
{
	struct secure *client;

	(void)state;
	ask(IMAGE_CLIENT_AUTH_OPTIONAL);
	client = client_as("www.acme.example", &friend);
	assert_int_equal(secure_shake(client), 0);
	expect_told(client, "www.acme.example", true);
	secure_free(client);
	client = shaken("www.acme.example");
	expect_told(client, "www.acme.example", false);
	/* a host that does not ask is told nothing either */
	secure_free(client);
	client = client_as("www.acme.example", &friend);
	assert_int_equal(secure_shake(client), 0);
	expect_told(client, "acme.example", false);
	secure_free(client);
}

/* A host that asks is not to be had by way of one that does not. */
static void no_way_around(void **state)
{
	struct secure *client;
	SSL_SESSION *session;

	(void)state;
	session = session_for("www.acme.example", TLS1_3_VERSION);
	ask(IMAGE_CLIENT_AUTH_REQUIRED);
	client = shaken("acme.example");
	secure_say(client, GET("www.acme.example"));
	secure_expect(client, "HTTP/1.1 421 ");
	assert_true(nobody_waits(0));
	secure_free(client);
	/* nor by a session from before it did */
	client = secure_new("www.acme.example");
	SSL_set_session(client->ssl, session);
	SSL_SESSION_free(session);
	secure_shake(client);
	secure_expect_end(client);
	assert_int_equal(client->error, SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED);
	secure_free(client);
}

/* A connection from before the reload is none that was asked. */
static void asked_from_now_on(void **state)
{
	struct secure *client = shaken("www.acme.example");

	(void)state;
	expect_told(client, "www.acme.example", false);
	ask(IMAGE_CLIENT_AUTH_REQUIRED);
	secure_clear(client);
	secure_say(client, GET("www.acme.example"));
	secure_expect(client, "HTTP/1.1 421 ");
	secure_free(client);
}

static void resumed_with_a_certificate(void **state)
{
	SSL_SESSION *session = NULL;
	struct secure *client;

	(void)state;
	ask(IMAGE_CLIENT_AUTH_REQUIRED);
	client = client_as("www.acme.example", &friend);
	SSL_set_app_data(client->ssl, &session);
	assert_int_equal(secure_shake(client), 0);
	run_until(has_session, client);
	SSL_set_app_data(client->ssl, NULL);
	secure_free(client);
	client = secure_new("www.acme.example");
	SSL_set_session(client->ssl, session);
	SSL_SESSION_free(session);
	assert_int_equal(secure_shake(client), 0);
	assert_true(SSL_session_reused(client->ssl));
	expect_told(client, "www.acme.example", true);
	secure_free(client);
}

/* --- staples -----------------------------------------------------------------------------------
 */

/* What acme's issuer, itself, says of it; valid for so long. */
static unsigned char *ocsp_of(const struct pair *pair, int days, int *ret_length)
{
	BIO *in = BIO_new_mem_buf(pair->cert, (int)pair->cert_length);
	BIO *in_key = BIO_new_mem_buf(pair->key, (int)pair->key_length);
	X509 *cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in_key, NULL, NULL, NULL);
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), cert, cert);
	ASN1_TIME *since = X509_gmtime_adj(NULL, -10 * 86400L);
	ASN1_TIME *until = X509_gmtime_adj(NULL, days * 86400L);
	OCSP_RESPONSE *response;
	unsigned char *der = NULL;

	assert_non_null(
		OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, since, until));
	assert_int_equal(OCSP_basic_sign(basic, cert, key, EVP_sha256(), NULL, 0), 1);
	response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	*ret_length = i2d_OCSP_RESPONSE(response, &der);
	assert_true(*ret_length > 0);
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(since);
	ASN1_TIME_free(until);
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(in);
	BIO_free(in_key);
	return der;
}

static long stapled(void)
{
	struct secure *client = secure_new("acme.example");
	const unsigned char *der;
	long length;

	SSL_set_tlsext_status_type(client->ssl, TLSEXT_STATUSTYPE_ocsp);
	assert_int_equal(secure_shake(client), 0);
	length = SSL_get_tlsext_status_ocsp_resp(client->ssl, &der);
	secure_free(client);
	return length;
}

static void staples(void **state)
{
	struct pair *const pairs[] = {&acme, &wild, &bolt};
	int length, late_length;
	unsigned char *good = ocsp_of(&acme, 1, &length), *late = ocsp_of(&acme, -1, &late_length);

	(void)state;
	assert_int_equal(stapled(), -1);
	acme.parts[CERTIFICATE_OCSP] =
		(struct certificate_bytes){(const char *)good, (size_t)length};
	parsed_fini(&worker.tls.parsed);
	use_store(pairs, 3);
	use_tenants(&acme, false);
	assert_int_equal(stapled(), length);
	acme.parts[CERTIFICATE_OCSP] =
		(struct certificate_bytes){(const char *)late, (size_t)late_length};
	parsed_fini(&worker.tls.parsed);
	use_store(pairs, 3);
	use_tenants(&acme, false);
	assert_int_equal(stapled(), -1);
	acme.parts[CERTIFICATE_OCSP] = (struct certificate_bytes){};
	OPENSSL_free(good);
	OPENSSL_free(late);
}

#define client_test(name) cmocka_unit_test_setup_teardown(name, begin, ask_nobody)

int main(void)
{
	const struct CMUnitTest tests[] = {
		client_test(a_certificate_is_required),
		client_test(a_certificate_is_optional),
		client_test(no_way_around),
		client_test(asked_from_now_on),
		client_test(resumed_with_a_certificate),
		tls_test(staples),
	};

	return cmocka_run_group_tests(tests, make_pairs, free_pairs);
}
