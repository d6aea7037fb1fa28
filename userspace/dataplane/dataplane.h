/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one door to the kernel's maps and programs. Reading goes through a view of plain arrays (the
 * maps are mapped into memory); writing goes through verbs, each of which is atomic for traffic.
 * Two things are behind the door: the kernel (kernel.c) and a fake in memory that can be told to
 * fail at its nth verb (memory.c).
 *
 * Indices: 0 is never handed out, except tenant 0, the node itself. Errors: 0 or a negative errno.
 */
#ifndef MTLB_DATAPLANE_H
#define MTLB_DATAPLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../../bpf/abi/active.h"
#include "../../bpf/abi/client.h"
#include "../../bpf/abi/counter.h"
#include "../../bpf/abi/defence.h"
#include "../../bpf/abi/event.h"
#include "../../bpf/abi/flow.h"
#include "../../bpf/abi/fragment.h"
#include "../../bpf/abi/guard.h"
#include "../../bpf/abi/member.h"
#include "../../bpf/abi/meter.h"
#include "../../bpf/abi/names.h"
#include "../../bpf/abi/nat.h"
#include "../../bpf/abi/probe.h"
#include "../../bpf/abi/reason.h"
#include "../../bpf/abi/total.h"
#include "../../bpf/abi/vip.h"

/* Lengths of the maps: one more than can be used, since number 0 is nobody's (tenant 0 the node's);
 * of slots one line more, of VIPs none.
 */
struct dataplane_capacity {
	uint32_t tenants, vips, services, members;
	uint32_t slots;
	uint32_t flow_buckets;
	uint32_t nat_sources;	/* pairs of source addresses, at most MTLB_NAT_SOURCES_MAX */
	uint32_t acl_prefixes;	/* of all tenants' access lists; rules as well */
	uint32_t feed_prefixes; /* of the operator's deny feeds */
};

struct dataplane_options {
	const char *directory; /* in a bpffs, e.g. "/sys/fs/bpf/mtlb" */
	struct dataplane_capacity capacity;
	const uint8_t *secret; /* 16 bytes; NULL: that of what is adopted, else a random one */
	uint32_t stamp_shift;  /* 0: MTLB_FLOW_STAMP_SHIFT_NS */
};

struct dataplane;

/* Lengths that follow from a capacity, so that whoever hands out the numbers needs no other. NAT
 * sources have keys and records as well, old and new ones at a time while they change. A record is
 * replaced by a fresh one, and the old one rests for a while: twice as many. Lines of port ranges:
 * at least one range in each, and fresh ones for those of one address.
 */
static inline uint32_t dataplane_keys(uint32_t vips, uint32_t nat_sources)
{
	return vips + 4 * nat_sources;
}

static inline uint32_t dataplane_records(uint32_t vips, uint32_t nat_sources)
{
	return 2 * dataplane_keys(vips, nat_sources);
}

static inline uint32_t dataplane_port_lines(uint32_t vips)
{
	return vips + 4 * MTLB_PORT_LINES_MAX + 1;
}

/* A feed is replaced whole: the old one and the new one are there at a time. Random prefixes need
 * a node for every three to six of them (model/trie.h), and a record for nearly each.
 */
static inline uint32_t dataplane_trie_nodes(uint32_t acl_prefixes, uint32_t feed_prefixes)
{
	return (acl_prefixes + 2 * feed_prefixes) / 2 + 1024;
}

static inline uint32_t dataplane_trie_records(uint32_t acl_prefixes, uint32_t feed_prefixes)
{
	return (acl_prefixes + 2 * feed_prefixes) / 4 * 5 + 1024;
}

/* Rules of a tenant whose list changes are there twice. */
static inline uint32_t dataplane_rules(uint32_t acl_prefixes)
{
	return MTLB_RULES_OF_NODE + acl_prefixes + acl_prefixes / 4 + 64;
}

/* What the maps hold now. Arrays are indexed as abi/ says; packets write flows, facts and counters
 * at any time, so read those with one load per word.
 */
