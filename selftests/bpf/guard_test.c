// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Guards: who is denied by whom, in which order, what no honest client sends, and that the list a
 * packet meets is the one that was written: against the plain meaning of thousands of prefixes, and
 * while it is replaced under traffic.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "../../userspace/model/trie.h"
#include "../host/dice.h"
#include "rig.h"

#define PREFIXES 5000
#define ROOM	 4096 /* nodes of a list; and twice as many records */
#define SOURCE4	 26   /* where a frame has its source address */
#define RULE(n)	 (MTLB_RULES_OF_NODE + (n))
#define FEED(n)	 (MTLB_RULE_FEEDS + (n))
#define DENY(n)	 ((n) | MTLB_ENTRY_DENY)

#define TO_ACME	  "eth / ip4 client > acme / tcp 1 > 600 "
#define TO_ACME6  "eth / ip6 client > acme / tcp 1 > 600 "
#define TO_GLOBEX "eth / ip4 client > globex / tcp 1 > 600 "
#define ABOUT	  "eth / ip4 host > acme / icmp 3 / ip4 acme > client / tcp 600 > 1"

static struct trie_prefix prefix(const char *address, uint8_t length, uint32_t entry)
{
	struct trie_prefix prefix = {.length = length, .entry = entry};

	if (strchr(address, ':')) {
		assert_int_equal(inet_pton(AF_INET6, address, &prefix.address), 1);
		return prefix;
	}
	prefix.length = (uint8_t)(length + 96);
	prefix.address.word[2] = htonl(0xffff);
	assert_int_equal(inet_pton(AF_INET, address, &prefix.address.word[3]), 1);
	return prefix;
}

/* Each tenant's list has places of its own, two of them, so that it can be replaced. */
static void put_list(const struct rig *rig, uint32_t tenant, const struct trie_prefix *prefixes,
		     size_t count, uint32_t otherwise, uint32_t flags)
{
	const uint32_t room = ROOM;
	const uint32_t defaults[MTLB_GUARD_FAMILIES] = {otherwise, otherwise};
	struct mtlb_guard guard = {.flags = flags};
	struct trie trie;
	uint32_t place = rig->view->guards[tenant].node_first == 1 + 2 * tenant * room
				 ? 1 + (2 * tenant + 1) * room
				 : 1 + 2 * tenant * room;

	assert_int_equal(trie_build(prefixes, count, defaults, &trie), 0);
	assert_true(trie.node_count <= room && trie.record_count <= 2 * room);
	trie_relocate(&trie, place, 2 * place);
	assert_int_equal(dataplane_put_trie(rig->dataplane, place, trie.nodes, trie.node_count,
					    2 * place, trie.records, trie.record_count),
			 0);
	guard.root[0] = trie.root[0];
	guard.root[1] = trie.root[1];
	guard.node_first = place;
	guard.node_count = trie.node_count;
	guard.record_first = 2 * place;
	guard.record_count = trie.record_count;
	assert_int_equal(dataplane_put_guard(rig->dataplane, tenant, &guard), 0);
	assert_int_equal(dataplane_grace(rig->dataplane), 0);
	trie_fini(&trie);
}

static void no_lists(const struct rig *rig)
{
	for (uint32_t tenant = 0; tenant < RIG_TENANTS; tenant++)
		put_list(rig, tenant, NULL, 0, 0, 0);
}

static uint64_t hits(const struct rig *rig, uint32_t rule)
{
	struct mtlb_rule_counter sum;

	dataplane_sum_rule(rig->dataplane, rule, &sum);
	return sum.packets;
}

static void a_tenants_list(void **state)
{
	const struct rig *rig = *state;
	const struct trie_prefix list[] = {prefix("198.51.100.0", 24, DENY(RULE(1))),
					   prefix("2001:db8:c::", 48, DENY(RULE(2)))};
	uint64_t before = hits(rig, RULE(1)), before6 = hits(rig, RULE(2));

	no_lists(rig);
	RIG_CHECK(rig, TO_ACME "ACK", SENT(GUARDED, DIRECT));
	put_list(rig, ACME, list, 2, 0, 0);
	RIG_CHECK(rig, TO_ACME "ACK", DROPPED(ACME, denied_acl));
	RIG_CHECK(rig, TO_ACME "SYN", DROPPED(ACME, denied_acl));
	RIG_CHECK(rig, TO_ACME6 "ACK", DROPPED(ACME, denied_acl));
	assert_int_equal(hits(rig, RULE(1)), before + 2);
	assert_int_equal(hits(rig, RULE(2)), before6 + 1);
	/* nobody else's, and only where the record says so */
	RIG_CHECK(rig, TO_GLOBEX "ACK", SENT(GUARDED_2, DIRECT));
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 80 ACK", SENT(DSR_TCP, DIRECT));
	RIG_CHECK(rig, "eth / ip4 client > host / tcp 1 > 600 ACK", PASSED(not_vip));
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 81 ACK", DROPPED(ACME, no_service));
}

