// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The table of ports, which lies in a file of memory here: a row stands for its member from before
 * the first packet until the socket is closed, whatever kind of probe it is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf/abi/probe.h"
#include "userspace/prober/kinds.h"
#include "userspace/prober/way.h"

#define MEMBER 77

static struct mtlb_probe *table;
static struct loop *loop;

static void parse(const char *text, struct addr *ret_addr)
{
	assert_int_equal(addr_parse(text, ret_addr), 0);
}

static struct probes_probe probe_to(const char *address)
{
	struct probes_probe probe = {.kind = PROBE_TCP,
				     .interval_ms = 60000,
				     .timeout_ms = 30000,
				     .member = MEMBER,
				     .question = {.status_first = 200, .status_last = 399}};

	parse(address, &probe.address);
	for (int i = 0; i < PROBE_TEXTS; i++)
		probe.question.text[i] = "";
	probe.question.text[PROBE_TEXT_PATH] = "/";
	probe.question.length[PROBE_TEXT_PATH] = 1;
	return probe;
}

static uint32_t rows(void)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < MTLB_PROBES; i++)
		count += table[i].member != 0;
	return count;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 here;
	socklen_t length = sizeof(here);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&here, &length), 0);
	return ntohs(here.sin6_port); /* IPv4 has it at the same place */
}

/* First of all: no table was given. */
static void none(void **state)
{
	struct probes_probe probe = probe_to("127.0.0.1");
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct way way = {};

	(void)state;
	close(PROBES_TABLE_FD);
	assert_int_equal(way_prepare(), 0);
	assert_int_equal(way_take(&way, &probe, fd), -ENOTSUP);
	probe.member = 0;
	assert_int_equal(way_take(&way, &probe, fd), 0);
	assert_int_equal(port_of(fd), 0);
	way_release(&way);
	close(fd);
}

static void given(void **state)
{
	size_t size = MTLB_PROBES * sizeof(*table);
	int fd = memfd_create("table", 0);

	(void)state;
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	table = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(table, MAP_FAILED);
	if (fd != PROBES_TABLE_FD) {
		assert_int_equal(dup2(fd, PROBES_TABLE_FD), PROBES_TABLE_FD);
		close(fd);
	}
	assert_int_equal(way_prepare(), 0);
	/* it is not left open */
	assert_int_equal(close(PROBES_TABLE_FD), -1);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(kinds_prepare(loop), 0);
}

static void a_row_for_each_kind_of_socket(void **state)
{
	static const struct {
		const char *address;
		int type;
	} cases[] = {{"127.0.0.1", SOCK_STREAM},
		     {"::1", SOCK_STREAM},
		     {"127.0.0.1", SOCK_DGRAM},
		     {"::1", SOCK_DGRAM}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct probes_probe probe = probe_to(cases[i].address);
		bool ipv6 = i & 1, udp = cases[i].type == SOCK_DGRAM;
		struct way way = {};
		int fd;

		parse(cases[i].address, &probe.source);
		fd = socket(ipv6 ? AF_INET6 : AF_INET, cases[i].type, 0);
		assert_int_equal(way_take(&way, &probe, fd), 0);
		assert_int_equal(table[mtlb_probe_at(ipv6, udp, port_of(fd))].member, MEMBER);
		assert_int_equal(rows(), 1);
		close(fd);
		way_release(&way);
		way_release(&way);
		assert_int_equal(rows(), 0);
	}
}

/* None was given: any, but from a port that is known. */
static void any_source(void **state)
{
	struct probes_probe probe = probe_to("127.0.0.1");
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct way way = {};

	(void)state;
	assert_int_equal(way_take(&way, &probe, fd), 0);
	assert_int_not_equal(port_of(fd), 0);
	close(fd);
	way_release(&way);
}

static void a_source_that_is_not_here(void **state)
{
	struct probes_probe probe = probe_to("127.0.0.1");
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct way way = {};

	(void)state;
	parse("192.0.2.77", &probe.source);
	assert_int_equal(way_take(&way, &probe, fd), -EADDRNOTAVAIL);
	assert_int_equal(rows(), 0);
	close(fd);
}

struct outcome {
	enum probes_outcome outcome;
	char error[PROBES_ERROR_MAX];
	bool waits; /* the loop runs */
};

