/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * TLS with backends (RFC 8446, RFC 5246), by OpenSSL. Who is spoken to proves first that it is the
 * one that the pool means; until then no byte of a request is sent, and nothing is ever sent in the
 * clear instead. tls_channel.h moves the bytes.
 */
#ifndef MTLB_PROXY_TLS_BACKEND_H
#define MTLB_PROXY_TLS_BACKEND_H

#include <sys/socket.h>

#include "tls_server.h"

struct upstream_member;

/* How it is spoken, as an image says. */
struct tls_backend {
	uint64_t key; /* as in image.h */
	enum image_pool_tls mode;
	const char *name;	   /* "": the address */
	const uint8_t *digest;	   /* as in image.h */
	const struct vault *vault; /* NULL: there is none */
	struct tls_shared *shared;
};

/* 0 or -ENOMEM. */
int tls_backend_init(struct tls_shared *shared);

/* From here on the channel's bytes are TLS. 0; -ENOKEY: what the pool has for it cannot be used;
 * -ENOMEM. */
int tls_backend_open(const struct tls_backend *backend, struct channel *channel,
		     const struct upstream_member *member);
/* The handshake: 1: it is done; 0: not yet; -EKEYREJECTED: the backend is not who it should be;
 * -EPROTO: there was no agreement; or what the socket says. */
int tls_backend_handshake(struct channel *channel, const struct sockaddr *address);
/* It went on with a session of an earlier one, see tls_resume.h. */
bool tls_backend_resumed(const struct channel *channel);
/* Something was received that nobody has asked for yet. */
bool tls_backend_has_more(const struct channel *channel);

#endif