struct dataplane_view {
	const struct mtlb_node *node;
	const struct mtlb_tenant *tenants;
	const struct mtlb_service *services;
	const struct mtlb_member *members;
	const struct mtlb_member_name *member_names;
	const struct mtlb_vip *vips;
	const struct mtlb_port_line *port_lines;
	const struct mtlb_slot_line *slots;
	const struct mtlb_flow_bucket *flows;
	const struct mtlb_flow_facts *facts;
	const struct mtlb_flow_log *flow_logs; /* one per CPU */
	const struct mtlb_nat_way *nat_ways;
	const struct mtlb_fragment_bucket *fragments;
	const struct mtlb_member_counter *member_counters;
	const struct mtlb_reason_counter *reason_counters;
	const struct mtlb_tenant_counter *tenant_counters;
	const struct mtlb_answer_budget *answer_budgets;
	const struct mtlb_meter *meters;
	const struct mtlb_meter_time *meter_times;
	const struct mtlb_client_line *clients;
	const struct mtlb_lease *leases;
	const struct mtlb_defence *defences;
	const struct mtlb_event_budget *event_budgets;
	const struct mtlb_guard *guards;
	const struct mtlb_trie_node *trie_nodes;
	const struct mtlb_trie_record *trie_records;
	const __u64 *guard_ports;
	const struct mtlb_rule *rules;
	const struct mtlb_rule_counter *rule_counters;
	const struct mtlb_share *share;
	const struct mtlb_active *active;
	const struct mtlb_total *totals;
};

/* Loads the program and pins everything below directory; or, when a dataplane is pinned there,
 * adopts its maps and puts this version's program in the place of the one that runs. Refuses, and
 * changes nothing, when ABI, capacity or secret differ from what runs.
 */
int dataplane_open(const struct dataplane_options *options, struct dataplane **ret_dataplane,
		   struct err *err);
/* The fake: no kernel, no traffic. fail_at: the verb that fails with -EIO, counted from 1; 0: none.
 */
int dataplane_open_memory(const struct dataplane_options *options,
			  struct dataplane **ret_dataplane);
/* As it was when it was opened with these options: for a test that needs thousands, one after the
 * other. */
void dataplane_memory_clear(struct dataplane *dataplane, const struct dataplane_options *options);
void dataplane_memory_fail_at(struct dataplane *dataplane, unsigned long verb);
/* Has it sample a packet that was dropped. */
int dataplane_memory_sample(struct dataplane *dataplane, const struct mtlb_event *event);
/* Has it hold a fragment, and tells what is put back. */
int dataplane_memory_hold(struct dataplane *dataplane, const struct mtlb_held *held);
void dataplane_memory_on_put_back(struct dataplane *dataplane,
				  void (*put_back)(void *context, uint32_t ifindex,
						   const void *frame, uint32_t length),
				  void *context);
unsigned long dataplane_memory_verbs(const struct dataplane *dataplane);

/* Lets go of it; what is pinned goes on forwarding. */
void dataplane_close(struct dataplane *dataplane);
/* Detaches from all interfaces and unpins everything below directory. -ENOENT: nothing was there.
 */
int dataplane_remove(const char *directory, struct err *err);

bool dataplane_adopted(const struct dataplane *dataplane);
const struct dataplane_view *dataplane_view(const struct dataplane *dataplane);
int dataplane_program_fd(const struct dataplane *dataplane); /* -1 for the fake */

/* interfaces */

struct dataplane_link {
	char interface[16];
	uint32_t ifindex;
	bool native;
	char reason[160]; /* why generic, when it is; empty otherwise */
};

enum dataplane_mode {
	DATAPLANE_MODE_AUTO,
	DATAPLANE_MODE_NATIVE,
	DATAPLANE_MODE_GENERIC,
};

/* Attaches, or takes over the link that is pinned for this interface. */
int dataplane_attach(struct dataplane *dataplane, const char *interface, enum dataplane_mode mode,
		     struct dataplane_link *ret_link, struct err *err);
