// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The API's server as a decent client sees it: routes, bodies, problems, successors. */
#include "http_fixture.h"

static void test_answers(void **state)
{
	struct answer answer;

	(void)state;
	ask(&answer, "GET", "/v1/echo?tenant=ac%20me&limit", NULL);
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.type, "application/json");
	assert_string_equal(text_of(&answer, "tenant"), "ac me");
	assert_string_equal(text_of(&answer, "limit"), "");
	assert_string_equal(text_of(&answer, "context"), "mine");
	assert_true(json_is_false(json_object_get(answer.body, "body")));
	done(&answer);

	ask(&answer, "POST", "/v1/echo", "{\"path\": \"/etc/mtlb\"}");
	assert_int_equal(answer.status, 200);
	assert_string_equal(text_of(&answer, "path"), "/etc/mtlb");
	done(&answer);

	ask(&answer, "POST", "/v1/echo", NULL);
	assert_int_equal(answer.status, 204);
	assert_int_equal(answer.length, 0);
	done(&answer);

	ask(&answer, "HEAD", "/v1/echo", NULL);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.length, 0);
	done(&answer);

	ask(&answer, "GET", "/v1/large", NULL);
	assert_int_equal(json_array_size(json_object_get(answer.body, "items")), ITEMS);
	done(&answer);
}

static void test_handler_errors(void **state)
{
	struct answer answer;

	(void)state;
	ask(&answer, "GET", "/v1/failing", NULL);
	assert_problem(&answer, 500, "No space left on device");
	done(&answer);

	ask(&answer, "GET", "/v1/refusing", NULL);
	assert_problem(&answer, 400, "not printable");
	assert_string_equal(text_of(&answer, "title"), "Invalid configuration");
	assert_true(json_is_array(json_object_get(answer.body, "errors")));
	done(&answer);
}

static void test_unknown(void **state)
{
	struct answer answer;

	(void)state;
	ask(&answer, "GET", "/v1/nothing%ff", NULL);
	assert_problem(&answer, 404, "");
	done(&answer);
	ask(&answer, "GET", "/v1/nothing", NULL);
	assert_problem(&answer, 404, "nothing is at /v1/nothing");
	done(&answer);

	ask(&answer, "DELETE", "/v1/echo", NULL);
	assert_problem(&answer, 405, "/v1/echo answers GET, HEAD, POST, not DELETE");
	assert_string_equal(answer.allow, "GET, HEAD, POST");
	done(&answer);
	ask(&answer, "POST", "/v1/large", "{}");
	assert_problem(&answer, 405, "");
	assert_string_equal(answer.allow, "GET, HEAD");
	done(&answer);
}

static void test_bad_json(void **state)
{
	static const struct {
		const char *body, *detail;
	} cases[] = {
		{"{\"path\":\n  nonsense}", "line 2, column "},
		{"{\"a\": 1", "line 1, column "},
		{"{\"a\": 1, \"a\": 2}", "duplicate"},
		{"{\"a\": \"\xff\"}", "not JSON"},
		{"[1]", "not an object"},
		{"\"text\"", "not an object"},
	};
	struct answer answer;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ask(&answer, "POST", "/v1/echo", cases[i].body);
		assert_problem(&answer, 400, cases[i].detail);
		done(&answer);
	}
}

/* A second agent is turned away; one that finds the socket of a dead one takes over. */
static void test_successor(void **state)
{
	struct http *http = NULL;
	char expected[160];
	struct loop *loop;
	struct err err;
	int status;

	(void)state;
	leash_start(serve);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(http_new(loop, path, routes, 1, NULL, &http, &err), -EADDRINUSE);
	assert_null(http);
	loop_free(loop);
	snprintf(expected, sizeof(expected), "another agent answers on %s", path);
	assert_string_equal(err.text, expected);
	assert_alive();

	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(leash);
	assert_int_equal(access(path, F_OK), 0);
	leash_start(serve);
	assert_alive();
	leash_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_handler_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_json, setup, teardown),
		cmocka_unit_test(test_successor),
	};

	return cmocka_run_group_tests_name("agent/http", tests, group_setup, group_teardown);
}
