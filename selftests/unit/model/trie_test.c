// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The trie against the plain meaning of a list of prefixes: the longest one that matches decides,
 * of the same one twice the first. Lists are random and nested, addresses lie at and beside their
 * edges; every index and every bound that packets rely on is looked at.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "selftests/host/dice.h"
#include "userspace/model/trie.h"

#define LIST_MAX   300
#define ROUNDS	   120
#define QUESTIONS  200
#define NODE_FIRST 1000
#define RECORDS_AT 5000
#define ALLOW(i)   (i)
#define DENY(i)	   ((i) | MTLB_ENTRY_DENY)

struct list {
	struct trie_prefix prefix[LIST_MAX];
	size_t count;
	uint32_t defaults[MTLB_GUARD_FAMILIES];
};

static struct mtlb_address address_of(const char *text)
{
	struct mtlb_address address = {.word[2] = htonl(0xffff)};

	if (inet_pton(AF_INET, text, &address.word[3]) != 1)
		assert_int_equal(inet_pton(AF_INET6, text, &address), 1);
	return address;
}

static bool is_mapped(const struct mtlb_address *address)
{
	return !(address->word[0] | address->word[1]) && address->word[2] == htonl(0xffff);
}

static bool bit_of(const struct mtlb_address *address, unsigned bit)
{
	return ntohl(address->word[bit / 32]) >> (31 - bit % 32) & 1;
}

static void flip(struct mtlb_address *address, unsigned bit)
{
	address->word[bit / 32] ^= htonl(1U << (31 - bit % 32));
}

static bool matches(const struct trie_prefix *prefix, const struct mtlb_address *address)
{
	for (unsigned bit = 0; bit < prefix->length; bit++)
		if (bit_of(&prefix->address, bit) != bit_of(address, bit))
			return false;
	return true;
}

/* One bit after the other, one prefix after the other. */
static uint32_t expected(const struct list *list, const struct mtlb_address *address, bool ipv6)
{
	uint32_t entry = list->defaults[ipv6 ? MTLB_GUARD_IPV6 : MTLB_GUARD_IPV4];
	int longest = -1;

	for (size_t i = 0; i < list->count; i++) {
		const struct trie_prefix *prefix = &list->prefix[i];
		bool for_ipv4 = prefix->length >= 96 && is_mapped(&prefix->address);

		if (for_ipv4 == ipv6 || (int)prefix->length <= longest || !matches(prefix, address))
			continue;
		longest = prefix->length;
		entry = prefix->entry;
	}
	return entry;
}

static void assert_entry(const struct trie *trie, uint32_t entry, bool never_a_node)
{
	uint32_t index = entry & MTLB_ENTRY_INDEX, bits, lines;

	switch (entry >> MTLB_ENTRY_SHIFT) {
	case MTLB_ENTRY_RULE:
		break;
	case MTLB_ENTRY_NODE:
		assert_false(never_a_node);
		index = entry & MTLB_NODE_INDEX;
		bits = 1 + (entry >> MTLB_NODE_SHIFT & MTLB_NODE_BITS);
		lines = bits > 4 ? 1U << (bits - 4) : 1;
		assert_in_range(index, trie->node_first, trie->node_first + trie->node_count - 1);
		assert_true(index + lines <= trie->node_first + trie->node_count);
		break;
	case MTLB_ENTRY_RECORD:
		assert_in_range(index, trie->record_first,
				trie->record_first + trie->record_count - 1);
		break;
	default:
		fail_msg("an entry of no kind: %#x", entry);
	}
}

static void assert_sane(const struct trie *trie, size_t prefixes)
{
	assert_true(trie->node_count <= prefixes);
	assert_true(!trie->node_count || trie->node_count < prefixes);
	assert_true(trie->record_count <= 2 * prefixes);
	for (uint32_t i = 0; i < trie->node_count; i++)
		for (int j = 0; j < MTLB_TRIE_LINE; j++)
			assert_entry(trie, trie->nodes[i].entry[j], false);
	for (uint32_t i = 0; i < trie->record_count; i++) {
		const struct mtlb_trie_record *record = &trie->records[i];

		assert_entry(trie, record->match, false);
		assert_entry(trie, record->otherwise, true);
		assert_in_range(record->length, 1, 128);
		assert_int_equal(record->depth, record->length < 128 ? record->length : 127);
	}
	for (int i = 0; i < MTLB_GUARD_FAMILIES; i++)
		assert_entry(trie, trie->root[i], false);
}

