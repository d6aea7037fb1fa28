/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is who in the maps: names to indices, and which ranges are taken. Everything in it is read
 * back from the maps at start, so a restarted agent knows what the one before it knew; afterwards
 * it is kept in step by whoever writes the maps (reconcile, publish, sweep).
 */
#ifndef MTLB_AGENT_REGISTRY_H
#define MTLB_AGENT_REGISTRY_H

#include <netinet/in.h>
#include <uthash.h>

#include "../base/ranges.h"
#include "../dataplane/dataplane.h"
#include "../model/state.h"

/* A range of ports has no key in the kernel: a line of its address's names the record. */
struct registry_vip {
	struct mtlb_vip_key key;
	uint16_t last; /* of a range of ports, host order; 0: one port, or an address */
	uint32_t record;
	struct registry_vip *next;
};

/* A QUIC server ID of a service, as it is in the kernel. */
struct registry_quic {
	struct mtlb_quic_key key;
	uint32_t member;
	bool wanted; /* while they are compared */
	UT_hash_handle by_key;
};

/* A line of a tenant's access list, as it is in the kernel. */
struct registry_rule {
	struct prefix prefix;
	uint32_t index;
	bool deny;
	bool otherwise; /* for what no prefix matches */
	bool in_force;	/* else: it was about to come or to go */
	bool wanted;	/* while they are compared */
};

struct registry_tenant {
	uint32_t index;
	char name[STATE_NAME_MAX];
	struct registry_vip *addresses;
	struct registry_service *services; /* linked by of_tenant */
	struct registry_rule *rules;	   /* sorted: see acl.c */
	size_t rule_count, rule_room;
	uint64_t unstored, unstored_at; /* the last growth of flows_unstored, for sweep */
	UT_hash_handle by_name;
};

/* The protocol is part of it: for the moment of a change there is an old and a new service. */
struct registry_service_key {
	uint32_t tenant;
	uint32_t protocol;
	char name[STATE_NAME_MAX];
};

struct registry_service {
	uint32_t index;
	struct registry_service_key key;
	uint32_t *members; /* indices */
	size_t member_count;
	struct registry_vip *vips;
	struct registry_quic *quic;
	uint32_t slot_first, slot_count, old_first, old_count, generation;
	bool dirty;	     /* its table may no longer be what its members call for */
	bool urgent;	     /* and the change cannot wait: a member failed, or was let go */
	uint32_t slow_steps; /* of all its members together, when sweep last looked */
	uint64_t settled_at; /* when all its members were last asked for, and known; 0: never */
	struct registry_service *of_tenant; /* the tenant's next one */
	UT_hash_handle by_key;
};

/* A member that its tenant no longer has. */
struct registry_retired {
	uint32_t member, tenant;
};

/* Who must read a tenant's row, which nobody has any more, before it loses its counters. */
struct registry_reader {
	void (*before_reset)(void *context, uint32_t tenant);
	void *context;
	struct registry_reader *next;
};

struct registry {
	struct dataplane *dataplane;
	struct registry_tenant *tenants; /* by name */
	struct registry_service *services;
	struct registry_tenant **tenant_at; /* by index */
	struct registry_service **service_at;
	struct ranges tenant_indices, service_indices, member_indices, records;
	struct ranges slot_lines, flow_buckets, port_lines;
	struct ranges rules, trie_nodes, trie_records;
	/* Of each pair of NAT sources, its buckets, counted from its first one. */
	struct ranges nat_buckets[MTLB_NAT_SOURCES_MAX];
	struct registry_vip *nat_sources; /* addresses that flows are translated to */
	bool strays; /* ranges may be taken that nobody uses any more: see registry_reclaim() */
	/* Their counters count for their tenants, until they are carried over to the totals. */
	struct registry_retired *retired;
	size_t retired_count, retired_room;
	struct registry_reader *readers;
};

/* Reads the maps. A killed agent may have left anything half done, so every service is dirty. */
int registry_open(struct registry *registry, struct dataplane *dataplane);
void registry_close(struct registry *registry);

struct registry_tenant *registry_tenant(const struct registry *registry, const char *name);
struct registry_service *registry_service(const struct registry *registry, uint32_t tenant,
					  const char *name, uint8_t protocol);
/* 0 when the service has no such member. */
uint32_t registry_member(const struct registry *registry, const struct registry_service *service,
			 const struct addr *address, uint16_t port);
struct registry_vip *registry_vip(struct registry_vip *list, const struct mtlb_vip_key *key,
				  uint16_t last);

struct registry_tenant *registry_add_tenant(struct registry *registry, uint32_t index,
					    const char *name);
