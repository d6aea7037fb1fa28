// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a client has sent before it is looked at for the first time: the loop tells of nothing that
 * was there by then, and of all that comes later.
 */
#include "proxy_fixture.h"

#define GET    "GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n"
#define NOBODY "GET / HTTP/1.1\r\nHost: nobody.example\r\n"
#define OK     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define V1     "PROXY TCP4 203.0.113.9 192.0.2.1 4711 80\r\n"

static void is_served(struct peer *client)
{
	struct peer *backend = backend_accept(0);

	expect_text(backend, "\r\n\r\n");
	say(backend, OK);
	expect_text(client, "\r\n\r\nok");
	peer_free(backend);
}

static void test_a_request(void **state)
{
	struct peer *client = client_new();

	(void)state;
	say_at_once(client, GET);
	is_served(client);
	/* and the next one */
	peer_clear(client);
	say(client, GET);
	is_served(client);
	peer_free(client);
}

static void test_a_request_and_its_end(void **state)
{
	struct peer *client = client_new();

	(void)state;
	say_at_once(client, GET);
	assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
	is_served(client);
	expect_end(client);
	assert_false(client->reset);
	peer_free(client);
}

/* The first part before the worker looks, the second one after that. */
static void in_two_parts(const char *whole)
{
	size_t length = strlen(whole);

	for (size_t i = 0; i <= length; i++) {
		struct peer *client = client_new();
		char part[200];

		assert_true(length < sizeof(part));
		snprintf(part, sizeof(part), "%.*s", (int)i, whole);
		say_at_once(client, part);
		run_until(newest_is_told_of, NULL);
		say(client, whole + i);
		is_served(client);
		peer_free(client);
	}
}

static void test_in_two_parts(void **state)
{
	(void)state;
	in_two_parts(GET);
}

static bool all_gone(void *context)
{
	(void)context;
	return !worker.conn_count;
}

static void test_nothing_but_an_end(void **state)
{
	struct peer *client = client_new();

	(void)state;
	assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
	expect_end(client);
	run_until(all_gone, NULL);
	peer_free(client);
}

/* length bytes of a body, of which so many come with the head. */
static void a_body(size_t length, size_t with_head)
{
	struct peer *client = client_new(), *backend;
	char *text = malloc(length + 200);
	size_t head;

	assert_non_null(text);
	head = (size_t)snprintf(
		text, 200, "POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: %zu\r\n\r\n",
		length);
	memset(text + head, 'b', length);
	assert_int_equal(send(client->fd, text, head + with_head, MSG_NOSIGNAL), head + with_head);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say_bytes(client, text + head + with_head, length - with_head);
	expect_length(backend,
		      (size_t)(strstr(backend->data, "\r\n\r\n") + 4 - backend->data) + length);
	assert_int_equal(strspn(strstr(backend->data, "\r\n\r\n") + 4, "b"), length);
	say(backend, OK);
	expect_text(client, "\r\n\r\nok");
	free(text);
	peer_free(client);
	peer_free(backend);
}

static void test_a_body(void **state)
{
	(void)state;
	a_body(10, 10);
	a_body(9000, 8500);
	a_body(CONN_HEAD_MAX, CONN_HEAD_MAX);
	a_body(32768, 32768);
	a_body(100000, 100000);
	a_body(100000, CONN_HEAD_MAX);
}

struct answers {
	struct peer *peer;
	unsigned number;
};

static bool all_are_answered(void *context)
{
	const struct answers *answers = context;
	const char *at;
	unsigned count = 0;

	peer_pull(answers->peer);
	for (at = answers->peer->data; (at = strstr(at, "HTTP/1.1 404 ")); at++)
		count++;
	return count == answers->number;
}

/* More than are read with one call. */
static void test_many_requests(void **state)
{
	enum {
		MANY = 40
	};
	static const char request[] = NOBODY "X: %0600d\r\n\r\n";
	struct peer *client = client_new();

	(void)state;
	for (int i = 0; i < MANY; i++) {
		char text[800];

		snprintf(text, sizeof(text), request, i);
		say_at_once(client, text);
	}
	run_until(all_are_answered, &(struct answers){client, MANY});
	peer_free(client);
}

/* of the PROXY protocol */
static void test_a_header(void **state)
{
	(void)state;
	in_front = "198.51.100.0/24";
	use_image(NULL, NULL);
	in_front = NULL;
	in_two_parts(V1 GET);
}

static void test_part_of_a_header_and_its_end(void **state)
{
	struct peer *client;

	(void)state;
	in_front = "198.51.100.0/24";
	use_image(NULL, NULL);
	in_front = NULL;
	client = client_new();
	say_at_once(client, "PROXY TCP4 203.0.113.9");
	assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
	expect_end(client);
	run_until(all_gone, NULL);
	assert_int_equal(worker.tally.tenants[0].refused[REFUSAL_proxy_header], 1);
	peer_free(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proxy_test(test_a_request),    proxy_test(test_a_request_and_its_end),
		proxy_test(test_in_two_parts), proxy_test(test_nothing_but_an_end),
		proxy_test(test_a_body),       proxy_test(test_many_requests),
		proxy_test(test_a_header),     proxy_test(test_part_of_a_header_and_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