static void build(const struct list *list, struct trie *trie)
{
	assert_int_equal(trie_build(list->prefix, list->count, list->defaults, trie), 0);
	assert_sane(trie, list->count);
	trie_relocate(trie, NODE_FIRST, RECORDS_AT);
	assert_sane(trie, list->count);
}

static void ask(const struct list *list, const struct trie *trie,
		const struct mtlb_address *address, bool ipv6)
{
	uint32_t is = trie_look_up(trie, address, ipv6), should = expected(list, address, ipv6);

	if (is != should)
		fail_msg("%08x%08x%08x%08x (%s): %#x, not %#x", ntohl(address->word[0]),
			 ntohl(address->word[1]), ntohl(address->word[2]), ntohl(address->word[3]),
			 ipv6 ? "IPv6" : "IPv4", is, should);
}

/* The first and the last address of each prefix, and those just outside of it. */
static void ask_edges(const struct list *list, const struct trie *trie)
{
	for (size_t i = 0; i < list->count; i++) {
		struct mtlb_address first = list->prefix[i].address, last;
		unsigned length = list->prefix[i].length;
		bool ipv6 = length < 96 || !is_mapped(&first);

		for (unsigned bit = length; bit < 128; bit++)
			if (bit_of(&first, bit))
				flip(&first, bit);
		last = first;
		for (unsigned bit = length; bit < 128; bit++)
			flip(&last, bit);
		ask(list, trie, &first, ipv6);
		ask(list, trie, &last, ipv6);
		if (length <= (ipv6 ? 0 : 96))
			continue;
		flip(&first, length - 1);
		flip(&last, length - 1);
		ask(list, trie, &first, ipv6);
		ask(list, trie, &last, ipv6);
	}
}

static void check(const struct list *list)
{
	struct trie trie;

	build(list, &trie);
	ask_edges(list, &trie);
	trie_fini(&trie);
}

static void add(struct list *list, const char *address, uint8_t length, uint32_t entry)
{
	assert_in_range(list->count, 0, LIST_MAX - 1);
	list->prefix[list->count++] = (struct trie_prefix){address_of(address), length, entry};
}

static void nothing_matches_nothing(void **state)
{
	const struct mtlb_address some = address_of("192.0.2.1"), six = address_of("2001:db8::1");
	struct list list = {.defaults = {0, 0}};
	struct trie trie;

	(void)state;
	build(&list, &trie);
	assert_int_equal(trie.node_count + trie.record_count, 0);
	assert_int_equal(trie_look_up(&trie, &some, false), 0);
	assert_int_equal(trie.root[0] | trie.root[1], 0);
	trie_fini(&trie);
	list.defaults[MTLB_GUARD_IPV4] = DENY(7);
	list.defaults[MTLB_GUARD_IPV6] = ALLOW(8);
	build(&list, &trie);
	assert_int_equal(trie_look_up(&trie, &some, false), DENY(7));
	assert_int_equal(trie_look_up(&trie, &six, true), ALLOW(8));
	trie_fini(&trie);
}

static void whole_families_and_single_addresses(void **state)
{
	struct list list = {};
	struct trie trie;

	(void)state;
	add(&list, "0.0.0.0", 96, DENY(1));
	add(&list, "::", 0, DENY(2));
	build(&list, &trie);
	assert_int_equal(trie.node_count + trie.record_count, 0); /* the roots themselves */
	ask_edges(&list, &trie);
	trie_fini(&trie);
	add(&list, "192.0.2.1", 128, ALLOW(3));
	add(&list, "255.255.255.255", 128, ALLOW(4));
	add(&list, "0.0.0.0", 128, ALLOW(5));
	add(&list, "2001:db8::1", 128, ALLOW(6));
	add(&list, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 128, ALLOW(7));
	add(&list, "::", 128, ALLOW(8));
	check(&list);
}

/* IPv4 on the wire never meets an IPv6 prefix that the mapped form lies in, nor the other way. */
static void families_do_not_mix(void **state)
{
	const struct mtlb_address mapped = address_of("::ffff:192.0.2.1");
	struct list list = {.defaults = {ALLOW(1), ALLOW(2)}};
	struct trie trie;

	(void)state;
	add(&list, "::", 80, DENY(3));
	add(&list, "::ffff:0:0", 95, DENY(4));
	add(&list, "192.0.2.0", 96 + 24, DENY(5));
	build(&list, &trie);
	assert_int_equal(trie_look_up(&trie, &mapped, false), DENY(5));
	assert_int_equal(trie_look_up(&trie, &mapped, true), DENY(4));
	ask_edges(&list, &trie);
	trie_fini(&trie);
}

