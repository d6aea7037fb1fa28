// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Start lines, and what a head as a whole means. Bytes are judged from the first to the last, so
 * that what is wrong with a head does not depend on how much of it has arrived.
 */
#include "h1.h"
#include "h1_fields.h"
#include "h1_scan.h"

static struct h1_text between(const char *at, const char *end)
{
	return (struct h1_text){at, (size_t)(end - at)};
}

/* Only after a method of that length: the strings are read no further. */
static enum h1_method method_of(struct h1_text name)
{
	static const char *const names[H1_METHODS] = {
		[H1_METHOD_GET] = "GET",       [H1_METHOD_HEAD] = "HEAD",
		[H1_METHOD_POST] = "POST",     [H1_METHOD_PUT] = "PUT",
		[H1_METHOD_DELETE] = "DELETE", [H1_METHOD_OPTIONS] = "OPTIONS",
		[H1_METHOD_PATCH] = "PATCH",   [H1_METHOD_CONNECT] = "CONNECT",
		[H1_METHOD_TRACE] = "TRACE",
	};

	for (int i = H1_METHOD_OTHER + 1; i < H1_METHODS; i++) {
		if (strlen(names[i]) == name.length && !memcmp(names[i], name.at, name.length))
			return (enum h1_method)i;
	}
	return H1_METHOD_OTHER;
}

static int method(struct h1_cursor *cursor, struct h1_request *request)
{
	const char *at = cursor->at, *stop = h1_skip(at, cursor->end, H1_CLASS_TOKEN);

	if (stop - at > H1_METHOD_MAX)
		return -H1_ERROR_long_method;
	if (stop == cursor->end)
		return -EAGAIN;
	if (stop == at || *stop != ' ')
		return -H1_ERROR_bad_method;
	request->method_name = between(at, stop);
	request->method = method_of(request->method_name);
	cursor->at = stop + 1;
	return 0;
}

/* From a path on: where it ends and whether a query follows. */
static void path_and_query(struct h1_cursor *cursor, struct h1_request *request)
{
	const char *stop = h1_skip(cursor->at, cursor->end, H1_CLASS_PATH), *query;

	request->path = between(cursor->at, stop);
	if (stop < cursor->end && *stop == '?') {
		query = stop + 1;
		stop = h1_skip(query, cursor->end, H1_CLASS_QUERY);
		request->query = between(query, stop);
	}
	cursor->at = stop;
}

/* Host and port in a target; what may follow them is looked at by the caller. */
static int target_authority(struct h1_cursor *cursor, struct h1_request *request)
{
	const char *at = cursor->at, *stop = at;

	while (stop < cursor->end &&
	       (h1_is_class(*stop, H1_CLASS_HOST) || *stop == '[' || *stop == ']'))
		stop++;
	if (stop == cursor->end)
		return -EAGAIN;
	cursor->at = stop;
	if (*stop != ' ' && *stop != '/' && *stop != '?')
		return *stop == '@' ? -H1_ERROR_bad_host : -H1_ERROR_bad_target;
	return h1_authority(between(at, stop), &request->host, &request->port);
}

static int scheme(struct h1_cursor *cursor, struct h1_request *request)
{
	static const char form[] = "https://";
	const char *at = cursor->at, *letter = form;

	for (; *letter; letter++) {
		if (at == cursor->end)
			return -EAGAIN;
		if (*at == *letter || (*letter >= 'a' && (*at | 0x20) == *letter))
			at++;
		else if (*letter != 's')
			return -H1_ERROR_bad_form;
	}
	request->scheme = between(cursor->at, at - 3);
	cursor->at = at;
	return 0;
}

/* RFC 9112, 3.2.2 and 3.2.4: no path is /, but for OPTIONS it is the server as a whole. */
static int absolute(struct h1_cursor *cursor, struct h1_request *request)
{
	int error = scheme(cursor, request) ?: target_authority(cursor, request);

	if (error)
		return error;
	request->form = H1_FORM_ABSOLUTE;
	path_and_query(cursor, request);
	if (!request->path.length) {
		bool all = request->method == H1_METHOD_OPTIONS && !request->query.at;

		request->path = (struct h1_text){all ? "*" : "/", 1};
	}
	return 0;
}

static int authority(struct h1_cursor *cursor, struct h1_request *request)
{
	const char *at = cursor->at;
	int error = target_authority(cursor, request);

	if (error)
		return error;
	request->form = H1_FORM_AUTHORITY;
	request->path = between(at, at);
	return *cursor->at == ' ' && request->port ? 0 : -H1_ERROR_bad_form;
}