static void the_longest_prefix_decides(void **state)
{
	const struct rig *rig = *state;
	const struct trie_prefix list[] = {prefix("198.51.0.0", 16, DENY(RULE(1))),
					   prefix("198.51.100.7", 32, RULE(3))};
	const struct trie_prefix other[] = {prefix("198.51.100.8", 32, RULE(3))};
	uint64_t before = hits(rig, RULE(3));

	no_lists(rig);
	put_list(rig, ACME, list, 2, 0, 0);
	RIG_CHECK(rig, TO_ACME "ACK", SENT(GUARDED, DIRECT));
	assert_int_equal(hits(rig, RULE(3)), before + 1);
	/* what no prefix matches */
	put_list(rig, ACME, other, 1, DENY(RULE(4)), 0);
	RIG_CHECK(rig, TO_ACME "ACK", DROPPED(ACME, denied_acl));
	RIG_CHECK(rig, TO_ACME6 "ACK", DROPPED(ACME, denied_acl));
}

static void the_node_is_first(void **state)
{
	const struct rig *rig = *state;
	const struct trie_prefix feed[] = {prefix("198.51.100.0", 24, DENY(FEED(0)))};
	const struct trie_prefix allows[] = {prefix("198.51.100.7", 32, RULE(3))};
	const struct mtlb_rule spoofed = {
		.used = 1, .action = MTLB_RULE_DENY, .reason = MTLB_REASON_spoofed};
	const struct mtlb_rule denied = {
		.used = 1, .action = MTLB_RULE_DENY, .reason = MTLB_REASON_denied_feed};

	no_lists(rig);
	put_list(rig, NODE, feed, 1, 0, 0);
	put_list(rig, ACME, allows, 1, 0, 0);
	assert_int_equal(dataplane_put_rule(rig->dataplane, FEED(0), &denied), 0);
	RIG_CHECK(rig, TO_ACME "ACK", DROPPED(ACME, denied_feed));
	RIG_CHECK(rig, TO_GLOBEX "ACK", DROPPED(GLOBEX, denied_feed));
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 80 ACK", DROPPED(ACME, denied_feed));
	RIG_CHECK(rig, "eth / ip4 client > host / tcp 1 > 600 ACK", PASSED(not_vip));
	assert_int_equal(hits(rig, FEED(0)), 3);
	assert_int_equal(dataplane_put_rule(rig->dataplane, FEED(0), &spoofed), 0);
	RIG_CHECK(rig, TO_ACME "ACK", DROPPED(ACME, spoofed));
}

/* What is denied is charged to no meter. */
static void denied_before_metered(void **state)
{
	const struct trie_prefix list[] = {prefix("198.51.100.7", 32, DENY(RULE(1)))};
	const struct mtlb_meter none = {};
	struct mtlb_meter meter = {};
	const struct rig *rig = *state;

	no_lists(rig);
	meter.rate[MTLB_METER_PACKETS] = (struct mtlb_meter_rate){
		.interval = 1000ULL * 1000000000 << MTLB_METER_INTERVAL_SHIFT,
		.burst = 1000ULL * 1000000000 << MTLB_METER_TICK_SHIFT,
		.batch = 1,
	};
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &none), 0);
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
	put_list(rig, ACME, list, 1, 0, 0);
	for (int i = 0; i < 3; i++)
		RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 601 ACK",
			  DROPPED(ACME, denied_acl));
	no_lists(rig);
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 601 ACK", SENT(GUARDED_METERED, DIRECT));
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 1 > 601 ACK", DROPPED(ACME, over_packets));
}

/* An error is its router's, for feeds, and its client's, for a tenant's list. */
static void errors(void **state)
{
	const struct trie_prefix client[] = {prefix("198.51.100.7", 32, DENY(FEED(1)))};
	const struct rig *rig = *state;

	no_lists(rig);
	RIG_CHECK(rig, ABOUT, SENT(GUARDED, DIRECT));
	put_list(rig, NODE, client, 1, 0, 0);
	RIG_CHECK(rig, ABOUT, SENT(GUARDED, DIRECT));
	RIG_CHECK(rig, "eth / ip4 client > acme / icmp 3 / ip4 acme > client / tcp 600 > 1",
		  DROPPED(ACME, denied_feed));
	no_lists(rig);
	put_list(rig, ACME, client, 1, 0, 0);
	RIG_CHECK(rig, ABOUT, DROPPED(ACME, denied_acl));
}

