/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Heads of HTTP/1.0 and HTTP/1.1, requests and responses (RFC 9110, RFC 9112), and trailers. The
 * caller keeps the bytes; what is parsed points into them, so they must neither move nor change
 * while it is used. What two parsers might read in two ways is refused, never repaired; every
 * refusal is a row of h1_errors.def. Nothing is allocated, nothing is copied. Pure.
 *
 * Stricter than the RFCs: a Host is a name or an address, Content-Length is there once, chunked is
 * the only coding, targets are visible ASCII without what browsers encode, Connection names nothing
 * that routes or frames. More lenient: one empty line before a request is skipped (RFC 9112, 2.2),
 * a status line may end after the status, and a path may have [ ] | ^, a query any visible
 * character but " # < >, as browsers send them.
 */
#ifndef MTLB_WIRE_H1_H
#define MTLB_WIRE_H1_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define H1_HEADERS_MAX	100
#define H1_LINE_MAX	8192  /* of a request or status line, with its line end */
#define H1_HEAD_DEFAULT 32768 /* of a head, with the empty line that ends it */
#define H1_HEAD_MIN	H1_LINE_MAX
#define H1_HEAD_MAX	65535
#define H1_METHOD_MAX	32
#define H1_OPTIONS_MAX	16 /* of Connection */

/* Above any errno: they are returned negative, as those are. */
enum h1_error {
	H1_ERROR_BASE = 4096,
#define H1_ERROR(name, status, sentence) H1_ERROR_##name,
#include "h1_errors.def"
#undef H1_ERROR
	H1_ERROR_END
};

/* All three take what a parser returned: -H1_ERROR_bad_host. */
unsigned h1_error_status(int error);	  /* 400 */
const char *h1_error_name(int error);	  /* "bad_host", as a metric's label */
const char *h1_error_sentence(int error); /* for people */

enum h1_name {
	H1_HEADER_OTHER, /* of which there may be many */
#define H1_LENGTH(length)
#define H1_HEADER(id, name, kind) H1_HEADER_##id,
#include "h1_headers.def"
#undef H1_LENGTH
#undef H1_HEADER
	H1_NAMES
};

/* Sets of names are words: H1_SET(H1_HEADER_host) | ... */
#define H1_SET(name) (UINT64_C(1) << (name))

/* Bytes of the caller's buffer, or of a constant; no NUL ends them. at is NULL for what is not
 * there. */
struct h1_text {
	const char *at;
	size_t length;
};

struct h1_header {
	const char *name, *value; /* the name as it was sent */
	uint32_t value_length;	  /* without white space around it */
	uint16_t name_length;
	uint8_t id; /* enum h1_name */
	bool hop;   /* for this hop alone, by its name or because Connection says so */
};

enum h1_body {
	H1_BODY_NONE,	/* the message ends with its head */
	H1_BODY_LENGTH, /* content_length bytes, not 0 */
	H1_BODY_CHUNKED,
	H1_BODY_CLOSE,	/* a response that ends when the connection does */
	H1_BODY_TUNNEL, /* after 101, and after 2xx for CONNECT: no more HTTP */
};

/* What requests, responses and trailers have in common. */
struct h1_head {
	uint32_t length; /* of all of it, from where the buffer begins to behind the empty line */
	uint8_t minor;	 /* of HTTP/1.x */
	uint8_t count;	 /* of headers */
	bool chunked;
	bool keep_alive; /* the sender will go on with this connection: version, Connection, body */
	bool upgrade;	 /* Upgrade is there and Connection names it, in HTTP/1.1 */
	enum h1_body body;
	int64_t content_length; /* as it was sent; -1: not there, or a status that cannot have it */
	uint8_t first[H1_NAMES]; /* index + 1 of the first one of a name; [0] says nothing */
	struct h1_header headers[H1_HEADERS_MAX]; /* those behind count are not written to */
};

enum h1_method {
	H1_METHOD_OTHER,
	H1_METHOD_GET,
	H1_METHOD_HEAD,
	H1_METHOD_POST,
	H1_METHOD_PUT,
	H1_METHOD_DELETE,
	H1_METHOD_OPTIONS,
	H1_METHOD_PATCH,
	H1_METHOD_CONNECT,
	H1_METHOD_TRACE,
	H1_METHODS
};

enum h1_form {
	H1_FORM_ORIGIN,	   /* /path?query */
	H1_FORM_ABSOLUTE,  /* http://host/path?query */
	H1_FORM_ASTERISK,  /* OPTIONS * */
	H1_FORM_AUTHORITY, /* CONNECT host:port */
};

