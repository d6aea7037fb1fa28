// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "experiments.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lines.h"
#include "victim.h"

#define TEXT	    8192
#define CAPACITY    100000 /* packets a second */
#define GREEDY	    300000 /* what a tenant asks for that wants all of it */
#define SETTLE_MS   300
#define MEASURE_MS  3000
#define WINDOW_MS   10
#define WINDOWS	    60
#define LENT_MS	    100 /* in which a share must be back */
#define GUARANTEED  30000
#define BELOW_IT    (GUARANTEED * 9 / 10)
#define PERCENT(is) (100 * (is))

static void set_stream(uint32_t number, uint32_t cpu, double rate)
{
	struct traffic_stream stream = {.cpu = cpu,
					.destination = NODE_VIP(1 + number),
					.port = NODE_TCP,
					.protocol = IPPROTO_TCP,
					.tcp_flags = 0x10};

	traffic_set(number, &stream, rate);
}

/* tiers: of three tenants, 1, 2 and 3, named t1 to t3. shared: the node has a capacity. */
static int configure(const char *tiers, bool shared, bool start)
{
	static char platform[TEXT], tenants[TEXT];
	char packets[32] = "";

	if (shared)
		snprintf(packets, sizeof(packets), ", packets: %d/s", CAPACITY);
	snprintf(platform, TEXT,
		 "  capacity: {tenants: 8, vips: 64, services: 16, members: 256, slots: 256k,"
		 " flows: 256k, natSources: 0%s}\n"
		 "vips: [{name: v1, address: 192.0.2.1}, {name: v2, address: 192.0.2.2},"
		 " {name: v3, address: 192.0.2.3}]\n"
		 "tiers: [%s]\n"
		 "tenants: [{name: t1, tier: t1, vips: [v1]}, {name: t2, tier: t2, vips: [v2]},"
		 " {name: t3, tier: t3, vips: [v3]}]\n",
		 packets, tiers);
	*tenants = 0;
	for (uint32_t i = 1; i <= NODE_TENANTS; i++) {
		struct node_pool pool = {.number = i, .track = "changed"};
		size_t at = strlen(tenants);

		snprintf(tenants + at, TEXT - at,
			 "---\napiVersion: mtlb/v1\nkind: TenantConfig\n"
			 "metadata: {tenant: t%u}\npools:\n",
			 i);
		node_print_pool(tenants, TEXT, &pool);
		strcat(tenants, "services:\n");
		node_print_services(tenants, TEXT, &pool);
	}
	return start ? node_start(platform, tenants) : node_apply(platform, tenants);
}

/* Packets a second that each got, of those that are on. */
static void rates(uint32_t ms, double ret_rates[NODE_TENANTS])
{
	uint64_t before[NODE_TENANTS], from = traffic_now(), time;

	for (uint32_t i = 0; i < NODE_TENANTS; i++)
		before[i] = traffic_take(i).packets;
	traffic_wait_ms(ms);
	time = traffic_now() - from;
	for (uint32_t i = 0; i < NODE_TENANTS; i++)
		ret_rates[i] = (double)(traffic_take(i).packets - before[i]) * 1e9 / (double)time;
}

static int weigh(double ret_rates[NODE_TENANTS])
{
	int error;

	traffic_reset();
	for (uint32_t i = 0; i < NODE_TENANTS; i++) {
		/* one CPU for all: when it stands still it does so for all of them */
		set_stream(i, ATTACKER_CPU, GREEDY);
		traffic_on(i);
	}
	error = traffic_start();
	if (error)
		return error;
	traffic_wait_ms(SETTLE_MS);
	rates(MEASURE_MS, ret_rates);
	return traffic_finish();
}