static void fragments(void **state)
{
	const struct trie_prefix list[] = {prefix("198.51.100.7", 32, DENY(FEED(2)))};
	const struct rig *rig = *state;

	no_lists(rig);
	put_list(rig, NODE, list, 1, 0, 0);
	RIG_CHECK(rig, "eth / ip4 client > acme id 7 more / udp 9 > 600 len 900 / 72 bytes",
		  DROPPED(ACME, denied_feed));
	RIG_CHECK(rig, "eth / ip4 client > acme id 7 offset 10 next 17 / 50 bytes",
		  DROPPED(ACME, denied_feed));
	RIG_CHECK(rig, "eth / ip4 client > acme / icmp 8 / 8 bytes", DROPPED(ACME, denied_feed));
}

enum {
	FIN = 1,
	SYN = 2,
	RST = 4,
	ACK = 16,
	ALL = 63,
};

/* Every combination there is, against its plain meaning. */
static void check_tcp_flags(const struct rig *rig)
{
	static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG"};

	for (unsigned flags = 0; flags <= ALL; flags++) {
		bool bad = !flags || (flags & SYN && flags & (FIN | RST)) ||
			   (flags & FIN && !(flags & ACK));
		char frame[128] = TO_ACME;

		for (unsigned bit = 0; bit < 6; bit++)
			if (flags >> bit & 1)
				strcat(strcat(frame, names[bit]), " ");
		if (bad)
			RIG_CHECK(rig, frame, DROPPED(ACME, bad_flags));
		else
			RIG_CHECK(rig, frame, SENT(GUARDED, DIRECT),
				  .new_flow = (flags & (SYN | ACK | RST)) == SYN);
	}
}

static void filters(void **state)
{
	const struct rig *rig = *state;
	uint64_t words[MTLB_GUARD_PORT_WORDS] = {};
	struct mtlb_guard guard;

	no_lists(rig);
	put_list(rig, NODE, NULL, 0, 0, MTLB_GUARD_TCP_FLAGS | MTLB_GUARD_LAND);
	check_tcp_flags(rig);
	RIG_CHECK(rig, TO_ACME "SYN ECE CWR", SENT(GUARDED, DIRECT), NEW_FLOW);
	RIG_CHECK(rig, ABOUT, SENT(GUARDED, DIRECT)); /* it has no flags of its own */
	RIG_CHECK(rig, "eth / ip4 acme > acme / tcp 1 > 600 ACK", DROPPED(ACME, spoofed));
	RIG_CHECK(rig, "eth / ip6 acme > acme / udp 1 > 600", DROPPED(ACME, spoofed));
	RIG_CHECK(rig, "eth / ip4 globex > acme / tcp 1 > 600 ACK", SENT(GUARDED, DIRECT));
	/* ports that floods are reflected by, of UDP alone */
	words[123 / 64] = 1ULL << (123 % 64);
	assert_int_equal(dataplane_put_guard_ports(rig->dataplane, 1, words), 0);
	guard = rig->view->guards[NODE];
	guard.flags = MTLB_GUARD_UDP_PORTS;
	guard.ports = 1;
	assert_int_equal(dataplane_put_guard(rig->dataplane, NODE, &guard), 0);
	RIG_CHECK(rig, "eth / ip4 client > acme / udp 123 > 600", DROPPED(ACME, reflected));
	RIG_CHECK(rig, "eth / ip6 client > acme / udp 123 > 600", DROPPED(ACME, reflected));
	RIG_CHECK(rig, "eth / ip4 client > acme / udp 124 > 600", SENT(GUARDED_UDP, DIRECT));
	RIG_CHECK(rig, "eth / ip4 client > acme / tcp 123 > 600 ACK", SENT(GUARDED, DIRECT));
	RIG_CHECK(rig, TO_ACME "SYN FIN", SENT(GUARDED, DIRECT), NEW_FLOW); /* it is off */
	no_lists(rig);
}

/* thousands, against their plain meaning */

static bool covers(const struct trie_prefix *prefix, uint32_t address)
{
	uint32_t bits = prefix->length - 96U;

	return !bits || !((ntohl(prefix->address.word[3]) ^ address) >> (32 - bits));
}

static uint32_t decide(const struct trie_prefix *list, size_t count, uint32_t address)
{
	const struct trie_prefix *best = NULL;

	for (size_t i = 0; i < count; i++)
		if (covers(&list[i], address) && (!best || list[i].length > best->length))
			best = &list[i];
	return best ? best->entry : 0;
}

