// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "experiments.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lines.h"
#include "victim.h"

#define RELOADS	 1000
#define KILLS	 10
#define UPGRADES 10
#define CRASHES	 50 /* in each round */

#define CRASH_ROUNDS	10
#define CRASH_WITHIN_NS 40000000 /* of the beginning of a change */

static int configure(uint32_t variant, bool start)
{
	const struct victim_config config = {
		.attacker_l4 = "packets: 100k/s, flows: 65536",
		.victim_l4 = "packets: 100k/s, flows: 131072",
		.attacker_track = "changed",
		.variant = variant,
	};

	return victim_configure(&config, start);
}

static int reload(uint32_t number)
{
	return configure(number, false);
}

static int kill_and_restart(uint32_t number)
{
	(void)number;
	return node_kill() ?: node_restart(NODE_THIS);
}

static int upgrade(uint32_t number)
{
	return node_kill() ?: node_restart(number % 2 ? NODE_NEXT : NODE_THIS);
}

/* Of a SplitMix64 (Steele, Lea and Flood, OOPSLA 2014); the same moments in each run. */
static uint64_t throw_dice(void)
{
	static uint64_t state = 1;
	uint64_t z = state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* Killed at any moment of a change of configuration, or just before or after it. */
static int crash(uint32_t number)
{
	pid_t child = fork();
	int error;

	if (child < 0)
		return -errno;
	if (child == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		configure(number, false); /* it may not get an answer */
		_exit(0);
	}
	nanosleep(&(struct timespec){.tv_nsec = (long)(throw_dice() % CRASH_WITHIN_NS)}, NULL);
	error = node_kill();
	waitpid(child, NULL, 0);
	return error ?: node_restart(NODE_THIS);
}

static const struct disturbance {
	const char *name, *what;
	int (*disturb)(uint32_t number);
	uint32_t times, rounds;
	bool asked_for; /* only when it is named */
} disturbances[] = {
	{"reload", "another configuration is applied", reload, RELOADS, 1, false},
	{"kill", "mtlbd is killed and started", kill_and_restart, KILLS, 1, false},
	{"upgrade", "mtlbd is killed, and another version started", upgrade, UPGRADES, 1, false},
	{"crash", "mtlbd is killed in the middle of a change, and started", crash, CRASHES,
	 CRASH_ROUNDS, true},
};

static bool is_chosen(const struct disturbance *disturbance)
{
	return lines_chosen(disturbance->name) &&
	       (!disturbance->asked_for || lines_asked_for(disturbance->name));
}

struct disturbed {
	struct traffic_result sum;
	uint64_t ns;
};

static int run_round(const struct disturbance *disturbance, uint32_t round, struct disturbed *ret)
{
	struct traffic_result result;
	char text[64];
	uint64_t began;
	int error, finished;

	traffic_reset();
	victim_set();
	victim_on();
	error = traffic_start();
	if (error)
		return error;
	traffic_wait_ms(VICTIM_QUIET_MS);
	began = traffic_now();
	for (uint32_t i = 1; !error && i <= disturbance->times; i++) {
		uint32_t number = round * disturbance->times + i;

		if (i % 10 == 1 || disturbance->times < 100) {
			snprintf(text, sizeof(text), "%s, %u of %u", disturbance->name, number,
				 disturbance->rounds * disturbance->times);
			lines_progress(text);
		}
		error = disturbance->disturb(number);
	}
	ret->ns += traffic_now() - began;
	traffic_wait_ms(VICTIM_LEARNT_MS);
	finished = traffic_finish();
	error = error ?: finished;
	if (error)
		return error;
	result = victim_result();
	ret->sum.offered += result.offered;
	ret->sum.flows += result.flows;
	ret->sum.lost += result.lost;
	ret->sum.flows_lost += result.flows_lost;
	ret->sum.flows_moved += result.flows_moved;
	return 0;
}

static int measure_disturbance(const struct disturbance *disturbance)
{
	struct disturbed all = {};
	int error = 0;

	for (uint32_t round = 0; !error && round < disturbance->rounds; round++)
		error = run_round(disturbance, round, &all);
	if (error)
		return error;
	lines_none(disturbance->name, "lost", all.sum.lost, "packets");
	lines_none(disturbance->name, "moved", all.sum.flows_moved, "flows");
	printf("#   %u times %s, in %.1f s; %.3f M packets of %llu flows, %llu lost in %llu "
	       "flows\n",
	       disturbance->rounds * disturbance->times, disturbance->what, (double)all.ns / 1e9,
	       (double)all.sum.offered / 1e6, (unsigned long long)all.sum.flows,
	       (unsigned long long)all.sum.lost, (unsigned long long)all.sum.flows_lost);
	return 0;
}

int experiments_agent(void)
{
	bool any = false;
	int error;

	for (size_t i = 0; i < sizeof(disturbances) / sizeof(disturbances[0]); i++)
		any |= is_chosen(&disturbances[i]);
	if (!any)
		return 0;
	error = configure(0, true);
	error = error ?: victim_wait();
	for (size_t i = 0; !error && i < sizeof(disturbances) / sizeof(disturbances[0]); i++)
		if (is_chosen(&disturbances[i]))
			error = measure_disturbance(&disturbances[i]);
	node_stop();
	return error;
}
