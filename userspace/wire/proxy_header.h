/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The header of the PROXY protocol, versions 1 (a line) and 2 (binary), which a load balancer puts
 * before the bytes of a connection to tell whose it is ("The PROXY protocol", HAProxy Technologies,
 * 2020). Who may send one is the caller's to know: anybody can write it. Pure.
 *
 * As strict as h1.h: numbers and addresses of a line are written in one way only, exactly one space
 * parts them, and lengths of version 2 must add up. Of version 2, values that this does not know
 * are skipped, as the protocol wants; AF_UNIX is taken as unknown.
 */
#ifndef MTLB_WIRE_PROXY_HEADER_H
#define MTLB_WIRE_PROXY_HEADER_H

#include "../base/addr.h"
#include "h1.h"

#define PROXY_HEADER_V1_MAX 107	 /* with its line end */
#define PROXY_HEADER_V2_MAX 4096 /* longer ones are refused */
#define PROXY_HEADER_MAX    PROXY_HEADER_V2_MAX

enum proxy_transport {
	PROXY_UNKNOWN, /* no addresses: those of the connection count */
	PROXY_TCP,
	PROXY_UDP,
};

struct proxy_header {
	uint8_t version; /* 1 or 2 */
	bool local;	 /* version 2: the sender's own connection, a health check */
	uint8_t transport;
	struct addr source, destination;	   /* both of one family */
	uint16_t source_port, destination_port;	   /* host order */
	struct h1_text alpn, authority, unique_id; /* of version 2, in the caller's buffer; at is
						    * NULL for what is not there */
};

enum proxy_header_error {
	PROXY_HEADER_ERROR_BASE = 8192, /* above those of h1.h */
#define PROXY_HEADER_ERROR(name, sentence) PROXY_HEADER_ERROR_##name,
#include "proxy_header_errors.def"
#undef PROXY_HEADER_ERROR
	PROXY_HEADER_ERROR_END
};

/* Both take what the parser returned; NULL: it is none of these. */
const char *proxy_header_error_name(int error);
const char *proxy_header_error_sentence(int error); /* for people */

/*
 * From the first byte of a connection. 0: *ret is filled, and *ret_length bytes belong to it;
 * -EAGAIN: so far it may become one; -PROXY_HEADER_ERROR_...: it is none, or a wrong one.
 */
int proxy_header_parse(const char *buf, size_t len, struct proxy_header *ret, size_t *ret_length);

/*
 * Of header->version, with its authority and unique_id (version 2). Returns its length; -EINVAL:
 * the two addresses are not of one family, version 1 is to tell of UDP, or there is no such
 * version; -ENOSPC: there is no room.
 */
int proxy_header_write(const struct proxy_header *header, char *buf, size_t size);

#endif