static void the_first_of_doubles(void **state)
{
	const struct mtlb_address some = address_of("192.0.2.9");
	struct list list = {};
	struct trie trie;

	(void)state;
	add(&list, "192.0.2.0", 96 + 24, DENY(1));
	add(&list, "192.0.2.77", 96 + 24, DENY(2)); /* what follows 24 bits does not count */
	add(&list, "192.0.2.0", 96 + 24, ALLOW(3));
	build(&list, &trie);
	assert_int_equal(trie.record_count, 1);
	assert_int_equal(trie_look_up(&trie, &some, false), DENY(1));
	trie_fini(&trie);
}

/* Every length there is, one within the other, whole chains and with gaps. */
static void nested_chains(void **state)
{
	(void)state;
	for (unsigned gap = 1; gap < 10; gap++) {
		struct list list = {.defaults = {ALLOW(201), ALLOW(202)}};

		for (unsigned length = 0; length <= 128; length += gap)
			add(&list, "2001:db8:5555:aaaa:ffff::1", (uint8_t)length, DENY(1 + length));
		for (unsigned length = 96; length <= 128; length += gap)
			add(&list, "198.51.100.255", (uint8_t)length, DENY(1 + length));
		check(&list);
	}
}

/* A comb: from each nibble of an address a tooth branches off, in turns long and short. */
static void combs(void **state)
{
	struct list list = {};

	(void)state;
	for (unsigned nibble = 0; nibble < 32; nibble++) {
		add(&list, "2001:db8:5555:aaaa:ffff::1", 128, ALLOW(1 + nibble));
		flip(&list.prefix[list.count - 1].address, 4 * nibble + nibble % 4);
		if (nibble % 2)
			list.prefix[list.count - 1].length = (uint8_t)(4 * nibble + 4);
	}
	check(&list);
}

static uint32_t throw_entry(struct dice *dice)
{
	return (1 + dice_throw(dice, 5000)) | (dice_chance(dice, 50) ? MTLB_ENTRY_DENY : 0);
}

static struct mtlb_address throw_address(struct dice *dice, bool ipv6)
{
	struct mtlb_address address = {.word[2] = htonl(0xffff)};

	for (int i = ipv6 ? 0 : 3; i < 4; i++)
		address.word[i] = htonl(dice_throw(dice, UINT32_MAX));
	return address;
}

/* Most are relatives of an earlier one: inside of it, around it, or a bit beside. */
static void throw_list(struct dice *dice, struct list *list)
{
	uint32_t count = dice_throw(dice, LIST_MAX);

	*list = (struct list){};
	for (int i = 0; i < MTLB_GUARD_FAMILIES; i++)
		list->defaults[i] = dice_chance(dice, 50) ? throw_entry(dice) : 0;
	while (list->count < count) {
		struct trie_prefix *prefix = &list->prefix[list->count];
		bool ipv6 = dice_chance(dice, 50);
		uint8_t shortest = ipv6 ? 0 : 96;

		prefix->address = throw_address(dice, ipv6);
		if (list->count && dice_chance(dice, 80)) {
			*prefix = list->prefix[dice_throw(dice, (uint32_t)list->count)];
			shortest = is_mapped(&prefix->address) && prefix->length >= 96 ? 96 : 0;
			if (dice_chance(dice, 60))
				flip(&prefix->address,
				     shortest + dice_throw(dice, 128U - shortest));
		}
		prefix->length = (uint8_t)(shortest + dice_throw(dice, 129U - shortest));
		prefix->entry = throw_entry(dice);
		list->count++;
	}
}

static void random_lists(void **state)
{
	static struct list list;
	struct dice dice = {.state = 1};

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct trie trie;

		throw_list(&dice, &list);
		build(&list, &trie);
		ask_edges(&list, &trie);
		for (int i = 0; i < QUESTIONS; i++) {
			bool ipv6 = i % 2;
			struct mtlb_address address = throw_address(&dice, ipv6);

			ask(&list, &trie, &address, ipv6);
			if (!list.count)
				continue;
			/* near what is listed */
			address = list.prefix[dice_throw(&dice, (uint32_t)list.count)].address;
			flip(&address, dice_throw(&dice, 128));
			ask(&list, &trie, &address, !is_mapped(&address));
		}
		trie_fini(&trie);
	}
}

