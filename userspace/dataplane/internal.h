/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What kernel.c, memory.c and verbs.c share: the mapped arrays and what differs behind the door. */
#ifndef MTLB_DATAPLANE_INTERNAL_H
#define MTLB_DATAPLANE_INTERNAL_H

#include "dataplane.h"

/* The maps that are plain arrays, in memory: ARRAY(field, map, type). */
#define DATAPLANE_ARRAYS(ARRAY)                                                  \
	ARRAY(node, mtlb_node, struct mtlb_node)                                 \
	ARRAY(tenants, mtlb_tenants, struct mtlb_tenant)                         \
	ARRAY(services, mtlb_services, struct mtlb_service)                      \
	ARRAY(members, mtlb_members, struct mtlb_member)                         \
	ARRAY(member_names, mtlb_member_names, struct mtlb_member_name)          \
	ARRAY(vips, mtlb_vip_records, struct mtlb_vip)                           \
	ARRAY(port_lines, mtlb_port_lines, struct mtlb_port_line)                \
	ARRAY(slots, mtlb_slots, struct mtlb_slot_line)                          \
	ARRAY(flows, mtlb_flows, struct mtlb_flow_bucket)                        \
	ARRAY(facts, mtlb_flow_facts, struct mtlb_flow_facts)                    \
	ARRAY(flow_logs, mtlb_flow_logs, struct mtlb_flow_log)                   \
	ARRAY(nat_ways, mtlb_nat_ways, struct mtlb_nat_way)                      \
	ARRAY(fragments, mtlb_fragments, struct mtlb_fragment_bucket)            \
	ARRAY(member_counters, mtlb_member_counters, struct mtlb_member_counter) \
	ARRAY(reason_counters, mtlb_reason_counters, struct mtlb_reason_counter) \
	ARRAY(tenant_counters, mtlb_tenant_counters, struct mtlb_tenant_counter) \
	ARRAY(answer_budgets, mtlb_answer_budgets, struct mtlb_answer_budget)    \
	ARRAY(meters, mtlb_meters, struct mtlb_meter)                            \
	ARRAY(meter_times, mtlb_meter_times, struct mtlb_meter_time)             \
	ARRAY(leases, mtlb_leases, struct mtlb_lease)                            \
	ARRAY(clients, mtlb_clients, struct mtlb_client_line)                    \
	ARRAY(defences, mtlb_defences, struct mtlb_defence)                      \
	ARRAY(event_budgets, mtlb_event_budgets, struct mtlb_event_budget)       \
	ARRAY(guards, mtlb_guards, struct mtlb_guard)                            \
	ARRAY(trie_nodes, mtlb_trie_nodes, struct mtlb_trie_node)                \
	ARRAY(trie_records, mtlb_trie_records, struct mtlb_trie_record)          \
	ARRAY(guard_ports, mtlb_guard_ports, __u64)                              \
	ARRAY(rules, mtlb_rules, struct mtlb_rule)                               \
	ARRAY(rule_counters, mtlb_rule_counters, struct mtlb_rule_counter)       \
	ARRAY(share, mtlb_share, struct mtlb_share)                              \
	ARRAY(active, mtlb_active, struct mtlb_active)                           \
	ARRAY(totals, mtlb_totals, struct mtlb_total)

struct dataplane_arrays {
#define ARRAY(field, map, type) type *field;
	DATAPLANE_ARRAYS(ARRAY)
#undef ARRAY
};

enum dataplane_array {
#define ARRAY(field, map, type) DATAPLANE_ARRAY_##field,
	DATAPLANE_ARRAYS(ARRAY)
#undef ARRAY
	DATAPLANE_ARRAY_COUNT,
};

struct dataplane_kept;

struct dataplane_ops {
	int (*put_vip_key)(struct dataplane *dataplane, const struct mtlb_vip_key *key,
			   uint32_t index);
	int (*delete_vip_key)(struct dataplane *dataplane, const struct mtlb_vip_key *key);
	uint32_t (*find_vip_key)(const struct dataplane *dataplane, const struct mtlb_vip_key *key);
	int (*each_vip_key)(const struct dataplane *dataplane,
			    void (*each)(void *, const struct mtlb_vip_key *, uint32_t),
			    void *context);
	int (*put_quic_id)(struct dataplane *dataplane, const struct mtlb_quic_key *key,
			   uint32_t member);
	int (*delete_quic_id)(struct dataplane *dataplane, const struct mtlb_quic_key *key);
	int (*each_quic_id)(const struct dataplane *dataplane,
			    void (*each)(void *, const struct mtlb_quic_key *, uint32_t),
			    void *context);
	int (*put_interface)(struct dataplane *dataplane, uint32_t ifindex);
	int (*attach_probe)(struct dataplane *dataplane, uint32_t ifindex);
	int (*events_fd)(const struct dataplane *dataplane);
	int (*each_event)(struct dataplane *dataplane,
			  void (*each)(void *, const struct mtlb_event *), void *context);
	int (*held_fd)(const struct dataplane *dataplane);
	int (*each_held)(struct dataplane *dataplane,
			 void (*each)(void *, const struct mtlb_held *), void *context);
	int (*put_back)(struct dataplane *dataplane, uint32_t ifindex, const void *frame,
			uint32_t length);
	int (*grace)(struct dataplane *dataplane);
	int (*attach)(struct dataplane *dataplane, const char *interface, enum dataplane_mode mode,
		      struct dataplane_link *ret_link, struct err *err);
	int (*detach_others)(struct dataplane *dataplane, const struct dataplane_link *keep,
			     size_t count);
	void (*close)(struct dataplane *dataplane);
};

/* Embedded first in what kernel.c and memory.c allocate. */
struct dataplane {
	const struct dataplane_ops *ops;
	struct dataplane_arrays arrays;
	struct dataplane_view view;
	struct dataplane_kept *kept; /* see kept.c; NULL: not asked for */
	bool adopted;
	bool closing; /* a member was closed since the last grace period */
	int program_fd, probe_program_fd, probes_fd;
	unsigned long verbs, fail_at;
};

/* How many elements each array has for this capacity and number of CPUs. */
size_t dataplane_array_length(enum dataplane_array array, const struct dataplane_capacity *capacity,
			      uint32_t cpus);
size_t dataplane_array_size(enum dataplane_array array);
const char *dataplane_array_map(enum dataplane_array array);
void **dataplane_array_slot(struct dataplane_arrays *arrays, enum dataplane_array array);
/* How many elements an array of the fake has. */
size_t dataplane_memory_length(const struct dataplane *dataplane, enum dataplane_array array);
/* Of the fake: where it keeps this interface; NULL when packets may not leave by it. */
const uint32_t *dataplane_memory_interface(const struct dataplane *dataplane, uint32_t ifindex);

void dataplane_fill_node(struct mtlb_node *node, const struct dataplane_options *options,
			 uint32_t cpus);
void dataplane_make_view(struct dataplane *dataplane);

#endif
