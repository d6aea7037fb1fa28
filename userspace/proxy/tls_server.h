/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TLS with clients (RFC 8446, RFC 5246), by OpenSSL: what all connections of a worker share. The
 * name that a client asks for chooses tenant and certificate; who names none, or one that has no
 * certificate, is refused. tls_channel.h moves the bytes.
 */
#ifndef MTLB_PROXY_TLS_SERVER_H
#define MTLB_PROXY_TLS_SERVER_H

#include <openssl/ssl.h>

#include "../wire/handover.h"
#include "../model/l7/route.h"
#include "tls_resume.h"
#include "vault.h"

/* Those that nobody needs to be warned of; what a client likes best of them is taken. */
#define TLS_CIPHERS                                                  \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define TLS_GROUPS "X25519:P-256:P-384"

struct worker;
struct listener;
struct channel;

struct tls_counts {
	uint64_t handshakes, resumed, failed; /* that were finished; of these; that were not */
	uint64_t unknown_names;
};

/* Of a worker. */
struct tls_shared {
	SSL_CTX *context, *backends; /* with clients; with backends */
	BIO_METHOD *method;
	struct parsed_list parsed;
	struct tls_resume resume; /* with backends */
	struct handover_tickets tickets;
	struct tls_counts counts;
	uint64_t told_at; /* why a backend is refused; 0: never */
};

/* Before the sandbox is closed: what the library wants to read and to ask for. 0 or -ENOMEM. */
int tls_server_prepare(void);

int tls_server_init(struct tls_shared *shared); /* 0 or a negative errno */
void tls_server_fini(struct tls_shared *shared);
void tls_server_use_tickets(struct tls_shared *shared, const struct handover_tickets *tickets);

/* From here on the channel's bytes are TLS; listener may be NULL. 0 or -ENOMEM. */
int tls_server_accept(struct worker *worker, struct listener *listener, struct channel *channel);

struct tls;

/* The handshake is done: notes what backends are told of the client's certificate. */
void tls_client_note(struct tls *tls);
/* Whether requests for this host may come by this connection: what its server wants of clients'
 * certificates is what this handshake wanted. */
bool tls_client_fits(const struct tls *tls, const struct image *image, struct route_text host);
/* What a backend is told: only where the host's own server asked for it. */
const char *tls_client_told(const struct tls *tls, const struct image *image,
			    struct route_text host);

/* The parts: of tickets. */
int tls_ticket_key(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
		   EVP_MAC_CTX *mac, int encrypt);

#endif
