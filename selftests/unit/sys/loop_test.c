// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/sys/loop.c: pipes and timers, and above all handlers that take away what the same round
 * still has to hand out. Each structure is on the heap, so that a sanitizer sees late touches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

#include "userspace/sys/loop.h"

#define MS 1000000ULL

static struct loop *loop;

static int begin(void **state)
{
	(void)state;
	return loop_new(&loop);
}

static int end(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

/* Descriptors: eventfds that are readable from the start. */

#define PEERS 8

static struct loop_fd *peers[PEERS];
static int calls;

static struct loop_fd *make_ready(void (*ready)(struct loop_fd *self, uint32_t events))
{
	struct loop_fd *fd = calloc(1, sizeof(*fd));

	assert_non_null(fd);
	fd->fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_true(fd->fd >= 0);
	fd->ready = ready;
	assert_int_equal(loop_fd_set(loop, fd, EPOLLIN), 0);
	return fd;
}

static void drop(struct loop_fd *fd)
{
	loop_fd_remove(loop, fd);
	close(fd->fd);
	free(fd);
}

static void stop_by_timer(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

/* Two rounds and a bit: whatever is wrongly handed out again would be by then. */
static void run_briefly(void)
{
	struct loop_timer timer = {.fire = stop_by_timer};

	assert_int_equal(loop_timer_set(loop, &timer, 20 * MS), 0);
	assert_int_equal(loop_run(loop), 0);
	loop_timer_cancel(loop, &timer);
}

static void drop_all(struct loop_fd *self, uint32_t events)
{
	(void)self;
	assert_true(events & EPOLLIN);
	calls++;
	for (int i = 0; i < PEERS; i++) {
		drop(peers[i]);
		peers[i] = NULL;
	}
}

static void test_first_drops_all(void **state)
{
	(void)state;
	calls = 0;
	for (int i = 0; i < PEERS; i++)
		peers[i] = make_ready(drop_all);
	run_briefly();
	assert_int_equal(calls, 1);
}

static void drop_self(struct loop_fd *self, uint32_t events)
{
	(void)events;
	calls++;
	drop(self);
}

static void test_each_drops_itself(void **state)
{
	(void)state;
	calls = 0;
	for (int i = 0; i < PEERS; i++)
		make_ready(drop_self);
	run_briefly();
	assert_int_equal(calls, PEERS);
}

/* The others are replaced by new ones, most likely at the same addresses with the same numbers. */
static void replace_others(struct loop_fd *self, uint32_t events)
{
	(void)events;
	calls++;
	for (int i = 0; i < PEERS; i++) {
		bool is_self = peers[i] == self;

		drop(peers[i]);
		peers[i] = is_self ? NULL : make_ready(drop_self);
	}
}

static void test_replaced_in_one_round(void **state)
{
	(void)state;
	calls = 0;
	for (int i = 0; i < PEERS; i++)
		peers[i] = make_ready(replace_others);
	run_briefly();
	assert_int_equal(calls, 1 + PEERS - 1);
}

static void mute_others(struct loop_fd *self, uint32_t events)
{
	(void)events;
	calls++;
	for (int i = 0; i < PEERS; i++)
		if (peers[i] != self)
			assert_int_equal(loop_fd_set(loop, peers[i], 0), 0);
	loop_fd_remove(loop, self);
}

static void test_muted_in_one_round(void **state)
{
	(void)state;
	calls = 0;
	for (int i = 0; i < PEERS; i++)
		peers[i] = make_ready(mute_others);
	run_briefly();
	assert_int_equal(calls, 1);
	for (int i = 0; i < PEERS; i++)
		drop(peers[i]);
}

static void stop_at_once(struct loop_fd *self, uint32_t events)
{
	(void)self;
	(void)events;
	calls++;
	loop_stop(loop);
}

static void test_stop_and_run_again(void **state)
{
	(void)state;
	calls = 0;
	for (int i = 0; i < PEERS; i++)
		peers[i] = make_ready(stop_at_once);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(calls, 1);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(calls, 2);
	for (int i = 0; i < PEERS; i++)
		drop(peers[i]);
	loop_stop(loop);
	assert_int_equal(loop_run(loop), 0);
}

static void test_bad_descriptor(void **state)
{
	struct loop_fd bad = {.fd = -1, .ready = stop_at_once};

	(void)state;
	assert_int_equal(loop_fd_set(loop, &bad, EPOLLIN), -EBADF);
	assert_false(bad.added);
	loop_fd_remove(loop, &bad);
}

/* Timers. */

#define TIMERS 1000

static struct loop_timer *timers[TIMERS];
static uint64_t last_due;
static int fired;

static void fire_in_order(struct loop_timer *timer)
{
	assert_int_equal(timer->place, 0);
	assert_true(timer->due >= last_due);
	assert_true(timer->due <= loop_now(loop));
	last_due = timer->due;
	fired++;
}

static void test_timers_in_order(void **state)
{
	int cancelled = 0;

	(void)state;
	fired = 0;
	last_due = 0;
	srandom(1);
	for (int i = 0; i < TIMERS; i++) {
		timers[i] = calloc(1, sizeof(*timers[i]));
		assert_non_null(timers[i]);
		timers[i]->fire = fire_in_order;
		assert_int_equal(loop_timer_set(loop, timers[i], (uint64_t)random() % (10 * MS)),
				 0);
	}
	for (int i = 0; i < TIMERS; i += 3)
		assert_int_equal(loop_timer_set(loop, timers[i], (uint64_t)random() % (10 * MS)),
				 0);
	for (int i = 0; i < TIMERS; i += 7, cancelled++) {
		loop_timer_cancel(loop, timers[i]);
		loop_timer_cancel(loop, timers[i]);
		free(timers[i]);
		timers[i] = NULL;
	}
	run_briefly();
	assert_int_equal(fired, TIMERS - cancelled);
	for (int i = 0; i < TIMERS; i++)
		free(timers[i]);
}

static void cancel_all(struct loop_timer *self)
{
	(void)self;
	fired++;
	for (int i = 0; i < PEERS; i++) {
		loop_timer_cancel(loop, timers[i]);
		free(timers[i]);
		timers[i] = NULL;
	}
}

static void test_timer_cancels_all(void **state)
{
	(void)state;
	fired = 0;
	for (int i = 0; i < PEERS; i++) {
		timers[i] = calloc(1, sizeof(*timers[i]));
		assert_non_null(timers[i]);
		timers[i]->fire = cancel_all;
		assert_int_equal(loop_timer_set(loop, timers[i], 0), 0);
	}
	run_briefly();
	assert_int_equal(fired, 1);
}

/* One that always wants to run again at once must not keep the descriptors waiting. */
static void again(struct loop_timer *timer)
{
	fired++;
	assert_int_equal(loop_timer_set(loop, timer, 0), 0);
}

static void test_busy_timer_starves_nobody(void **state)
{
	struct loop_timer timer = {.fire = again};

	(void)state;
	fired = calls = 0;
	assert_int_equal(loop_timer_set(loop, &timer, 0), 0);
	peers[0] = make_ready(stop_at_once);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(calls, 1);
	loop_timer_cancel(loop, &timer);
	drop(peers[0]);
	run_briefly();
}

/* Tasks. */

#define MANY 300 /* more than one epoll_wait() tells */

static struct loop_task *tasks[3];
static unsigned task_rounds, ready_calls, ready_at_first, late_timers;

static void is_ready(struct loop_fd *self, uint32_t events)
{
	(void)self;
	(void)events;
	ready_calls++;
}

static bool told_all;

static void asks_whether_all(struct loop_timer *timer)
{
	(void)timer;
	told_all = loop_told_all(loop);
	loop_stop(loop);
}

/* Of so many that are ready at once. */
static bool knows_all_of(int count)
{
	struct loop_timer timer = {.fire = asks_whether_all};
	struct loop_fd *many[200];

	assert_true(count <= 200);
	for (int i = 0; i < count; i++)
		many[i] = make_ready(is_ready);
	assert_int_equal(loop_timer_set(loop, &timer, 0), 0);
	assert_int_equal(loop_run(loop), 0);
	for (int i = 0; i < count; i++)
		drop(many[i]);
	return told_all;
}

static void test_told_all(void **state)
{
	(void)state;
	assert_true(knows_all_of(3));
	assert_false(knows_all_of(200));
	/* nobody is left of those that were closed */
	assert_true(knows_all_of(3));
}

static void counts_rounds(struct loop_task *task)
{
	if (!task_rounds++)
		ready_at_first = ready_calls;
	loop_task_set(loop, task);
	loop_task_set(loop, task);
	if (task_rounds == 3)
		loop_stop(loop);
}

static void is_late(struct loop_timer *timer)
{
	(void)timer;
	late_timers += task_rounds > 0;
}

/* After all that is ready, before timers, once in each round. */
static void test_tasks_in_order(void **state)
{
	struct loop_task task = {.run = counts_rounds};
	struct loop_timer timer = {.fire = is_late};
	static struct loop_fd *many[MANY];

	(void)state;
	task_rounds = ready_calls = late_timers = 0;
	for (int i = 0; i < MANY; i++)
		many[i] = make_ready(is_ready);
	loop_task_set(loop, &task);
	assert_int_equal(loop_timer_set(loop, &timer, 0), 0);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(task_rounds, 3);
	assert_true(ready_at_first >= MANY);
	assert_int_equal(late_timers, 1);
	loop_task_cancel(loop, &task);
	run_briefly();
	assert_int_equal(task_rounds, 3);
	for (int i = 0; i < MANY; i++)
		drop(many[i]);
}

static void drops_the_others(struct loop_task *task)
{
	task_rounds++;
	for (int i = 0; i < 3; i++) {
		if (tasks[i] == task)
			continue;
		loop_task_cancel(loop, tasks[i]);
		free(tasks[i]);
		tasks[i] = NULL;
	}
}

static void test_task_cancels_others(void **state)
{
	(void)state;
	task_rounds = 0;
	for (int i = 0; i < 3; i++) {
		tasks[i] = calloc(1, sizeof(struct loop_task));
		assert_non_null(tasks[i]);
		tasks[i]->run = drops_the_others;
		loop_task_set(loop, tasks[i]);
	}
	run_briefly();
	assert_int_equal(task_rounds, 1);
	for (int i = 0; i < 3; i++)
		free(tasks[i]);
}

static void stops(struct loop_task *task)
{
	(void)task;
	task_rounds++;
	loop_stop(loop);
}

/* What is left of a round that was stopped is done in the next run. */
static void test_stop_between_tasks(void **state)
{
	struct loop_task all[2] = {{.run = stops}, {.run = stops}};

	(void)state;
	task_rounds = 0;
	loop_task_set(loop, &all[0]);
	loop_task_set(loop, &all[1]);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(task_rounds, 1);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(task_rounds, 2);
	run_briefly();
	assert_int_equal(task_rounds, 2);
}

static void test_never_early(void **state)
{
	uint64_t before = loop_now(loop);

	(void)state;
	run_briefly();
	assert_true(loop_now(loop) - before >= 20 * MS);
}

static void test_far_away(void **state)
{
	struct loop_timer timer = {.fire = again};

	(void)state;
	fired = 0;
	assert_int_equal(loop_timer_set(loop, &timer, UINT64_MAX), 0);
	assert_int_equal(timer.due, UINT64_MAX);
	run_briefly();
	assert_int_equal(fired, 0);
	loop_timer_cancel(loop, &timer);
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

/* Waits on until the signal has come: 20 ms are not enough for that on a busy machine. */
static void stop_after_signals(struct loop_timer *timer)
{
	if (signals >= 3)
		loop_stop(loop);
	else
		assert_int_equal(loop_timer_set(loop, timer, 20 * MS), 0);
}

static void test_signals_do_not_end_it(void **state)
{
	struct sigaction action = {.sa_handler = count_signal}, old;
	const struct itimerval often = {.it_interval.tv_usec = 3000, .it_value.tv_usec = 3000};
	const struct itimerval never = {.it_interval.tv_usec = 0};
	struct loop_timer timer = {.fire = stop_after_signals};

	(void)state;
	signals = 0;
	assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	assert_int_equal(loop_timer_set(loop, &timer, 20 * MS), 0);
	assert_int_equal(loop_run(loop), 0);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	assert_true(signals >= 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_drops_all),
		TEST(test_each_drops_itself),
		TEST(test_replaced_in_one_round),
		TEST(test_muted_in_one_round),
		TEST(test_stop_and_run_again),
		TEST(test_bad_descriptor),
		TEST(test_timers_in_order),
		TEST(test_timer_cancels_all),
		TEST(test_busy_timer_starves_nobody),
		TEST(test_told_all),
		TEST(test_tasks_in_order),
		TEST(test_task_cancels_others),
		TEST(test_stop_between_tasks),
		TEST(test_never_early),
		TEST(test_far_away),
		TEST(test_signals_do_not_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
