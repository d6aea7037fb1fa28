// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/proxy/mirror.c: the second backend gets copies of what the first one is asked. */
#include "proxy_fixture.h"

#define GET  "GET /copied HTTP/1.1\r\nHost: acme.example\r\n\r\n"
#define POST "POST /copied HTTP/1.1\r\nHost: acme.example\r\n"
#define OK   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static unsigned percent;

static void add_copied(struct build *build, uint32_t tenant)
{
	const struct build_pool settings = {.tenant = tenant, .name = "copies"};
	struct build_member member = {.port = ports[1], .weight = 1};
	uint32_t first = add_pool(build, tenant, "first", 1), pool = build_pool(build, &settings);

	assert_int_equal(addr_parse("127.0.0.1", &member.address), 0);
	build_member(build, &member);
	add_route(build, tenant, "copied", "/copied", first);
	build_filter(build, &(struct build_filter){.type = IMAGE_MIRROR,
						   .pool = pool,
						   .percent = (uint8_t)percent});
}

static int begin(void **state)
{
	int error = proxy_begin(state);

	percent = 100;
	if (!error)
		use_image(NULL, add_copied);
	return error;
}

static const struct tally_tenant *counts(void)
{
	return &worker.tally.tenants[worker.routing->image.tenants[0].row];
}

static bool no_mirrors(void *context)
{
	(void)context;
	return !worker.mirrors && !worker.mirror_count;
}

static void answered(struct peer *client, struct peer *backend)
{
	expect_text(backend, "\r\n\r\n");
	say(backend, OK);
	expect_text(client, "\r\n\r\nok");
	peer_clear(client);
	peer_clear(backend);
}

static void the_same_once(void **state)
{
	struct peer *client = client_new(), *backend, *copy;

	(void)state;
	say(client, GET);
	backend = backend_accept(0);
	copy = backend_accept(1);
	expect_text(copy, "Connection: close\r\n\r\n");
	assert_memory_equal(copy->data, "GET /copied HTTP/1.1\r\n", 22);
	assert_non_null(strstr(copy->data, "X-Forwarded-For: " CLIENT_TEXT "\r\n"));
	say(copy, "HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\nnone");
	assert_int_equal(shutdown(copy->fd, SHUT_WR), 0);
	run_until(no_mirrors, NULL);
	peer_pull(client);
	assert_int_equal(client->length, 0); /* not that one */
	answered(client, backend);
	assert_true(nobody_waits(1));
	assert_int_equal(counts()->mirrored, 1);
	assert_int_equal(counts()->mirrors_dropped, 0);
	assert_int_equal(counts()->requests, 1);
	peer_free(copy);
	peer_free(backend);
	peer_free(client);
}

static void with_its_body(void **state)
{
	struct peer *client = client_new(), *backend, *copy;

	(void)state;
	say(client, POST "Content-Length: 9000\r\n\r\n01234");
	say_body(client, 8990);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n01234bb");
	assert_true(nobody_waits(1)); /* it is not whole */
	say(client, "56789");
	copy = backend_accept(1);
	expect_text(copy, "Connection: close\r\n\r\n01234bb");
	expect_text(copy, "b56789");
	answered(client, backend);
	peer_free(copy);
	run_until(no_mirrors, NULL);
	peer_free(backend);
	peer_free(client);
}

static void cut_off(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, POST "Content-Length: 9000\r\n\r\n01234");
	say_body(client, FIRST_OF_BODY);
	backend = backend_accept(0);
	expect_text(backend, "01234bb");
	assert_non_null(worker.mirrors);
	peer_free(client);
	run_until(no_mirrors, NULL);
	assert_int_equal(counts()->mirrors_dropped, 1);
	assert_true(nobody_waits(1));
	peer_free(backend);
}

/* Nothing listens there: the client does not notice. */
static void a_dead_one(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	backend_down(1);
	say(client, GET);
	backend = backend_accept(0);
	answered(client, backend);
	run_until(no_mirrors, NULL);
	say(client, GET);
	answered(client, backend);
	assert_int_equal(counts()->answers[2] + counts()->answers[5], 2);
	assert_int_equal(counts()->answers[5], 0);
	peer_free(client);
	peer_free(backend);
}

/* One that never answers has so many at a time, and no more; requests go on. */
static void a_slow_one(void **state)
{
	struct peer *client = client_new(), *backend = NULL;

	(void)state;
	for (int i = 0; i < 70; i++) {
		say(client, GET);
		backend = backend ?: backend_accept(0);
		answered(client, backend);
	}
	assert_int_equal(worker.mirror_count, 64);
	assert_int_equal(counts()->mirrored, 64);
	assert_int_equal(counts()->mirrors_dropped, 6);
	peer_free(client);
	peer_free(backend);
}

static void what_is_not_copied(void **state)
{
	static char body[BUFFER_SIZE];
	struct peer *client = client_new(), *other = client_new(), *backend;
	char head[128];

	(void)state;
	memset(body, 'b', sizeof(body));
	memcpy(body + sizeof(body) - 4, "END!", 4);
	snprintf(head, sizeof(head), POST "Content-Length: %zu\r\n\r\n", sizeof(body));
	say(client, head);
	say_bytes(client, body, sizeof(body));
	backend = backend_accept(0);
	expect_text(backend, "END!");
	answered(client, backend);
	say(client, POST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
	expect_text(backend, "0\r\n\r\n");
	answered(client, backend);
	assert_int_equal(counts()->mirrors_dropped, 2);
	/* nor is there room for them when there is none for others soon */
	worker.limits.conns = 2;
	say(client, GET);
	answered(client, backend);
	assert_int_equal(counts()->mirrors_dropped, 3);
	assert_int_equal(counts()->mirrored, 0);
	assert_true(nobody_waits(1));
	peer_free(other);
	peer_free(client);
	peer_free(backend);
}

/* Of 400 requests at 25 %, 100 with a deviation of 8.7. */
static void some(void **state)
{
	struct peer *client = client_new(), *backend = NULL;
	uint64_t drawn;

	(void)state;
	percent = 25;
	backend_down(1);
	use_image(NULL, add_copied);
	for (int i = 0; i < 400; i++) {
		say(client, GET);
		backend = backend ?: backend_accept(0);
		answered(client, backend);
	}
	drawn = counts()->mirrored + counts()->mirrors_dropped;
	assert_in_range(drawn, 40, 160);
	peer_free(client);
	peer_free(backend);
}

#define mirror_test(name) cmocka_unit_test_setup_teardown(name, begin, proxy_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		mirror_test(the_same_once), mirror_test(with_its_body),
		mirror_test(cut_off),	    mirror_test(a_dead_one),
		mirror_test(a_slow_one),    mirror_test(what_is_not_copied),
		mirror_test(some),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