static void what_is_wrong_is_refused(void **state)
{
	struct list list = {};
	struct trie trie;

	(void)state;
	add(&list, "192.0.2.1", 129, DENY(1));
	assert_int_equal(trie_build(list.prefix, 1, list.defaults, &trie), -EINVAL);
	assert_null(trie.records);
	list.prefix[0].length = 128;
	list.prefix[0].entry = MTLB_ENTRY_NODE << MTLB_ENTRY_SHIFT | 1;
	assert_int_equal(trie_build(list.prefix, 1, list.defaults, &trie), -EINVAL);
	list.prefix[0].entry = DENY(1);
	list.defaults[MTLB_GUARD_IPV6] = MTLB_ENTRY_RECORD << MTLB_ENTRY_SHIFT;
	assert_int_equal(trie_build(list.prefix, 1, list.defaults, &trie), -EINVAL);
}

/* What is asked of maps that hold nonsense ends, and says nothing. */
static void nonsense_ends(void **state)
{
	const struct mtlb_address some = address_of("192.0.2.1");
	struct list list = {};
	struct trie trie;

	(void)state;
	add(&list, "192.0.2.1", 128, DENY(1));
	build(&list, &trie);
	trie.records[0].match = MTLB_ENTRY_RECORD << MTLB_ENTRY_SHIFT | RECORDS_AT; /* itself */
	assert_int_equal(trie_look_up(&trie, &some, false), 0);
	trie.records[0].match = MTLB_ENTRY_RECORD << MTLB_ENTRY_SHIFT | (RECORDS_AT - 1);
	assert_int_equal(trie_look_up(&trie, &some, false), 0);
	trie.records[0].match = MTLB_ENTRY_NODE << MTLB_ENTRY_SHIFT | NODE_FIRST;
	assert_int_equal(trie_look_up(&trie, &some, false), 0);
	trie_fini(&trie);
}

/* As many as a feed has: how large it becomes, and that each one is found. */
static void a_feed_of_addresses(void **state)
{
	enum {
		COUNT = 200000
	};
	struct trie_prefix *prefixes = calloc(COUNT, sizeof(*prefixes));
	const uint32_t defaults[MTLB_GUARD_FAMILIES] = {0, 0};
	struct dice dice = {.state = 3};
	struct trie trie;

	(void)state;
	assert_non_null(prefixes);
	for (size_t i = 0; i < COUNT; i++)
		prefixes[i] = (struct trie_prefix){throw_address(&dice, false), 128, DENY(9)};
	assert_int_equal(trie_build(prefixes, COUNT, defaults, &trie), 0);
	assert_sane(&trie, COUNT);
	assert_true(trie.node_count < COUNT / 2);
	assert_true(trie.record_count < COUNT * 5 / 4);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(trie_look_up(&trie, &prefixes[i].address, false), DENY(9));
	trie_fini(&trie);
	free(prefixes);
}

/* A long list of short prefixes is one node: nothing is left to ask after it. */
static void wide_nodes(void **state)
{
	struct list list = {};
	struct trie trie;

	(void)state;
	for (uint32_t i = 0; i < LIST_MAX - 1; i++) {
		list.prefix[i] = (struct trie_prefix){
			{{0, 0, htonl(0xffff), htonl(i * 0x01a00000U)}}, 96 + 11, DENY(1 + i)};
		list.count++;
	}
	build(&list, &trie);
	assert_int_equal(trie.record_count, 0);
	assert_int_equal(trie.node_count, 128);
	assert_int_equal(trie.root[0] >> MTLB_NODE_SHIFT & MTLB_NODE_BITS, 11 - 1);
	ask_edges(&list, &trie);
	trie_fini(&trie);
}

/* What wide nodes would be too costly for: small crowds far from each other, and far down. */
static void narrow_where_wide_costs_too_much(void **state)
{
	static struct list list;
	struct dice dice = {.state = 5};

	(void)state;
	list = (struct list){};
	for (uint32_t i = 0; i < LIST_MAX / 10; i++) {
		struct mtlb_address crowd = throw_address(&dice, true);

		for (uint32_t j = 0; j < 10; j++) {
			list.prefix[list.count] = (struct trie_prefix){crowd, 128, DENY(1 + i)};
			flip(&list.prefix[list.count++].address, 127 - 9 * j);
		}
	}
	check(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_matches_nothing),
		cmocka_unit_test(whole_families_and_single_addresses),
		cmocka_unit_test(families_do_not_mix),
		cmocka_unit_test(the_first_of_doubles),
		cmocka_unit_test(nested_chains),
		cmocka_unit_test(combs),
		cmocka_unit_test(random_lists),
		cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(nonsense_ends),
		cmocka_unit_test(a_feed_of_addresses),
		cmocka_unit_test(wide_nodes),
		cmocka_unit_test(narrow_where_wide_costs_too_much),
	};

	return cmocka_run_group_tests_name("trie", tests, NULL, NULL);
}
