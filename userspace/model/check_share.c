// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "check_share.h"

#include "schema.h"
#include "units.h"

struct state_node check_share_node(const struct tree_node *node)
{
	const struct tree_node *capacity = schema_find(node, SCHEMA_node_capacity);
	const struct tree_node *charges = schema_find(node, SCHEMA_node_charges);

	return (struct state_node){
		.packets = schema_number(capacity, SCHEMA_capacity_packets),
		.charge_new_flow = (uint32_t)schema_number(charges, SCHEMA_charges_newFlow),
		.charge_fragment = (uint32_t)schema_number(charges, SCHEMA_charges_fragment),
		.charge_icmp = (uint32_t)schema_number(charges, SCHEMA_charges_icmp),
	};
}

static void read_packets(struct check *check, const struct tree_node *packets,
			 struct state_limits *limits)
{
	const struct tree_node *guaranteed = schema_find(packets, SCHEMA_packets_guaranteed);
	char ceiling_text[UNITS_TEXT_MAX], guaranteed_text[UNITS_TEXT_MAX];

	limits->packets = schema_number(packets, SCHEMA_packets_ceiling);
	limits->guaranteed = schema_number(packets, SCHEMA_packets_guaranteed);
	if (!guaranteed)
		return;
	if (limits->packets && limits->packets < limits->guaranteed)
		errors_add(check->errors, tree_place(guaranteed),
			   "guaranteed %s is more than the ceiling, %s",
			   units_format_rate(limits->guaranteed, guaranteed_text),
			   units_format_rate(limits->packets, ceiling_text));
	if (check->capacity_known && !check->config->state.node.packets)
		errors_add(check->errors, tree_place(guaranteed),
			   "a guarantee needs to know what the node can do: set "
			   "node.capacity.packets");
}

struct state_limits check_share_limits(struct check *check, const struct tree_node *tier)
{
	const struct tree_node *l4 = schema_find(tier, SCHEMA_tier_l4);
	const struct tree_node *packets = schema_find(l4, SCHEMA_tier_l4_packets);
	struct state_limits limits = {
		.bits = schema_number(l4, SCHEMA_tier_l4_bits),
		.new_flows = schema_number(l4, SCHEMA_tier_l4_newFlows),
		.client_flows = schema_number(l4, SCHEMA_tier_l4_newFlowsPerClient),
	};

	if (packets && packets->type == TREE_MAP)
		read_packets(check, packets, &limits);
	else
		limits.packets = schema_number(l4, SCHEMA_tier_l4_packets);
	if (check->config->state.node.packets)
		limits.weight = (uint32_t)schema_number(tier, SCHEMA_tier_weight);
	if (limits.packets || limits.bits || limits.new_flows || limits.guaranteed)
		limits.burst_ms = (uint32_t)schema_number(l4, SCHEMA_tier_l4_burst);
	return limits;
}

void check_share_sum(struct check *check, const struct tree_node *platform)
{
	const struct state *state = &check->config->state;
	const struct tree_node *capacity =
		schema_find(schema_find(platform, SCHEMA_platform_node), SCHEMA_node_capacity);
	const struct tree_node *packets = schema_find(capacity, SCHEMA_capacity_packets);
	char sum_text[UNITS_TEXT_MAX], capacity_text[UNITS_TEXT_MAX];
	uint64_t sum = 0;

	for (size_t i = 0; i < state->tenant_count; i++)
		sum += state->tenants[i].limits.guaranteed;
	if (packets && sum > state->node.packets)
		errors_add(check->errors, tree_place(packets),
			   "the tenants are guaranteed %s together, and the node has %s: raise it, "
			   "or lower packets.guaranteed of some tier",
			   units_format_rate(sum, sum_text),
			   units_format_rate(state->node.packets, capacity_text));
}
