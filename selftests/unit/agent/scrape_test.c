// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The address of its own: one path, no bodies; clients wait for a text that comes later, several
 * for the same one, and those that go are noticed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "leash.h"

#include "userspace/agent/api/scrape.h"

#define SIZE	1000000 /* more than fits a socket's buffer */
#define WAITERS 2	/* it gives its text when so many wait */
#define LOOK_NS 2000000

static uint16_t port;

/* the server */

static struct text *waiting[8];
static int count, asked;
static int wanted; /* askers before the text is given */

static void closed(void *context, struct text *text)
{
	(void)context;
	for (int i = 0; i < count; i++)
		if (waiting[i] == text)
			waiting[i--] = waiting[--count];
}

static struct text *ask(void *context, int format)
{
	struct text *text = text_new(closed, context);

	(void)format;
	if (text && count < 8)
		waiting[count++] = text;
	asked++;
	return text;
}

static void look(struct loop_timer *timer)
{
	loop_timer_set(child_loop, timer, LOOK_NS);
	if (asked < wanted || count != WAITERS)
		return;
	struct text_bytes *bytes;
	char *data = malloc(SIZE);

	if (!data)
		exit(9);
	memset(data, 'x', SIZE);
	data[SIZE - 1] = '\n';
	bytes = text_bytes_new(data, SIZE);
	while (count)
		text_give(waiting[--count], bytes);
	text_bytes_release(bytes);
	asked = 0;
}

static struct addr local(void)
{
	struct addr address;

	assert_int_equal(addr_parse("127.0.0.1", &address), 0);
	return address;
}

/* A port that nobody has at this moment. */
static uint16_t free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static int serve(int leash_end, int ready)
{
	struct loop_timer timer = {.fire = look};
	struct addr address = local();
	struct scrape *scrape = NULL;
	struct err err = {};
	struct loop_fd fd;

	if (leash_loop(&fd, leash_end) || scrape_new(child_loop, ask, NULL, &scrape) ||
	    scrape_listen(scrape, &address, port, &err)) {
		fprintf(stderr, "# %s\n", err.text);
		return 3;
	}
	loop_timer_set(child_loop, &timer, LOOK_NS);
	leash_run(&fd, ready);
	while (count)
		text_give(waiting[--count], NULL);
	scrape_free(scrape);
	loop_timer_cancel(child_loop, &timer);
	loop_free(child_loop);
	return 0;
}

static void start(int askers)
{
	signal(SIGPIPE, SIG_IGN);
	port = free_port();
	wanted = askers;
	leash_start(serve);
}

/* the client */

static int send_text(const char *text)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	return fd;
}

/* All it says, to its end. */
static char *read_all(int fd, size_t *ret_length)
{
	char *text = malloc(2 * SIZE);
	size_t length = 0;
	ssize_t got;

	assert_non_null(text);
	while ((got = recv(fd, text + length, 2 * SIZE - 1 - length, 0)) > 0)
		length += (size_t)got;
	text[length] = 0;
	close(fd);
	*ret_length = length;
	return text;
}

static void expect(const char *request, const char *status, const char *something)
{
	size_t length;
	char *text = read_all(send_text(request), &length);

	assert_int_equal(strncmp(text, status, strlen(status)), 0);
	assert_non_null(strstr(text, something));
	free(text);
}

static void test_one_path(void **state)
{
	(void)state;
	start(100);
	expect("GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 404", "metrics are at /metrics");
	expect("GET /v1/node HTTP/1.0\r\n\r\n", "HTTP/1.1 404", "metrics are at /metrics");
	expect("GET /metrics/ HTTP/1.0\r\n\r\n", "HTTP/1.1 404", "metrics are at /metrics");
	expect("POST /metrics HTTP/1.0\r\nContent-Length: 1000000000\r\n\r\n", "HTTP/1.1 405",
	       "Allow: GET, HEAD");
	expect("DELETE /metrics HTTP/1.0\r\n\r\n", "HTTP/1.1 405", "Allow: GET, HEAD");
	expect("HEAD /metrics HTTP/1.0\r\n\r\n", "HTTP/1.1 200",
	       "Content-Type: text/plain; version=0.0.4; charset=utf-8");
	leash_stop();
}

