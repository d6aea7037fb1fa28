/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Clients with OpenSSL's own TLS before a worker with a listener of HTTPS, and certificates that
 * are made on the spot.
 */
#ifndef SELFTESTS_UNIT_PROXY_TLS_FIXTURE_H
#define SELFTESTS_UNIT_PROXY_TLS_FIXTURE_H

#include "proxy_fixture.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "userspace/model/l7/store.h"
#include "userspace/proxy/tls_channel.h"

struct pair {
	char *cert, *key; /* PEM */
	size_t cert_length, key_length;
	uint8_t digest[IMAGE_DIGEST_SIZE];
	struct certificate_bytes parts[CERTIFICATE_PARTS];
};

static inline char *pem_of(BIO *bio, size_t *ret_length)
{
	char *at, *copy;
	long length = BIO_get_mem_data(bio, &at);

	copy = calloc(1, (size_t)length + 1);
	assert_non_null(copy);
	memcpy(copy, at, (size_t)length);
	*ret_length = (size_t)length;
	BIO_free(bio);
	return copy;
}

/* names: as of a subjectAltName, "DNS:a,DNS:b". days: until it expires, which may be over. */
static inline void pair_make(struct pair *pair, const char *names, int days)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	BIO *out;

	assert_true(key && cert && extension);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -30 * 86400L);
	X509_gmtime_adj(X509_getm_notAfter(cert), days * 86400L);
	X509_set_pubkey(cert, key);
	X509_add_ext(cert, extension, -1);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	out = BIO_new(BIO_s_mem());
	assert_true(PEM_write_bio_X509(out, cert));
	pair->cert = pem_of(out, &pair->cert_length);
	out = BIO_new(BIO_s_mem());
	assert_true(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL));
	pair->key = pem_of(out, &pair->key_length);
	assert_true(
		EVP_Digest(pair->cert, pair->cert_length, pair->digest, NULL, EVP_sha256(), NULL));
	pair->parts[CERTIFICATE_CHAIN] = (struct certificate_bytes){pair->cert, pair->cert_length};
	pair->parts[CERTIFICATE_KEY] = (struct certificate_bytes){pair->key, pair->key_length};
	X509_EXTENSION_free(extension);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static inline void pair_free(struct pair *pair)
{
	free(pair->cert);
	free(pair->key);
}

static inline int sealed(const char *name, const void *bytes, size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	return fd;
}

/* The bytes of a store; to be freed. */
static inline char *store_of(struct pair *const *pairs, size_t count, size_t *ret_size)
{
	struct store_item *items = calloc(count + 1, sizeof(*items));
	size_t at;
	char *head, *all;

	for (size_t i = 0; i < count; i++)
		items[i] = (struct store_item){pairs[i]->digest, pairs[i]->parts};
	count = store_sort(items, count);
	head = store_begin(items, count, &at);
	assert_non_null(head);
	*ret_size = (size_t)((struct store_head *)head)->size;
	all = calloc(1, *ret_size);
	memcpy(all, head, at);
	for (size_t i = 0; i < count; i++)
		for (unsigned part = 0; part < CERTIFICATE_PARTS; part++) {
			if (items[i].parts[part].at)
				memcpy(all + at, items[i].parts[part].at,
				       items[i].parts[part].length);
			at += items[i].parts[part].length;
		}
	assert_int_equal(at, *ret_size);
	free(head);
	free(items);
	return all;
}

static inline void use_store(struct pair *const *pairs, size_t count)
{
	struct vault *vault;
	struct err err = {};
	size_t size;
	char *bytes = store_of(pairs, count, &size);
	int fd = sealed("store", bytes, size);

	if (vault_open(fd, &vault, &err))
		fail_msg("%s", err.text);
	worker_use_vault(&worker, vault);
	close(fd);
	free(bytes);
}

/* Clients */

struct secure {
	struct peer *peer; /* data: what was decrypted */
	SSL *ssl;
	bool finished; /* close_notify */
	int error;     /* its reason, once it failed */
};

static SSL_CTX *client_context;

static inline int note_session(SSL *ssl, SSL_SESSION *session)
{
	SSL_SESSION **kept = SSL_get_app_data(ssl);

	if (!kept)
		return 0;
	SSL_SESSION_free(*kept);
	*kept = session;
	return 1;
}

