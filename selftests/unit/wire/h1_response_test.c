// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/wire/h1: what is read from responses and trailers, and what is written of them. */
#include "h1_replay.h"

#include <stdio.h>

#include "userspace/wire/h1.h"

struct told {
	enum h1_method method;
	char facts[256];
	char written[512];
};

static const char *const bodies[] = {"none", "length", "chunked", "close", "tunnel"};

static void tell(struct told *told, const struct h1_response *response)
{
	struct h1_writer writer = {.buffer = told->written, .size = sizeof(told->written) - 1};
	const struct h1_head *head = &response->head;
	int length;

	snprintf(told->facts, sizeof(told->facts), "%u %.*s 1.%u body=%s:%lld%s%s",
		 response->status, (int)response->reason.length, response->reason.at, head->minor,
		 bodies[head->body], (long long)head->content_length,
		 head->keep_alive ? " keep" : "", head->upgrade ? " upgrade" : "");
	length = h1_write_response(&writer, response);
	assert_true(length > 0);
	told->written[length] = 0;
}

static int ask(void *context, const char *buf, size_t len, size_t *scanned)
{
	struct told *first = context, now = {.method = first->method};
	struct h1_response response;
	int error;

	memset(&response, 0xa5, sizeof(response));
	error = h1_response_parse(buf, len, H1_HEAD_DEFAULT, scanned, first->method, &response);
	if (error)
		return error;
	tell(&now, &response);
	if (!first->facts[0])
		*first = now;
	assert_string_equal(now.facts, first->facts);
	assert_string_equal(now.written, first->written);
	return 0;
}

static void reads(enum h1_method method, const char *bytes, const char *facts, const char *written)
{
	struct told told = {.method = method};
	int error = h1_replay(ask, &told, bytes, strlen(bytes));

	if (error)
		fail_msg("%s: %s", bytes, h1_error_name(error));
	assert_string_equal(told.facts, facts);
	if (written)
		assert_string_equal(told.written, written);
}

