// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/proxy/conn_attempt.c, forward.c: who is asked again, and what a route changes. */
#include "proxy_fixture.h"

#define GET "GET /a?b=c HTTP/1.1\r\nHost: acme.example\r\n\r\n"

/* retries */

static void test_no_backend_listens(void **state)
{
	struct peer *client = client_new();

	(void)state;
	backend_down(0);
	say(client, GET);
	expect_text(client, "HTTP/1.1 502 ");
	assert_null(strstr(client->data, "Connection: close"));
	peer_free(client);
}

static void test_another_one_is_tried(void **state)
{
	struct peer *client = client_new(), *backend = NULL;

	(void)state;
	backend_down(0);
	for (int i = 0; i < 4; i++) {
		say(client,
		    "POST /two HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 3\r\n\r\nabc");
		if (!backend)
			backend = backend_accept(1);
		expect_text(backend, "\r\n\r\nabc");
		peer_clear(backend);
		say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
		expect_text(client, "\r\n\r\nok");
		peer_clear(client);
	}
	assert_true(worker.counts.retries > 0);
	peer_free(client);
	peer_free(backend);
}

/* It went while the next request was on its way: whoever asked sees nothing of it. */
static void test_kept_connection_that_went(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, GET);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	expect_text(client, "\r\n\r\nok");
	peer_clear(client);
	peer_clear(backend);
	say(client, GET);
	expect_text(backend, "\r\n\r\n");
	peer_free(backend);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain");
	expect_text(client, "\r\n\r\nagain");
	peer_free(client);
	peer_free(backend);
}

/* A backend that is tired of waiting says so: that is the answer to nothing. The client speaks
 * first, so that both are there when the worker looks. */
static void test_answer_that_nobody_asked_for(void **state)
{
	static const char tired[] = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
	struct peer *client = client_new(), *backend, *next;

	(void)state;
	say(client, GET);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold");
	expect_text(client, "old");
	peer_clear(client);
	assert_int_equal(send(client->fd, GET, strlen(GET), 0), strlen(GET));
	assert_int_equal(send(backend->fd, tired, strlen(tired), 0), strlen(tired));
	next = backend_accept(0);
	expect_text(next, "\r\n\r\n");
	say(next, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew");
	expect_text(client, "new");
	assert_null(strstr(client->data, "408"));
	peer_free(next);
	peer_free(backend);
	peer_free(client);
}

static void test_post_is_not_sent_twice(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, "POST / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 1\r\n\r\nx");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\nx");
	peer_free(backend);
	expect_text(client, "HTTP/1.1 502 ");
	assert_true(nobody_waits(0));
	peer_free(client);
}

static void add_retry(struct build *build, uint32_t tenant)
{
	static const uint16_t statuses[] = {503};
	const struct build_route route = {.tenant = tenant,
					  .name = "retry",
					  .retry_attempts = 1,
					  .retry_statuses = statuses,
					  .retry_status_count = 1};
	const struct build_match match = {.type = BUILD_PREFIX, .path = "/retry"};

	build_route(build, &route);
	build_backend(build, 1, 1);
	build_match(build, &match);
}

static void test_status_that_is_tried_again(void **state)
{
	struct peer *client, *backend;
	int first = 0;

	(void)state;
	use_image(NULL, add_retry);
	client = client_new();
	say(client, "GET /retry HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	backend = backend_accept(first);
	expect_text(backend, "GET /retry ");
	say(backend, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno");
	peer_free(backend);
	backend = backend_accept(!first);
	expect_text(backend, "GET /retry ");
	say(backend, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nlast");
	expect_text(client, "last");
	assert_true(!strncmp(client->data, "HTTP/1.1 503 ", 13));
	peer_free(client);
	peer_free(backend);
}

/* filters */

static void add_filters(struct build *build, uint32_t tenant)
{
	const struct build_route move = {.tenant = tenant, .name = "move"},
				 change = {.tenant = tenant, .name = "change"};
	const struct build_match moved = {.type = BUILD_PREFIX, .path = "/old"},
				 changed = {.type = BUILD_PREFIX, .path = "/api/v1"};
	const struct build_filter redirect = {.type = IMAGE_REDIRECT,
					      .scheme = "https",
					      .hostname = "new.example",
					      .path = "/new",
					      .path_edit = IMAGE_PATH_PREFIX,
					      .status = 301,
					      .pool = IMAGE_NONE},
				  rewrite = {.type = IMAGE_REWRITE,
					     .hostname = "inner.example",
					     .path = "/",
					     .path_edit = IMAGE_PATH_PREFIX,
					     .pool = IMAGE_NONE},
				  request = {.type = IMAGE_REQUEST_HEADERS, .pool = IMAGE_NONE},
				  reply = {.type = IMAGE_RESPONSE_HEADERS, .pool = IMAGE_NONE};

	build_route(build, &move);
	build_match(build, &moved);
	build_filter(build, &redirect);
	build_route(build, &change);
	build_backend(build, 0, 1);
	build_match(build, &changed);
	build_filter(build, &rewrite);
	build_filter(build, &request);
	build_edit(build, IMAGE_SET, "X-Team", "orders");
	build_edit(build, IMAGE_REMOVE, "X-Secret", NULL);
	build_filter(build, &reply);
	build_edit(build, IMAGE_ADD, "X-Served-By", "mtlb");
	build_edit(build, IMAGE_REMOVE, "Server", NULL);
}

static void test_filters(void **state)
{
	static const char head[] = "GET /c HTTP/1.1\r\nHost: inner.example\r\nX-Own: kept\r\n"
				   "X-Team: orders\r\nX-Forwarded-For: ";
	struct peer *client, *backend;

	(void)state;
	use_image(NULL, add_filters);
	client = client_new();
	say(client, "GET /old/a?b HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	expect_text(client, "\r\n\r\n");
	assert_string_equal(client->data, "HTTP/1.1 301 Moved Permanently\r\n"
					  "Location: https://new.example/new/a?b\r\n"
					  "Content-Length: 0\r\n\r\n");
	peer_clear(client);
	say(client, "GET /api/v1/%7Ea/../c HTTP/1.1\r\nHost: acme.example\r\nx-team: other\r\n"
		    "X-SECRET: 1\r\nX-Own: kept\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	assert_true(!strncmp(backend->data, head, strlen(head)));
	assert_non_null(strstr(backend->data, "X-Forwarded-Host: acme.example\r\n"));
	assert_null(strcasestr(backend->data, "secret"));
	say(backend, "HTTP/1.1 200 OK\r\nServer: inner\r\nContent-Length: 2\r\n\r\nok");
	expect_text(client, "ok");
	assert_string_equal(client->data, "HTTP/1.1 200 OK\r\nX-Served-By: mtlb\r\n"
					  "Content-Length: 2\r\n\r\nok");
	peer_free(client);
	peer_free(backend);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proxy_test(test_no_backend_listens),
		proxy_test(test_another_one_is_tried),
		proxy_test(test_kept_connection_that_went),
		proxy_test(test_answer_that_nobody_asked_for),
		proxy_test(test_post_is_not_sent_twice),
		proxy_test(test_status_that_is_tried_again),
		proxy_test(test_filters),
	};

	return cmocka_run_group_tests_name("conn_route", tests, NULL, NULL);
}
