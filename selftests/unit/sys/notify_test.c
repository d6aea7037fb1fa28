// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/sys/notify, heard by a real socket in the place of the service manager's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "userspace/sys/notify.h"

/* A manager; name is as NOTIFY_SOCKET would have it. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t length =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + (*name == '/'));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(address.sun_path, name, strlen(name));
	if (*name == '@')
		address.sun_path[0] = 0;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	return fd;
}

static void expect_heard(int fd, const char *lines)
{
	char heard[256];
	ssize_t length = recv(fd, heard, sizeof(heard) - 1, MSG_DONTWAIT);

	assert_true(length >= 0);
	heard[length] = 0;
	assert_string_equal(heard, lines);
}

static void talk(const char *name)
{
	unsigned long long first, usec;
	struct notify notify;
	char heard[256];
	int fd = listen_at(name);
	ssize_t length;

	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_open(&notify), 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_int_equal(notify_send(&notify, "READY=1\nSTATUS=3 tenants"), 0);
	expect_heard(fd, "READY=1\nSTATUS=3 tenants");

	assert_int_equal(notify_reloading(&notify), 0);
	length = recv(fd, heard, sizeof(heard) - 1, MSG_DONTWAIT);
	assert_true(length > 0);
	heard[length] = 0;
	assert_int_equal(sscanf(heard, "RELOADING=1\nMONOTONIC_USEC=%llu", &first), 1);
	assert_int_equal(notify_reloading(&notify), 0);
	length = recv(fd, heard, sizeof(heard) - 1, MSG_DONTWAIT);
	assert_true(length > 0);
	heard[length] = 0;
	assert_int_equal(sscanf(heard, "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
	assert_true(first > 0 && usec >= first);

	/* one that is gone is told of, and is no signal */
	close(fd);
	assert_int_equal(notify_send(&notify, "STOPPING=1"), -ECONNREFUSED);
	notify_close(&notify);
	assert_int_equal(notify_send(&notify, "STOPPING=1"), 0);
}

static void test_path(void **state)
{
	char name[64], directory[] = "/tmp/mtlb-notify-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(name, sizeof(name), "%s/socket", directory);
	talk(name);
	unlink(name);
	rmdir(directory);
}

static void test_abstract(void **state)
{
	char name[64];

	(void)state;
	snprintf(name, sizeof(name), "@mtlb-notify-test-%d", (int)getpid());
	talk(name);
}

static void test_nobody(void **state)
{
	struct notify notify;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_open(&notify), 0);
	assert_int_equal(notify.fd, -1);
	assert_int_equal(notify_send(&notify, "READY=1"), 0);
	assert_int_equal(notify_reloading(&notify), 0);
	notify_close(&notify);
}

static void test_bad_name(void **state)
{
	struct notify notify;
	char name[200];

	(void)state;
	setenv("NOTIFY_SOCKET", "run/notify", 1);
	assert_int_equal(notify_open(&notify), -EINVAL);
	setenv("NOTIFY_SOCKET", "@", 1);
	assert_int_equal(notify_open(&notify), -EINVAL);
	setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
	assert_int_equal(notify_open(&notify), -EINVAL);
	memset(name, 'a', sizeof(name));
	name[0] = '/';
	name[sizeof(name) - 1] = 0;
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_open(&notify), -ENAMETOOLONG);
	assert_int_equal(notify.fd, -1);
}

static void expect_watchdog(const char *usec, const char *pid, int error, uint64_t wanted)
{
	uint64_t ns = 1;

	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (usec)
		setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog(&ns), error);
	assert_int_equal(ns, wanted);
}

static void test_watchdog(void **state)
{
	char me[16], other[16];

	(void)state;
	snprintf(me, sizeof(me), "%d", (int)getpid());
	snprintf(other, sizeof(other), "%d", (int)getppid());
	expect_watchdog(NULL, NULL, 0, 0);
	expect_watchdog("30000000", NULL, 0, 30000000000);
	expect_watchdog("30000000", me, 0, 30000000000);
	expect_watchdog("30000000", other, 0, 0);
	expect_watchdog("0", NULL, -EINVAL, 0);
	expect_watchdog("", NULL, -EINVAL, 0);
	expect_watchdog("-1", NULL, -EINVAL, 0);
	expect_watchdog("30s", NULL, -EINVAL, 0);
	expect_watchdog("18446744073709551615", NULL, -EINVAL, 0);
	expect_watchdog("18446744073709551616", NULL, -EINVAL, 0);
	expect_watchdog("30000000", "me", -EINVAL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),	 cmocka_unit_test(test_abstract),
		cmocka_unit_test(test_nobody),	 cmocka_unit_test(test_bad_name),
		cmocka_unit_test(test_watchdog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
