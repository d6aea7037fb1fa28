/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The program under test: the real one, loaded by the real dataplane into a bpffs directory of its
 * own, with two tenants, and a service for each way a packet can take. Owns no expectation but the
 * last ones of every test: that one counter grew as told and no other did, and that a trace of the
 * packet had told so.
 *
 * To keep the tables of the tests short, service N has one member, number N, and a table of one
 * slot at line N; its old owners, when a test needs some, lie at line RIG_OLD + N.
 */
#ifndef MTLB_SELFTESTS_RIG_H
#define MTLB_SELFTESTS_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "packet.h"
#include "../../userspace/dataplane/dataplane.h"

struct poison;
struct CMUnitTest;

enum rig_tenant {
	NODE,
	ACME,
	GLOBEX,
	RIG_TENANTS
};

enum rig_service {
	NOBODY,
#define SERVICE(name, ...) name,
#include "rig_services.def"
#undef SERVICE
	RIG_SERVICES,
	RIG_OTHER = 96, /* members and services from here on are the tests' own */
	RIG_MEMBERS = 128,
};

#define RIG_IFINDEX	  1  /* what the kernel's test run says a packet came in by: lo */
#define RIG_AWAY	  77 /* another interface, which packets may leave by */
#define RIG_GONE	  78 /* an interface that packets may not leave by */
#define RIG_FAR		  79 /* and one more, the other end of RIG_AWAY */
#define RIG_OLD		  RIG_MEMBERS
#define RIG_SLOTS	  8192
#define RIG_FREE_SLOT	  4096 /* slots from here on are the tests' own */
#define RIG_VIPS	  512
#define RIG_BUCKETS	  64 /* of flows; each tenant has RIG_RANGE */
#define RIG_RANGE	  16
#define RIG_FLOWS(tenant) (1 + ((tenant)-1) * RIG_RANGE)

struct rig {
	struct dataplane *dataplane;
	const struct dataplane_view *view;
	struct poison *poison;
	char directory[64];
	bool without_nat;      /* set before it is opened: its maps are small then */
	uint32_t acl_prefixes; /* the same: room for more than some hundred */
};

/* Both fail the test that calls them when the kernel refuses. stamp_shift: 0 for the default. */
void rig_open(struct rig *rig, uint32_t stamp_shift);
/* The same world in the fake dataplane, for selftests/host. secret: 16 bytes, NULL for zeros. */
void rig_open_memory(struct rig *rig, const uint8_t *secret, uint32_t stamp_shift);
void rig_close(struct rig *rig);
/* Lets go of the maps and adopts them, as an agent that starts again. */
void rig_adopt(struct rig *rig);
/* Group fixtures of cmocka: *state becomes a rig. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* The verdict; out becomes the packet as it left. metadata: so much less room in front. */
int rig_run(const struct rig *rig, const struct frame *in, struct frame *out, uint32_t metadata);
/* The same of a packet that came in by another interface than RIG_IFINDEX. */
int rig_run_by(const struct rig *rig, const struct frame *in, struct frame *out, uint32_t ifindex);
/* The same without poison, count times, and without the packet. */
int rig_repeat(const struct rig *rig, const struct frame *in, uint32_t count);

void rig_key(struct mtlb_vip_key *key, const char *address, uint8_t protocol, uint16_t port);
/* A record like those of the services, for a test to change and put. */
struct mtlb_vip rig_vip(const char *address, uint32_t service, uint8_t protocol, uint16_t port);
void rig_put_vip(const struct rig *rig, uint32_t index, const struct mtlb_vip *vip);
/* A member of service, with a MAC address and an outer destination that end in its number. */
struct mtlb_member rig_member(uint32_t member, uint32_t service, enum mtlb_encap encap,
			      uint32_t ifindex, uint16_t mtu, uint8_t flags);
void rig_put_member(const struct rig *rig, uint32_t member, uint32_t service, enum mtlb_encap encap,
		    uint32_t ifindex, uint16_t mtu, uint8_t flags);