/* Detaches from every interface that is not in the list. */
int dataplane_detach_others(struct dataplane *dataplane, const struct dataplane_link *keep,
			    size_t count);

/* verbs: names */

int dataplane_put_tenant(struct dataplane *dataplane, uint32_t index,
			 const struct mtlb_tenant *tenant);
/* A rate that runs goes on from where it is, in packets and not in time; one that is new begins
 * with its burst. */
int dataplane_put_meter(struct dataplane *dataplane, uint32_t index,
			const struct mtlb_meter *meter);
/* What the node has for all, and what packets are charged: capacity and charge of share. The fair
 * rate begins at the capacity, and is kept when that changes, within its bounds. */
int dataplane_put_share(struct dataplane *dataplane, const struct mtlb_share *share);
int dataplane_put_defence(struct dataplane *dataplane, uint32_t tenant,
			  const struct mtlb_defence *defence);
int dataplane_put_service(struct dataplane *dataplane, uint32_t index,
			  const struct mtlb_service *service);
int dataplane_put_service_times(struct dataplane *dataplane, uint32_t index, uint64_t changed_at,
				uint64_t learn_until);

/* verbs: members */

/* Fills in the outer header of a member whose encap is set; pure. */
void dataplane_set_outer(struct mtlb_member *member, const struct mtlb_address *source,
			 const struct mtlb_address *destination);
/* A member that no packet can meet yet (or any longer: used 0). */
int dataplane_put_member(struct dataplane *dataplane, uint32_t index,
			 const struct mtlb_member *member, const struct mtlb_member_name *name);
/* The way to a member that packets meet: they see the old one, the new one, or none, never a
 * mixture.
 */
int dataplane_put_forwarding(struct dataplane *dataplane, uint32_t index,
			     const struct mtlb_member *member);
int dataplane_put_member_name(struct dataplane *dataplane, uint32_t index,
			      const struct mtlb_member_name *name);

/* verbs: tables and VIPs */

/* A range of slots that no record names yet. first is a multiple of MTLB_SLOTS_PER_LINE. */
int dataplane_put_slots(struct dataplane *dataplane, uint32_t first, const uint32_t *slots,
			uint32_t count);
/* One word of a table in use. */
int dataplane_put_slot(struct dataplane *dataplane, uint32_t at, uint32_t slot);
/* Writes the record at index, which no packet may meet, then switches its key to it. */
int dataplane_put_vip(struct dataplane *dataplane, uint32_t index, const struct mtlb_vip *vip);
/* A record that no key leads to: of a range of ports, before a line names it. */
int dataplane_put_record(struct dataplane *dataplane, uint32_t index, const struct mtlb_vip *vip);
int dataplane_delete_vip(struct dataplane *dataplane, const struct mtlb_vip_key *key);
/* The record a key leads to, 0 when there is none. */
uint32_t dataplane_find_vip(const struct dataplane *dataplane, const struct mtlb_vip_key *key);
/* Calls each for every key; 0 or a negative errno. */
int dataplane_each_vip(const struct dataplane *dataplane,
		       void (*each)(void *context, const struct mtlb_vip_key *key, uint32_t index),
		       void *context);

/* Lines of port ranges that no record leads to yet. 0 is never used. */
int dataplane_put_port_lines(struct dataplane *dataplane, uint32_t index,
			     const struct mtlb_port_line *line);

/* verbs: guards */

/* Blocks of nodes and records that no packet can reach. */
int dataplane_put_trie(struct dataplane *dataplane, uint32_t node_first,
		       const struct mtlb_trie_node *nodes, uint32_t node_count,
		       uint32_t record_first, const struct mtlb_trie_record *records,
		       uint32_t record_count);
/* Its counters begin at nothing when it comes into use. */
int dataplane_put_rule(struct dataplane *dataplane, uint32_t index, const struct mtlb_rule *rule);
/*
 * A packet meets the old roots or the new ones, and so may one after it returned, until the next
 * grace period. What guard says of changing and next is ignored: they are set first, to what it
 * will be made of, and cleared last. So whatever the moment at which an agent dies, its successor
 * finds all that packets may reach: the one block, or both of a guard that is changing, which it
 * puts anew.
 */
