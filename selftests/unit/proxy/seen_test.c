// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a worker counts is what was done, to the byte. */
#include "proxy_fixture.h"

#define OK_HEAD	 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
#define REQUEST	 "GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n"
#define ACME	 (&worker.tally.tenants[1])
#define NOBODY	 (&worker.tally.tenants[0])
#define POOL_ONE (&worker.tally.pools[1])
#define POOL_TWO (&worker.tally.pools[2])

static uint64_t counted(const struct histogram *histogram)
{
	return histogram_count(histogram);
}

static uint64_t answers(const struct tally_tenant *tenant)
{
	uint64_t sum = 0;

	for (int i = 0; i < TALLY_STATUSES; i++)
		sum += tenant->answers[i];
	return sum;
}

static bool is_settled(void *context)
{
	(void)context;
	return !ACME->requests_open && !ACME->connections_open && !NOBODY->connections_open;
}

static void a_request_is_counted_to_the_byte(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, REQUEST REQUEST);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	assert_int_equal(ACME->requests, 1);
	assert_int_equal(ACME->requests_open, 1);
	assert_int_equal(ACME->connections_open, 1);
	assert_int_equal(POOL_ONE->requests_open, 1);
	assert_int_equal(POOL_ONE->connections_open, 1);
	peer_clear(backend);
	say(backend, OK_HEAD "hello");
	expect_text(backend, "\r\n\r\n"); /* the second one */
	assert_int_equal(ACME->requests, 2);
	say(backend, OK_HEAD "again");
	expect_text(client, "again");
	assert_int_equal(ACME->bytes_in, 2 * strlen(REQUEST));
	assert_int_equal(ACME->bytes_out, client->length);
	assert_int_equal(ACME->answers[2], 2);
	assert_int_equal(ACME->connections, 1);
	assert_int_equal(POOL_ONE->connections_idle, 1);
	assert_int_equal(POOL_ONE->requests, 2);
	assert_int_equal(worker.tally.routes[1].answers[2], 2);
	assert_int_equal(counted(&worker.tally.times[1].request), 2);
	assert_int_equal(counted(&worker.tally.times[1].first_byte), 2);
	assert_int_equal(counted(&worker.tally.routes[1].request), 2);
	peer_free(client);
	run_until(is_settled, NULL);
	assert_int_equal(NOBODY->bytes_in + NOBODY->bytes_out, 0);
	peer_free(backend);
}

static void bodies_and_their_frames_count(void **state)
{
	const char *head = "POST / HTTP/1.1\r\nHost: acme.example\r\nTransfer-Encoding: "
			   "chunked\r\n\r\n",
		   *body = "5;x=y\r\nhello\r\n0\r\n\r\n";
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, head);
	backend = backend_accept(0);
	say(client, body);
	expect_text(backend, "0\r\n\r\n");
	say(backend, OK_HEAD "hello");
	expect_text(client, "hello");
	assert_int_equal(ACME->bytes_in, strlen(head) + strlen(body));
	assert_int_equal(ACME->bytes_out, client->length);
	peer_free(client);
	peer_free(backend);
}

static void a_long_body_is_seen_on_its_way(void **state)
{
	struct peer *client = client_new(), *backend;
	const char *head =
		"PUT / HTTP/1.1\r\nHost: acme.example\r\nContent-Length: 1000000\r\n\r\n";
	char *part = calloc(1, 500000);

	(void)state;
	say(client, head);
	say_bytes(client, part, 500000);
	backend = backend_accept(0);
	expect_length(backend, 500000);
	assert_int_equal(ACME->bytes_in, strlen(head) + 500000);
	assert_int_equal(ACME->answers[0], 0);
	/* it breaks off: a request that was not answered */
	peer_free(client);
	run_until(is_settled, NULL);
	assert_int_equal(ACME->answers[0], 1);
	assert_int_equal(answers(ACME), ACME->requests);
	assert_int_equal(counted(&worker.tally.times[1].request), 0);
	peer_free(backend);
	free(part);
}

static void who_is_refused_is_told_why(void **state)
{
	struct peer *client = client_new();

	(void)state;
	say(client, "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n");
	expect_text(client, "404");
	assert_int_equal(NOBODY->refused[REFUSAL_no_route], 1);
	assert_int_equal(NOBODY->answers[4], 1);
	peer_clear(client);
	say(client, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
	expect_text(client, "405");
	assert_int_equal(NOBODY->refused[REFUSAL_method], 1);
	peer_free(client); /* what comes behind it is not looked at */
	client = client_new();
	say(client, "no request\r\n\r\n");
	expect_text(client, "400");
	assert_int_equal(NOBODY->refused[REFUSAL_bad_request], 1);
	assert_int_equal(NOBODY->requests, 3);
	assert_int_equal(answers(NOBODY), 3);
	peer_free(client);
	run_until(is_settled, NULL);
	assert_int_equal(ACME->requests, 0);
}

/* A connection is with the tenant of its last request. */
static void a_connection_changes_hands(void **state)
{
	struct peer *client = client_new(), *backend;

	(void)state;
	say(client, "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n");
	expect_text(client, "404");
	assert_int_equal(NOBODY->connections_open, 1);
	say(client, REQUEST);
	backend = backend_accept(0);
	assert_int_equal(NOBODY->connections_open, 0);
	assert_int_equal(ACME->connections_open, 1);
	say(backend, OK_HEAD "hello");
	expect_text(client, "hello");
	peer_free(client);
	run_until(is_settled, NULL);
	peer_free(backend);
}

static void failures_are_the_pools(void **state)
{
	struct peer *client = client_new();

	(void)state;
	backend_down(0);
	backend_down(1);
	say(client, "GET /two HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	expect_text(client, "502");
	assert_true(POOL_TWO->connect_failures >= 2);
	assert_int_equal(POOL_TWO->failures, POOL_TWO->connect_failures);
	assert_int_equal(POOL_TWO->requests, POOL_TWO->failures);
	assert_int_equal(ACME->retries, POOL_TWO->failures - 1);
	assert_int_equal(ACME->refused[REFUSAL_no_connection], 1);
	assert_int_equal(POOL_TWO->connections_open, 0);
	assert_int_equal(POOL_ONE->failures, 0);
	peer_free(client);
}

static int make_region(void)
{
	size_t size = tally_size(4, 4, 4);
	int fd = memfd_create("tally", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *base;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(base != MAP_FAILED);
	tally_begin(base, 4, 4, 4);
	munmap(base, size);
	return fd;
}

static void memory_that_could_vanish_is_not_taken(void **state)
{
	int fd = make_region();

	(void)state;
	assert_int_equal(worker_count_in(&worker, fd), -EINVAL);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	assert_int_equal(worker_count_in(&worker, fd), 0);
	assert_int_equal(worker.tally.tenants_count, 4);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proxy_test(a_request_is_counted_to_the_byte),
		proxy_test(bodies_and_their_frames_count),
		proxy_test(a_long_body_is_seen_on_its_way),
		proxy_test(who_is_refused_is_told_why),
		proxy_test(a_connection_changes_hands),
		proxy_test(failures_are_the_pools),
		proxy_test(memory_that_could_vanish_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