/* What Prometheus sends is answered in OpenMetrics; what nothing here is good for, with a word. */
static void test_forms(void **state)
{
	(void)state;
	start(100);
	expect("HEAD /metrics HTTP/1.0\r\nAccept: application/openmetrics-text;version=1.0.0,"
	       "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,"
	       "*/*;q=0.1\r\n\r\n",
	       "HTTP/1.1 200",
	       "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8");
	expect("HEAD /metrics HTTP/1.0\r\nAccept: */*\r\n\r\n", "HTTP/1.1 200",
	       "Content-Type: text/plain; version=0.0.4; charset=utf-8");
	expect("GET /metrics HTTP/1.0\r\nAccept: application/json\r\n\r\n", "HTTP/1.1 406",
	       "application/openmetrics-text");
	leash_stop();
}

/* The first one goes before there is a text; the other two get the same one. */
static void test_later(void **state)
{
	static const char get[] = "GET /metrics HTTP/1.0\r\n\r\n";
	int fds[2];

	(void)state;
	start(3);
	close(send_text(get));
	fds[0] = send_text(get);
	fds[1] = send_text(get);
	for (int i = 0; i < 2; i++) {
		size_t length;
		char *text = read_all(fds[i], &length), *body = strstr(text, "\r\n\r\n");

		assert_int_equal(strncmp(text, "HTTP/1.1 200", 12), 0);
		assert_non_null(body);
		assert_int_equal(length - (size_t)(body + 4 - text), SIZE);
		assert_int_equal(strspn(body + 4, "x"), SIZE - 1);
		free(text);
	}
	leash_stop();
}

/* It ends while somebody waits, who gets no text that looks whole. */
static void test_end(void **state)
{
	size_t length;
	char *text;
	int fd;

	(void)state;
	start(100);
	fd = send_text("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	/* a second one that is answered tells that the first one was read */
	expect("GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 404", "metrics");
	leash_stop();
	text = read_all(fd, &length);
	assert_null(strstr(text, "\r\n0\r\n"));
	free(text);
}

static void test_elsewhere(void **state)
{
	struct addr address = local(), nowhere;
	struct scrape *scrape = NULL;
	struct loop *loop;
	uint16_t first = free_port(), second;
	struct err err = {};

	(void)state;
	assert_int_equal(addr_parse("192.0.2.77", &nowhere), 0);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(scrape_new(loop, ask, NULL, &scrape), 0);
	assert_true(scrape_listens(scrape, &address, 0));
	assert_int_equal(scrape_listen(scrape, &address, first, &err), 0);
	assert_true(scrape_listens(scrape, &address, first));
	assert_int_equal(scrape_listen(scrape, &nowhere, first, &err), -EADDRNOTAVAIL);
	assert_non_null(strstr(err.text, "192.0.2.77"));
	assert_true(scrape_listens(scrape, &address, first));
	second = free_port();
	assert_int_equal(scrape_listen(scrape, &address, second, &err), 0);
	assert_false(scrape_listens(scrape, &address, first));
	port = second;
	close(send_text("x"));
	assert_int_equal(scrape_listen(scrape, &address, 0, &err), 0);
	assert_true(scrape_listens(scrape, &nowhere, 0));
	scrape_free(scrape);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_path),  cmocka_unit_test(test_forms),
		cmocka_unit_test(test_later),	  cmocka_unit_test(test_end),
		cmocka_unit_test(test_elsewhere),
	};

	return cmocka_run_group_tests_name("agent/scrape", tests, NULL, NULL);
}
