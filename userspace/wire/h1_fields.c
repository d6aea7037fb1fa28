// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "h1_fields.h"
#include "h1_scan.h"

/* Digits of a number below 2^63 that is not padded to more than it could need. */
#define LENGTH_DIGITS 19

/* What Connection said so far. */
struct options {
	unsigned count;
	bool close, keep_alive, upgrade, others;
};

bool h1_worth_parsing(const char *buf, size_t len, size_t limit, size_t *scanned)
{
	size_t from = *scanned;
	const char *at = buf + from;

	if (!from || len >= limit || (from < H1_LINE_MAX && len >= H1_LINE_MAX))
		return true;
	while ((at = memchr(at, '\n', (size_t)(buf + len - at)))) {
		size_t i = (size_t)(at++ - buf);

		if (i < 2 || buf[i - 1] != '\r' || buf[i - 2] == '\n')
			return true;
	}
	*scanned = len;
	return false;
}

int h1_line_end(struct h1_cursor *cursor, enum h1_error otherwise)
{
	const char *at = cursor->at;

	if (at == cursor->end)
		return -EAGAIN;
	if (*at == '\n')
		return -H1_ERROR_bare_lf;
	if (*at != '\r')
		return -(int)otherwise;
	if (at + 1 == cursor->end)
		return -EAGAIN;
	if (at[1] != '\n')
		return -H1_ERROR_bare_cr;
	cursor->at = at + 2;
	return 0;
}

int h1_version(struct h1_cursor *cursor, uint8_t *ret_major, uint8_t *ret_minor)
{
	static const char form[] = "HTTP/0.0";
	const char *at = cursor->at;

	for (size_t i = 0; i < sizeof(form) - 1; i++, at++) {
		if (at == cursor->end)
			return -EAGAIN;
		if (form[i] == '0' ? *at < '0' || *at > '9' : *at != form[i])
			return -H1_ERROR_bad_version;
	}
	*ret_major = (uint8_t)(at[-3] - '0');
	*ret_minor = (uint8_t)(at[-1] - '0');
	cursor->at = at;
	return 0;
}

static int content_length(struct h1_head *head, struct h1_text value)
{
	int64_t length = 0;

	if (head->first[H1_HEADER_content_length])
		return -H1_ERROR_two_lengths;
	if (head->first[H1_HEADER_transfer_encoding])
		return -H1_ERROR_length_and_coding;
	if (!value.length || value.length > LENGTH_DIGITS)
		return -H1_ERROR_bad_length;
	for (size_t i = 0; i < value.length; i++) {
		char digit = value.at[i];

		if (digit < '0' || digit > '9' || __builtin_mul_overflow(length, 10, &length) ||
		    __builtin_add_overflow(length, digit - '0', &length))
			return -H1_ERROR_bad_length;
	}
	head->content_length = length;
	return 0;
}

/* Why it is not chunked alone: codings that are not known, or a list that says nothing clear. */
static int other_coding(struct h1_text value)
{
	struct h1_text coding;
	unsigned chunked = 0;

	while (h1_list_next(&value, &coding)) {
		if (chunked || !h1_is_token(coding))
			return -H1_ERROR_bad_coding;
		chunked += h1_text_is(coding, "chunked");
	}
	return -H1_ERROR_unknown_coding;
}

static int transfer_encoding(struct h1_head *head, struct h1_text value)
{
	if (head->first[H1_HEADER_transfer_encoding])
		return -H1_ERROR_bad_coding;
	if (head->first[H1_HEADER_content_length])
		return -H1_ERROR_length_and_coding;
	if (!head->minor)
		return -H1_ERROR_coding_in_1_0;
	if (!h1_text_is(value, "chunked"))
		return other_coding(value);
	head->chunked = true;
	return 0;
}

static int option(struct options *options, struct h1_text name)
{
	enum h1_name id;

	if (!h1_is_token(name))
		return -H1_ERROR_bad_option;
	if (++options->count > H1_OPTIONS_MAX)
		return -H1_ERROR_many_options;
	id = h1_name_of(name.at, name.length);
	if (h1_name_kind(id) == H1_KIND_end)
		return -H1_ERROR_protected_option;
	if (h1_text_is(name, "close"))
		options->close = true;
	else if (id == H1_HEADER_keep_alive)
		options->keep_alive = true;
	else if (id == H1_HEADER_upgrade)
		options->upgrade = true;
	else
		options->others |= h1_name_kind(id) != H1_KIND_hop;
	return 0;
}

