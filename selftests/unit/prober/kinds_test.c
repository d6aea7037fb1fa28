// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/prober: servers that lie, drip, babble or never stop, each on a socket of its own on
 * loopback. Each attempt ends, with words that say why, and takes no more than its share of memory.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "userspace/prober/kinds.h"

#define SHORT_MS 300   /* of an attempt that must run into its limit */
#define LONG_MS	 20000 /* of one that must not */

static struct loop *loop;

struct outcome {
	enum probes_outcome outcome;
	char error[PROBES_ERROR_MAX];
};

static void done(struct attempt *attempt, enum probes_outcome outcome, const char *error)
{
	struct outcome *ret = attempt->context;

	ret->outcome = outcome;
	snprintf(ret->error, sizeof(ret->error), "%s", error);
	loop_stop(loop);
}

/* Servers: what one does with a connection. They live in a process of their own, until killed. */

static void put(int fd, const char *text)
{
	(void)!write(fd, text, strlen(text));
}

/* What was asked must be read, or closing would reset the connection under the answer. */
static void hear(int fd)
{
	char request[4096];

	(void)!read(fd, request, sizeof(request));
}

static void silent(int fd)
{
	(void)fd;
	pause();
}

static void closes(int fd)
{
	hear(fd);
}

static void babbles(int fd)
{
	hear(fd);
	put(fd, "\x7f\x45LF and all that\r\n\r\nhello\r\n");
	pause();
}

static void drips(int fd)
{
	hear(fd);
	put(fd, "HTTP/1.1 ");
	for (;;) {
		put(fd, "2");
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
	}
}

static void endless_body(int fd)
{
	static char much[65536];

	hear(fd);
	put(fd, "HTTP/1.1 200 OK\r\nX-Ready: yes \r\nContent-Length: 1073741824\r\n\r\n");
	memset(much, 'x', sizeof(much));
	while (write(fd, much, sizeof(much)) > 0)
		;
}

static void endless_head(int fd)
{
	hear(fd);
	put(fd, "HTTP/1.1 200 OK\r\n");
	for (;;)
		if (write(fd, "X-More: and more, and more, and more\r\n", 38) < 0)
			return;
}

static void not_found(int fd)
{
	hear(fd);
	put(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno");
	pause();
}

static void continues(int fd)
{
	hear(fd);
	put(fd, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
	pause();
}

static void well(int fd)
{
	hear(fd);
	put(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n8\r\n is well\r\n"
		"0\r\n\r\n");
	pause();
}

static pid_t serve(void (*handle)(int fd), uint16_t *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0), connection;
	pid_t pid;

	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	*ret_port = ntohs(address.sin_port);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		for (;;) {
			connection = accept(fd, NULL, NULL);
			handle(connection);
			close(connection);
		}
	}
	close(fd);
	return pid;
}

static struct outcome run(struct probes_probe *probe)
{
	struct outcome outcome = {.outcome = PROBES_OUTCOMES};
	struct attempt attempt = {.done = done, .context = &outcome};

	for (int i = 0; i < PROBE_TEXTS; i++)
		if (!probe->question.text[i])
			probe->question.text[i] = "";
		else
			probe->question.length[i] = (uint16_t)strlen(probe->question.text[i]);
	attempt_start(&attempt, loop, probe);
	if (outcome.outcome == PROBES_OUTCOMES)
		assert_int_equal(loop_run(loop), 0);
	assert_false(attempt.running);
	return outcome;
}

static struct probes_probe probe_of(enum probe_kind kind, uint32_t timeout_ms)
{
	struct probes_probe probe = {
		.kind = kind,
		.interval_ms = 1000,
		.timeout_ms = timeout_ms,
		.question = {.status_first = 200, .status_last = 399, .text[PROBE_TEXT_PATH] = "/"},
	};

	assert_int_equal(addr_parse("127.0.0.1", &probe.address), 0);
	return probe;
}

static struct outcome ask(void (*handle)(int fd), struct probes_probe probe)
{
	struct outcome outcome;
	pid_t pid = serve(handle, &probe.port);

	outcome = run(&probe);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return outcome;
}

#define GOOD_OF(handle, probe)                               \
	do {                                                 \
		struct outcome got_ = ask(handle, probe);    \
                                                             \
		assert_string_equal(got_.error, "");         \
		assert_int_equal(got_.outcome, PROBES_GOOD); \
	} while (0)
#define BAD_OF(handle, probe, why)                          \
	do {                                                \
		struct outcome got_ = ask(handle, probe);   \
                                                            \
		assert_string_equal(got_.error, why);       \
		assert_int_equal(got_.outcome, PROBES_BAD); \
	} while (0)