static void reads_status_lines(void **state)
{
	(void)state;
	reads(H1_METHOD_GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	      "200 OK 1.1 body=none:0 keep", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	reads(H1_METHOD_GET, "HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n",
	      "999  1.1 body=none:0 keep", "HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n");
	reads(H1_METHOD_GET, "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", /* its space forgotten */
	      "404  1.1 body=none:0 keep", "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n");
	reads(H1_METHOD_GET, "HTTP/1.0 200 \xc3\xa4 b\tc\r\nContent-Length: 1\r\n\r\n",
	      "200 \xc3\xa4 b\tc 1.0 body=length:1",
	      "HTTP/1.1 200 \xc3\xa4 b\tc\r\nContent-Length: 1\r\n\r\n");
}

/* RFC 9112, 6.3, in its order. */
static void reads_framing(void **state)
{
	static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	static const char five[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";

	(void)state;
	reads(H1_METHOD_HEAD, five, "200 OK 1.1 body=none:5 keep", five);
	reads(H1_METHOD_HEAD, chunked, "200 OK 1.1 body=none:-1 keep", "HTTP/1.1 200 OK\r\n\r\n");
	reads(H1_METHOD_HEAD, "HTTP/1.1 200 OK\r\n\r\n", "200 OK 1.1 body=none:-1 keep", NULL);
	reads(H1_METHOD_GET, "HTTP/1.1 100 Continue\r\n\r\n", "100 Continue 1.1 body=none:-1 keep",
	      "HTTP/1.1 100 Continue\r\n\r\n");
	reads(H1_METHOD_GET, "HTTP/1.1 103 Early Hints\r\nLink: a\r\nContent-Length: 5\r\n\r\n",
	      "103 Early Hints 1.1 body=none:-1 keep",
	      "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n");
	reads(H1_METHOD_GET, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
	      "204 No Content 1.1 body=none:-1 keep", "HTTP/1.1 204 No Content\r\n\r\n");
	reads(H1_METHOD_GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
	      "304 Not Modified 1.1 body=none:5 keep",
	      "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
	reads(H1_METHOD_GET, "HTTP/1.1 304 A\r\nTransfer-Encoding: chunked\r\n\r\n",
	      "304 A 1.1 body=none:-1 keep", "HTTP/1.1 304 A\r\n\r\n");
	reads(H1_METHOD_CONNECT, five, "200 OK 1.1 body=tunnel:-1", "HTTP/1.1 200 OK\r\n\r\n");
	reads(H1_METHOD_CONNECT, chunked, "200 OK 1.1 body=tunnel:-1", "HTTP/1.1 200 OK\r\n\r\n");
	reads(H1_METHOD_CONNECT, "HTTP/1.1 403 A\r\nContent-Length: 5\r\n\r\n",
	      "403 A 1.1 body=length:5 keep", NULL);
	reads(H1_METHOD_GET, "HTTP/1.1 101 A\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
	      "101 A 1.1 body=tunnel:-1 upgrade", "HTTP/1.1 101 A\r\n\r\n");
	reads(H1_METHOD_GET, chunked, "200 OK 1.1 body=chunked:-1 keep", chunked);
	reads(H1_METHOD_GET, five, "200 OK 1.1 body=length:5 keep", five);
	reads(H1_METHOD_GET, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n",
	      "200 OK 1.1 body=close:-1", "HTTP/1.1 200 OK\r\n\r\n");
	reads(H1_METHOD_GET, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n",
	      "200 OK 1.1 body=length:1", NULL);
	reads(H1_METHOD_GET,
	      "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n",
	      "200 OK 1.0 body=length:1 keep", NULL);
}

static int ask_trailers(void *context, const char *buf, size_t len, size_t *scanned)
{
	struct h1_head *head = context;

	return h1_trailers_parse(buf, len, 256, scanned, head);
}

static int trailers(const char *bytes, struct h1_head *ret_head)
{
	int error = h1_replay(ask_trailers, ret_head, bytes, strlen(bytes));
	size_t scanned = 0;

	/* Once more: what the replay's texts pointed to is gone. */
	assert_int_equal(ask_trailers(ret_head, bytes, strlen(bytes), &scanned), error);
	return error;
}

static void reads_trailers(void **state)
{
	static char long_line[300];
	struct h1_head head;

	(void)state;
	assert_int_equal(trailers("\r\n", &head), 0);
	assert_int_equal(head.count, 0);
	assert_int_equal(head.length, 2);
	assert_int_equal(trailers("grpc-status: 0\r\nDigest: a\r\n\r\nGET ", &head), 0);
	assert_int_equal(head.count, 2);
	assert_int_equal(head.length, 29);
	assert_true(h1_text_is(h1_value(h1_find_other(&head, "Grpc-Status")), "0"));
	assert_int_equal(trailers("Content-Length: 5\r\n\r\n", &head), -H1_ERROR_bad_trailer);
	assert_int_equal(trailers("Transfer-Encoding: chunked\r\n\r\n", &head),
			 -H1_ERROR_bad_trailer);
	assert_int_equal(trailers("Host: a\r\n\r\n", &head), -H1_ERROR_bad_trailer);
	assert_int_equal(trailers("A: b\r\nX-Forwarded-For: a\r\n\r\n", &head),
			 -H1_ERROR_bad_trailer);
	assert_int_equal(trailers("Connection: a\r\n\r\n", &head), -H1_ERROR_bad_trailer);
	assert_int_equal(trailers("A: b\n\r\n", &head), -H1_ERROR_bare_lf);
	assert_int_equal(trailers("\n", &head), -H1_ERROR_bare_lf);
	assert_int_equal(trailers(" A: b\r\n\r\n", &head), -H1_ERROR_folded);
	assert_int_equal(trailers("A : b\r\n\r\n", &head), -H1_ERROR_space_before_colon);
	memset(long_line, 'a', sizeof(long_line) - 1);
	assert_int_equal(trailers(long_line, &head), -H1_ERROR_large_head);
}

static void writes_what_fits(void **state)
{
	static const char whole[] =
		"HTTP/1.1 421 Misdirected Request\r\nServer: a\r\nAge: 120\r\n\r\n";
	char buffer[sizeof(whole)];

	(void)state;
	for (size_t size = 0; size <= sizeof(whole); size++) {
		struct h1_writer writer = {.buffer = buffer, .size = size};
		int expected = size < sizeof(whole) - 1 ? -ENOBUFS : (int)sizeof(whole) - 1;

		memset(buffer, '#', sizeof(buffer));
		h1_write_status_line(&writer, 421, (struct h1_text){0});
		h1_write_header(&writer, "Server", (struct h1_text){"a", 1});
		h1_write_number(&writer, "Age", 120);
		assert_int_equal(h1_write_end(&writer), expected);
		assert_true(writer.used <= size);
		assert_memory_equal(buffer, whole, writer.used);
		for (size_t i = size; i < sizeof(buffer); i++)
			assert_int_equal(buffer[i], '#');
	}
	assert_string_equal(h1_reason(200), "OK");
	assert_string_equal(h1_reason(999), "");
}

static void writes_numbers(void **state)
{
	char buffer[64];
	struct h1_writer writer = {.buffer = buffer, .size = sizeof(buffer)};

	(void)state;
	h1_write_number(&writer, "A", UINT64_MAX);
	h1_write_number(&writer, "B", 0);
	assert_int_equal(h1_write_end(&writer), 25 + 6 + 2);
	assert_memory_equal(buffer, "A: 18446744073709551615\r\nB: 0\r\n\r\n", 33);
}

static void writes_other_headers_than(void **state)
{
	static const char bytes[] =
		"HTTP/1.1 200 OK\r\nServer: a\r\nX-A: b\r\nVia: c\r\nVia: d\r\n\r\n";
	char buffer[128];
	struct h1_writer writer = {.buffer = buffer, .size = sizeof(buffer)};
	struct h1_response response;
	size_t scanned = 0;

	(void)state;
	assert_int_equal(h1_response_parse(bytes, sizeof(bytes) - 1, H1_HEAD_DEFAULT, &scanned,
					   H1_METHOD_GET, &response),
			 0);
	h1_write_headers(&writer, &response.head, H1_SET(H1_HEADER_via) | H1_SET(H1_HEADER_OTHER));
	response.head.body = H1_BODY_CHUNKED; /* to a client that stays */
	h1_write_framing(&writer, &response.head);
	assert_int_equal(h1_write_end(&writer), 49);
	assert_memory_equal(buffer, "Server: a\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n",
			    49);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_status_lines), cmocka_unit_test(reads_framing),
		cmocka_unit_test(reads_trailers),     cmocka_unit_test(writes_what_fits),
		cmocka_unit_test(writes_numbers),     cmocka_unit_test(writes_other_headers_than),
	};

	return cmocka_run_group_tests_name("h1_response", tests, NULL, NULL);
}
