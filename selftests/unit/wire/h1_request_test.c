// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/wire/h1: what is read from requests, their limits, and what goes to the next hop. */
#include "h1_replay.h"

#include <stdio.h>

#include "userspace/wire/h1.h"

/* Of a request, as text: what was read of the line, what follows from the headers, what is written.
 */
struct told {
	char facts[1024];
	char written[1024];
};

static const char *const forms[] = {"origin", "absolute", "asterisk", "authority"};
static const char *const bodies[] = {"none", "length", "chunked", "close", "tunnel"};

#define TEXT(text) (int)(text).length, (text).at ? (text).at : ""

static void tell(struct told *told, const struct h1_request *request)
{
	struct h1_writer writer = {.buffer = told->written, .size = sizeof(told->written) - 1};
	const struct h1_head *head = &request->head;
	int length;

	snprintf(told->facts, sizeof(told->facts),
		 "%d:%.*s %s %.*s path=%.*s%s%.*s host=%.*s:%u 1.%u body=%s:%lld%s%s%s",
		 (int)request->method, TEXT(request->method_name), forms[request->form],
		 TEXT(request->scheme), TEXT(request->path), request->query.at ? " query=" : "",
		 TEXT(request->query), TEXT(request->host), request->port, head->minor,
		 bodies[head->body], (long long)head->content_length,
		 head->keep_alive ? " keep" : "", head->upgrade ? " upgrade" : "",
		 request->expect_continue ? " expect" : "");
	length = h1_write_request(&writer, request);
	assert_true(length > 0);
	told->written[length] = 0;
}

static int ask(void *context, const char *buf, size_t len, size_t *scanned)
{
	struct told *first = context, now = {0};
	struct h1_request request;
	int error;

	memset(&request, 0xa5, sizeof(request)); /* nothing is taken for set that is not */
	error = h1_request_parse(buf, len, H1_HEAD_DEFAULT, scanned, &request);
	if (error)
		return error;
	tell(&now, &request);
	if (!first->facts[0])
		*first = now;
	assert_string_equal(now.facts, first->facts);
	assert_string_equal(now.written, first->written);
	return 0;
}

static void reads(const char *bytes, const char *facts, const char *written)
{
	struct told told = {0};
	int error = h1_replay(ask, &told, bytes, strlen(bytes));

	if (error)
		fail_msg("%s: %s", bytes, h1_error_name(error));
	assert_string_equal(told.facts, facts);
	if (written)
		assert_string_equal(told.written, written);
}