static void http(void **state)
{
	struct probes_probe probe = probe_of(PROBE_HTTP, LONG_MS),
			    slow = probe_of(PROBE_HTTP, SHORT_MS);

	(void)state;
	GOOD_OF(well, probe);
	GOOD_OF(continues, probe);
	BAD_OF(not_found, probe, "status 404 instead of 200-399");
	BAD_OF(closes, probe, "empty reply from server");
	BAD_OF(babbles, probe, "received HTTP/0.9 when not allowed");
	BAD_OF(silent, slow, "timeout after 300ms without an answer");
	BAD_OF(drips, slow, "timeout after 300ms without an answer");
	/* more of it than there is memory for: the head decides, and nobody reads the rest */
	GOOD_OF(endless_body, probe);
	probe.question.status_first = probe.question.status_last = 204;
	BAD_OF(endless_body, probe, "status 200 instead of 204");
}

static void http_head_without_end(void **state)
{
	struct outcome outcome = ask(endless_head, probe_of(PROBE_HTTP, LONG_MS));

	(void)state;
	assert_int_equal(outcome.outcome, PROBES_BAD);
	assert_null(strstr(outcome.error, "timeout"));
}

static void http_header_and_body(void **state)
{
	struct probes_probe probe = probe_of(PROBE_HTTP, LONG_MS);

	(void)state;
	probe.question.text[PROBE_TEXT_HEADER] = "x-ready:yes";
	GOOD_OF(endless_body, probe);
	BAD_OF(well, probe, "no header \"x-ready:yes\" in the answer");
	probe.question.text[PROBE_TEXT_HEADER] = "x-ready: ye";
	BAD_OF(endless_body, probe, "no header \"x-ready: ye\" in the answer");
	probe.question.text[PROBE_TEXT_HEADER] = NULL;
	probe.question.length[PROBE_TEXT_HEADER] = 0;
	probe.question.text[PROBE_TEXT_BODY] = "all is well";
	GOOD_OF(well, probe);
	probe.question.text[PROBE_TEXT_BODY] = "all is lost";
	BAD_OF(well, probe, "the body is without what is expected");
	BAD_OF(endless_body, probe, "the first 64 KiB of the body are without what is expected");
}

static void tls(void **state)
{
	(void)state;
	BAD_OF(babbles, probe_of(PROBE_TLS, LONG_MS), "TLS handshake: wrong version number");
	BAD_OF(closes, probe_of(PROBE_TLS, LONG_MS), "TLS handshake: unexpected eof while reading");
	BAD_OF(silent, probe_of(PROBE_TLS, SHORT_MS), "timeout after 300ms in the TLS handshake");
}

static void grpc(void **state)
{
	(void)state;
	BAD_OF(well, probe_of(PROBE_GRPC, LONG_MS), "the answer is no HTTP/2");
	BAD_OF(closes, probe_of(PROBE_GRPC, LONG_MS),
	       "the connection was closed without an answer");
	BAD_OF(silent, probe_of(PROBE_GRPC, SHORT_MS), "timeout after 300ms without an answer");
}

/* Headers of the PROXY protocol: a server that tells what it got, and goes on if that is right. */

static int told[2]; /* a pipe */
static const char *wanted_header;
static size_t wanted_length;

/* What comes after it is left in the socket. */
static bool demand(int fd)
{
	char got[64] = {};
	ssize_t length = recv(fd, got, wanted_length, MSG_WAITALL);

	if (length < 0)
		length = 0;
	(void)!write(told[1], got, (size_t)length);
	return (size_t)length == wanted_length && !memcmp(got, wanted_header, wanted_length);
}

static void demands_then_http(int fd)
{
	if (demand(fd))
		well(fd);
}

static void demands_then_alert(int fd)
{
	char first = 0;

	if (!demand(fd) || recv(fd, &first, 1, MSG_PEEK) != 1 || first != 0x16)
		return;
	hear(fd);
	(void)!write(fd, "\x15\x03\x03\x00\x02\x02\x28", 7); /* handshake_failure */
	pause();
}

static void demands_then_waits(int fd)
{
	demand(fd);
	pause();
}

static void check_told(void)
{
	char got[64];

	assert_int_equal(read(told[0], got, sizeof(got)), wanted_length);
	assert_memory_equal(got, wanted_header, wanted_length);
}

