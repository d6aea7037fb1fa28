// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a client costs that is refused as soon as it is here, and that it gets its answer all the
 * same. */
#include "proxy_fixture.h"

#include <sys/epoll.h>
#include <sys/syscall.h>

#define HEAD	 "GET / HTTP/1.1\r\nHost: acme.example\r\n"
#define LARGE	 23000 /* bytes of a head: more than one may have */
#define FOR_EVER (3600 * 1000 * MS)

static unsigned changes; /* of what the loop waits for */
static bool no_more;	 /* can be waited for */

/* In place of the C library's. */
int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	changes++;
	if (no_more && what == EPOLL_CTL_ADD) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, epoll, what, fd, event);
}

static bool all_gone(void *context)
{
	(void)context;
	return !worker.conn_count;
}

/* So many bytes: a request whose head is this long, or the beginning of a longer one. */
static char *request_of(size_t size, bool whole)
{
	static const char field[] = "X: ";
	char *request = malloc(size + 1);
	size_t begin = strlen(HEAD) + strlen(field);

	assert_non_null(request);
	memset(request, 'a', size);
	memcpy(request, HEAD, strlen(HEAD));
	memcpy(request + strlen(HEAD), field, strlen(field));
	assert_true(begin + 4 < size);
	if (whole)
		memcpy(request + size - 4, "\r\n\r\n", 4);
	request[size] = 0;
	return request;
}

/* Who has sent all of that before it is looked at, and gets this. */
static struct peer *who_sent(const char *request, const char *answer)
{
	struct peer *client = client_new();

	say_at_once(client, request);
	expect_end(client);
	assert_non_null(strstr(client->data, answer));
	assert_false(client->reset);
	assert_int_equal(worker.conn_count, 1);
	return client;
}

static int broken_by(const struct peer *peer)
{
	int error = 0;
	socklen_t length = sizeof(error);

	assert_int_equal(getsockopt(peer->fd, SOL_SOCKET, SO_ERROR, &error, &length), 0);
	return error;
}

static struct peer *with_large_head(void)
{
	char *request = request_of(LARGE, true);
	struct peer *client = who_sent(request, "HTTP/1.1 431 ");

	free(request);
	return client;
}

static void test_nobody_waits_for_who_is_refused(void **state)
{
	unsigned before = changes;
	struct peer *client = who_sent("GET /\r\n\r\n", "HTTP/1.1 400 ");

	(void)state;
	peer_free(client);
	run_until(all_gone, NULL);
	assert_int_equal(changes, before);
}

/* Not even where all of its request has yet to be thrown away. */
static void test_nobody_waits_for_a_large_head(void **state)
{
	unsigned before = changes;
	struct peer *client = with_large_head();

	(void)state;
	peer_free(client);
	run_until(all_gone, NULL);
	assert_int_equal(changes, before);
}

static void test_no_more_is_read_than_decides(void **state)
{
	struct peer *client;

	(void)state;
	worker.limits.quiet = FOR_EVER;
	client = with_large_head();
	assert_int_equal(worker.conns->down.received, CONN_HEAD_MAX);
	assert_null(worker.conns->down.in);
	peer_free(client);
}

static bool all_is_read(void *context)
{
	(void)context;
	return worker.conns && worker.conns->down.received == LARGE;
}

/* Or closing would be a RST, and the answer might be lost. */
static void test_the_rest_is_thrown_away(void **state)
{
	struct peer *client;

	(void)state;
	worker.limits.linger = FOR_EVER;
	client = with_large_head();
	run_until(all_is_read, NULL);
	assert_null(worker.conns->down.in);
	shutdown(client->fd, SHUT_WR);
	run_until(all_gone, NULL);
	assert_int_equal(broken_by(client), 0);
	peer_free(client);
}