int dataplane_put_guard(struct dataplane *dataplane, uint32_t tenant,
			const struct mtlb_guard *guard);
/* The half that no guard names. */
int dataplane_put_guard_ports(struct dataplane *dataplane, uint32_t half,
			      const uint64_t words[MTLB_GUARD_PORT_WORDS]);

/* verbs: QUIC server IDs */

int dataplane_put_quic_id(struct dataplane *dataplane, const struct mtlb_quic_key *key,
			  uint32_t member);
int dataplane_delete_quic_id(struct dataplane *dataplane, const struct mtlb_quic_key *key);
/* Calls each for every server ID; it may delete the one it is called with. 0 or a negative errno.
 */
int dataplane_each_quic_id(const struct dataplane *dataplane,
			   void (*each)(void *context, const struct mtlb_quic_key *key,
					uint32_t member),
			   void *context);

/* verbs: interfaces that packets may leave by */

/* -EOPNOTSUPP: its driver sends nothing for XDP. Adding it twice is no error. */
int dataplane_put_interface(struct dataplane *dataplane, uint32_t ifindex);

/* health checks that take the way of packets */

/* Has what comes in by this interface sent to the member that its source port stands for, in the
 * table of abi/probe.h; in place of a program that was attached there before. It goes with the
 * interface.
 */
int dataplane_attach_probe(struct dataplane *dataplane, uint32_t ifindex);
/* That table, empty, to be mapped into memory; -1 for the fake. */
int dataplane_probes_fd(const struct dataplane *dataplane);
int dataplane_probe_program_fd(const struct dataplane *dataplane);

/* verbs: fragments that came before their first one */

/* A descriptor to poll for more of them; -1 for the fake. */
int dataplane_held_fd(const struct dataplane *dataplane);
/* Calls each for every one that is there; what it is given is gone when it returns. */
int dataplane_each_held(struct dataplane *dataplane,
			void (*each)(void *context, const struct mtlb_held *held), void *context);
/* Lets a packet in again, as if it came in by that interface now. */
int dataplane_put_back(struct dataplane *dataplane, uint32_t ifindex, const void *frame,
		       uint32_t length);
/* Forgets a datagram if it is still what was seen; false when a packet was faster. */
bool dataplane_free_fragment(struct dataplane *dataplane, uint32_t bucket, uint32_t place,
			     uint64_t seen);

/* verbs: samples of what is dropped */

/* A descriptor to poll for more of them; -1 for the fake. */
int dataplane_events_fd(const struct dataplane *dataplane);
/* Calls each for every one that is there; what it is given is gone when it returns. */
int dataplane_each_event(struct dataplane *dataplane,
			 void (*each)(void *context, const struct mtlb_event *event),
			 void *context);

/* verbs: flows */

/* What packets noted of a tenant's flows since this was called last. */
void dataplane_take_active(struct dataplane *dataplane, uint32_t tenant,
			   struct mtlb_active *ret_active);
int dataplane_clear_flows(struct dataplane *dataplane, uint32_t first, uint32_t count);
/* Frees one word if it is still what was seen; false when a packet was faster. */
bool dataplane_free_flow(struct dataplane *dataplane, uint32_t bucket, uint32_t place,
			 uint64_t seen);
/* Writes a flow into a free word of a bucket; false when there is none. facts: NULL when it is not
 * known whose it is.
 */
bool dataplane_move_flow(struct dataplane *dataplane, uint32_t bucket, uint64_t word, uint64_t hash,
			 const struct mtlb_flow_facts *facts);
/* Carries what the CPUs' logs tell of new flows over to the facts: a few milliseconds at most. */
void dataplane_read_flow_logs(struct dataplane *dataplane);

/* Returns when no packet holds any more what was replaced before the call: only then may a record,
 * a slot range, a member index or a flow range be given to somebody else.
 */
int dataplane_grace(struct dataplane *dataplane);

/* What chooses the slot of all flows of a client, with affinity: client; source as facts have it.
 */
