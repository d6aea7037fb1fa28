// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "experiments.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lines.h"
#include "victim.h"

#define METERED_MS 3000

struct metered {
	const char *name, *limit;
	double rate;  /* of the limit, in its units */
	double asked; /* by the attacker, packets a second */
	uint8_t tcp_flags;
	uint32_t least, most;
};

static const struct metered metered[] = {
	{"packets", "packets: 100k/s", 100000, 1000000, .tcp_flags = 0x10},
	/* 722 bytes of IP each, as the mean */
	{"bits", "bits: 200M/s", 200e6, 2e9 / 8 / 722, .tcp_flags = 0x10, .least = TRAFFIC_FRAME,
	 .most = TRAFFIC_FRAME_MOST},
	{"new_flows", "newFlows: 10k/s", 10000, 100000, .tcp_flags = 0x02},
};

static double in_units(const struct metered *m, uint64_t packets, uint64_t bytes)
{
	return m->most ? (double)bytes * 8 : (double)packets;
}

static int run_metered(const struct metered *m)
{
	struct traffic_stream attacker = {.cpu = ATTACKER_CPU,
					  .destination = NODE_VIP(ATTACKER_POOL),
					  .port = NODE_TCP,
					  .protocol = IPPROTO_TCP,
					  .tcp_flags = m->tcp_flags,
					  .least = m->least,
					  .most = m->most};
	struct traffic_stream victim = attacker;
	struct traffic_sample from, to, end;
	double seconds, got, asked;
	char name[32];
	int error;

	traffic_reset();
	victim.cpu = VICTIM_CPU;
	victim.destination = NODE_VIP(VICTIM_POOL);
	traffic_set(ATTACKER, &attacker, m->asked);
	traffic_set(VICTIM_OLD, &victim, m->asked * 0.09);
	traffic_on(ATTACKER);
	traffic_on(VICTIM_OLD);
	error = traffic_start();
	if (error)
		return error;
	traffic_wait_ms(VICTIM_QUIET_MS); /* its burst is then used up */
	from = traffic_take_refused(ATTACKER);
	traffic_wait_ms(METERED_MS);
	to = traffic_take_refused(ATTACKER);
	error = traffic_finish();
	seconds = (double)(to.last - from.last) / 1e9;
	got = in_units(m, to.packets - from.packets, to.bytes - from.bytes) / seconds;
	asked = in_units(m, to.offered - from.offered, to.offered_bytes - from.offered_bytes) /
		seconds;
	end = traffic_take(VICTIM_OLD);
	snprintf(name, sizeof(name), "metered_%s", m->name);
	lines_print(name, 100 * got / m->rate, "% of its rate", "99..101",
		    got > 0.99 * m->rate && got < 1.01 * m->rate);
	lines_none(name, "lost", end.offered - end.packets, "packets");
	printf("#   %s for each; attacker: offered %.4g a second, got %.6g; victim: offered %.4g "
	       "in all\n",
	       m->limit, asked, got, in_units(m, end.offered, end.offered_bytes));
	return error;
}

static int configure(const char *limit, bool start)
{
	const struct victim_config config = {
		.attacker_l4 = limit, .victim_l4 = limit, .attacker_track = "changed"};

	return victim_configure(&config, start);
}

int experiments_metered(void)
{
	int error;

	if (!lines_chosen("metered"))
		return 0;
	lines_progress("metered");
	error = configure("flows: 65536", true);
	error = error ?: victim_wait();
	for (size_t i = 0; !error && i < sizeof(metered) / sizeof(metered[0]); i++) {
		lines_progress(metered[i].name);
		error = configure(metered[i].limit, false);
		error = error ?: run_metered(&metered[i]);
	}
	node_stop();
	return error;
}
