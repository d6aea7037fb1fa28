// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/proxy/turns.c: a queue gets its share of the time by its weight, whatever its turns
 * cost, and one that seldom wants something is not kept waiting. Time is the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "userspace/proxy/turns.h"

#define US     1000ULL
#define QUEUES 4
#define TURNS  64
#define TAKEN  100000

struct job {
	struct turn turn; /* first */
	uint32_t queue, weight, charged;
	uint64_t cost;
	bool again;
	void (*during)(struct job *job);
};

static struct loop *loop;
static struct turns turns;
static struct job *jobs[TURNS];
static unsigned job_count;
static uint64_t now, spent[QUEUES];
static uint32_t taken[TAKEN];
static unsigned taken_count, most;

static uint64_t own_clock(void)
{
	return now;
}

static uint32_t take(struct turn *turn)
{
	struct job *job = (struct job *)turn;

	assert_false(turn->queue);
	now += job->cost;
	spent[job->queue] += job->cost;
	assert_true(taken_count < TAKEN);
	taken[taken_count++] = job->queue;
	if (job->again)
		turns_wait(&turns, &job->turn, job->queue, job->weight);
	if (job->during)
		job->during(job);
	if (taken_count >= most)
		loop_stop(loop);
	return job->charged;
}

static int begin(void **state)
{
	(void)state;
	now = taken_count = 0;
	most = TAKEN;
	memset(spent, 0, sizeof(spent));
	if (loop_new(&loop) || turns_init(&turns, loop, QUEUES, take))
		return -1;
	turns.clock = own_clock;
	return 0;
}

static int end(void **state)
{
	(void)state;
	while (job_count) {
		struct job *job = jobs[--job_count];

		turns_leave(&turns, &job->turn);
		free(job);
	}
	turns_fini(&turns);
	loop_free(loop);
	return 0;
}

static struct job *make(uint32_t queue, uint32_t weight, uint64_t cost)
{
	struct job *job = calloc(1, sizeof(*job));

	assert_non_null(job);
	assert_true(job_count < TURNS);
	jobs[job_count++] = job;
	job->queue = job->charged = queue;
	job->weight = weight;
	job->cost = cost;
	return job;
}

static struct job *waits(uint32_t queue, uint32_t weight, uint64_t cost)
{
	struct job *job = make(queue, weight, cost);

	turns_wait(&turns, &job->turn, queue, weight);
	return job;
}

static void stop(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

/* Until nobody waits. */
static void run(void)
{
	struct loop_timer timer = {.fire = stop};

	assert_int_equal(loop_timer_set(loop, &timer, 20000 * US), 0);
	assert_int_equal(loop_run(loop), 0);
	loop_timer_cancel(loop, &timer);
}

static void run_turns(unsigned number)
{
	most = number;
	assert_int_equal(loop_run(loop), 0);
	assert_true(taken_count >= number);
}

static void test_in_order(void **state)
{
	struct job *job;

	(void)state;
	for (int i = 0; i < 5; i++)
		waits(1, 1, i);
	job = jobs[2];
	turns_leave(&turns, &job->turn);
	turns_wait(&turns, &job->turn, 1, 0);
	turns_wait(&turns, &job->turn, 2, 0); /* it waits already */
	run();
	assert_int_equal(taken_count, 5);
	assert_int_equal(spent[1], 10);
}

static void test_by_weight(void **state)
{
	const uint64_t cost = 15 * US;

	(void)state;
	for (int i = 0; i < 8; i++)
		waits(1, 1, cost)->again = true;
	for (int i = 0; i < 8; i++)
		waits(2, 3, cost)->again = true;
	waits(3, 6, cost)->again = true;
	run_turns(10000);
	assert_in_range(spent[1] / cost, 990, 1010);
	assert_in_range(spent[2] / cost, 2980, 3020);
	assert_in_range(spent[3] / cost, 5970, 6030);
}

static void test_by_cost(void **state)
{
	(void)state;
	waits(1, 2, 300 * US)->again = true;
	for (int i = 0; i < 30; i++)
		waits(2, 2, 7 * US)->again = true;
	run_turns(20000);
	assert_in_range(spent[1], spent[2] * 99 / 100, spent[2] * 101 / 100);
}

static struct job *late_comer;
static unsigned came_at;

static void lets_come(struct job *job)
{
	job->during = NULL;
	came_at = taken_count;
	turns_wait(&turns, &late_comer->turn, late_comer->queue, 0);
}

/* The next turn is its own, and it has not more of them than its share. */
static void test_seldom(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++)
		waits(1, 1000, 10 * US)->again = true;
	late_comer = make(2, 1, 4 * US);
	jobs[30]->during = lets_come;
	run_turns(60);
	assert_int_equal(taken[came_at], 2);
	assert_int_equal(spent[2], late_comer->cost);
}

/* It costs more than its share: after the first time it has to wait. */
static void test_often(void **state)
{
	(void)state;
	waits(1, 1, 10 * US)->again = true;
	waits(2, 1, 1000 * US)->again = true;
	run_turns(1000);
	assert_in_range(spent[2], spent[1] * 80 / 100, spent[1] * 120 / 100);
}

/* What a stranger's turn turned out to be is its tenant's to pay for. */
static void test_charged_to_another(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct job *job = waits(0, 1, 20 * US);

		job->again = true;
		job->charged = 1;
	}
	waits(1, 1, 20 * US)->again = true;
	waits(2, 1, 20 * US)->again = true;
	run_turns(9000);
	/* three queues, of which the first one never owes anything */
	assert_in_range(spent[2], spent[1] * 5, UINT64_MAX);
}

static unsigned looked;

static void look(struct loop_fd *fd, uint32_t events)
{
	(void)fd;
	(void)events;
	looked++;
}

/* Descriptors are looked at in between, however many wait. */
static void test_span(void **state)
{
	struct loop_fd fd = {.fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC), .ready = look};

	(void)state;
	looked = 0;
	assert_true(fd.fd >= 0);
	assert_int_equal(loop_fd_set(loop, &fd, EPOLLIN), 0);
	for (int i = 0; i < 60; i++)
		waits(1, 1, TURNS_SPAN_NS / 10);
	most = 60;
	assert_int_equal(loop_run(loop), 0);
	loop_fd_remove(loop, &fd);
	close(fd.fd);
	assert_int_equal(looked, 6);
}

static void takes_away(struct job *job)
{
	(void)job;
	for (unsigned i = 1; i < job_count; i++)
		turns_leave(&turns, &jobs[i]->turn);
}

static void test_goes_while_it_waits(void **state)
{
	(void)state;
	waits(1, 1, 1);
	for (int i = 0; i < 10; i++)
		waits(1 + i % 3, 1, 1);
	jobs[0]->during = takes_away;
	run();
	assert_int_equal(taken_count, 1);
	/* and those queues are as good as new */
	for (unsigned i = 1; i < job_count; i++)
		turns_wait(&turns, &jobs[i]->turn, jobs[i]->queue, 0);
	run();
	assert_int_equal(taken_count, 11);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_in_order), TEST(test_by_weight),
		TEST(test_by_cost),  TEST(test_seldom),
		TEST(test_often),    TEST(test_charged_to_another),
		TEST(test_span),     TEST(test_goes_while_it_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
