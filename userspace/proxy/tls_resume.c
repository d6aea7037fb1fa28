// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tls_resume.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls_backend.h"
#include "tls_channel.h"

#define LIFETIME_S  3600 /* from the proof of who is spoken to */
#define SESSION_MAX 8192 /* a backend may make its tickets as long as it likes */

/* what is kept */

static void drop(struct tls_resume *resume, struct tls_terms *terms, unsigned index)
{
	struct tls_session *session = &terms->sessions[index];

	resume->bytes -= session->length;
	OPENSSL_cleanse(session->bytes, session->length);
	free(session->bytes);
	terms->count--;
	memmove(session, session + 1, (terms->count - index) * sizeof(*session));
}

static void drop_all(struct tls_resume *resume, struct tls_terms *terms)
{
	while (terms->count)
		drop(resume, terms, terms->count - 1);
	resume->bytes -= sizeof(*terms);
	free(terms);
}

static void forget(struct tls_resume *resume, struct tls_terms *terms)
{
	HASH_DEL(resume->terms, terms);
	drop_all(resume, terms);
}

void tls_resume_fini(struct tls_resume *resume)
{
	struct tls_terms *terms, *next;

	HASH_ITER (hh, resume->terms, terms, next)
		forget(resume, terms);
}

/* What was added last is last in the list. NULL: no memory. */
static struct tls_terms *add(struct tls_resume *resume, struct tls_terms *terms)
{
	HASH_ADD(hh, resume->terms, hash, sizeof(terms->hash), terms);
	if (terms->hh.tbl)
		return terms;
	drop_all(resume, terms);
	return NULL;
}

static struct tls_terms *find(struct tls_resume *resume, const uint8_t *hash)
{
	struct tls_terms *terms;

	HASH_FIND(hh, resume->terms, hash, TLS_TERMS_SIZE, terms);
	return terms;
}

void tls_resume_forget(struct tls_resume *resume, const uint8_t hash[TLS_TERMS_SIZE])
{
	struct tls_terms *terms = find(resume, hash);

	if (terms)
		forget(resume, terms);
}

static struct tls_terms *make(struct tls_resume *resume, const uint8_t *hash)
{
	struct tls_terms *terms = calloc(1, sizeof(*terms));

	if (!terms)
		return NULL;
	memcpy(terms->hash, hash, sizeof(terms->hash));
	resume->bytes += sizeof(*terms);
	return add(resume, terms);
}

/* Takes the bytes. */
static void store(struct tls_resume *resume, const uint8_t *hash, const struct tls_session *session)
{
	struct tls_terms *terms = find(resume, hash) ?: make(resume, hash);

	if (!terms) {
		free(session->bytes);
		return;
	}
	if (terms->count == TLS_RESUME_EACH)
		drop(resume, terms, 0);
	terms->sessions[terms->count++] = *session;
	resume->bytes += session->length;
	while (resume->bytes > resume->most && resume->terms)
		forget(resume, resume->terms);
}

/* terms */

bool tls_resume_terms(const struct tls_backend *backend, uint64_t member,
		      uint8_t ret_hash[TLS_TERMS_SIZE])
{
	struct {
		uint64_t member, how;
		uint8_t mode, digest[IMAGE_DIGEST_SIZE];
		char name[TLS_NAME_MAX + 1];
	} all;
	size_t length = strlen(backend->name);

	if (length >= sizeof(all.name))
		return false;
	memset(&all, 0, sizeof(all));
	all.member = member;
	all.how = backend->key;
	all.mode = (uint8_t)backend->mode;
	memcpy(all.digest, backend->digest, sizeof(all.digest));
	memcpy(all.name, backend->name, length);
	return EVP_Digest(&all, sizeof(all), ret_hash, NULL, EVP_sha256(), NULL);
}

/* offering */

/* The newest one that is good still. One of TLS 1.2 may be used again, one of 1.3 would tell those
 * who listen that both connections are of one client (RFC 8446, C.4). */
static SSL_SESSION *take(struct tls_resume *resume, struct tls_terms *terms, time_t *ret_until)
{
	SSL_SESSION *found = NULL;
	time_t now = time(NULL);

	while (terms->count && !found) {
		const struct tls_session *last = &terms->sessions[terms->count - 1];
		const unsigned char *at = last->bytes;

		*ret_until = last->until;
		if (last->until > now)
			found = d2i_SSL_SESSION(NULL, &at, (long)last->length);
		if (!found || SSL_SESSION_get_protocol_version(found) >= TLS1_3_VERSION)
			drop(resume, terms, terms->count - 1);
	}
	return found;
}

bool tls_resume_offer(struct tls_resume *resume, SSL *ssl, const uint8_t hash[TLS_TERMS_SIZE],
		      time_t *ret_until)
{
	struct tls_terms *terms = find(resume, hash);
	SSL_SESSION *session;
	bool done;

	*ret_until = 0;
	if (!SSL_set_session_id_context(ssl, hash, TLS_TERMS_SIZE))
		return false;
	if (!terms)
		return true;
	HASH_DEL(resume->terms, terms);
	terms = add(resume, terms);
	session = terms ? take(resume, terms, ret_until) : NULL;
	done = !session || SSL_set_session(ssl, session);
	SSL_SESSION_free(session);
	return done;
}

/* keeping */

static bool lasts(X509 *certificate, time_t until)
{
	return X509_cmp_time(X509_get0_notAfter(certificate), &until) > 0;
}

/* Of what was just proven: how long that is believed. 0: not at all. */
static time_t believe(SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	time_t until = time(NULL) + LIFETIME_S;

	for (int i = 0; chain && i < sk_X509_num(chain); i++)
		if (!lasts(sk_X509_value(chain, i), until))
			return 0;
	return until;
}

static unsigned char *write_session(SSL_SESSION *session, size_t length)
{
	unsigned char *bytes = malloc(length), *at = bytes;

	if (bytes)
		i2d_SSL_SESSION(session, &at);
	return bytes;
}

int tls_resume_keep(SSL *ssl, SSL_SESSION *session)
{
	const struct tls *tls = SSL_get_app_data(ssl);
	struct tls_resume *resume = &tls->backends->resume;
	struct tls_session kept = {.until = SSL_session_reused(ssl) ? tls->proven_until
								    : believe(ssl)};
	int length = i2d_SSL_SESSION(session, NULL);
	time_t hint = (time_t)(SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session));

	if (hint < kept.until)
		kept.until = hint;
	if (!SSL_SESSION_is_resumable(session) || length <= 0 || length > SESSION_MAX ||
	    kept.until <= time(NULL))
		return 0;
	if (SSL_SESSION_get_protocol_version(session) < TLS1_3_VERSION)
		tls_resume_forget(resume, tls->terms); /* it is as good as those, and newer */
	kept.length = (size_t)length;
	kept.bytes = write_session(session, kept.length);
	if (kept.bytes)
		store(resume, tls->terms, &kept);
	return 0; /* the session itself is not kept */
}
