/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a TLS client says first (ClientHello: RFC 8446, 4.1.2; RFC 5246, 7.4.1.2): for which host it
 * came (server_name, RFC 6066, 3) and which protocols it speaks (ALPN, RFC 7301), so that a
 * connection finds its tenant before anything is decrypted. Nothing else of it is judged, but what
 * does not add up, is there twice, or is garbage, is refused. The name of an encrypted ClientHello
 * is the outer one, as for anybody on the way. Pure; the caller keeps the bytes.
 */
#ifndef MTLB_WIRE_HELLO_H
#define MTLB_WIRE_HELLO_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HELLO_MAX	     16384 /* bytes of a ClientHello, without headers of records */
#define HELLO_RECORDS_MAX    64	   /* over which it may be spread */
#define HELLO_BYTES_MAX	     (HELLO_MAX + HELLO_RECORDS_MAX * 5) /* a buffer that holds any */
#define HELLO_NAME_MAX	     253
#define HELLO_EXTENSIONS_MAX 64

enum hello_protocol { /* bits */
	HELLO_HTTP1 = 1,
	HELLO_H2 = 2,
	HELLO_OTHER = 4, /* any other */
};

struct hello {
	uint32_t length;	       /* of all its records */
	uint16_t name_length;	       /* 0: no name was sent */
	char name[HELLO_NAME_MAX + 1]; /* as it was sent, in any case, with a NUL behind it */
	bool has_alpn;
	unsigned protocols; /* of enum hello_protocol */
};

enum hello_error {
	HELLO_ERROR_BASE = 11264, /* above those of uri.h */
#define HELLO_ERROR(name, alert, sentence) HELLO_ERROR_##name,
#include "hello_errors.def"
#undef HELLO_ERROR
	HELLO_ERROR_END
};

/* All three take what hello_parse() returned; NULL or 0: it is none of these. */
const char *hello_error_name(int error);
const char *hello_error_sentence(int error); /* for people */
uint8_t hello_error_alert(int error);	     /* to answer with, fatal */

/* The parser's own, all zero for a new connection. */
struct hello_scan {
	uint32_t records_end; /* where the last record that was looked at ends */
	uint32_t got;	      /* bytes of the message in records so far */
	uint32_t records;
};

/*
 * From the first byte of a connection; scan lets a call with more bytes cost no more than those.
 * 0: *ret is filled; -EAGAIN: more bytes are needed; -HELLO_ERROR_...: refused, whatever comes.
 * The answer is the same however the bytes came.
 */
int hello_parse(const uint8_t *buf, size_t len, struct hello_scan *scan, struct hello *ret);

#endif