static void reads_targets(void **state)
{
	(void)state;
	reads("GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	      "1:GET origin  path=/ host=a:0 1.1 body=none:-1 keep",
	      "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	reads("\r\nGET /a/b?c=[d]&e={f} HTTP/1.1\r\nhost:\t a.B-c_d~.:8080 \t\r\n\r\n",
	      "1:GET origin  path=/a/b query=c=[d]&e={f} host=a.B-c_d~.:8080 1.1 body=none:-1 keep",
	      "GET /a/b?c=[d]&e={f} HTTP/1.1\r\nHost: a.B-c_d~.:8080\r\n\r\n");
	reads("GET //a? HTTP/1.1\r\nHost: [2001:db8::1]:65535\r\n\r\n",
	      "1:GET origin  path=//a query= host=[2001:db8::1]:65535 1.1 body=none:-1 keep",
	      "GET //a? HTTP/1.1\r\nHost: [2001:db8::1]:65535\r\n\r\n");
	reads("GET hTTp://a HTTP/1.1\r\nHost: A:80\r\n\r\n",
	      "1:GET absolute hTTp path=/ host=a:0 1.1 body=none:-1 keep",
	      "GET / HTTP/1.1\r\nHost: A:80\r\n\r\n");
	reads("GET https://[::1]:444?b HTTP/1.1\r\nHost: [::1]:444\r\n\r\n",
	      "1:GET absolute https path=/ query=b host=[::1]:444 1.1 body=none:-1 keep",
	      "GET /?b HTTP/1.1\r\nHost: [::1]:444\r\n\r\n");
	reads("GET https://a:443/b HTTP/1.0\r\n\r\n",
	      "1:GET absolute https path=/b host=a:443 1.0 body=none:-1",
	      "GET /b HTTP/1.1\r\nHost: a:443\r\n\r\n");
	reads("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	      "6:OPTIONS asterisk  path=* host=a:0 1.1 body=none:-1 keep", NULL);
	reads("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n",
	      "6:OPTIONS absolute http path=* host=a:0 1.1 body=none:-1 keep",
	      "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
	reads("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n",
	      "8:CONNECT authority  path= host=a:443 1.1 body=none:-1 keep",
	      "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n");
	reads("GET / HTTP/1.0\r\n\r\n", "1:GET origin  path=/ host=:0 1.0 body=none:-1", NULL);
}

static void reads_methods(void **state)
{
	static const char *const names[] = {"get",    "GET",	 "HEAD",  "POST", "PUT",
					    "DELETE", "OPTIONS", "PATCH", NULL,	  "TRACE"};
	char bytes[64], facts[64];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!names[i])
			continue;
		snprintf(bytes, sizeof(bytes), "%s / HTTP/1.1\r\nHost: a\r\n\r\n", names[i]);
		snprintf(facts, sizeof(facts),
			 "%zu:%s origin  path=/ host=a:0 1.1 body=none:-1 keep", i, names[i]);
		reads(bytes, facts, NULL);
	}
	reads("M-SEARCH_!#$%&'*+.^`|~0123456789 / HTTP/1.1\r\nHost: a\r\n\r\n",
	      "0:M-SEARCH_!#$%&'*+.^`|~0123456789 origin  path=/ host=a:0 1.1 body=none:-1 keep",
	      NULL);
}

#define POST(headers) "POST / HTTP/1.1\r\nHost: a\r\n" headers "\r\n"

static void reads_framing(void **state)
{
	(void)state;
	reads(POST("Content-Length: 9223372036854775807\r\n"),
	      "3:POST origin  path=/ host=a:0 1.1 body=length:9223372036854775807 keep",
	      POST("Content-Length: 9223372036854775807\r\n"));
	reads(POST("content-length:007\r\n"),
	      "3:POST origin  path=/ host=a:0 1.1 body=length:7 keep",
	      POST("Content-Length: 7\r\n"));
	reads(POST("Content-Length: 0\r\nExpect: 100-continue\r\n"),
	      "3:POST origin  path=/ host=a:0 1.1 body=none:0 keep", NULL);
	reads(POST("TRANSFER-ENCODING:Chunked\t\r\nA: b\r\n"),
	      "3:POST origin  path=/ host=a:0 1.1 body=chunked:-1 keep",
	      POST("A: b\r\nTransfer-Encoding: chunked\r\n"));
	reads(POST("Content-Length: 5\r\nExpect: 100-Continue\r\n"),
	      "3:POST origin  path=/ host=a:0 1.1 body=length:5 keep expect",
	      POST("Expect: 100-Continue\r\nContent-Length: 5\r\n"));
	reads("POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\nExpect: anything\r\n\r\n",
	      "3:POST origin  path=/ host=a:0 1.0 body=length:5", POST("Content-Length: 5\r\n"));
}

