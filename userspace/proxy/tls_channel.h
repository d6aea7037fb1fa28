/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A channel's bytes within TLS. What was encrypted counts as sent: records that the socket does not
 * take wait here, and while some do no more are made. So nobody has to offer the same bytes again,
 * which is what OpenSSL asks for. The handshake is part of the first reading.
 */
#ifndef MTLB_PROXY_TLS_CHANNEL_H
#define MTLB_PROXY_TLS_CHANNEL_H

#include "channel.h"
#include "tls_server.h"

#define TLS_NAME_MAX 253

struct tls {
	SSL *ssl;
	struct channel *channel;
	struct worker *worker; /* with a client; NULL: with a backend */
	struct listener *listener;
	struct tls_shared *backends;
	uint8_t terms[TLS_TERMS_SIZE]; /* with a backend, see tls_resume.h */
	time_t proven_until;	       /* of the session that was offered */
	struct buffer *records;	       /* that wait to be sent */
	struct tally_tenant *tenant;   /* whose name it is for; NULL: nobody's, or none is known */
	bool shed;		       /* there were too many handshakes of the tenant's */
	bool done;		       /* the handshake */
	bool ended;		       /* the other side's bytes */
	uint8_t client_auth;	       /* enum image_client_auth, of the handshake */
	uint8_t client_ca[IMAGE_DIGEST_SIZE];
	char *client_cert; /* what is told of the client's certificate; NULL: it has none */
	uint8_t stapled[IMAGE_DIGEST_SIZE]; /* certificate with something to staple; zeros: none */
	uint8_t name_length;		    /* of the server's name; 0: none was sent */
	char name[TLS_NAME_MAX + 1];
};

/* BIO_meth_free() gives it back; NULL: no memory. */
BIO_METHOD *tls_channel_method(void);
/* ssl is the channel's in any case. 0 or -ENOMEM. */
int tls_channel_open(struct channel *channel, BIO_METHOD *method, SSL *ssl, struct tls **ret_tls);
void tls_channel_close(struct channel *channel);

/* As those of channel.h, which calls them. */
ssize_t tls_fill(struct channel *channel, char *to, size_t room);
ssize_t tls_send(struct channel *channel, const char *bytes, size_t length);
void tls_shut(struct channel *channel);
/* Bytes that go before the first record, as they are. 0 or a negative errno. */
int tls_precede(struct channel *channel, const char *bytes, size_t length);

#endif