static int weights(void)
{
	static const char tiers[] =
		"{name: t1, weight: 1}, {name: t2, weight: 2}, {name: t3, weight: 7}";
	double got[NODE_TENANTS], off;
	int error = configure(tiers, true, false);

	lines_progress("weights");
	error = error ?: weigh(got);
	if (error)
		return error;
	lines_print("weights_2_of_1", got[1] / got[0], "times", "1.96..2.04",
		    got[1] > 1.96 * got[0] && got[1] < 2.04 * got[0]);
	lines_print("weights_7_of_1", got[2] / got[0], "times", "6.86..7.14",
		    got[2] > 6.86 * got[0] && got[2] < 7.14 * got[0]);
	printf("#   of %d a second: %.0f, %.0f and %.0f; each asked for %d\n", CAPACITY, got[0],
	       got[1], got[2], GREEDY);
	error = configure(tiers, false, false);
	error = error ?: weigh(got);
	off = got[2] / got[0];
	lines_print("weights_undefended", off, "times", "<6.86", !error && off < 6.86);
	return error;
}

/* Who was silent is back: how long until a window in which it has what is its own? */
static int lent(void)
{
	int error =
		configure("{name: t1, weight: 5}, {name: t2, weight: 5}, {name: t3}", true, false);
	double alone[NODE_TENANTS], got[NODE_TENANTS] = {};
	uint32_t windows = 0;

	if (error)
		return error;
	lines_progress("lent");
	traffic_reset();
	set_stream(0, ATTACKER_CPU, GREEDY);
	set_stream(1, VICTIM_CPU, GREEDY);
	traffic_on(0);
	error = traffic_start();
	if (error)
		return error;
	traffic_wait_ms(SETTLE_MS);
	rates(MEASURE_MS / 3, alone);
	traffic_on(1);
	do
		rates(WINDOW_MS, got);
	while (++windows < WINDOWS && (got[1] < 0.45 * CAPACITY || got[0] > 0.55 * CAPACITY));
	rates(MEASURE_MS / 3, got);
	error = traffic_finish();
	lines_print("lent", PERCENT(alone[0] / CAPACITY), "% of the capacity", "97..101",
		    alone[0] > 0.97 * CAPACITY && alone[0] < 1.01 * CAPACITY);
	lines_print("lent_back", windows * WINDOW_MS, "ms", "<=100",
		    windows * WINDOW_MS <= LENT_MS);
	printf("#   then %.0f and %.0f of %d a second\n", got[0], got[1], CAPACITY);
	return error;
}

static int below(bool shared, uint64_t *ret_lost)
{
	int error =
		configure(shared ? "{name: t1, l4: {packets: {guaranteed: 30k/s}}},"
				   "{name: t2, weight: 1000}, {name: t3, weight: 1000}"
				 : "{name: t1}, {name: t2, weight: 1000}, {name: t3, weight: 1000}",
			  true, false);
	struct traffic_sample end;

	if (error)
		return error;
	traffic_reset();
	set_stream(0, VICTIM_CPU, BELOW_IT);
	set_stream(1, ATTACKER_CPU, GREEDY);
	set_stream(2, ATTACKER_CPU, GREEDY);
	for (uint32_t i = 0; i < NODE_TENANTS; i++)
		traffic_on(i);
	error = traffic_start();
	if (error)
		return error;
	traffic_wait_ms(MEASURE_MS);
	error = traffic_finish();
	end = traffic_take(0);
	*ret_lost = end.offered - end.packets;
	return error;
}

static int guarantee(void)
{
	uint64_t lost = 0, undefended = 0;
	int error;

	lines_progress("guarantee");
	error = below(true, &lost);
	if (error)
		return error;
	lines_none("guarantee", "lost", lost, "packets");
	error = below(false, &undefended);
	lines_some("guarantee_undefended", "lost", undefended, "packets");
	return error;
}

int experiments_shares(void)
{
	int error;

	if (!lines_chosen("weights") && !lines_chosen("lent") && !lines_chosen("guarantee"))
		return 0;
	error = configure("{name: t1}, {name: t2}, {name: t3}", false, true);
	error = error ?: victim_wait();
	if (lines_chosen("weights"))
		error = error ?: weights();
	if (lines_chosen("lent"))
		error = error ?: lent();
	if (lines_chosen("guarantee"))
		error = error ?: guarantee();
	node_stop();
	return error;
}
