// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/agent/check/prober: the process that makes the probes dies, hangs, pauses, or cannot be
 * started; and what the kernel says of its rights.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>

#include "check_fixture.h"

static bool is_lost(void)
{
	return losses.count > 0;
}

/* What it did not live to do, the next one does, and nobody is taken for down meanwhile. */
static void test_prober_dies(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 128);
	struct prober_status status;
	pid_t first;

	(void)state;
	want("127.0.0.1", port_of(fd));
	apply();
	run_until(is_up);
	first = prober();
	losses.count = 0;
	assert_int_equal(kill(first, SIGKILL), 0);
	run_until(is_lost);
	assert_string_equal(losses.why, "was ended by signal 9 (Killed)");
	probes_before = get()->probes;
	run_until(three_more);
	checks_prober(checks, &status);
	assert_int_not_equal(status.pid, first);
	assert_int_equal(status.starts, 2);
	assert_string_equal(status.reason, losses.why);
	assert_int_equal(get()->state, HEALTH_UP);
	assert_int_equal(seen.downs, 0);
	close(fd);
	run_until(is_down);
}

static void test_prober_hangs(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 128);

	(void)state;
	want("127.0.0.1", port_of(fd));
	apply();
	run_until(is_up);
	losses.count = 0;
	assert_int_equal(kill(prober(), SIGSTOP), 0);
	run_until(is_lost);
	assert_string_equal(losses.why, "gave no sign of life and was ended");
	probes_before = get()->probes;
	run_until(three_more);
	assert_int_equal(seen.downs, 0);
	close(fd);
}

/* A short stop is neither the backend's fault nor worth a new prober. */
static void test_prober_pauses(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 4096);

	(void)state;
	want("127.0.0.1", port_of(fd));
	wanted.services[0].health.fall = 1;
	wanted.services[0].health.timeout_ms = 50;
	apply();
	run_until(is_up);
	losses.count = 0;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(kill(prober(), SIGSTOP), 0);
		filled = true;
		release_timer.fire = release;
		assert_int_equal(loop_timer_set(loop, &release_timer, 300 * MS), 0);
		run_until(is_released);
		assert_int_equal(kill(prober(), SIGCONT), 0);
		probes_before = get()->probes;
		run_until(three_more);
	}
	assert_int_equal(seen.downs, 0);
	assert_int_equal(losses.count, 0);
	close(fd);
}

static void test_no_prober(void **state)
{
	struct prober_options options = {.path = "/nonexistent/mtlb-prober"};
	struct checks_events events = {.changed = changed, .lost = lost, .context = &seen};
	struct prober_status status;

	(void)state;
	checks_free(checks);
	assert_int_equal(checks_new(loop, &options, &events, &checks), 0);
	losses.count = 0;
	want("127.0.0.1", 1);
	apply();
	run_until(is_lost);
	assert_string_equal(losses.why, "cannot be started: /nonexistent/mtlb-prober: No such file "
					"or directory");
	checks_prober(checks, &status);
	assert_int_equal(status.pid, 0);
	assert_int_equal(get()->state, HEALTH_UNKNOWN);
}

/* What the kernel says of it. */
static void test_rights(void **state)
{
	int fd = listen_on("127.0.0.1", 0, 128), uid = 0, privileges = 0, seccomp = 0;
	unsigned long long effective = 1, bounding = 1;
	char path[64], line[256];
	FILE *file;

	(void)state;
	want("127.0.0.1", port_of(fd));
	apply();
	run_until(is_up);
	snprintf(path, sizeof(path), "/proc/%d/status", prober());
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "Uid: %d", &uid);
		sscanf(line, "CapEff: %llx", &effective);
		sscanf(line, "CapBnd: %llx", &bounding);
		sscanf(line, "NoNewPrivs: %d", &privileges);
		sscanf(line, "Seccomp: %d", &seccomp);
	}
	fclose(file);
	assert_int_not_equal(uid, 0);
	assert_int_equal(effective, 0);
	assert_int_equal(privileges, 1);
	assert_int_equal(seccomp, 2);
	if (geteuid() == 0)
		assert_int_equal(bounding, 0);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_prober_dies), TEST(test_prober_hangs), TEST(test_prober_pauses),
		TEST(test_no_prober),	TEST(test_rights),
	};

	leave_the_host();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
