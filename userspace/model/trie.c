// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Prefixes are sorted, so that those below a branch stand side by side and a shorter one in front
 * of what it covers; then one pass goes down, dividing. Each step of a walk gets on by four bits at
 * least, but for the last two: see MTLB_TRIE_STEPS.
 *
 * Wide nodes save packets steps and cost lines: see choose_bits() and shapes. There are fewer nodes
 * of one line than prefixes, whatever these are; so there is an end to what a list may take.
 */
#include "trie.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BITS	   128
#define BITS_LEAST 4 /* of a node of one line */
#define IPV4_BITS  96
#define WIDTH	   4 /* prefixes for each line of a node */
#define NARROW	   (1U << 30)
#define IPV4_HIGH  0ULL
#define IPV4_LOW   0x0000ffff00000000ULL

struct item {
	uint64_t high, low; /* the address, bits after length cleared */
	uint32_t entry;
	uint32_t order;
	uint8_t length;
};

struct build {
	struct trie *trie;
	const struct item *items;
	uint32_t node_room, record_room;
	uint32_t width; /* prefixes for each line of a node; NARROW: it has one */
	bool settle;	/* a node may have a line for each prefix when that settles all of them */
	int error;
};

static uint64_t mask(unsigned bits)
{
	return bits ? ~0ULL << (64 - bits) : 0;
}

static void read_address(const struct mtlb_address *address, uint64_t *ret_high, uint64_t *ret_low)
{
	*ret_high = (uint64_t)ntohl(address->word[0]) << 32 | ntohl(address->word[1]);
	*ret_low = (uint64_t)ntohl(address->word[2]) << 32 | ntohl(address->word[3]);
}

static struct mtlb_address write_address(const struct item *item)
{
	return (struct mtlb_address){
		{htonl((uint32_t)(item->high >> 32)), htonl((uint32_t)item->high),
		 htonl((uint32_t)(item->low >> 32)), htonl((uint32_t)item->low)}};
}

static void cut(struct item *item, unsigned length)
{
	item->high &= mask(length < 64 ? length : 64);
	item->low &= mask(length > 64 ? length - 64 : 0);
}

/* The bits of an address from the first one on; 1-16 of them. */
static uint32_t bits_of(uint64_t high, uint64_t low, unsigned first, unsigned bits)
{
	uint64_t word = first >= 64 ? low << (first - 64) : high << first;

	if (first < 64 && first)
		word |= low >> (64 - first);
	return (uint32_t)(word >> (64 - bits));
}

/* How many bits two addresses have in common. */
static unsigned common_bits(const struct item *a, const struct item *b)
{
	if (a->high != b->high)
		return (unsigned)__builtin_clzll(a->high ^ b->high);
	return a->low != b->low ? 64 + (unsigned)__builtin_clzll(a->low ^ b->low) : BITS;
}

static bool covers(const struct item *a, const struct item *b)
{
	return a->length <= b->length && common_bits(a, b) >= a->length;
}