static int target(struct h1_cursor *cursor, struct h1_request *request)
{
	const char *at = cursor->at;
	int error = 0;

	request->query = request->scheme = request->host = (struct h1_text){0};
	request->port = 0;
	if (at == cursor->end)
		return -EAGAIN;
	if (request->method == H1_METHOD_CONNECT) {
		error = authority(cursor, request);
	} else if (*at == '/') {
		request->form = H1_FORM_ORIGIN;
		path_and_query(cursor, request);
	} else if (*at == '*' && request->method == H1_METHOD_OPTIONS) {
		request->form = H1_FORM_ASTERISK;
		request->path = between(at, ++cursor->at);
	} else {
		error = absolute(cursor, request);
	}
	if (error)
		return error;
	if (cursor->at == cursor->end)
		return -EAGAIN;
	if (*cursor->at != ' ')
		return -H1_ERROR_bad_target;
	request->target = between(at, cursor->at++);
	return 0;
}

static int check_version(unsigned major, unsigned minor)
{
	return major == 1 && minor <= 1 ? 0 : -H1_ERROR_version;
}

static int request_line(struct h1_cursor *cursor, struct h1_request *request)
{
	uint8_t major = 0;
	int error = 0;

	if (cursor->at < cursor->end && (*cursor->at == '\r' || *cursor->at == '\n'))
		error = h1_line_end(cursor, H1_ERROR_bad_method);
	error = error ?: method(cursor, request);
	error = error ?: target(cursor, request);
	error = error ?: h1_version(cursor, &major, &request->head.minor);
	error = error ?: h1_line_end(cursor, H1_ERROR_bad_version);
	return error ?: check_version(major, request->head.minor);
}

static int status_line(struct h1_cursor *cursor, struct h1_response *response)
{
	uint8_t major = 0;
	int error = h1_version(cursor, &major, &response->head.minor);
	const char *at = cursor->at, *end = cursor->end;

	if (error)
		return error;
	response->status = 0;
	for (int i = 0; i < 4; i++, at++) {
		if (at == end)
			return -EAGAIN;
		if (i ? *at < '0' || *at > '9' : *at != ' ')
			return i ? -H1_ERROR_bad_status : -H1_ERROR_bad_version;
		if (i)
			response->status = (uint16_t)(response->status * 10 + (*at - '0'));
	}
	if (at < end && *at != ' ' && *at != '\r' && *at != '\n')
		return -H1_ERROR_bad_status;
	at += at < end && *at == ' ';
	cursor->at = h1_skip_value(at, end);
	response->reason = between(at, cursor->at);
	error = h1_line_end(cursor, H1_ERROR_bad_reason);
	if (!error && response->status < 100)
		return -H1_ERROR_bad_status;
	return error ?: check_version(major, response->head.minor);
}

/* As if the buffer ended where a limit does. */
static struct h1_cursor window(const char *buf, size_t len, size_t limit)
{
	return (struct h1_cursor){buf, buf + (len < limit ? len : limit)};
}

static unsigned port_or_default(uint16_t port, unsigned standard)
{
	return port ? port : standard;
}

/* RFC 9112, 3.2.2: Host must say what the target does. A port that is the scheme's may be left out;
 * CONNECT's own is the default of its Host. */
static bool same_authority(const struct h1_request *request, struct h1_text host, uint16_t port)
{
	unsigned standard = request->scheme.length == 5 ? 443 : 80;

	if (request->form == H1_FORM_AUTHORITY)
		standard = request->port;
	return h1_text_equal(request->host, host) &&
	       port_or_default(request->port, standard) == port_or_default(port, standard);
}

static int host(struct h1_request *request)
{
	const struct h1_header *header = h1_find(&request->head, H1_HEADER_host);
	struct h1_text name;
	uint16_t port;
	int error;

	if (!header)
		return request->head.minor ? -H1_ERROR_no_host : 0;
	error = h1_authority(h1_value(header), &name, &port);
	if (error)
		return error;
	if (request->host.at)
		return same_authority(request, name, port) ? 0 : -H1_ERROR_other_host;
	request->host = name;
	request->port = port;
	return 0;
}

/* RFC 9110, 10.1.1: of no meaning in 1.0, and not to be passed on from there. */
static int expect(struct h1_request *request)
{
	struct h1_head *head = &request->head;
	bool found = false;

	for (unsigned i = head->first[H1_HEADER_expect]; i && i <= head->count; i++) {
		struct h1_header *header = &head->headers[i - 1];

		if (header->id != H1_HEADER_expect)
			continue;
		header->hop = header->hop || !head->minor;
		if (head->minor && !h1_text_is(h1_value(header), "100-continue"))
			return -H1_ERROR_bad_expect;
		found = true;
	}
	request->expect_continue = found && head->minor && head->body != H1_BODY_NONE;
	return 0;
}

