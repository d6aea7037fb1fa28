// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/prober/certificate: a handshake in memory with a server whose certificate is good, or
 * is not in one way, and the sentence that comes of it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "userspace/prober/certificate.h"

#define DAY 86400L

struct identity {
	EVP_PKEY *key;
	X509 *certificate;
};

/* Signed by itself without a signer; one that may sign others without an alternative name. */
static struct identity make(const char *name, const char *alternative, long from, long to,
			    const struct identity *signer)
{
	struct identity made = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
	X509 *x = made.certificate;
	X509_EXTENSION *extension;
	static long serial;

	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_set_version(x, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(x), from);
	X509_gmtime_adj(X509_getm_notAfter(x), to);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(signer ? signer->certificate : x));
	X509_set_pubkey(x, made.key);
	extension = alternative ? X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative)
				: X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "CA:TRUE");
	assert_non_null(extension);
	X509_add_ext(x, extension, -1);
	X509_EXTENSION_free(extension);
	assert_true(X509_sign(x, signer ? signer->key : made.key, EVP_sha256()) > 0);
	return made;
}

static void drop(struct identity *identity)
{
	EVP_PKEY_free(identity->key);
	X509_free(identity->certificate);
}

static BIO *pem_of(const struct identity *identity)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_true(PEM_write_bio_X509(bio, identity->certificate));
	return bio;
}

static struct probes_probe probe_of(const char *host, BIO *ca)
{
	struct probes_probe probe = {.kind = PROBE_TLS};
	char *text = NULL;
	long length = BIO_get_mem_data(ca, &text);

	assert_int_equal(addr_parse("192.0.2.10", &probe.address), 0);
	probe.question.text[PROBE_TEXT_HOST] = host;
	probe.question.length[PROBE_TEXT_HOST] = (uint16_t)strlen(host);
	probe.question.text[PROBE_TEXT_CA] = text;
	probe.question.length[PROBE_TEXT_CA] = (uint16_t)length;
	return probe;
}

static void shake(SSL *client, SSL *server)
{
	bool done[2] = {};

	for (int turn = 0; turn < 20 && !(done[0] && done[1]); turn++) {
		done[0] = done[0] || SSL_do_handshake(client) == 1;
		done[1] = done[1] || SSL_do_handshake(server) == 1;
	}
	ERR_clear_error();
}

/* What is told of this server, or nothing. */
static const char *told(const struct identity *identity, const struct identity *authority,
			const char *host)
{
	static char text[PROBES_ERROR_MAX];
	SSL_CTX *ours = SSL_CTX_new(TLS_client_method()),
		*theirs = SSL_CTX_new(TLS_server_method());
	SSL *client = SSL_new(ours), *server = SSL_new(theirs);
	BIO *ca = pem_of(authority), *here, *there;
	struct probes_probe probe = probe_of(host, ca);
	long found;

	assert_true(SSL_use_certificate(server, identity->certificate));
	assert_true(SSL_use_PrivateKey(server, identity->key));
	assert_true(BIO_new_bio_pair(&here, 0, &there, 0));
	SSL_set_bio(client, here, here);
	SSL_set_bio(server, there, there);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	assert_int_equal(certificate_demand(client, &probe), 0);
	shake(client, server);

	text[0] = 0;
	found = SSL_get_verify_result(client);
	assert_int_equal(SSL_is_init_finished(client), found == X509_V_OK);
	if (found != X509_V_OK)
		certificate_tell(&probe, found, text, sizeof(text));
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(ours);
	SSL_CTX_free(theirs);
	BIO_free(ca);
	return text;
}

static void servers(void **state)
{
	struct identity ours = make("ours", NULL, -DAY, DAY, NULL);
	struct identity theirs = make("theirs", NULL, -DAY, DAY, NULL);
	struct identity good = make("b", "DNS:a.example,IP:192.0.2.10", -DAY, DAY, &ours);
	struct identity other = make("a.example", "DNS:*.b.example", -DAY, DAY, &ours);
	struct identity old = make("b", "DNS:a.example", -2 * DAY, -DAY, &ours);
	struct identity early = make("b", "DNS:a.example", DAY, 2 * DAY, &ours);
	struct identity own = make("b", "DNS:a.example", -DAY, DAY, NULL);

	(void)state;
	assert_string_equal(told(&good, &ours, "a.example"), "");
	assert_string_equal(told(&good, &ours, ""), "");
	assert_string_equal(told(&other, &ours, "c.b.example"), "");
	assert_string_equal(told(&own, &own, "a.example"), "");
	assert_string_equal(told(&other, &ours, ""), "the certificate is not for 192.0.2.10");
	/* what stands in its subject is no name, when it has others */
	assert_string_equal(told(&other, &ours, "a.example"),
			    "the certificate is not for a.example");
	assert_string_equal(told(&good, &theirs, "a.example"),
			    "the certificate is by nobody in health.ca");
	assert_string_equal(told(&own, &ours, "a.example"),
			    "the certificate is by nobody in health.ca");
	assert_string_equal(told(&old, &ours, "a.example"), "the certificate expired");
	assert_string_equal(told(&early, &ours, "a.example"), "the certificate is not valid yet");
	drop(&ours);
	drop(&theirs);
	drop(&good);
	drop(&other);
	drop(&old);
	drop(&early);
	drop(&own);
}

static int demand(const char *ca, size_t length)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);
	struct probes_probe probe = {.question = {.text = {[PROBE_TEXT_CA] = ca},
						  .length = {[PROBE_TEXT_CA] = (uint16_t)length}}};
	int error = certificate_demand(ssl, &probe);

	assert_int_equal(ERR_peek_error(), 0);
	SSL_free(ssl);
	SSL_CTX_free(context);
	return error;
}

/* One that is cut off anywhere is none; a second one that is broken spoils the first. */
static void broken(void **state)
{
	struct identity ours = make("ours", NULL, -DAY, DAY, NULL);
	BIO *pem = pem_of(&ours);
	char *text, twice[8192];
	size_t length = (size_t)BIO_get_mem_data(pem, &text);

	(void)state;
	assert_int_equal(demand(text, length), 0);
	for (size_t cut = 1; cut < length - 2; cut += 7)
		assert_int_equal(demand(text, cut), -EINVAL);
	assert_int_equal(demand("hello", 5), -EINVAL);
	assert_true(2 * length < sizeof(twice));
	memcpy(twice, text, length);
	memcpy(twice + length, text, length);
	assert_int_equal(demand(twice, 2 * length), 0);
	twice[length + length / 2] = '*';
	assert_int_equal(demand(twice, 2 * length), -EINVAL);
	BIO_free(pem);
	drop(&ours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers),
		cmocka_unit_test(broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
