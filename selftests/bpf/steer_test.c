// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Real connections to addresses that nothing is bound to, given to the sockets of their places; and
 * what is pinned outlives the one that made it, but not its network namespace.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "userspace/dataplane/steer.h"

#define PORT 4711

static char directory[] = "/sys/fs/bpf/mtlb-steer-XXXXXX";

static void own_network(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	close(fd);
}

static struct steer *open_steer(void)
{
	struct steer *steer = NULL;
	struct err err = {""};

	if (steer_open(directory, &steer, &err))
		fail_msg("%s", err.text);
	return steer;
}

static void endpoint(struct sockaddr_storage *to, socklen_t *length, const char *address,
		     uint16_t port)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, address, &ipv4->sin_addr) == 1) {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons(port);
		*length = sizeof(*ipv4);
	} else {
		assert_int_equal(inet_pton(AF_INET6, address, &ipv6->sin6_addr), 1);
		ipv6->sin6_family = AF_INET6;
		ipv6->sin6_port = htons(port);
		*length = sizeof(*ipv6);
	}
}

/* On a port of the kernel's choice, which nobody asks for. */
static int listening(const char *address)
{
	struct sockaddr_storage at;
	socklen_t length;
	int fd;

	endpoint(&at, &length, address, 0);
	fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, length), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* 0 or a negative errno. */
static int connect_to(const char *address, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t length;
	int fd, error;

	endpoint(&to, &length, address, port);
	fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	error = connect(fd, (struct sockaddr *)&to, length) ? -errno : 0;
	close(fd);
	return error;
}

/* That a connection to the address comes to this socket, which is told what it was to. */
static void comes_to(int socket, const char *address, uint16_t port)
{
	struct sockaddr_storage got, want;
	socklen_t length, size = sizeof(got);
	int fd;

	assert_int_equal(connect_to(address, port), 0);
	fd = accept(socket, NULL, NULL);
	assert_true(fd >= 0);
	memset(&got, 0, sizeof(got));
	assert_int_equal(getsockname(fd, (struct sockaddr *)&got, &size), 0);
	endpoint(&want, &length, address, port);
	assert_int_equal(size, length);
	assert_memory_equal(&got, &want, length);
	close(fd);
}

static void put(struct steer *steer, const char *address, uint16_t port, uint32_t number)
{
	struct addr addr;

	assert_int_equal(addr_parse(address, &addr), 0);
	assert_int_equal(steer_put(steer, &addr, port, number), 0);
}

static bool keep_none(void *context, const struct addr *address, uint16_t port)
{
	(void)context;
	(void)address;
	(void)port;
	return false;
}

static void places(void **state)
{
	struct steer *steer = open_steer();
	int one = listening("127.0.0.1"), two = listening("127.0.0.1"), six = listening("::1");
	uint32_t first, second, third;

	(void)state;
	assert_int_equal(steer_add_socket(steer, one, &first), 0);
	assert_int_equal(steer_add_socket(steer, two, &second), 0);
	assert_int_equal(steer_add_socket(steer, six, &third), 0);
	assert_int_equal(connect_to("127.0.0.9", PORT), -ECONNREFUSED);
	put(steer, "127.0.0.9", PORT, first);
	put(steer, "127.0.0.10", PORT, second);
	put(steer, "::1", PORT, third);
	comes_to(one, "127.0.0.9", PORT);
	comes_to(two, "127.0.0.10", PORT);
	comes_to(six, "::1", PORT);
	assert_int_equal(connect_to("127.0.0.9", PORT + 1), -ECONNREFUSED);
	assert_int_equal(connect_to("127.0.0.11", PORT), -ECONNREFUSED);
	put(steer, "127.0.0.9", PORT, second);
	comes_to(two, "127.0.0.9", PORT);
	close(two); /* nobody else gets what was its */
	assert_int_equal(connect_to("127.0.0.9", PORT), -ECONNREFUSED);
	assert_int_equal(steer_sweep(steer, keep_none, NULL), 0);
	assert_int_equal(connect_to("::1", PORT), -ECONNREFUSED);
	steer_close(steer);
	close(one);
	close(six);
}

/* What one agent put goes on without it, and the next one finds it. */
static void outlives(void **state)
{
	struct steer *steer = open_steer();
	int one = listening("127.0.0.1");
	uint32_t number;

	(void)state;
	assert_int_equal(steer_add_socket(steer, one, &number), 0);
	put(steer, "127.0.0.9", PORT, number);
	steer_close(steer);
	comes_to(one, "127.0.0.9", PORT);
	steer = open_steer();
	comes_to(one, "127.0.0.9", PORT);
	assert_int_equal(steer_sweep(steer, keep_none, NULL), 0);
	steer_close(steer);
	close(one);
}

/* A container that is made anew finds what was pinned in its old network. */
static void another_network(void **state)
{
	struct steer *steer = open_steer();
	uint32_t number;
	int one;

	(void)state;
	steer_close(steer);
	own_network();
	steer = open_steer();
	one = listening("127.0.0.1");
	assert_int_equal(steer_add_socket(steer, one, &number), 0);
	put(steer, "127.0.0.9", PORT, number);
	comes_to(one, "127.0.0.9", PORT);
	steer_close(steer);
	comes_to(one, "127.0.0.9", PORT);
	close(one);
}

static int setup(void **state)
{
	(void)state;
	own_network();
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	steer_remove(directory);
	return rmdir(directory);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(places),
		cmocka_unit_test(outlives),
		cmocka_unit_test(another_network),
	};

	return cmocka_run_group_tests_name("steer", tests, setup, teardown);
}
