// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/agent/l7/estates.c: whose connections are kept, for whom and for how long. */
#include "../proxy/proxy_fixture.h"

#include <signal.h>

#include "userspace/agent/l7/estates.h"

#define KILLED SIGKILL /* as waitpid(2) has it */

static struct estates estates;

static int begin(void **state)
{
	if (proxy_begin(state))
		return -1;
	estates_init(&estates, loop);
	return 0;
}

static int end(void **state)
{
	estates_drop(&estates);
	return proxy_end(state);
}

static int some_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void by_how_it_ended(void **state)
{
	static const int kills[] = {SIGKILL, SIGTERM, SIGINT, SIGHUP},
			 faults[] = {SIGSEGV, SIGBUS, SIGABRT, SIGSYS, 0, 1 << 8};

	(void)state;
	for (size_t i = 0; i < sizeof(kills) / sizeof(kills[0]); i++) {
		int fd = some_socket();

		assert_true(estates_add(&estates, fd, kills[i]));
		assert_int_equal(estates_next(&estates)->socket, fd);
		estates_drop(&estates);
		assert_false(is_open(fd));
	}
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		int fd = some_socket();

		assert_false(estates_add(&estates, fd, faults[i]));
		assert_null(estates_next(&estates));
		assert_false(is_open(fd));
	}
}

static void until_another_has_them(void **state)
{
	int first = some_socket(), second = some_socket();
	struct estate *estate;
	uint32_t id;

	(void)state;
	estates_add(&estates, first, KILLED);
	estate = estates_next(&estates);
	estate->told = true;
	id = estate->id;
	assert_null(estates_next(&estates));
	/* it is killed before it has them */
	estates_untell(&estates);
	estates_add(&estates, second, KILLED);
	estates_next(&estates)->told = true;
	estates_next(&estates)->told = true;
	assert_null(estates_next(&estates));
	estates_settle(&estates, id + 7);
	assert_true(is_open(first) && is_open(second));
	estates_settle(&estates, id);
	assert_false(is_open(first));
	assert_true(is_open(second));
	estates_untell(&estates);
	assert_int_equal(estates_next(&estates)->socket, second);
}

static void so_many_and_no_more(void **state)
{
	int fds[ESTATES_MOST + 1];

	(void)state;
	for (int i = 0; i <= ESTATES_MOST; i++)
		assert_true(estates_add(&estates, fds[i] = some_socket(), KILLED));
	for (int i = 0; i <= ESTATES_MOST; i++)
		assert_int_equal(is_open(fds[i]), i < ESTATES_MOST);
}

static bool is_closed(void *context)
{
	return !is_open(*(const int *)context);
}

static bool is_old(void *context)
{
	return loop_now(loop) >= *(const uint64_t *)context;
}

/* Each by itself: that another one comes meanwhile does not make it younger. */
static void so_long_and_no_longer(void **state)
{
	uint64_t began = loop_now(loop), later = began + 1000 * MS;
	int first = some_socket(), second = some_socket();

	(void)state;
	estates_add(&estates, first, KILLED);
	run_until(is_old, &later);
	estates_add(&estates, second, KILLED);
	run_until(is_closed, &first);
	assert_in_range(loop_now(loop) - began, 5000 * MS, UINT64_MAX);
	assert_true(is_open(second));
	run_until(is_closed, &second);
	assert_in_range(loop_now(loop) - later, 5000 * MS, UINT64_MAX);
}

#define estates_case(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		estates_case(by_how_it_ended),
		estates_case(until_another_has_them),
		estates_case(so_many_and_no_more),
		estates_case(so_long_and_no_longer),
	};

	return cmocka_run_group_tests_name("estates", tests, NULL, NULL);
}
