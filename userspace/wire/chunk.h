/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Chunked bodies (RFC 9112, 7.1) as they come in, and the lines to write one. The decoder keeps no
 * bytes but counts, so only trailers have to lie together in the caller's buffer. As strict as
 * h1.h, and stricter than the RFC in that no white space may stand behind a size. Extensions are
 * skipped, and never passed on. Pure.
 */
#ifndef MTLB_WIRE_CHUNK_H
#define MTLB_WIRE_CHUNK_H

#include "h1.h"

#define CHUNK_EXTENSION_MAX 256	 /* of one chunk; some clients sign each */
#define CHUNK_TRAILERS_MAX  8192 /* with their empty line: a buffer must have room for them */

/* All zero before the first byte; of no use after an error. */
struct chunk_decoder {
	uint64_t left; /* of a chunk: its size so far, then its data that is to come */
	size_t scanned;
	uint16_t extension; /* its length so far */
	uint8_t digits, state;
};

enum chunk_event {
	CHUNK_DATA = 1,
	CHUNK_END,
};

/*
 * From the first byte that was not used before. Returns
 *   CHUNK_DATA: *ret_data are bytes of the body, the last ones of the *ret_used;
 *   CHUNK_END: the body has ended, *ret_used bytes from here; its trailers are in *ret_trailers;
 *   -EAGAIN: more bytes are needed behind the *ret_used. What is left are trailers that have not
 * all come: the next call is to have them again; -H1_ERROR_...: the same however the bytes were
 * split. Wrong trailers are told of when all of them have come, if not before.
 */
int chunk_next(struct chunk_decoder *decoder, const char *buf, size_t len, size_t *ret_used,
	       struct h1_text *ret_data, struct h1_head *ret_trailers);
/* The same for who wants to pass over the data, or to pass it on as it came: all events but
 * CHUNK_DATA. */
int chunk_skip(struct chunk_decoder *decoder, const char *buf, size_t len, size_t *ret_used,
	       struct h1_head *ret_trailers);

/* Before data of this length, which is not 0; returns its own length. CHUNK_LINE_END goes behind.
 */
#define CHUNK_HEAD_MAX 18
#define CHUNK_LINE_END "\r\n"
#define CHUNK_LAST     "0\r\n" /* then trailers, and an empty line */
size_t chunk_head(uint64_t length, char ret_head[CHUNK_HEAD_MAX]);

#endif
