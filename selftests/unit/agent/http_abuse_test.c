// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Clients that send too much, stop half-way or never say a word: the next one is still answered. */
#include "http_fixture.h"

static void test_too_big(void **state)
{
	static const char *const headers[] = {"Expect:", "Expect: 100-continue"};
	size_t size = 1536 * 1024, i;
	char *body = malloc(size);
	struct answer answer;

	(void)state;
	assert_non_null(body);
	memset(body, ' ', size);
	memcpy(body, "{}", 2);
	for (i = 0; i < 2; i++) {
		assert_int_equal(try_ask(&answer, "POST", "/v1/echo", body, size, headers[i]),
				 CURLE_OK);
		assert_problem(&answer, 413, "longer than 1048576 bytes");
		done(&answer);
	}
	/* Just at the limit. */
	assert_int_equal(try_ask(&answer, "POST", "/v1/echo", body, HTTP_BODY_MAX, "Expect:"),
			 CURLE_OK);
	assert_int_equal(answer.status, 200);
	done(&answer);
	free(body);
}

static void test_endless_body(void **state)
{
	static char chunk[65536 + 16];
	int fd = raw_connect();
	ssize_t sent = 0;
	size_t i, length;

	(void)state;
	raw_send(fd, "POST /v1/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	length = sprintf(chunk, "10000\r\n");
	memset(chunk + length, 'x', 65536);
	memcpy(chunk + length + 65536, "\r\n", 2);
	for (i = 0; i < 1024 && sent >= 0; i++)
		sent = send(fd, chunk, length + 65538, MSG_NOSIGNAL);
	assert_true(sent < 0); /* it hung up long before 64 MiB */
	close(fd);
	assert_alive();
}

static void test_half_requests(void **state)
{
	static const char *const halves[] = {
		"GET /v1/ec",
		"GET /v1/echo HTTP/1.1\r\nHost: a\r\n",
		"POST /v1/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{\"path\"",
		"POST /v1/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
		"\x16\x03\x01\x02\x00 no HTTP at all\r\n\r\n",
		"GET /v1/large HTTP/1.1\r\nHost: a\r\n\r\n", /* gone before the answer is */
	};
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(halves) / sizeof(*halves); i++) {
		fd = raw_connect();
		raw_send(fd, halves[i]);
		close(fd);
		assert_alive();
	}
}

static void test_idle_connections(void **state)
{
	struct timespec start, end;
	char byte;
	int fds[200];
	size_t i;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; i < 200; i++) {
		fds[i] = raw_connect();
		if (i % 2)
			raw_send(fds[i], "POST /v1/echo HTTP/1.1\r\nHost: a\r\nContent-Le");
	}
	assert_alive();
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - start.tv_sec < HTTP_TIMEOUT_S - 2);

	/* All of them are closed by the server in time, with or without a farewell. */
	for (i = 0; i < 200; i++) {
		while (recv(fds[i], &byte, 1, 0) > 0)
			;
		close(fds[i]);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - start.tv_sec <= HTTP_TIMEOUT_S + 5);
	assert_alive();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_too_big, setup, teardown),
		cmocka_unit_test_setup_teardown(test_endless_body, setup, teardown),
		cmocka_unit_test_setup_teardown(test_half_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_idle_connections, setup, teardown),
	};

	return cmocka_run_group_tests_name("agent/http_abuse", tests, group_setup, group_teardown);
}
