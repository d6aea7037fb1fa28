/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sessions of TLS with backends (RFC 5246, 7.3, by ticket or number; RFC 8446, 2.2), so that a new
 * connection need not prove anew who is spoken to. A session is for the terms that it was made
 * under, which are all that says how TLS is spoken with a member: its tenant, pool and address, the
 * name, whose word is taken, and what is shown. Under others it is not found, and OpenSSL, which
 * has the terms as the session's context, would refuse it. It ends an hour after the proof, however
 * often it was renewed meanwhile, and there is none if a certificate of the proof ends before.
 *
 * What is kept are bytes, so that what there is room for can be said exactly; the terms that were
 * used longest ago go first.
 */
#ifndef MTLB_PROXY_TLS_RESUME_H
#define MTLB_PROXY_TLS_RESUME_H

#include <stdbool.h>
#include <time.h>

#include <openssl/ssl.h>
#include <uthash.h>

#define TLS_TERMS_SIZE	 32 /* as much as a context may have */
#define TLS_RESUME_EACH	 4  /* sessions of one's terms: a ticket of TLS 1.3 is used once only */
#define TLS_RESUME_BYTES (4U << 20)

struct tls_backend;

struct tls_session {
	unsigned char *bytes; /* as i2d_SSL_SESSION() writes them */
	size_t length;
	time_t until;
};

struct tls_terms {
	uint8_t hash[TLS_TERMS_SIZE];
	struct tls_session sessions[TLS_RESUME_EACH]; /* the last one last */
	unsigned count;
	UT_hash_handle hh; /* in the order of their last use */
};

struct tls_resume {
	struct tls_terms *terms;
	size_t bytes, most;
};

void tls_resume_fini(struct tls_resume *resume);

/* False: there is no memory. */
bool tls_resume_terms(const struct tls_backend *backend, uint64_t member,
		      uint8_t ret_hash[TLS_TERMS_SIZE]);
/* Binds the connection to be made to its terms, and offers a session if there is one; ret_until is
 * what is left of its proof, 0 without one. False: there is no memory. */
bool tls_resume_offer(struct tls_resume *resume, SSL *ssl, const uint8_t hash[TLS_TERMS_SIZE],
		      time_t *ret_until);
/* As SSL_CTX_sess_set_new_cb() has it: of a connection of tls_channel.h. */
int tls_resume_keep(SSL *ssl, SSL_SESSION *session);
/* They may be why there was no agreement. */
void tls_resume_forget(struct tls_resume *resume, const uint8_t hash[TLS_TERMS_SIZE]);

#endif
