// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "experiments.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lines.h"
#include "victim.h"

#define RELOADS	 1000
#define KILLS	 10
#define UPGRADES 10

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

static const struct {
	const char *name, *what;
	int (*disturb)(uint32_t number);
	uint32_t times;
} disturbances[] = {
	{"reload", "another configuration is applied", reload, RELOADS},
	{"kill", "mtlbd is killed and started", kill_and_restart, KILLS},
	{"upgrade", "mtlbd is killed, and another version started", upgrade, UPGRADES},
};

static int measure_disturbance(size_t at)
{
	struct traffic_result result;
	char text[64];
	uint64_t began;
	int error, finished;

	if (!lines_chosen(disturbances[at].name))
		return 0;
	traffic_reset();
	victim_set();
	victim_on();
	error = traffic_start();
	if (error)
		return error;
	traffic_wait_ms(VICTIM_QUIET_MS);
	began = traffic_now();
	for (uint32_t i = 1; !error && i <= disturbances[at].times; i++) {
		if (i % 10 == 1 || disturbances[at].times < 100) {
			snprintf(text, sizeof(text), "%s, %u of %u", disturbances[at].name, i,
				 disturbances[at].times);
			lines_progress(text);
		}
		error = disturbances[at].disturb(i);
	}
	began = traffic_now() - began;
	traffic_wait_ms(VICTIM_LEARNT_MS);
	finished = traffic_finish();
	error = error ?: finished;
	if (error)
		return error;
	result = victim_result();
	lines_none(disturbances[at].name, "lost", result.lost, "packets");
	lines_none(disturbances[at].name, "moved", result.flows_moved, "flows");
	printf("#   %u times %s, in %.1f s; %.3f M packets of %llu flows, %llu lost in %llu "
	       "flows\n",
	       disturbances[at].times, disturbances[at].what, (double)began / 1e9,
	       (double)result.offered / 1e6, (unsigned long long)result.flows,
	       (unsigned long long)result.lost, (unsigned long long)result.flows_lost);
	return 0;
}

int experiments_agent(void)
{
	bool any = false;
	int error;

	for (size_t i = 0; i < sizeof(disturbances) / sizeof(disturbances[0]); i++)
		any |= lines_chosen(disturbances[i].name);
	if (!any)
		return 0;
	error = configure(0, true);
	error = error ?: victim_wait();
	for (size_t i = 0; !error && i < sizeof(disturbances) / sizeof(disturbances[0]); i++)
		error = measure_disturbance(i);
	node_stop();
	return error;
}