static void reads_connection(void **state)
{
	(void)state;
	reads(POST("Connection: close\r\n"), "3:POST origin  path=/ host=a:0 1.1 body=none:-1",
	      POST(""));
	reads(POST("Connection: keep-alive\r\nConnection: , CLOSE ,\r\n"),
	      "3:POST origin  path=/ host=a:0 1.1 body=none:-1", POST(""));
	reads("POST / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\nKeep-Alive: 5\r\n\r\n",
	      "3:POST origin  path=/ host=a:0 1.0 body=none:-1 keep", POST(""));
	reads("POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, upgrade\r\nUpgrade: b\r\n\r\n",
	      "3:POST origin  path=/ host=a:0 1.0 body=none:-1 keep", POST(""));
	reads(POST("Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"),
	      "3:POST origin  path=/ host=a:0 1.1 body=none:-1 keep upgrade", POST(""));
	reads(POST("Upgrade: websocket\r\n"),
	      "3:POST origin  path=/ host=a:0 1.1 body=none:-1 keep", POST(""));
	reads(POST("X-A: 1\r\nx-b: 2\r\nX-C: 3\r\nConnection: x-a\r\nX-A: 4\r\nConnection: "
		   "X-B,TE\r\n"
		   "TE: trailers\r\nProxy-Connection: close\r\nX-Ab: 5\r\n"),
	      "3:POST origin  path=/ host=a:0 1.1 body=none:-1 keep",
	      POST("X-C: 3\r\nX-Ab: 5\r\n"));
}

static void finds_headers(void **state)
{
	static const char bytes[] =
		POST("X-A: \t 1 2\t\r\nCookie: a=b\r\nEmpty:\r\ncookie: c=d\r\n"
		     "Accept: text/html , IMAGE/png\r\nAccept:*/*\r\n\x41: \xff\r\n");
	struct h1_request request;
	struct h1_head *head = &request.head;
	size_t scanned = 0;

	(void)state;
	assert_int_equal(
		h1_request_parse(bytes, sizeof(bytes) - 1, H1_HEAD_DEFAULT, &scanned, &request), 0);
	assert_int_equal(head->length, sizeof(bytes) - 1);
	assert_int_equal(head->count, 8);
	assert_ptr_equal(h1_find(head, H1_HEADER_cookie), &head->headers[2]);
	assert_null(h1_find(head, H1_HEADER_te));
	assert_ptr_equal(h1_find_other(head, "x-a"), &head->headers[1]);
	assert_null(h1_find_other(head, "x-"));
	assert_true(h1_text_is(h1_value(&head->headers[1]), "1 2"));
	assert_int_equal(h1_value(h1_find_other(head, "empty")).length, 0);
	assert_true(h1_text_is(h1_value(h1_find_other(head, "a")), "\xff"));
	assert_true(h1_has_token(head, H1_HEADER_accept, "image/PNG"));
	assert_true(h1_has_token(head, H1_HEADER_accept, "*/*"));
	assert_false(h1_has_token(head, H1_HEADER_accept, "image"));
	assert_false(h1_has_token(head, H1_HEADER_te, "trailers"));
}

static void knows_names(void **state)
{
	char name[32];

	(void)state;
	for (int id = H1_HEADER_OTHER + 1; id < H1_NAMES; id++) {
		size_t length = strlen(h1_name_text((enum h1_name)id));

		for (size_t i = 0; i < length; i++)
			name[i] = h1_name_text((enum h1_name)id)[i];
		assert_int_equal(h1_name_of(name, length), id);
		assert_int_not_equal(h1_name_of(name, length - 1), id);
		for (size_t i = 0; i < length; i++) {
			char before = name[i];

			name[i] = (char)(before >= 'a' && before <= 'z' ? before - 0x20 : before);
			assert_int_equal(h1_name_of(name, length), id);
			name[i] = '_';
			assert_int_equal(h1_name_of(name, length), H1_HEADER_OTHER);
			name[i] = before;
		}
	}
	assert_int_equal(h1_name_of("", 0), H1_HEADER_OTHER);
	assert_int_equal(h1_name_of("a-name-that-is-longer-than-any", 30), H1_HEADER_OTHER);
}

/* A request with a line, or a head, of exactly this length. */
static size_t build(char *bytes, size_t line, size_t head)
{
	size_t used = (size_t)sprintf(bytes, "GET /");

	while (used < line - sizeof(" HTTP/1.1\r\n") + 1)
		bytes[used++] = 'a';
	used += (size_t)sprintf(bytes + used, " HTTP/1.1\r\nHost: a\r\nA: ");
	while (used + 4 < head)
		bytes[used++] = 'b';
	memcpy(bytes + used, "\r\n\r\n", 4);
	return used + 4;
}

