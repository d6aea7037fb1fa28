// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "h1.h"

/* Decimal digits of a 64-bit number. */
#define DIGITS 20

void h1_write(struct h1_writer *writer, const char *at, size_t length)
{
	if (writer->full || length > writer->size - writer->used) {
		writer->full = true;
		return;
	}
	if (length)
		memcpy(writer->buffer + writer->used, at, length);
	writer->used += length;
}

static void write_digits(struct h1_writer *writer, uint64_t value)
{
	char digits[DIGITS], *at = digits + DIGITS;

	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	h1_write(writer, at, (size_t)(digits + DIGITS - at));
}

void h1_write_request_line(struct h1_writer *writer, struct h1_text method, struct h1_text path,
			   struct h1_text query)
{
	h1_write_text(writer, method);
	h1_write(writer, " ", 1);
	h1_write_text(writer, path);
	if (query.at) {
		h1_write(writer, "?", 1);
		h1_write_text(writer, query);
	}
	h1_write(writer, " HTTP/1.1\r\n", 11);
}

const char *h1_reason(unsigned status)
{
	switch (status) {
#define H1_STATUS(status, phrase) \
	case status:              \
		return phrase;
#include "h1_statuses.def"
#undef H1_STATUS
	default:
		return "";
	}
}

void h1_write_status_line(struct h1_writer *writer, unsigned status, struct h1_text reason)
{
	h1_write(writer, "HTTP/1.1 ", 9);
	write_digits(writer, status);
	h1_write(writer, " ", 1);
	if (reason.at)
		h1_write_text(writer, reason);
	else
		h1_write_string(writer, h1_reason(status));
	h1_write(writer, "\r\n", 2);
}

static void write_line(struct h1_writer *writer, const char *name, size_t name_length,
		       const char *value, size_t length)
{
	char *at = writer->buffer + writer->used;

	if (writer->full || name_length + length + 4 > writer->size - writer->used) {
		writer->full = true;
		return;
	}
	memcpy(at, name, name_length);
	at += name_length;
	*at++ = ':';
	*at++ = ' ';
	memcpy(at, value, length);
	at += length;
	*at++ = '\r';
	*at++ = '\n';
	writer->used = (size_t)(at - writer->buffer);
}

void h1_write_header(struct h1_writer *writer, const char *name, struct h1_text value)
{
	write_line(writer, name, strlen(name), value.at ? value.at : "", value.length);
}

void h1_write_number(struct h1_writer *writer, const char *name, uint64_t value)
{
	h1_write_string(writer, name);
	h1_write(writer, ": ", 2);
	write_digits(writer, value);
	h1_write(writer, "\r\n", 2);
}

void h1_write_headers(struct h1_writer *writer, const struct h1_head *head, uint64_t without)
{
	without |= H1_SET(H1_HEADER_content_length) | H1_SET(H1_HEADER_transfer_encoding);
	without &= ~H1_SET(H1_HEADER_OTHER);
	for (unsigned i = 0; i < head->count; i++) {
		const struct h1_header *header = &head->headers[i];

		if (!header->hop && !(without & H1_SET(header->id)))
			write_line(writer, header->name, header->name_length, header->value,
				   header->value_length);
	}
}

void h1_write_framing(struct h1_writer *writer, const struct h1_head *head)
{
	if (head->body == H1_BODY_CHUNKED)
		h1_write_string(writer, "Transfer-Encoding: chunked\r\n");
	else if (head->content_length >= 0 && head->body != H1_BODY_CLOSE)
		h1_write_number(writer, "Content-Length", (uint64_t)head->content_length);
}

int h1_write_end(struct h1_writer *writer)
{
	h1_write(writer, "\r\n", 2);
	return writer->full ? -ENOBUFS : (int)writer->used;
}

/* Host first (RFC 9110, 7.2), as it was sent: that is what an absolute target has been held
 * against. */
static void write_host(struct h1_writer *writer, const struct h1_request *request)
{
	const struct h1_header *host = h1_find(&request->head, H1_HEADER_host);

	if (host) {
		h1_write_header(writer, "Host", h1_value(host));
	} else if (request->host.at) {
		h1_write(writer, "Host: ", 6);
		h1_write_text(writer, request->host);
		if (request->port) {
			h1_write(writer, ":", 1);
			write_digits(writer, request->port);
		}
		h1_write(writer, "\r\n", 2);
	}
}

int h1_write_request(struct h1_writer *writer, const struct h1_request *request)
{
	bool authority = request->form == H1_FORM_AUTHORITY;

	h1_write_request_line(writer, request->method_name,
			      authority ? request->target : request->path, request->query);
	write_host(writer, request);
	h1_write_headers(writer, &request->head, H1_SET(H1_HEADER_host));
	h1_write_framing(writer, &request->head);
	return h1_write_end(writer);
}

int h1_write_response(struct h1_writer *writer, const struct h1_response *response)
{
	h1_write_status_line(writer, response->status, response->reason);
	h1_write_headers(writer, &response->head, 0);
	h1_write_framing(writer, &response->head);
	return h1_write_end(writer);
}
