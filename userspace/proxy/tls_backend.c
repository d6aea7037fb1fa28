// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls_backend.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "../base/log.h"
#include "../sys/loop.h"
#include "tls_channel.h"
#include "upstream.h"

#define TOLD_NS 10000000000ULL /* why backends are refused is logged as often as that */

/* A body that no length bounds is whole only if its sender said so: an end of TCP alone is an error
 * here (RFC 9112, 9.8). */
static bool set_up(SSL_CTX *context)
{
	static const unsigned char protocols[] = "\x08http/1.1";

	SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context, tls_resume_keep);
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) &&
	       SSL_CTX_set_cipher_list(context, TLS_CIPHERS) &&
	       SSL_CTX_set1_groups_list(context, TLS_GROUPS) &&
	       !SSL_CTX_set_alpn_protos(context, protocols, sizeof(protocols) - 1);
}

int tls_backend_init(struct tls_shared *shared)
{
	shared->backends = SSL_CTX_new(TLS_client_method());
	return shared->backends && set_up(shared->backends) ? 0 : -ENOMEM;
}

static bool expect_address(X509_VERIFY_PARAM *expected, const struct sockaddr *address)
{
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)address;

	if (address->sa_family == AF_INET6)
		return X509_VERIFY_PARAM_set1_ip(expected, ipv6->sin6_addr.s6_addr, 16);
	return X509_VERIFY_PARAM_set1_ip(expected, (const unsigned char *)&ipv4->sin_addr, 4);
}

/* Whoever is in the file is trusted, an issuer that has one above itself as well. */
static bool verify(SSL *ssl, const struct tls_backend *backend,
		   const struct certificate *certificate, const struct sockaddr *address)
{
	X509_VERIFY_PARAM *expected = SSL_get0_param(ssl);

	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	X509_VERIFY_PARAM_set_flags(expected, X509_V_FLAG_PARTIAL_CHAIN);
	return SSL_set1_verify_cert_store(ssl, certificate->client_ca) &&
	       (*backend->name ? X509_VERIFY_PARAM_set1_host(expected, backend->name, 0)
			       : expect_address(expected, address));
}

static bool prepare(SSL *ssl, const struct tls_backend *backend,
		    const struct certificate *certificate, const struct sockaddr *address)
{
	if (*backend->name && !SSL_set_tlsext_host_name(ssl, backend->name))
		return false;
	if (certificate && certificate->leaf &&
	    !SSL_use_cert_and_key(ssl, certificate->leaf, certificate->key, certificate->chain, 1))
		return false;
	if (backend->mode == IMAGE_TLS_VERIFIED)
		return verify(ssl, backend, certificate, address);
	SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
	return true;
}

/* What is needed and not there is never done without. */
static bool find_certificate(const struct tls_backend *backend,
			     const struct certificate **ret_certificate)
{
	static const uint8_t none[IMAGE_DIGEST_SIZE];
	bool wanted = memcmp(backend->digest, none, sizeof(none)) != 0;

	*ret_certificate =
		wanted ? parsed_find(&backend->shared->parsed, backend->vault, backend->digest)
		       : NULL;
	if (backend->mode == IMAGE_TLS_UNVERIFIED)
		return !wanted || *ret_certificate;
	return backend->mode == IMAGE_TLS_VERIFIED && *ret_certificate &&
	       (*ret_certificate)->client_ca;
}

int tls_backend_open(const struct tls_backend *backend, struct channel *channel,
		     const struct upstream_member *member)
{
	const struct certificate *certificate;
	uint8_t terms[TLS_TERMS_SIZE];
	time_t proven_until = 0;
	struct tls *tls;
	SSL *ssl;

	if (!find_certificate(backend, &certificate))
		return -ENOKEY;
	ssl = SSL_new(backend->shared->backends);
	if (!ssl || !prepare(ssl, backend, certificate, &member->address.any) ||
	    !tls_resume_terms(backend, member->key, terms) ||
	    !tls_resume_offer(&backend->shared->resume, ssl, terms, &proven_until)) {
		ERR_clear_error();
		SSL_free(ssl);
		return -ENOMEM;
	}
	SSL_set_connect_state(ssl);
	if (tls_channel_open(channel, backend->shared->method, ssl, &tls))
		return -ENOMEM;
	tls->backends = backend->shared;
	tls->proven_until = proven_until;
	memcpy(tls->terms, terms, sizeof(tls->terms));
	return 0;
}

static void tell(struct channel *channel, const struct sockaddr *backend, const char *why)
{
	struct tls_shared *shared = channel->tls->backends;
	uint64_t now = loop_now(channel->loop);
	char text[ADDR_TEXT_MAX];
	struct addr address;
	uint16_t port;

	if (shared->told_at && now - shared->told_at < TOLD_NS)
		return;
	shared->told_at = now;
	upstream_address_of(backend, &address, &port);
	addr_format_endpoint(&address, port, text);
	log_warn("proxy", "backend %s gets no request, since its TLS is not as its pool says: %s",
		 text, why ? why : "the handshake failed");
}

int tls_backend_handshake(struct channel *channel, const struct sockaddr *address)
{
	struct tls *tls = channel->tls;
	int result, why;
	long verdict;

	ERR_clear_error();
	result = SSL_do_handshake(tls->ssl);
	if (result == 1) {
		tls->done = true;
		return 1;
	}
	why = SSL_get_error(tls->ssl, result);
	if (!channel->error && (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE))
		return 0;
	tls_resume_forget(&tls->backends->resume, tls->terms);
	if (channel->error) {
		ERR_clear_error();
		return channel->error;
	}
	verdict = SSL_get_verify_result(tls->ssl);
	if (SSL_get_verify_mode(tls->ssl) == SSL_VERIFY_NONE)
		verdict = X509_V_OK;
	tell(channel, address,
	     verdict != X509_V_OK ? X509_verify_cert_error_string(verdict)
				  : ERR_reason_error_string(ERR_peek_error()));
	ERR_clear_error();
	channel_fail(channel, EPROTO);
	return verdict != X509_V_OK ? -EKEYREJECTED : -EPROTO;
}

bool tls_backend_resumed(const struct channel *channel)
{
	return SSL_session_reused(channel->tls->ssl);
}

bool tls_backend_has_more(const struct channel *channel)
{
	return channel->tls && SSL_has_pending(channel->tls->ssl);
}