void registry_remove_tenant(struct registry *registry, struct registry_tenant *tenant);
struct registry_service *registry_add_service(struct registry *registry, uint32_t index,
					      uint32_t tenant, const char *name, uint8_t protocol);
void registry_remove_service(struct registry *registry, struct registry_service *service);
int registry_add_member(struct registry_service *service, uint32_t index);
void registry_remove_member(struct registry_service *service, uint32_t index);
/* Do packets meet this record? In the middle of a change, or after one that was cut short, the key
 * may lead to that of another service.
 */
bool registry_met(const struct registry *registry, const struct registry_vip *vip);
int registry_add_vip(struct registry_vip **list, const struct mtlb_vip_key *key, uint16_t last,
		     uint32_t record);
void registry_remove_vip(struct registry_vip **list, struct registry_vip *vip);
int registry_add_quic(struct registry_service *service, const struct mtlb_quic_key *key,
		      uint32_t member);
void registry_remove_quic(struct registry_service *service, struct registry_quic *quic);

/* NAT: the pair of sources that a bucket of the flow table belongs to, and its allocator. */
static inline uint32_t registry_nat_pair(const struct mtlb_node *node, uint32_t bucket)
{
	return (bucket - node->nat_first) / MTLB_NAT_BUCKETS;
}

/* The ranges of ports of one address and protocol, the newest first: where an address or a range
 * moves between services, both have it for a moment, and the first one counts.
 */
#define REGISTRY_CHAIN_MAX (MTLB_PORT_LINES_MAX * MTLB_PORT_RANGES_PER_LINE)

struct registry_chain {
	uint32_t line[MTLB_PORT_LINES_MAX];
	size_t line_count;
	struct mtlb_port_range range[REGISTRY_CHAIN_MAX];
	size_t count;
};

/* IPPROTO_*, by enum mtlb_port_protocol. */
extern const uint8_t registry_port_protocols[MTLB_PORT_PROTOCOLS];

void registry_read_chain(const struct registry *registry, uint32_t first,
			 struct registry_chain *ret_chain);

/* How full the maps are. */
struct registry_fill {
	const char *name; /* as in node.capacity */
	uint64_t used, max;
};

#define REGISTRY_FILLS 6
void registry_fill(const struct registry *registry, struct registry_fill ret_fills[REGISTRY_FILLS]);

/* Marks a range of NAT buckets as taken, or lets it rest. */
void registry_mark_nat(struct registry *registry, uint32_t first, uint32_t count);
void registry_give_back_nat(struct registry *registry, uint32_t first, uint32_t count);

/* Notes that the counters of a member are to be carried over to its tenant's total (abi/total.h).
 */
int registry_retire(struct registry *registry, uint32_t member, uint32_t tenant);
/* Does so, after a grace period. */
int registry_fold_retired(struct registry *registry);
/* The same for those that an agent which was killed left behind. */
int registry_retire_strays(struct registry *registry);

/* What was forwarded for a tenant in all: by members it has, and by those it had. It only grows
 * while the row is the tenant's (the id of abi/total.h is the same). */
struct mtlb_amount registry_amount(const struct registry *registry, uint32_t tenant);
/* With what was handed to this node's own stack. */
struct mtlb_amount registry_accepted(const struct registry *registry, uint32_t tenant);

/* The reader is the caller's, and stays where it is. */
void registry_on_reset(struct registry *registry, struct registry_reader *reader);
void registry_off_reset(struct registry *registry, const struct registry_reader *reader);
void registry_before_reset(struct registry *registry, uint32_t tenant);

/* Waits for packets in flight, then frees what rests; no member is left in retired. */
int registry_settle(struct registry *registry);
bool registry_rests(const struct registry *registry);
/* Gives back the slots and flow buckets that no tenant and no service has, and clears those of NAT,
 * where a flow that is left behind would hold a port. Only when no service is dirty: until then the
 * record of a VIP may lead to them.
 */
int registry_reclaim(struct registry *registry);

/* The state that the maps hold, sorted; settings that maps do not keep are taken from like (the
 * running configuration), or from wanted where like has none. only: of these tenants alone; NULL:
 * of all.
 */
int registry_read_state(const struct registry *registry, const struct state *like,
			const struct state *wanted, const struct state *only,
			struct state *ret_state);

/* conversions between the kernel's layout and the model's */
/* A VIP's last port as records and struct registry_vip have it. */
uint16_t registry_last(const struct state_vip *vip);
struct mtlb_vip_key registry_key(const struct addr *address, uint16_t port, uint8_t protocol);
struct addr registry_addr(const struct mtlb_address *address);

#define REGISTRY_LINES(slots) (((slots) + MTLB_SLOTS_PER_LINE - 1) / MTLB_SLOTS_PER_LINE)

#endif
