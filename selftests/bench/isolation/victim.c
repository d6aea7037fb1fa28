// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "victim.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define OLD_FLOWS 4096
#define NEW_FLOWS (1U << 16) /* over all the time; 1,200 at a time */
#define UDP_FLOWS 2048
#define TEXT	  8192

#define CAPACITY                                                                      \
	"  capacity: {tenants: 8, vips: 64, services: 16, members: 256, slots: 256k," \
	" flows: 256k, natSources: 0}\n"                                              \
	"vips: [{name: v1, address: 192.0.2.1}, {name: v2, address: 192.0.2.2},"      \
	" {name: v3, address: 192.0.2.3}]\n"

void victim_set(void)
{
	struct traffic_stream old = {.cpu = VICTIM_CPU,
				     .destination = NODE_VIP(VICTIM_POOL),
				     .port = NODE_TCP,
				     .protocol = IPPROTO_TCP,
				     .window = OLD_FLOWS};
	struct traffic_stream new = old, udp = old;

	new.window = 1200;
	new.rounds = 32;
	new.first = OLD_FLOWS;
	new.flows = NEW_FLOWS;
	udp.port = NODE_UDP;
	udp.protocol = IPPROTO_UDP;
	udp.window = UDP_FLOWS;
	udp.first = OLD_FLOWS + NEW_FLOWS;
	traffic_set(VICTIM_OLD, &old, 40000);
	traffic_set(VICTIM_NEW, &new, 30000);
	traffic_set(VICTIM_UDP, &udp, 20000);
}

void victim_on(void)
{
	for (uint32_t i = VICTIM_OLD; i <= VICTIM_UDP; i++)
		traffic_on(i);
}

void victim_off(void)
{
	for (uint32_t i = VICTIM_OLD; i <= VICTIM_UDP; i++)
		traffic_off(i);
}

struct traffic_result victim_result(void)
{
	struct traffic_result result = {};

	for (uint32_t i = VICTIM_OLD; i <= VICTIM_UDP; i++)
		traffic_add_result(i, &result);
	return result;
}

/* Nothing is lost any more: mtlbd forwards all that comes. */
int victim_wait(void)
{
	for (int i = 0; i < 100; i++) {
		struct traffic_result result;
		int error;

		traffic_reset();
		victim_set();
		victim_on();
		error = traffic_start();
		traffic_wait_ms(100);
		error = error ?: traffic_finish();
		if (error)
			return error;
		result = victim_result();
		if (result.offered && !result.lost)
			return 0;
	}
	fputs("isolation: mtlbd does not forward\n", stderr);
	return -ETIMEDOUT;
}

#define TENANT                  \
	"---\n"                 \
	"apiVersion: mtlb/v1\n" \
	"kind: TenantConfig\n"  \
	"metadata: {tenant: %s}\n"

static void print_tenant(char *to, const char *name, const struct node_pool *pools, uint32_t count)
{
	size_t at = strlen(to);

	snprintf(to + at, TEXT - at, TENANT "pools:\n", name);
	for (uint32_t i = 0; i < count; i++)
		node_print_pool(to, TEXT, &pools[i]);
	strcat(to, "services:\n");
	for (uint32_t i = 0; i < count; i++)
		node_print_services(to, TEXT, &pools[i]);
}

int victim_configure(const struct victim_config *config, bool start)
{
	static char platform[TEXT], tenants[TEXT];
	const struct node_pool pools[] = {
		{.number = ATTACKER_POOL, .track = config->attacker_track},
		{.number = VICTIM_POOL, .track = "changed", .variant = config->variant},
	};

	*tenants = 0;
	if (config->victim_l4) {
		snprintf(platform, TEXT,
			 CAPACITY "tiers:\n"
				  "  - {name: one, l4: {%s}}\n"
				  "  - {name: two, l4: {%s}}\n"
				  "tenants:\n"
				  "  - {name: attacker, tier: one, vips: [v1]}\n"
				  "  - {name: victim, tier: two, vips: [v2]}\n",
			 config->attacker_l4, config->victim_l4);
		print_tenant(tenants, "attacker", &pools[0], 1);
		print_tenant(tenants, "victim", &pools[1], 1);
	} else {
		snprintf(platform, TEXT,
			 CAPACITY "tiers: [{name: one, l4: {%s}}]\n"
				  "tenants: [{name: both, tier: one, vips: [v1, v2]}]\n",
			 config->attacker_l4);
		print_tenant(tenants, "both", pools, 2);
	}
	return start ? node_start(platform, tenants) : node_apply(platform, tenants);
}