/* Whose end is here need not be looked for later. */
static void test_who_has_ended_goes_at_once(void **state)
{
	struct peer *client = client_new();

	(void)state;
	worker.limits.quiet = FOR_EVER;
	run_until(newest_is_told_of, NULL);
	say_at_once(client, "GET /\r\n\r\n");
	assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
	expect_end(client);
	assert_non_null(strstr(client->data, "HTTP/1.1 400 "));
	run_until(all_gone, NULL);
	assert_int_equal(broken_by(client), 0);
	peer_free(client);
}

struct sender {
	struct peer *peer;
	size_t sent;
};

static bool is_cut(void *context)
{
	static char more[65536];
	struct sender *sender = context;
	ssize_t n = send(sender->peer->fd, more, sizeof(more), MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		sender->sent += (size_t)n;
	return n < 0 && errno != EAGAIN;
}

/* What it sends is counted, although nobody reads it. */
static void test_who_sends_for_ever_is_cut(void **state)
{
	struct sender sender = {};

	(void)state;
	worker.limits.linger = FOR_EVER;
	sender.peer = with_large_head();
	run_until(is_cut, &sender);
	assert_true(sender.sent > 1 << 20);
	assert_int_equal(worker.conn_count, 0);
	peer_free(sender.peer);
}

/* A long body would come to a halt otherwise. */
static void test_who_is_sending_is_heard(void **state)
{
	struct peer *client = who_sent("POST / HTTP/1.1\r\nHost: nobody.example\r\n"
				       "Content-Length: 100000\r\n\r\nsome",
				       "HTTP/1.1 404 ");

	(void)state;
	assert_true(worker.conns->down.fd.added);
	peer_free(client);
	run_until(all_gone, NULL);
}

static void test_largest_head(void **state)
{
	char *request = request_of(CONN_HEAD_MAX, true);
	struct peer *client = client_new(), *backend;

	(void)state;
	say_at_once(client, request);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say(backend, "HTTP/1.1 204 ok\r\n\r\n");
	expect_text(client, "HTTP/1.1 204 ");
	free(request);
	peer_free(client);
	peer_free(backend);
}

/* One that has come in part, in which nothing is wrong so far, is waited for. */
static void test_who_may_still_be_right_is_heard(void **state)
{
	char *request = request_of(CONN_HEAD_MAX - 4, false);
	struct peer *client = client_new(), *backend;

	(void)state;
	say_at_once(client, request);
	run_until(newest_is_told_of, NULL);
	say(client, "\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	free(request);
	peer_free(client);
	peer_free(backend);
}

/* Who cannot be waited for is not kept, whatever it would be waited for. */
static void nobody_more(const char *text, const char *answer)
{
	struct peer *client = client_new();

	no_more = true;
	say_at_once(client, text);
	expect_end(client);
	run_until(all_gone, NULL);
	no_more = false;
	assert_non_null(strstr(client->data, answer));
	peer_free(client);
}

static void test_who_cannot_be_heard_is_closed(void **state)
{
	(void)state;
	worker.limits.linger = FOR_EVER;
	nobody_more("", "");
	nobody_more("GET / HT", "");
	nobody_more("POST / HTTP/1.1\r\nHost: nobody.example\r\nContent-Length: 9\r\n\r\n",
		    "HTTP/1.1 404 ");
	/* after it has been looked at */
	nobody_more("GET /\r\n\r\n", "HTTP/1.1 400 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proxy_test(test_nobody_waits_for_who_is_refused),
		proxy_test(test_nobody_waits_for_a_large_head),
		proxy_test(test_no_more_is_read_than_decides),
		proxy_test(test_the_rest_is_thrown_away),
		proxy_test(test_who_sends_for_ever_is_cut),
		proxy_test(test_who_has_ended_goes_at_once),
		proxy_test(test_who_is_sending_is_heard),
		proxy_test(test_who_cannot_be_heard_is_closed),
		proxy_test(test_largest_head),
		proxy_test(test_who_may_still_be_right_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