static int compare(const void *left, const void *right)
{
	const struct item *a = left, *b = right;

	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static uint32_t entry_of(uint32_t kind, uint32_t index)
{
	return kind << MTLB_ENTRY_SHIFT | index;
}

/* The array with room for count; NULL: there is none, and it is remembered. */
static void *grow(struct build *build, void *array, uint32_t count, uint32_t *room, size_t size)
{
	uint32_t wanted = *room ? *room : 16;
	void *grown;

	if (build->error)
		return NULL;
	if (count <= *room)
		return array;
	build->error = -E2BIG;
	if (count > MTLB_NODE_INDEX)
		return NULL;
	while (wanted < count)
		wanted *= 2;
	grown = realloc(array, wanted * size);
	build->error = grown ? 0 : -ENOMEM;
	if (grown)
		*room = wanted;
	return grown;
}

/* The first length bits of item decide between match and otherwise. */
static uint32_t add_record(struct build *build, const struct item *item, unsigned length,
			   uint32_t match, uint32_t otherwise)
{
	struct trie *trie = build->trie;
	struct mtlb_trie_record *records = grow(build, trie->records, trie->record_count + 1,
						&build->record_room, sizeof(*records));
	struct item prefix = *item;

	if (!records)
		return 0;
	trie->records = records;
	cut(&prefix, length);
	records[trie->record_count] = (struct mtlb_trie_record){
		.address = write_address(&prefix),
		.match = match,
		.otherwise = otherwise,
		.length = (uint8_t)length,
		.depth = (uint8_t)(length < BITS ? length : BITS - 1), /* no node follows */
	};
	return entry_of(MTLB_ENTRY_RECORD, trie->record_count++);
}

static uint32_t add_range(struct build *build, size_t from, size_t to, unsigned bits,
			  uint32_t best);

/* How many bits a node looks at which begins with this one. */
static unsigned choose_bits(const struct build *build, size_t from, size_t to, unsigned first)
{
	size_t lines = (to - from) / build->width, most = to - from;
	unsigned longest = 0, bits = BITS_LEAST, left = BITS - first;

	for (size_t i = from; i < to && longest <= first + MTLB_NODE_BITS_MAX; i++)
		if (build->items[i].length > longest)
			longest = build->items[i].length;
	while (bits < MTLB_NODE_BITS_MAX && 1U << (bits + 1 - BITS_LEAST) <= lines)
		bits++;
	if (build->settle && longest > first + bits && longest <= first + MTLB_NODE_BITS_MAX &&
	    1U << (longest - first - BITS_LEAST) <= most)
		bits = longest - first;
	return bits < left ? bits : left;
}

static void fill(struct build *build, uint32_t line, uint32_t slot, uint32_t count, uint32_t entry)
{
	struct mtlb_trie_node *node = build->trie->nodes + line; /* which may have moved */

	for (uint32_t i = slot; i < slot + count; i++)
		node[i / MTLB_TRIE_LINE].entry[i % MTLB_TRIE_LINE] = entry;
}

/* A node that begins with this bit: all items agree up to it, and none is decided before it. */
static uint32_t add_node(struct build *build, size_t from, size_t to, unsigned first, uint32_t best)
{
	unsigned bits = choose_bits(build, from, to, first), end = first + bits;
	uint32_t slots = 1U << bits;
	uint32_t lines = slots > MTLB_TRIE_LINE ? slots / MTLB_TRIE_LINE : 1;
	struct trie *trie = build->trie;
	uint32_t at = trie->node_count;
	struct mtlb_trie_node *nodes =
		grow(build, trie->nodes, at + lines, &build->node_room, sizeof(*nodes));

	if (!nodes)
		return 0;
	trie->nodes = nodes;
	trie->node_count += lines;
	fill(build, at, 0, lines * MTLB_TRIE_LINE, best);
	while (from < to && !build->error) {
		const struct item *item = &build->items[from];
		uint32_t slot = bits_of(item->high, item->low, first, bits), entry;
		size_t begin = from;

		/* those that end within the node, the shorter before the longer */
		if (item->length <= end) {
			fill(build, at, slot, 1U << (end - item->length), item->entry);
			from++;
			continue;
		}
		for (; from < to; from++)
			if (bits_of(build->items[from].high, build->items[from].low, first, bits) !=
			    slot)
				break;
		entry = trie->nodes[at + slot / MTLB_TRIE_LINE].entry[slot % MTLB_TRIE_LINE];
		fill(build, at, slot, 1, add_range(build, begin, from, end, entry));
	}
	return entry_of(MTLB_ENTRY_NODE, (bits - 1) << MTLB_NODE_SHIFT | at);
}

/* Two need no node: one record leads to the other. */
static uint32_t add_pair(struct build *build, size_t at, uint32_t best)
{
	const struct item *a = &build->items[at], *b = a + 1;
	bool nested = covers(a, b);
	uint32_t second = add_record(build, b, b->length, b->entry, nested ? a->entry : best);

	if (nested)
		return add_record(build, a, a->length, second, best);
	return add_record(build, a, a->length, a->entry, second);
}

/*
 * Of items that agree on the first bits, which an address on its way here has shown to share: the
 * entry that decides about the rest; best when none of them matches. A node that comes of it begins
 * with the bit after those.
 */
static uint32_t add_range(struct build *build, size_t from, size_t to, unsigned bits, uint32_t best)
{
	const struct item *items = build->items, *first;
	unsigned common;

	for (; from < to && items[from].length <= bits; from++)
		best = items[from].entry;
	first = &items[from];
	if (from == to)
		return best;
	if (from + 1 == to)
		return add_record(build, first, first->length, first->entry, best);
	if (from + 2 == to)
		return add_pair(build, from, best);
	common = common_bits(first, &items[to - 1]);
	if (common > first->length)
		common = first->length;
	if (common < bits + BITS_LEAST)
		return add_node(build, from, to, bits, best);
	if (common == first->length)
		return add_record(build, first, common,
				  add_range(build, from + 1, to, common, first->entry), best);
	return add_record(build, first, common, add_range(build, from, to, common, best), best);
}

static bool is_ipv4(const struct item *item)
{
	return item->length >= IPV4_BITS && item->high == IPV4_HIGH &&
	       (item->low & mask(32)) == IPV4_LOW;
}

/* Sorted, without doubles. */
static int make_items(const struct trie_prefix *prefixes, size_t count, struct item *items,
		      size_t *ret_count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (prefixes[i].length > BITS || prefixes[i].entry >> MTLB_ENTRY_SHIFT)
			return -EINVAL;
		items[i].entry = prefixes[i].entry;
		items[i].order = (uint32_t)i;
		items[i].length = prefixes[i].length;
		read_address(&prefixes[i].address, &items[i].high, &items[i].low);
		cut(&items[i], items[i].length);
	}
	qsort(items, count, sizeof(*items), compare);
	for (size_t i = 0; i < count; i++)
		if (!kept || items[kept - 1].length != items[i].length ||
		    common_bits(&items[kept - 1], &items[i]) < BITS)
			items[kept++] = items[i];
	*ret_count = kept;
	return 0;
}