void rig_put_record(const struct rig *rig, uint32_t member, const struct mtlb_member *record);
void rig_put_slots(const struct rig *rig, uint32_t line, const uint32_t *slots, uint32_t count);
/* What its outer header shows: of a later fragment, the hash of its datagram. */
uint64_t rig_hash(const struct rig *rig, const struct frame *frame);
/* The time in the flow table. */
uint32_t rig_now(const struct rig *rig);
void rig_clear_flows(const struct rig *rig);
/* Flows in a range of buckets. */
uint32_t rig_count_flows(const struct rig *rig, enum rig_tenant tenant);

const char *rig_reason_name(uint32_t reason);

/* Every counter there is, summed over the CPUs. */
struct ledger {
	struct mtlb_member_counter member[RIG_MEMBERS];
	struct mtlb_reason_counter reason[RIG_TENANTS][MTLB_REASON_COUNT];
	struct mtlb_tenant_counter tenant[RIG_TENANTS];
};

void ledger_take(const struct rig *rig, struct ledger *ledger);
/* Fails, naming the counter, unless both are the same. */
void ledger_assert_equal(const struct ledger *is, const struct ledger *expected, const char *what);

struct scenario {
	const char *name;
	const char *in;
	int verdict;
	const char *out; /* NULL: the same bytes */
	uint32_t member; /* it was sent to: its counter grows; NOBODY: a reason's does */
	uint32_t meant;	 /* for this member, which it did not reach: out may name it */
	bool new_flow;
	enum rig_tenant tenant; /* otherwise: this tenant's counter of this reason grows */
	enum mtlb_reason reason;
	uint32_t
		bytes; /* counted; 0: as long as the IP header says, or the frame when it is none */
	uint32_t metadata;
	/* what grows besides */
	uint32_t stored, evicted, unstored;
	uint32_t syns, accepted; /* of services of the node's own */
	/* of services that translate */
	uint32_t by;	/* the interface it came in by; 0: RIG_IFINDEX */
	uint32_t from;	/* `member` and `hop` in the packet that went in */
	uint32_t reply; /* it came from this member: its counters of replies grow */
};

void rig_check(const struct rig *rig, const struct scenario *scenario);
#define RIG_CHECK(rig, frame, ...) \
	rig_check(rig, &(struct scenario){.name = frame, .in = frame, __VA_ARGS__})
/* main() of a test that is a table of scenarios: each becomes a test with its name. */
int rig_main(const char *group, const struct scenario *scenarios, size_t count);
/* The same, with what else they need in the rig, and tests that are none: they get it as state. */
struct rig_group {
	const char *name;
	void (*prepare)(const struct rig *rig);
	const struct scenario *scenarios;
	size_t count;
	const struct CMUnitTest *tests;
	size_t test_count;
};

int rig_main_group(const struct rig_group *group);

/* Shorthands for the tables. `*` is the packet as it came. */
#define DIRECT		       "eth lb > hop / *"
#define IN_IP4		       "eth lb > hop / ip4 lb > member df / *"
#define IN_IP6		       "eth lb > hop / ip6 lb > member label flow / *"
#define IN_GUE4		       "eth lb > hop / ip4 lb > member df / gue csum 0 / *"
#define IN_GUE6		       "eth lb > hop / ip6 lb > member label flow / gue / *"
#define IN_GUE6_BARE	       "eth lb > hop / ip6 lb > member label flow / gue csum 0 / *"
#define SENT(to, frame)	       .verdict = XDP_TX, .member = to, .out = frame
#define REDIRECTED(to, frame)  .verdict = XDP_REDIRECT, .member = to, .out = frame
#define NEW_FLOW	       .new_flow = true
#define PASSED(why)	       .verdict = XDP_PASS, .reason = MTLB_REASON_##why
#define RETURNED(from_, frame) .verdict = XDP_TX, .from = from_, .reply = from_, .out = frame
#define TOLD(who, frame) \
	.verdict = XDP_TX, .tenant = who, .reason = MTLB_REASON_told_too_big, .out = frame
#define HANDED_OVER(who)  .verdict = XDP_PASS, .tenant = who, .reason = MTLB_REASON_local
#define DROPPED(who, why) .verdict = XDP_DROP, .tenant = who, .reason = MTLB_REASON_##why

#endif