static void done(struct attempt *attempt, enum probes_outcome outcome, const char *error)
{
	struct outcome *got = attempt->context;

	got->outcome = outcome;
	strncpy(got->error, error, sizeof(got->error) - 1);
	if (got->waits)
		loop_stop(loop);
}

static struct outcome run(const struct probes_probe *probe)
{
	struct outcome outcome = {.outcome = PROBES_OUTCOMES};
	struct attempt attempt = {.done = done, .context = &outcome};

	attempt_start(&attempt, loop, probe);
	outcome.waits = outcome.outcome == PROBES_OUTCOMES;
	if (outcome.waits)
		assert_int_equal(loop_run(loop), 0);
	return outcome;
}

static bool is_member(const struct sockaddr_in *there, bool udp)
{
	return table[mtlb_probe_at(0, udp, ntohs(there->sin_port))].member == MEMBER;
}

/* Answers those whose port stands for the member, and nobody else. */
static void serve_stream(int fd)
{
	struct sockaddr_in there;
	char bytes[512];

	for (;;) {
		socklen_t length = sizeof(there);
		int connection = accept(fd, (struct sockaddr *)&there, &length);

		if (is_member(&there, false) && read(connection, bytes, sizeof(bytes)) > 0)
			(void)!write(connection, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
				     38);
		close(connection);
	}
}

static void serve_datagrams(int fd)
{
	struct sockaddr_in there;
	char bytes[64];

	for (;;) {
		socklen_t length = sizeof(there);
		ssize_t n =
			recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&there, &length);

		if (n > 0 && is_member(&there, true))
			sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&there, length);
	}
}

static pid_t serve(int type, uint16_t *ret_port)
{
	struct sockaddr_in here = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, type, 0);
	pid_t pid;

	assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 8), 0);
	*ret_port = port_of(fd);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		if (type == SOCK_STREAM)
			serve_stream(fd);
		serve_datagrams(fd);
	}
	close(fd);
	return pid;
}

static void asks_from_its_row(enum probe_kind kind, int type)
{
	struct probes_probe probe = probe_to("127.0.0.1");
	struct outcome outcome;
	pid_t pid = serve(type, &probe.port);

	probe.kind = kind;
	parse("127.0.0.1", &probe.source);
	probe.question.text[PROBE_TEXT_SEND] = "well?";
	probe.question.length[PROBE_TEXT_SEND] = 5;
	outcome = run(&probe);
	assert_string_equal(outcome.error, "");
	assert_int_equal(outcome.outcome, PROBES_GOOD);
	assert_int_equal(rows(), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void http(void **state)
{
	(void)state;
	asks_from_its_row(PROBE_HTTP, SOCK_STREAM);
}

static void udp(void **state)
{
	(void)state;
	asks_from_its_row(PROBE_UDP, SOCK_DGRAM);
}

static void tcp(void **state)
{
	(void)state;
	asks_from_its_row(PROBE_TCP, SOCK_STREAM);
}

/* That is no fault of the backend's. */
static void a_fault_of_this_node(void **state)
{
	static const enum probe_kind all[] = {PROBE_TCP,   PROBE_TLS,  PROBE_HTTP,
					      PROBE_HTTPS, PROBE_GRPC, PROBE_UDP};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct probes_probe probe = probe_to("127.0.0.1");
		struct outcome outcome;

		probe.kind = all[i];
		probe.port = 9;
		parse("192.0.2.77", &probe.source);
		outcome = run(&probe);
		if (outcome.outcome != PROBES_FAULT)
			print_error("%s\n", probe_kind_name(all[i]));
		assert_string_equal(outcome.error,
				    "out of local ports, or the address to ask from is no longer "
				    "there");
		assert_int_equal(outcome.outcome, PROBES_FAULT);
		assert_int_equal(rows(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none),
		cmocka_unit_test(given),
		cmocka_unit_test(a_row_for_each_kind_of_socket),
		cmocka_unit_test(any_source),
		cmocka_unit_test(a_source_that_is_not_here),
		cmocka_unit_test(tcp),
		cmocka_unit_test(http),
		cmocka_unit_test(udp),
		cmocka_unit_test(a_fault_of_this_node),
	};

	return cmocka_run_group_tests_name("way", tests, NULL, NULL);
}