struct h1_request {
	enum h1_method method;
	enum h1_form form;
	struct h1_text method_name;
	struct h1_text target; /* as it was sent */
	struct h1_text
		path; /* begins with /, or is *; empty for CONNECT; still encoded: see uri.h */
	struct h1_text query;  /* without its ?; at is NULL when there is no ? */
	struct h1_text scheme; /* of an absolute target: http or https in any case */
	/* Of Host and of an absolute target, which are the same. In HTTP/1.0 it may be missing. */
	struct h1_text host; /* in any case; IPv6 in brackets */
	uint16_t port;	     /* 0: none was given */
	bool expect_continue;
	struct h1_head head;
};

struct h1_response {
	uint16_t status; /* 100 to 999 */
	struct h1_text reason;
	struct h1_head head;
};

/*
 * buf has what has arrived, len bytes of it, from the first byte of the message on; there may be
 * more behind the head. *scanned is 0 for a new message and then the parser's own, so that asking
 * again after some more bytes costs no more than those bytes. head_limit is from H1_HEAD_MIN to
 * H1_HEAD_MAX. Returns 0; -EAGAIN when more bytes are needed; or -H1_ERROR_..., about the first
 * thing that is wrong, which is the same however the bytes were split. Of a head that is wrong
 * already -EAGAIN may be said until it is complete, or too large. *ret is only of use when 0 is
 * returned.
 */
int h1_request_parse(const char *buf, size_t len, size_t head_limit, size_t *scanned,
		     struct h1_request *ret);
/* method is that of the request: it decides whether there is a body. */
int h1_response_parse(const char *buf, size_t len, size_t head_limit, size_t *scanned,
		      enum h1_method method, struct h1_response *ret);
/* The lines behind the last chunk, up to and with the empty one. Of ret only length, count, first
 * and headers are set. */
int h1_trailers_parse(const char *buf, size_t len, size_t limit, size_t *scanned,
		      struct h1_head *ret);

/* The first header of a known name, or NULL. */
static inline const struct h1_header *h1_find(const struct h1_head *head, enum h1_name name)
{
	return head->first[name] ? &head->headers[head->first[name] - 1] : NULL;
}

/* The first one of any name, compared without regard to case. */
const struct h1_header *h1_find_other(const struct h1_head *head, const char *name);
/* The number of a name in any case; H1_HEADER_OTHER if it has none. */
enum h1_name h1_name_of(const char *name, size_t length);
/* "content-length" */
const char *h1_name_text(enum h1_name name);

static inline struct h1_text h1_value(const struct h1_header *header)
{
	return (struct h1_text){header->value, header->value_length};
}

/* Without regard to case (of ASCII). */
bool h1_text_is(struct h1_text text, const char *word);
/* Whether a header that is a list has this token, in any of its lines: Connection has "upgrade". */
bool h1_has_token(const struct h1_head *head, enum h1_name name, const char *token);

/*
 * Writing. What does not fit is not written, and h1_write_end tells: there is no need to ask
 * before. The caller is trusted: what it writes beside parsed texts must have no control
 * characters.
 */
struct h1_writer {
	char *buffer;
	size_t size, used;
	bool full; /* something did not fit; nothing is written any more */
};

void h1_write(struct h1_writer *writer, const char *at, size_t length);

static inline void h1_write_text(struct h1_writer *writer, struct h1_text text)
{
	h1_write(writer, text.at, text.length);
}

static inline void h1_write_string(struct h1_writer *writer, const char *string)
{
	h1_write(writer, string, strlen(string));
}

/* "GET /path?query HTTP/1.1": always of 1.1, the version of who writes. */
void h1_write_request_line(struct h1_writer *writer, struct h1_text method, struct h1_text path,
			   struct h1_text query);
/* "Not Found", or "" for a status that is not known. */
const char *h1_reason(unsigned status);
/* A reason with at == NULL is h1_reason's. */
void h1_write_status_line(struct h1_writer *writer, unsigned status, struct h1_text reason);
void h1_write_header(struct h1_writer *writer, const char *name, struct h1_text value);
void h1_write_number(struct h1_writer *writer, const char *name, uint64_t value);
/*
 * All headers that are not for one hop, as they were sent and in their order, without those of a
 * set and without Content-Length and Transfer-Encoding, which are h1_write_framing's.
 */
void h1_write_headers(struct h1_writer *writer, const struct h1_head *head, uint64_t without);
/* The one header that says where the body ends, if one is needed: none for a response whose status
 * forbids it. */
void h1_write_framing(struct h1_writer *writer, const struct h1_head *head);
/* The empty line. Returns the length of all that was written, or -ENOBUFS. */
int h1_write_end(struct h1_writer *writer);

/* A whole head by all of the above, as it goes to the next hop when nothing is changed: the target
 * in origin form, Host as it was sent or made of an absolute target. Length or -ENOBUFS. */
int h1_write_request(struct h1_writer *writer, const struct h1_request *request);
int h1_write_response(struct h1_writer *writer, const struct h1_response *response);

#endif