static void check_header(uint8_t version, const char *header, size_t length)
{
	struct probes_probe probe = probe_of(PROBE_HTTP, LONG_MS);

	wanted_header = header;
	wanted_length = length;
	probe.proxy_protocol = version;
	GOOD_OF(demands_then_http, probe);
	check_told();
	probe.kind = PROBE_HTTPS;
	assert_non_null(strstr(ask(demands_then_alert, probe).error, "handshake failure"));
	check_told();
	probe.kind = PROBE_TLS;
	assert_non_null(strstr(ask(demands_then_alert, probe).error, "handshake failure"));
	check_told();
	probe.kind = PROBE_GRPC;
	BAD_OF(demands_then_http, probe, "the answer is no HTTP/2");
	check_told();
}

/* Good before the server has said anything, so the server must outlive the attempt. */
static void check_header_of_tcp(uint8_t version)
{
	struct probes_probe probe = probe_of(PROBE_TCP, LONG_MS);
	pid_t pid = serve(demands_then_waits, &probe.port);
	struct outcome outcome;

	probe.proxy_protocol = version;
	outcome = run(&probe);
	assert_string_equal(outcome.error, "");
	check_told();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void header_first(void **state)
{
	static const char local[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", line[] = "PROXY UNKNOWN\r\n";

	(void)state;
	assert_int_equal(pipe(told), 0);
	check_header(1, line, sizeof(line) - 1);
	check_header_of_tcp(1);
	check_header(2, local, sizeof(local) - 1);
	check_header_of_tcp(2);
	close(told[0]);
	close(told[1]);
}

/* Nobody listens there. */
static void refused(void **state)
{
	static const enum probe_kind all[] = {PROBE_TCP,   PROBE_TLS,  PROBE_HTTP,
					      PROBE_HTTPS, PROBE_GRPC, PROBE_UDP};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct probes_probe probe = probe_of(all[i], LONG_MS);
		struct outcome outcome;

		waitpid(0, NULL, WNOHANG);
		kill(serve(closes, &probe.port), SIGKILL);
		waitpid(-1, NULL, 0);
		probe.question.text[PROBE_TEXT_SEND] = "hello";
		outcome = run(&probe);
		assert_string_equal(outcome.error, "connection refused");
		assert_int_equal(outcome.outcome, PROBES_BAD);
	}
}

static void udp(void **state)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(here);
	struct probes_probe probe = probe_of(PROBE_UDP, LONG_MS);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct outcome outcome;
	pid_t pid;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&here, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &length), 0);
	probe.port = ntohs(here.sin_port);
	pid = fork();
	if (pid == 0) {
		char bytes[64];
		ssize_t n;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			length = sizeof(here);
			n = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&here,
				     &length);
			sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&here, length);
		}
	}
	probe.question.text[PROBE_TEXT_SEND] = "are you well?";
	outcome = run(&probe);
	assert_string_equal(outcome.error, "");
	probe.question.text[PROBE_TEXT_EXPECT] = "well";
	outcome = run(&probe);
	assert_string_equal(outcome.error, "");
	probe.question.text[PROBE_TEXT_EXPECT] = "unwell";
	outcome = run(&probe);
	assert_string_equal(outcome.error, "an answer of 13 bytes without what is expected");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fd);
}

/* One that is stopped leaves nothing behind, at whatever point. */
static void stopped_in_the_middle(void **state)
{
	static const enum probe_kind all[] = {PROBE_TCP, PROBE_TLS, PROBE_HTTP, PROBE_GRPC,
					      PROBE_UDP};
	uint16_t port;
	pid_t pid = serve(silent, &port);

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct outcome outcome = {.outcome = PROBES_OUTCOMES};
		struct attempt attempt = {.done = done, .context = &outcome};
		struct probes_probe probe = probe_of(all[i], LONG_MS);

		probe.port = port;
		for (int t = 0; t < PROBE_TEXTS; t++)
			probe.question.text[t] = t == PROBE_TEXT_PATH ? "/" : "";
		attempt_start(&attempt, loop, &probe);
		attempt_stop(&attempt);
		attempt_stop(&attempt);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int prepare(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return loop_new(&loop) ?: kinds_prepare(loop);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(http),
		cmocka_unit_test(http_head_without_end),
		cmocka_unit_test(http_header_and_body),
		cmocka_unit_test(tls),
		cmocka_unit_test(grpc),
		cmocka_unit_test(header_first),
		cmocka_unit_test(refused),
		cmocka_unit_test(udp),
		cmocka_unit_test(stopped_in_the_middle),
	};

	return cmocka_run_group_tests_name("kinds", tests, prepare, NULL);
}