static int connection(struct options *options, struct h1_text value)
{
	struct h1_text name;
	int error = 0;

	while (!error && h1_list_next(&value, &name)) {
		if (name.length) /* RFC 9110, 5.6.1.2: empty ones are ignored, but counted here */
			error = option(options, name);
		else if (++options->count > H1_OPTIONS_MAX)
			error = -H1_ERROR_many_options;
	}
	return error;
}

/* What a header means for the message as a whole. It is not yet in head->first. */
static int understand(struct h1_head *head, enum h1_section section, struct options *options,
		      enum h1_name id, struct h1_text value)
{
	if (section == H1_SECTION_TRAILERS)
		return h1_name_kind(id) == H1_KIND_any ? 0 : -H1_ERROR_bad_trailer;
	switch (id) {
	case H1_HEADER_host:
		return section == H1_SECTION_REQUEST && head->first[id] ? -H1_ERROR_two_hosts : 0;
	case H1_HEADER_content_length:
		return content_length(head, value);
	case H1_HEADER_transfer_encoding:
		return transfer_encoding(head, value);
	case H1_HEADER_connection:
		return connection(options, value);
	default:
		return 0;
	}
}

static int name_is_wrong(const char *at, const char *end)
{
	if (at == end)
		return -EAGAIN;
	if (*at == ' ' || *at == '\t')
		return -H1_ERROR_space_before_colon;
	return *at == '\n' ? -H1_ERROR_bare_lf : -H1_ERROR_bad_name;
}

/* One line; what it means comes later. */
static int line(struct h1_cursor *cursor, struct h1_header *header)
{
	const char *end = cursor->end, *name = cursor->at, *value, *stop;
	int error;

	stop = h1_skip(name, end, H1_CLASS_TOKEN);
	if (stop == end || *stop != ':' || stop == name)
		return name_is_wrong(stop, end);
	value = stop + 1;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	cursor->at = h1_skip_value(value, end);
	header->name = name;
	header->name_length = (uint16_t)(stop - name);
	header->value = value;
	stop = cursor->at;
	error = h1_line_end(cursor, H1_ERROR_bad_value);
	while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t'))
		stop--;
	header->value_length = (uint32_t)(stop - value);
	return error;
}

/* Before a line: whether there is one. 1, 0 at the end of all, or what is wrong. */
static int another(struct h1_cursor *cursor, const struct h1_head *head)
{
	if (cursor->at == cursor->end)
		return -EAGAIN;
	if (*cursor->at == '\r' || *cursor->at == '\n')
		return h1_line_end(cursor, H1_ERROR_bare_lf);
	if (*cursor->at == ' ' || *cursor->at == '\t')
		return -H1_ERROR_folded;
	return head->count == H1_HEADERS_MAX ? -H1_ERROR_many_headers : 1;
}

/* RFC 9110, 7.6.1: what Connection names is for this hop. */
static void mark_named(struct h1_head *head)
{
	for (unsigned i = 0; i < head->count; i++) {
		struct h1_header *header = &head->headers[i];
		struct h1_text name = {header->name, header->name_length};

		header->hop = header->hop || h1_has_text(head, H1_HEADER_connection, name);
	}
}

int h1_fields(struct h1_cursor *cursor, enum h1_section section, struct h1_head *head)
{
	struct options options = {0};
	int more, error;

	head->count = 0;
	head->chunked = false;
	head->content_length = -1;
	memset(head->first, 0, sizeof(head->first));
	while ((more = another(cursor, head)) > 0) {
		struct h1_header *header = &head->headers[head->count];

		error = line(cursor, header);
		if (error)
			return error;
		header->id = (uint8_t)h1_name_of(header->name, header->name_length);
		header->hop = h1_name_kind(header->id) == H1_KIND_hop;
		error = understand(head, section, &options, header->id, h1_value(header));
		if (error)
			return error;
		head->count++;
		if (!head->first[header->id])
			head->first[header->id] = head->count;
	}
	if (more)
		return more;
	if (options.others)
		mark_named(head);
	head->keep_alive = !options.close && (head->minor || options.keep_alive);
	head->upgrade = options.upgrade && head->minor && head->first[H1_HEADER_upgrade];
	return 0;
}