static inline struct secure *secure_new(const char *name)
{
	struct secure *secure = calloc(1, sizeof(*secure));

	if (!client_context) {
		client_context = SSL_CTX_new(TLS_client_method());
		assert_non_null(client_context);
		SSL_CTX_set_session_cache_mode(client_context,
					       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(client_context, note_session);
	}
	secure->peer = client_new();
	assert_int_equal(fcntl(secure->peer->fd, F_SETFL, O_NONBLOCK), 0);
	secure->ssl = SSL_new(client_context);
	assert_non_null(secure->ssl);
	SSL_set_fd(secure->ssl, secure->peer->fd);
	if (name)
		SSL_set_tlsext_host_name(secure->ssl, name);
	SSL_set_connect_state(secure->ssl);
	return secure;
}

static inline void secure_free(struct secure *secure)
{
	/* else its session would be good for nothing */
	SSL_set_shutdown(secure->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(secure->ssl);
	peer_free(secure->peer);
	free(secure);
}

static inline void secure_pull(struct secure *secure)
{
	struct peer *peer = secure->peer;
	int n;

	while (!secure->error && !secure->finished) {
		ERR_clear_error();
		n = SSL_read(secure->ssl, peer->data + peer->length,
			     (int)(DATA_MAX - peer->length));
		if (n > 0) {
			peer->length += (size_t)n;
			continue;
		}
		if (SSL_get_error(secure->ssl, n) == SSL_ERROR_WANT_READ)
			break;
		if (SSL_get_error(secure->ssl, n) == SSL_ERROR_ZERO_RETURN)
			secure->finished = true;
		else
			secure->error = ERR_GET_REASON(ERR_peek_error()) ?: -1;
	}
	peer->data[peer->length] = 0;
}

struct awaited {
	struct secure *secure;
	const char *text;
	size_t length;
};

static inline bool is_there(void *context)
{
	struct awaited *awaited = context;

	secure_pull(awaited->secure);
	return awaited->text ? strstr(awaited->secure->peer->data, awaited->text) != NULL
			     : awaited->secure->peer->length >= awaited->length;
}

static inline void secure_expect(struct secure *secure, const char *text)
{
	run_until(is_there, &(struct awaited){.secure = secure, .text = text});
}

static inline void secure_expect_length(struct secure *secure, size_t length)
{
	run_until(is_there, &(struct awaited){.secure = secure, .length = length});
}

static inline bool is_over(void *context)
{
	struct secure *secure = context;

	secure_pull(secure);
	return secure->error || secure->finished;
}

static inline void secure_expect_end(struct secure *secure)
{
	run_until(is_over, secure);
}

static inline bool shook(void *context)
{
	struct secure *secure = context;
	int n = SSL_do_handshake(secure->ssl);

	if (n != 1 && SSL_get_error(secure->ssl, n) != SSL_ERROR_WANT_READ)
		secure->error = ERR_GET_REASON(ERR_peek_error()) ?: -1;
	ERR_clear_error();
	return n == 1 || secure->error;
}

/* The handshake, as far as the client is concerned: 0, or the reason why there is none. */
static inline int secure_shake(struct secure *secure)
{
	run_until(shook, secure);
	return secure->error;
}

struct told {
	struct secure *secure;
	const char *bytes;
	size_t length, sent;
};

static inline bool is_told(void *context)
{
	struct told *told = context;
	int n;

	ERR_clear_error();
	n = SSL_write(told->secure->ssl, told->bytes + told->sent,
		      told->length - told->sent > 16384 ? 16384 : (int)(told->length - told->sent));
	if (n > 0)
		told->sent += (size_t)n;
	return told->sent == told->length;
}

static inline void secure_say_bytes(struct secure *secure, const char *bytes, size_t length)
{
	run_until(is_told, &(struct told){.secure = secure, .bytes = bytes, .length = length});
}

static inline void secure_say(struct secure *secure, const char *text)
{
	secure_say_bytes(secure, text, strlen(text));
}

static inline void secure_clear(struct secure *secure)
{
	peer_clear(secure->peer);
}

/* The server's certificate is this one. */
static inline bool secure_sees(struct secure *secure, const struct pair *pair)
{
	X509 *cert = SSL_get1_peer_certificate(secure->ssl);
	BIO *bio = BIO_new_mem_buf(pair->cert, (int)pair->cert_length);
	X509 *other = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	bool same = cert && other && !X509_cmp(cert, other);

	X509_free(cert);
	X509_free(other);
	BIO_free(bio);
	return same;
}

#endif