static void as_its_list_says(void **state)
{
	struct trie_prefix *list = calloc(PREFIXES, sizeof(*list));
	const struct rig *rig = *state;
	struct frame frame, out;
	struct dice dice = {7};
	unsigned denied = 0;

	no_lists(rig);
	assert_non_null(list);
	for (uint32_t i = 0; i < PREFIXES; i++) {
		uint32_t bits = 8 + dice_throw(&dice, 25);

		list[i] = (struct trie_prefix){
			.address = {{0, 0, htonl(0xffff),
				     htonl(0xc0000000U | dice_throw(&dice, 1U << 28))}},
			.length = (uint8_t)(96 + bits),
			.entry = RULE(i) | (dice_throw(&dice, 2) ? MTLB_ENTRY_DENY : 0)};
	}
	put_list(rig, ACME, list, PREFIXES, 0, 0);
	frame_build(&frame, TO_ACME "ACK", NULL);
	for (uint32_t i = 0; i < 4000; i++) {
		const struct trie_prefix *near = &list[dice_throw(&dice, PREFIXES)];
		uint32_t address = ntohl(near->address.word[3]), wire;
		bool deny;

		address ^= dice_throw(&dice, 256) >> dice_throw(&dice, 9);
		wire = htonl(address);
		memcpy(&frame.byte[SOURCE4], &wire, sizeof(wire));
		deny = decide(list, PREFIXES, address) & MTLB_ENTRY_DENY;
		denied += deny;
		assert_int_equal(rig_run(rig, &frame, &out, 0), deny ? XDP_DROP : XDP_TX);
	}
	assert_in_range(denied, 1000, 3000);
	free(list);
	no_lists(rig);
}

/* replaced under traffic: the client is denied by both lists, by other rules */

struct sender {
	const struct rig *rig;
	struct frame frame;
	pthread_t thread;
	int error;
};

static void *send_all(void *context)
{
	struct sender *sender = context;
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = sender->frame.byte,
		    .data_size_in = (uint32_t)sender->frame.length, .repeat = 3000000);

	sender->error = bpf_prog_test_run_opts(dataplane_program_fd(sender->rig->dataplane), &run);
	return NULL;
}

static void replaced_under_traffic(void **state)
{
	const struct trie_prefix one[] = {prefix("198.51.100.0", 24, DENY(RULE(PREFIXES + 10))),
					  prefix("198.51.0.0", 16, RULE(PREFIXES + 11))};
	const struct trie_prefix two[] = {prefix("198.51.100.7", 32, DENY(RULE(PREFIXES + 12))),
					  prefix("198.51.100.6", 32, RULE(PREFIXES + 13)),
					  prefix("198.0.0.0", 8, RULE(PREFIXES + 14))};
	const struct rig *rig = *state;
	struct sender sender = {.rig = rig};
	struct mtlb_member_counter before, after;

	no_lists(rig);
	put_list(rig, ACME, one, 2, 0, 0);
	dataplane_sum_member(rig->dataplane, GUARDED, &before);
	frame_build(&sender.frame, TO_ACME "ACK", NULL);
	assert_int_equal(pthread_create(&sender.thread, NULL, send_all, &sender), 0);
	for (int i = 0; i < 200; i++)
		put_list(rig, ACME, i & 1 ? one : two, i & 1 ? 2 : 3, 0, 0);
	pthread_join(sender.thread, NULL);
	assert_int_equal(sender.error, 0);
	dataplane_sum_member(rig->dataplane, GUARDED, &after);
	assert_int_equal(after.packets, before.packets);
	assert_int_equal(hits(rig, RULE(PREFIXES + 11)) + hits(rig, RULE(PREFIXES + 13)) +
				 hits(rig, RULE(PREFIXES + 14)),
			 0);
	assert_true(hits(rig, RULE(PREFIXES + 10)) + hits(rig, RULE(PREFIXES + 12)) >= 3000000);
	no_lists(rig);
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->acl_prefixes = 10 * ROOM;
	*state = rig;
	rig_open(rig, 0);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tenants_list),
		cmocka_unit_test(the_longest_prefix_decides),
		cmocka_unit_test(the_node_is_first),
		cmocka_unit_test(denied_before_metered),
		cmocka_unit_test(errors),
		cmocka_unit_test(fragments),
		cmocka_unit_test(filters),
		cmocka_unit_test(as_its_list_says),
		cmocka_unit_test(replaced_under_traffic),
	};

	return cmocka_run_group_tests_name("guard", tests, setup, rig_teardown);
}
