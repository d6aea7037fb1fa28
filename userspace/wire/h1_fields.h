/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts that the parsers of requests, responses and trailers are made of. */
#ifndef MTLB_WIRE_H1_FIELDS_H
#define MTLB_WIRE_H1_FIELDS_H

#include "h1.h"

/* Of a header, see h1_headers.def. */
enum h1_kind {
	H1_KIND_any,
	H1_KIND_head,
	H1_KIND_end,
	H1_KIND_hop,
};

enum h1_section {
	H1_SECTION_REQUEST,
	H1_SECTION_RESPONSE,
	H1_SECTION_TRAILERS,
};

enum h1_kind h1_name_kind(enum h1_name name);

/* What is left to read. Whoever meets its end before its own returns -EAGAIN. */
struct h1_cursor {
	const char *at, *end;
};

/*
 * Whether there is anything new to parse: a head that is complete, one that is too large, or a line
 * feed that is certainly wrong. If not, *scanned says how far was looked.
 */
bool h1_worth_parsing(const char *buf, size_t len, size_t limit, size_t *scanned);

/* A line end, -EAGAIN, or what is wrong: -otherwise when it is neither CR nor LF. */
int h1_line_end(struct h1_cursor *cursor, enum h1_error otherwise);
/* "HTTP/1.1"; the version is judged by h1_check_version, once its line is known to be one. */
int h1_version(struct h1_cursor *cursor, uint8_t *ret_major, uint8_t *ret_minor);
/* Lines up to and with the empty one. head->minor is set; all the rest is set here, but for length
 * and for what depends on the status. */
int h1_fields(struct h1_cursor *cursor, enum h1_section section, struct h1_head *head);

/* Of "host" or "host:port", all of the text. */
int h1_authority(struct h1_text text, struct h1_text *ret_host, uint16_t *ret_port);

/* Takes the next element from a list with commas; false at its end. An element may be empty. */
bool h1_list_next(struct h1_text *rest, struct h1_text *ret_element);
bool h1_is_token(struct h1_text text);
bool h1_has_text(const struct h1_head *head, enum h1_name name, struct h1_text token);
bool h1_text_equal(struct h1_text a, struct h1_text b); /* without regard to case */

#endif