static int ask_with_limit(void *context, const char *buf, size_t len, size_t *scanned)
{
	struct h1_request request;

	return h1_request_parse(buf, len, *(size_t *)context, scanned, &request);
}

/* At once, byte by byte, and cut in the middle: to cut at every place would take too long. */
static int answer(const char *bytes, size_t len, size_t limit)
{
	size_t scanned = 0;
	int expected = ask_with_limit(&limit, bytes, len, &scanned), now = -EAGAIN;

	h1_replay_split(ask_with_limit, &limit, bytes, len, len / 2, expected);
	h1_replay_split(ask_with_limit, &limit, bytes, len, len - 1, expected);
	scanned = 0;
	for (size_t i = 1; i <= len && now == -EAGAIN; i++)
		now = ask_with_limit(&limit, bytes, i, &scanned);
	assert_int_equal(now, expected);
	return expected;
}

static void limits_sizes(void **state)
{
	static char bytes[H1_HEAD_MAX + 16];

	(void)state;
	assert_int_equal(
		answer(bytes, build(bytes, H1_LINE_MAX, H1_LINE_MAX + 40), H1_HEAD_DEFAULT), 0);
	assert_int_equal(
		answer(bytes, build(bytes, H1_LINE_MAX + 1, H1_LINE_MAX + 40), H1_HEAD_DEFAULT),
		-H1_ERROR_long_line);
	for (size_t limit = H1_HEAD_MIN; limit <= H1_HEAD_MAX; limit += H1_HEAD_MAX - H1_HEAD_MIN) {
		assert_int_equal(answer(bytes, build(bytes, 20, limit), limit), 0);
		assert_int_equal(answer(bytes, build(bytes, 20, limit + 1), limit),
				 -H1_ERROR_large_head);
	}
	/* An endless line, or an endless head, is refused when the limit is reached. */
	memset(bytes, 'a', sizeof(bytes));
	memcpy(bytes, "GET /", 5);
	assert_int_equal(answer(bytes, H1_LINE_MAX, H1_HEAD_DEFAULT), -H1_ERROR_long_line);
	memcpy(bytes, "GET / HTTP/1.1\r\n", 16);
	assert_int_equal(answer(bytes, H1_HEAD_DEFAULT, H1_HEAD_DEFAULT), -H1_ERROR_large_head);
}

static void limits_the_number_of_headers(void **state)
{
	char bytes[1024];
	size_t used = (size_t)sprintf(bytes, "GET / HTTP/1.1\r\nHost: a\r\n");

	(void)state;
	for (int i = 1; i < H1_HEADERS_MAX; i++)
		used += (size_t)sprintf(bytes + used, "A: b\r\n");
	strcpy(bytes + used, "\r\n");
	assert_int_equal(answer(bytes, used + 2, H1_HEAD_DEFAULT), 0);
	strcpy(bytes + used, "A: b\r\n\r\n");
	assert_int_equal(answer(bytes, used + 8, H1_HEAD_DEFAULT), -H1_ERROR_many_headers);
}

/* What follows a head is not looked at. */
static void stops_behind_the_head(void **state)
{
	static const char bytes[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n\n\0garbage";
	struct h1_request request;
	size_t scanned = 0;

	(void)state;
	assert_int_equal(
		h1_request_parse(bytes, sizeof(bytes), H1_HEAD_DEFAULT, &scanned, &request), 0);
	assert_int_equal(request.head.length, 27);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_targets),
		cmocka_unit_test(reads_methods),
		cmocka_unit_test(reads_framing),
		cmocka_unit_test(reads_connection),
		cmocka_unit_test(finds_headers),
		cmocka_unit_test(knows_names),
		cmocka_unit_test(limits_sizes),
		cmocka_unit_test(limits_the_number_of_headers),
		cmocka_unit_test(stops_behind_the_head),
	};

	return cmocka_run_group_tests_name("h1_request", tests, NULL, NULL);
}
