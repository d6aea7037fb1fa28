/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Paths as routing compares them (RFC 3986, 6.2.2 and 5.2.4): what need not be encoded is decoded,
 * hexadecimal digits are in upper case, dot segments are gone. An encoded slash stays one: it is
 * no end of a segment. What a server behind might read in another way, so that it would serve
 * something else than what a route was found for, is refused, never repaired. Empty segments are
 * kept: nothing is said of what they mean. Pure.
 *
 * Taken apart is a target by h1.h, an absolute one too; a query is left as it is.
 */
#ifndef MTLB_WIRE_URI_H
#define MTLB_WIRE_URI_H

#include "h1.h"

enum uri_error {
	URI_ERROR_BASE = 10240, /* above those of proxy_header.h */
#define URI_ERROR(name, sentence) URI_ERROR_##name,
#include "uri_errors.def"
#undef URI_ERROR
	URI_ERROR_END
};

/* Both take what uri_path() returned; NULL: it is none of these. All of them are a 400. */
const char *uri_error_name(int error);
const char *uri_error_sentence(int error); /* for people */

/*
 * path: of a target, "/..." or "*". 0: *ret_path is it, normalised; in buffer if it had to change,
 * else where it was. -ENOBUFS: size is less than path.length, which is always enough.
 * -URI_ERROR_...: it is refused.
 */
int uri_path(struct h1_text path, char *buffer, size_t size, struct h1_text *ret_path);

#endif
