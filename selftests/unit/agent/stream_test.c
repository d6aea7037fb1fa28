// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Streams of the API's server: lines come when there are any, clients that go are noticed, and
 * those that do not read hold up nobody.
 */
#include "http_fixture.h"

#define TEXT_MAX (1 << 20)

static char text[TEXT_MAX + 1];
static size_t length;

static int watch(void)
{
	int fd = raw_connect();

	raw_send(fd, "GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n");
	length = 0;
	return fd;
}

/* Reads until it was told so; false when the server hung up before. */
static bool read_until(int fd, const char *wanted)
{
	text[length] = 0;
	while (!strstr(text, wanted)) {
		ssize_t got = recv(fd, text + length, TEXT_MAX - length, 0);

		if (got <= 0)
			return false;
		length += (size_t)got;
		text[length] = 0;
	}
	return true;
}

static void post(const char *target, const char *body, json_int_t *ret_streams,
		 json_int_t *ret_missed)
{
	struct answer answer;

	ask(&answer, "POST", target, body);
	assert_in_range(answer.status, 200, 204);
	if (ret_streams)
		*ret_streams = json_integer_value(json_object_get(answer.body, "streams"));
	if (ret_missed)
		*ret_missed = json_integer_value(json_object_get(answer.body, "missed"));
	done(&answer);
}

/* How many the server knows of; each question is a round trip, so it does not ask in vain. */
static void wait_for_streams(json_int_t wanted)
{
	json_int_t is = -1;

	for (int i = 0; i < 5000 && is != wanted; i++)
		post("/v1/line", NULL, &is, NULL);
	assert_int_equal(is, wanted);
}

static void lines_come(void **state)
{
	int fd = watch();

	(void)state;
	assert_true(read_until(fd, "\r\n\r\n"));
	assert_non_null(strstr(text, "200 OK"));
	assert_non_null(strstr(text, "Content-Type: application/x-ndjson"));
	post("/v1/line", "{\"number\": 1}", NULL, NULL);
	assert_true(read_until(fd, "{\"number\":1}\n"));
	post("/v1/line", "{\"number\": 2}", NULL, NULL);
	post("/v1/line", "{\"number\": 3}", NULL, NULL);
	assert_true(read_until(fd, "{\"number\":3}\n"));
	assert_non_null(strstr(text, "{\"number\":2}\n"));
	post("/v1/end", NULL, NULL, NULL);
	assert_true(read_until(fd, "\r\n0\r\n\r\n"));
	close(fd);
	wait_for_streams(0);
}

static void all_are_told(void **state)
{
	int first = watch(), second;

	(void)state;
	assert_true(read_until(first, "\r\n\r\n"));
	second = watch();
	assert_true(read_until(second, "\r\n\r\n"));
	wait_for_streams(2);
	post("/v1/line", "{\"to\": \"both\"}", NULL, NULL);
	length = 0;
	assert_true(read_until(first, "{\"to\":\"both\"}\n"));
	length = 0;
	assert_true(read_until(second, "{\"to\":\"both\"}\n"));
	close(first);
	close(second);
	wait_for_streams(0);
}

/* Nothing is written to it: the socket alone tells. */
static void a_client_that_goes_is_noticed(void **state)
{
	int fd = watch();

	(void)state;
	assert_true(read_until(fd, "\r\n\r\n"));
	wait_for_streams(1);
	close(fd);
	wait_for_streams(0);
}

static void a_client_that_does_not_read_is_told_what_it_missed(void **state)
{
	static char body[20000];
	json_int_t missed = 0;
	int fd = watch(), lines = 0;

	(void)state;
	assert_true(read_until(fd, "\r\n\r\n"));
	snprintf(body, sizeof(body), "{\"filler\": \"%015000d\"}", 0);
	for (; !missed && lines < 1000; lines++)
		post("/v1/line", body, NULL, &missed); /* nobody waits for it */
	assert_int_equal(missed, 1);
	post("/v1/line", body, NULL, NULL);
	assert_alive();
	/* it reads: what waited comes, and then, before the next line, how many are missing */
	assert_true(read_until(fd, "filler"));
	for (int i = 0; i < 1000 && !strstr(text, "\"missed\""); i++) {
		ssize_t got;

		post("/v1/line", "{\"small\": 1}", NULL, NULL);
		if (length > TEXT_MAX / 2)
			length = 0;
		got = recv(fd, text + length, TEXT_MAX - length, 0);
		assert_true(got > 0);
		length += (size_t)got;
		text[length] = 0;
	}
	assert_non_null(strstr(text, "{\"missed\":"));
	close(fd);
	wait_for_streams(0);
}

static void only_its_head(void **state)
{
	struct answer answer;

	(void)state;
	ask(&answer, "HEAD", "/v1/stream", NULL);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.length, 0);
	done(&answer);
	wait_for_streams(0);
}

/* The server goes while somebody watches: the teardown holds that it ends well. */
static void the_server_ends(void **state)
{
	int fd = watch();

	(void)state;
	assert_true(read_until(fd, "\r\n\r\n"));
	wait_for_streams(1);
	leash_stop();
	assert_false(read_until(fd, "{"));
	close(fd);
	leash_start(serve);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_come, setup, teardown),
		cmocka_unit_test_setup_teardown(all_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(a_client_that_goes_is_noticed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_client_that_does_not_read_is_told_what_it_missed,
						setup, teardown),
		cmocka_unit_test_setup_teardown(only_its_head, setup, teardown),
		cmocka_unit_test_setup_teardown(the_server_ends, setup, teardown),
	};

	return cmocka_run_group_tests_name("stream", tests, group_setup, group_teardown);
}
