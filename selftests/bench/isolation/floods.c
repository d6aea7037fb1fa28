// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "experiments.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lines.h"
#include "victim.h"

#define CHANGES	  6
#define CHANGE_MS 300

enum defence {
	ALL_OF_IT,
	NO_METERS,	/* each tenant has its range of flows, and no limit */
	ONE_METER,	/* one tenant, so one limit, for both: a guard that is global */
	ONE_FLOW_TABLE, /* one tenant, so one range of flows, and no limit */
};

struct flood {
	const char *name;
	uint8_t protocol, tcp_flags;
	enum defence defence;
	bool loses, moves; /* what is to be seen where a defence is off */
};

static const struct flood floods[] = {
	{"syn", IPPROTO_TCP, 0x02, .defence = ALL_OF_IT},
	{"syn_without_meters", IPPROTO_TCP, 0x02, .defence = NO_METERS},
	{"syn_undefended_meter", IPPROTO_TCP, 0x02, .defence = ONE_METER, .loses = true},
	{"syn_undefended_flows", IPPROTO_TCP, 0x02, .defence = ONE_FLOW_TABLE, .moves = true},
	{"ack", IPPROTO_TCP, 0x10, .defence = ALL_OF_IT},
	{"ack_without_meters", IPPROTO_TCP, 0x10, .defence = NO_METERS},
	{"ack_undefended_meter", IPPROTO_TCP, 0x10, .defence = ONE_METER, .loses = true},
	{"udp", IPPROTO_UDP, 0, .defence = ALL_OF_IT},
	{"udp_without_meters", IPPROTO_UDP, 0, .defence = NO_METERS},
	{"udp_undefended_meter", IPPROTO_UDP, 0, .defence = ONE_METER, .loses = true},
	{"udp_undefended_flows", IPPROTO_UDP, 0, .defence = ONE_FLOW_TABLE, .moves = true},
};

static int configure(enum defence defence, uint32_t variant, bool start)
{
	static const char *const attacker[] = {
		[ALL_OF_IT] = "packets: 100k/s, flows: 65536",
		[NO_METERS] = "flows: 65536",
		[ONE_METER] = "packets: 200k/s, flows: 131072",
		[ONE_FLOW_TABLE] = "flows: 131072",
	};
	static const char *const victim[] = {
		[ALL_OF_IT] = "packets: 100k/s, flows: 131072",
		[NO_METERS] = "flows: 131072",
		[ONE_FLOW_TABLE] = NULL,
	};
	const struct victim_config config = {
		.attacker_l4 = attacker[defence],
		.victim_l4 = victim[defence],
		/* as bad as it can be for whoever shares its range */
		.attacker_track = "always",
		.variant = variant,
	};

	return victim_configure(&config, start);
}

struct flood_seen {
	struct traffic_result victim;
	struct traffic_sample attacker;
	uint64_t flooded_ns;
	double p50_us[2], p99_us[2]; /* before the flood, during it */
};

static int run_flood(const struct flood *flood, struct flood_seen *seen)
{
	struct traffic_stream attacker = {.cpu = ATTACKER_CPU,
					  .destination = NODE_VIP(ATTACKER_POOL),
					  .port = flood->protocol == IPPROTO_UDP ? NODE_UDP
										 : NODE_TCP,
					  .protocol = flood->protocol,
					  .tcp_flags = flood->tcp_flags};
	int error, finished;

	traffic_reset();
	victim_set();
	traffic_set(ATTACKER, &attacker, 0);
	victim_on();
	error = traffic_start();
	if (error)
		return error;
	traffic_wait_ms(VICTIM_QUIET_MS);
	traffic_delays(VICTIM_OLD, VICTIM_UDP, &seen->p50_us[0], &seen->p99_us[0]);
	traffic_reset_delays();
	seen->flooded_ns = traffic_now();
	traffic_on(ATTACKER);
	for (uint32_t change = 1; !error && change <= CHANGES; change++) {
		traffic_wait_ms(CHANGE_MS);
		error = configure(flood->defence, change, false);
	}
	traffic_wait_ms(VICTIM_LEARNT_MS);
	traffic_delays(VICTIM_OLD, VICTIM_UDP, &seen->p50_us[1], &seen->p99_us[1]);
	traffic_off(ATTACKER);
	seen->flooded_ns = traffic_now() - seen->flooded_ns;
	victim_off();
	finished = traffic_finish();
	error = error ?: finished;
	seen->attacker = traffic_take(ATTACKER);
	seen->victim = victim_result();
	return error;
}

static void print_flood(const struct flood *flood, const struct flood_seen *seen)
{
	const struct traffic_result *victim = &seen->victim;

	if (flood->loses)
		lines_some(flood->name, "lost", victim->lost, "packets");
	else
		lines_none(flood->name, "lost", victim->lost, "packets");
	if (flood->moves)
		lines_some(flood->name, "moved", victim->flows_moved, "flows");
	else if (!flood->loses)
		lines_none(flood->name, "moved", victim->flows_moved, "flows");
	printf("#   attacker: offered %.2f Mpps, got %.3f; victim: %.3f M packets of %llu flows, "
	       "%llu lost in %llu flows, %llu flows moved; pool changed %d times\n"
	       "#   victim's delay: p50 %.1f us, %.1f without the flood; p99 %.1f us, %.1f "
	       "without\n",
	       (double)seen->attacker.offered * 1e3 / (double)seen->flooded_ns,
	       (double)seen->attacker.packets * 1e3 / (double)seen->flooded_ns,
	       (double)victim->offered / 1e6, (unsigned long long)victim->flows,
	       (unsigned long long)victim->lost, (unsigned long long)victim->flows_lost,
	       (unsigned long long)victim->flows_moved, CHANGES, seen->p50_us[1], seen->p50_us[0],
	       seen->p99_us[1], seen->p99_us[0]);
}

static int measure_flood(const struct flood *flood)
{
	struct flood_seen seen = {};
	int error;

	if (!lines_chosen(flood->name))
		return 0;
	lines_progress(flood->name);
	error = configure(flood->defence, 0, true);
	error = error ?: victim_wait();
	error = error ?: run_flood(flood, &seen);
	node_stop();
	if (!error)
		print_flood(flood, &seen);
	return error;
}

int experiments_floods(void)
{
	int error = 0;

	for (size_t i = 0; !error && i < sizeof(floods) / sizeof(floods[0]); i++)
		error = measure_flood(&floods[i]);
	return error;
}