static int refuse_or_wait(int error, size_t len, size_t limit, enum h1_error too_large)
{
	return error == -EAGAIN && len >= limit ? -(int)too_large : error;
}

/* RFC 9112, 6.3, for requests. */
static enum h1_body length_or_chunked(const struct h1_head *head, enum h1_body otherwise)
{
	if (head->chunked)
		return H1_BODY_CHUNKED;
	if (head->content_length < 0)
		return otherwise;
	return head->content_length ? H1_BODY_LENGTH : H1_BODY_NONE;
}

static int request_head(const char *buf, size_t len, size_t limit, struct h1_request *request)
{
	struct h1_cursor cursor = window(buf, len, H1_LINE_MAX);
	int error = request_line(&cursor, request);

	if (error)
		return refuse_or_wait(error, len, H1_LINE_MAX, H1_ERROR_long_line);
	cursor.end = window(buf, len, limit).end;
	error = h1_fields(&cursor, H1_SECTION_REQUEST, &request->head);
	if (error)
		return refuse_or_wait(error, len, limit, H1_ERROR_large_head);
	request->head.length = (uint32_t)(cursor.at - buf);
	request->head.body = length_or_chunked(&request->head, H1_BODY_NONE);
	return host(request) ?: expect(request);
}

/* RFC 9112, 6.3, for responses. */
static void response_body(struct h1_response *response, enum h1_method method)
{
	struct h1_head *head = &response->head;
	bool tunnel = method == H1_METHOD_CONNECT && response->status / 100 == 2;

	if (tunnel || response->status < 200 || response->status == 204)
		head->content_length = -1;
	if (tunnel || response->status == 101)
		head->body = H1_BODY_TUNNEL;
	else if (method == H1_METHOD_HEAD || response->status < 200 || response->status == 204 ||
		 response->status == 304)
		head->body = H1_BODY_NONE;
	else
		head->body = length_or_chunked(head, H1_BODY_CLOSE);
	if (head->body == H1_BODY_CLOSE || head->body == H1_BODY_TUNNEL)
		head->keep_alive = false;
}

static int response_head(const char *buf, size_t len, size_t limit, enum h1_method method,
			 struct h1_response *response)
{
	struct h1_cursor cursor = window(buf, len, H1_LINE_MAX);
	int error = status_line(&cursor, response);

	if (error)
		return refuse_or_wait(error, len, H1_LINE_MAX, H1_ERROR_long_line);
	cursor.end = window(buf, len, limit).end;
	error = h1_fields(&cursor, H1_SECTION_RESPONSE, &response->head);
	if (error)
		return refuse_or_wait(error, len, limit, H1_ERROR_large_head);
	response->head.length = (uint32_t)(cursor.at - buf);
	response_body(response, method);
	return 0;
}

static size_t within(size_t limit)
{
	limit = limit < H1_HEAD_MIN ? H1_HEAD_MIN : limit;
	return limit > H1_HEAD_MAX ? H1_HEAD_MAX : limit;
}

static int looked(int error, size_t len, size_t *scanned)
{
	if (error == -EAGAIN)
		*scanned = len;
	return error;
}

int h1_request_parse(const char *buf, size_t len, size_t head_limit, size_t *scanned,
		     struct h1_request *ret)
{
	size_t limit = within(head_limit);

	if (!h1_worth_parsing(buf, len, limit, scanned))
		return -EAGAIN;
	return looked(request_head(buf, len, limit, ret), len, scanned);
}

int h1_response_parse(const char *buf, size_t len, size_t head_limit, size_t *scanned,
		      enum h1_method method, struct h1_response *ret)
{
	size_t limit = within(head_limit);

	if (!h1_worth_parsing(buf, len, limit, scanned))
		return -EAGAIN;
	return looked(response_head(buf, len, limit, method, ret), len, scanned);
}

int h1_trailers_parse(const char *buf, size_t len, size_t limit, size_t *scanned,
		      struct h1_head *ret)
{
	struct h1_cursor cursor;
	int error;

	limit = limit > H1_HEAD_MAX ? H1_HEAD_MAX : limit;
	if (!h1_worth_parsing(buf, len, limit, scanned))
		return -EAGAIN;
	cursor = window(buf, len, limit);
	ret->minor = 1;
	error = h1_fields(&cursor, H1_SECTION_TRAILERS, ret);
	ret->length = (uint32_t)(cursor.at - buf);
	return looked(refuse_or_wait(error, len, limit, H1_ERROR_large_head), len, scanned);
}
