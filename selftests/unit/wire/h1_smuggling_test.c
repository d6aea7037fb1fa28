// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/wire/h1: all of selftests/l7/smuggling is refused, for the reason that is given there,
 * however it is cut.
 */
#include "h1_replay.h"

#include <stdio.h>

#include "userspace/wire/h1.h"

struct refused {
	const char *error, *bytes, *why;
	size_t length;
};

#define REFUSED(error, bytes, why) {#error, bytes, why, sizeof(bytes) - 1},

static const struct refused requests[] = {
#include "selftests/l7/smuggling/requests.def"
};

static const struct refused responses[] = {
#include "selftests/l7/smuggling/responses.def"
};

#undef REFUSED
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int ask_request(void *context, const char *buf, size_t len, size_t *scanned)
{
	struct h1_request request;

	(void)context;
	return h1_request_parse(buf, len, H1_HEAD_DEFAULT, scanned, &request);
}

static int ask_response(void *context, const char *buf, size_t len, size_t *scanned)
{
	struct h1_response response;

	(void)context;
	return h1_response_parse(buf, len, H1_HEAD_DEFAULT, scanned, H1_METHOD_GET, &response);
}

static void check(h1_ask ask, const struct refused *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int error = h1_replay(ask, NULL, cases[i].bytes, cases[i].length);

		if (!error || strcmp(h1_error_name(error), cases[i].error) != 0)
			fail_msg("case %zu, %s: %s instead of %s", i, cases[i].why,
				 error ? h1_error_name(error) : "taken", cases[i].error);
	}
}

static void refuses_requests(void **state)
{
	(void)state;
	check(ask_request, requests, COUNT(requests));
}

static void refuses_responses(void **state)
{
	(void)state;
	check(ask_response, responses, COUNT(responses));
}

/* Each octet that no header value may have, and no other one, at each place of a block of 16. */
static void judges_each_octet_of_a_value(void **state)
{
	char head[] = "GET / HTTP/1.1\r\nHost: a\r\nA: 0123456789abcdef0123456789abcdef\r\n\r\n";
	char *value = strchr(head, '0');

	(void)state;
	for (unsigned octet = 0; octet < 256; octet++) {
		bool good = octet == '\t' || (octet >= ' ' && octet != 0x7f);

		for (size_t i = 0; i < 32; i++) {
			char before = value[i];
			size_t scanned = 0;
			int error;

			value[i] = (char)octet;
			error = ask_request(NULL, head, sizeof(head) - 1, &scanned);
			assert_int_equal(error == 0, good);
			value[i] = before;
		}
	}
}

static int with_octet(const char *form, unsigned octet)
{
	char head[128];
	int length = snprintf(head, sizeof(head), form, '@');
	size_t scanned = 0;

	*strchr(head, '@') = (char)octet;
	return ask_request(NULL, head, (size_t)length, &scanned);
}

static void judges_each_octet_elsewhere(void **state)
{
	static const char token[] = "!#$%&'*+-.^_`|~", path[] = "-._~%!$&'()*+,;=:@/[]|^",
			  query[] = "-._~%!$&'()*+,;=:@/?[]|^{}\\`";

	(void)state;
	for (unsigned octet = 1; octet < 256; octet++) {
		bool letter = (octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z') ||
			      (octet >= 'a' && octet <= 'z');

		assert_int_equal(with_octet("G%cT / HTTP/1.1\r\nHost: a\r\n\r\n", octet) == 0,
				 letter || strchr(token, (int)octet));
		assert_int_equal(
			with_octet("GET / HTTP/1.1\r\nHost: a\r\nA%cb: c\r\n\r\n", octet) == 0,
			letter || strchr(token, (int)octet) || octet == ':');
		assert_int_equal(with_octet("GET /a%cb HTTP/1.1\r\nHost: a\r\n\r\n", octet) == 0,
				 letter || strchr(path, (int)octet) || octet == '?');
		assert_int_equal(with_octet("GET /?%c HTTP/1.1\r\nHost: a\r\n\r\n", octet) == 0,
				 letter || strchr(query, (int)octet));
		assert_int_equal(with_octet("GET / HTTP/1.1\r\nHost: a%cb\r\n\r\n", octet) == 0,
				 letter || strchr("-._~", (int)octet));
	}
}

static void every_refusal_has_its_words(void **state)
{
	(void)state;
	for (int error = H1_ERROR_BASE + 1; error < H1_ERROR_END; error++) {
		const char *sentence = h1_error_sentence(-error);

		assert_true(h1_error_status(-error) >= 400 && h1_error_status(-error) < 600);
		assert_true(h1_error_name(-error)[0]);
		assert_int_equal(sentence[strlen(sentence) - 1], '.');
	}
	assert_int_equal(h1_error_status(-H1_ERROR_large_head), 431);
	assert_string_equal(h1_error_name(-H1_ERROR_large_head), "large_head");
	assert_string_equal(h1_error_name(-EAGAIN), "unknown");
	assert_string_equal(h1_error_name(-H1_ERROR_END), "unknown");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_requests),
		cmocka_unit_test(refuses_responses),
		cmocka_unit_test(judges_each_octet_of_a_value),
		cmocka_unit_test(judges_each_octet_elsewhere),
		cmocka_unit_test(every_refusal_has_its_words),
	};

	return cmocka_run_group_tests_name("h1_smuggling", tests, NULL, NULL);
}