/* The items of one family move to the front; how many there are. */
static size_t pick_family(struct item *items, size_t count, const struct item *of, bool ipv6)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (is_ipv4(&of[i]) != ipv6)
			items[kept++] = of[i];
	return kept;
}

/* family: room for the items of one. */
static int build_all(struct build *build, const struct item *items, size_t count,
		     struct item *family, const uint32_t defaults[MTLB_GUARD_FAMILIES])
{
	for (int i = 0; !build->error && i < MTLB_GUARD_FAMILIES; i++)
		build->trie->root[i] =
			add_range(build, 0, pick_family(family, count, items, i == MTLB_GUARD_IPV6),
				  i == MTLB_GUARD_IPV6 ? 0 : IPV4_BITS, defaults[i]);
	if (build->error)
		trie_fini(build->trie);
	return build->error;
}

/* What is tried one after the other, until it takes no more than half a line for each prefix. */
static const struct {
	uint32_t width;
	bool settle;
} shapes[] = {{WIDTH, true}, {WIDTH, false}, {4 * WIDTH, false}, {NARROW, false}};

int trie_build(const struct trie_prefix *prefixes, size_t count,
	       const uint32_t defaults[MTLB_GUARD_FAMILIES], struct trie *ret_trie)
{
	struct item *items = NULL, *family = NULL;
	int error;

	memset(ret_trie, 0, sizeof(*ret_trie));
	if (defaults[MTLB_GUARD_IPV4] >> MTLB_ENTRY_SHIFT ||
	    defaults[MTLB_GUARD_IPV6] >> MTLB_ENTRY_SHIFT)
		return -EINVAL;
	if (count > MTLB_ENTRY_INDEX / 2)
		return -E2BIG;
	items = malloc((count + 1) * sizeof(*items));
	family = malloc((count + 1) * sizeof(*family));
	error = items && family ? make_items(prefixes, count, items, &count) : -ENOMEM;
	for (size_t i = 0; !error && i < sizeof(shapes) / sizeof(*shapes); i++) {
		struct build build = {
			.trie = ret_trie,
			.items = family,
			.width = shapes[i].width,
			.settle = shapes[i].settle,
		};

		trie_fini(ret_trie);
		error = build_all(&build, items, count, family, defaults);
		if (ret_trie->node_count <= count / 2 + 1)
			break;
	}
	free(items);
	free(family);
	return error;
}