uint32_t dataplane_client_slot_hash(const struct dataplane *dataplane,
				    const struct mtlb_address *source);

/* sums over the CPUs' rows */

void dataplane_sum_member(const struct dataplane *dataplane, uint32_t member,
			  struct mtlb_member_counter *ret_sum);
void dataplane_sum_reason(const struct dataplane *dataplane, uint32_t tenant,
			  enum mtlb_reason reason, struct mtlb_reason_counter *ret_sum);
void dataplane_sum_tenant(const struct dataplane *dataplane, uint32_t tenant,
			  struct mtlb_tenant_counter *ret_sum);
void dataplane_sum_rule(const struct dataplane *dataplane, uint32_t rule,
			struct mtlb_rule_counter *ret_sum);
/* Flows whose facts were overwritten in a log before they were read. */
uint64_t dataplane_sum_lost_facts(const struct dataplane *dataplane);
/* Samples that were due when the ring had no room for them, of all tenants. */
uint64_t dataplane_sum_crowded_events(const struct dataplane *dataplane);
/* Before an index is given to another tenant, or to another member of such a one: they begin at
 * nothing, as somebody else's. A member's must have been carried over before. */
int dataplane_reset_tenant_counters(struct dataplane *dataplane, uint32_t tenant);
int dataplane_reset_member_counters(struct dataplane *dataplane, uint32_t member, uint32_t tenant);
/* Carries the counters of a member that no packet can hold any more over to the total of its
 * tenant, if that row is still the tenant's. An agent that is killed meanwhile loses nothing and
 * counts nothing twice, if the next one calls dataplane_resume_folds() before anything else. */
int dataplane_fold_member(struct dataplane *dataplane, uint32_t member, uint32_t tenant);
int dataplane_resume_folds(struct dataplane *dataplane);

/* Drift: what somebody else wrote into maps that only verbs write. */

/* Names of kinds in the order of the arrays that are compared; the keys last. */
enum dataplane_what {
	DATAPLANE_TENANT,
	DATAPLANE_SERVICE,
	DATAPLANE_MEMBER,
	DATAPLANE_MEMBER_NAME,
	DATAPLANE_VIP,
	DATAPLANE_PORT_LINE,
	DATAPLANE_SLOTS,
	DATAPLANE_METER,
	DATAPLANE_DEFENCE,
	DATAPLANE_GUARD,
	DATAPLANE_TRIE_NODE,
	DATAPLANE_TRIE_RECORD,
	DATAPLANE_GUARD_PORTS,
	DATAPLANE_RULE,
	DATAPLANE_SHARE,
	DATAPLANE_VIP_KEY,
	DATAPLANE_QUIC_KEY,
};

struct dataplane_difference {
	const char *map;
	enum dataplane_what what;
	uint32_t index;		   /* of the element; of a key, what it ought to lead to */
	bool added;		   /* a key that no verb put there */
	struct mtlb_vip_key vip;   /* of DATAPLANE_VIP_KEY */
	struct mtlb_quic_key quic; /* of DATAPLANE_QUIC_KEY */
};

struct dataplane_cursor {
	size_t row, element;
};

/* From now on a copy of what verbs write is kept, beginning with what the maps hold. */
int dataplane_keep(struct dataplane *dataplane);
/* The copy: of the arrays that enum dataplane_what names, and node. */
const struct dataplane_view *dataplane_kept(const struct dataplane *dataplane);
size_t dataplane_kept_size(const struct dataplane *dataplane);
/* Compares about so many bytes from the cursor on and tells each that differs, which may be
 * restored at once. 0, 1 when it came to the end and will begin anew, or a negative errno. */
int dataplane_compare(struct dataplane *dataplane, struct dataplane_cursor *cursor, size_t bytes,
		      void (*each)(void *context, const struct dataplane_difference *difference),
		      void *context);
/* Writes what was kept: each word whole, the way to a member as dataplane_put_forwarding() does. */
int dataplane_restore(struct dataplane *dataplane, const struct dataplane_difference *difference);

#endif