static uint32_t moved(const struct trie *trie, uint32_t entry, uint32_t node_first,
		      uint32_t record_first)
{
	switch (entry >> MTLB_ENTRY_SHIFT) {
	case MTLB_ENTRY_NODE:
		return entry - trie->node_first + node_first;
	case MTLB_ENTRY_RECORD:
		return entry - trie->record_first + record_first;
	default:
		return entry;
	}
}

void trie_relocate(struct trie *trie, uint32_t node_first, uint32_t record_first)
{
	for (uint32_t i = 0; i < trie->node_count; i++)
		for (int j = 0; j < MTLB_TRIE_LINE; j++)
			trie->nodes[i].entry[j] =
				moved(trie, trie->nodes[i].entry[j], node_first, record_first);
	for (uint32_t i = 0; i < trie->record_count; i++) {
		struct mtlb_trie_record *record = &trie->records[i];

		record->match = moved(trie, record->match, node_first, record_first);
		record->otherwise = moved(trie, record->otherwise, node_first, record_first);
	}
	for (int i = 0; i < MTLB_GUARD_FAMILIES; i++)
		trie->root[i] = moved(trie, trie->root[i], node_first, record_first);
	trie->node_first = node_first;
	trie->record_first = record_first;
}

void trie_fini(struct trie *trie)
{
	free(trie->nodes);
	free(trie->records);
	memset(trie, 0, sizeof(*trie));
}

static bool matches(const struct mtlb_trie_record *record, uint64_t high, uint64_t low)
{
	struct item a = {.high = high, .low = low}, b;

	read_address(&record->address, &b.high, &b.low);
	return common_bits(&a, &b) >= record->length;
}

uint32_t trie_look_up(const struct trie *trie, const struct mtlb_address *address, bool ipv6)
{
	uint32_t entry = trie->root[ipv6 ? MTLB_GUARD_IPV6 : MTLB_GUARD_IPV4];
	unsigned at = ipv6 ? 0 : IPV4_BITS;
	uint64_t high, low;

	read_address(address, &high, &low);
	for (int step = 0; step < MTLB_TRIE_STEPS; step++) {
		if (entry >> MTLB_ENTRY_SHIFT == MTLB_ENTRY_RULE)
			return entry;
		if (entry >> MTLB_ENTRY_SHIFT == MTLB_ENTRY_NODE) {
			unsigned bits = 1 + (entry >> MTLB_NODE_SHIFT & MTLB_NODE_BITS);
			uint32_t slot, index = (entry & MTLB_NODE_INDEX) - trie->node_first;

			if (at + bits > BITS)
				return 0;
			slot = bits_of(high, low, at, bits);
			index += slot / MTLB_TRIE_LINE;
			if (index >= trie->node_count)
				return 0;
			entry = trie->nodes[index].entry[slot % MTLB_TRIE_LINE];
			at += bits;
		} else {
			uint32_t index = (entry & MTLB_ENTRY_INDEX) - trie->record_first;
			const struct mtlb_trie_record *record;

			if (index >= trie->record_count)
				return 0;
			record = &trie->records[index];
			at = record->depth;
			entry = matches(record, high, low) ? record->match : record->otherwise;
		}
	}
	return 0;
}
