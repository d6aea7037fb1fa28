// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "attack.h"

#include <string.h>

#define PREFIX_IPV4  24
#define PREFIX_IPV6  48
#define MAPPED_BITS  96	 /* of an IPv4 address in its IPv6 form, in front of it */
#define SPREAD_FIRST 3	 /* these prefixes together */
#define SPREAD_SHARE 0.2 /* send less than so much */
#define TCP_SYN	     0x02
#define TCP_ACK	     0x10

static void forget_samples(struct attack *attack)
{
	memset(attack->kinds, 0, sizeof(attack->kinds));
	attack->sources = (struct heavy){};
	attack->targets = (struct heavy){};
}

void attack_init(struct attack *attack, uint64_t now)
{
	*attack = (struct attack){.looked_at = now};
}

static enum attack_kind kind_of(const struct attack_sample *sample)
{
	switch (sample->protocol) {
	case IPPROTO_TCP:
		return (sample->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN ? ATTACK_SYN
									    : ATTACK_TCP;
	case IPPROTO_UDP:
		return ATTACK_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return ATTACK_ICMP;
	default:
		return ATTACK_OTHER;
	}
}

/* A key is the prefix's bytes, and its length at the end. */
static void source_key(const struct addr *source, uint8_t key[HEAVY_KEY])
{
	uint32_t bits = addr_is_ipv4(source) ? MAPPED_BITS + PREFIX_IPV4 : PREFIX_IPV6;

	memset(key, 0, HEAVY_KEY);
	memcpy(key, source->byte, bits / 8);
	key[HEAVY_KEY - 1] = addr_is_ipv4(source) ? PREFIX_IPV4 : PREFIX_IPV6;
}

static void target_key(const struct attack_sample *sample, uint8_t key[HEAVY_KEY])
{
	memset(key, 0, HEAVY_KEY);
	memcpy(key, sample->destination.byte, sizeof(sample->destination.byte));
	memcpy(key + sizeof(sample->destination.byte), &sample->port, sizeof(sample->port));
	key[HEAVY_KEY - 1] = sample->protocol;
}

void attack_take(struct attack *attack, const struct attack_sample *sample)
{
	uint8_t key[HEAVY_KEY];

	attack->kinds[kind_of(sample)] += sample->packets;
	source_key(&sample->source, key);
	heavy_add(&attack->sources, key, sample->packets);
	target_key(sample, key);
	heavy_add(&attack->targets, key, sample->packets);
}

static enum attack_turn look_for_begin(struct attack *attack, uint64_t before, uint64_t count,
				       uint64_t threshold)
{
	if (attack->rate <= threshold) {
		attack->above = 0;
		forget_samples(attack);
		return ATTACK_SAME;
	}
	if (!attack->above++) {
		attack->began_at = before;
		attack->peak = attack->counted = 0;
	}
	attack->counted += count;
	if (attack->rate > attack->peak)
		attack->peak = attack->rate;
	if (attack->above < ATTACK_LOOKS)
		return ATTACK_SAME;
	attack->on = true;
	attack->quiet_since = 0;
	return ATTACK_BEGINS;
}

static enum attack_turn look_for_end(struct attack *attack, uint64_t before, uint64_t now,
				     uint64_t count, uint64_t threshold)
{
	attack->counted += count;
	if (attack->rate > attack->peak)
		attack->peak = attack->rate;
	if (attack->rate >= threshold / 2 + threshold % 2) {
		attack->quiet_since = 0;
		return ATTACK_SAME;
	}
	if (!attack->quiet_since)
		attack->quiet_since = before;
	if (now - attack->quiet_since < ATTACK_QUIET_NS)
		return ATTACK_SAME;
	attack->on = false;
	attack->above = 0;
	return ATTACK_ENDS;
}

/* After a short time between looks the rate is that of a whole one: a burst is no flood. */
enum attack_turn attack_look(struct attack *attack, uint64_t now, uint64_t count,
			     uint64_t threshold)
{
	uint64_t before = attack->looked_at, elapsed = now - before;

	if (elapsed < ATTACK_LOOK_NS)
		elapsed = ATTACK_LOOK_NS;
	attack->looked_at = now;
	attack->rate = (uint64_t)((double)count * 1e9 / (double)elapsed);
	return attack->on ? look_for_end(attack, before, now, count, threshold)
			  : look_for_begin(attack, before, count, threshold);
}

void attack_learn(struct attack *attack)
{
	if (!attack->on && !attack->above)
		attack->usual += ((double)attack->rate - attack->usual) / ATTACK_LEARN;
}

uint64_t attack_threshold(const struct attack *attack, uint64_t least)
{
	double unusual = ATTACK_UNUSUAL * attack->usual;

	return unusual > (double)least ? (uint64_t)unusual : least;
}

enum attack_kind attack_kind(const struct attack *attack)
{
	enum attack_kind most = ATTACK_SYN;

	for (enum attack_kind kind = ATTACK_SYN; kind < ATTACK_KINDS; kind++)
		if (attack->kinds[kind] > attack->kinds[most])
			most = kind;
	return most;
}

const char *attack_kind_name(enum attack_kind kind)
{
	static const char *const names[] = {
		[ATTACK_SYN] = "syn",	[ATTACK_TCP] = "ack",	  [ATTACK_UDP] = "udp",
		[ATTACK_ICMP] = "icmp", [ATTACK_OTHER] = "other",
	};

	return names[kind];
}

bool attack_target(const struct attack *attack, struct addr *ret_address, uint16_t *ret_port,
		   uint8_t *ret_protocol)
{
	struct heavy_item most;

	if (!heavy_top(&attack->targets, &most, 1))
		return false;
	memcpy(ret_address->byte, most.key, sizeof(ret_address->byte));
	memcpy(ret_port, most.key + sizeof(ret_address->byte), sizeof(*ret_port));
	*ret_protocol = most.key[HEAVY_KEY - 1];
	return true;
}

size_t attack_sources(const struct attack *attack, struct attack_source *ret)
{
	struct heavy_item top[ATTACK_SOURCES];
	size_t count = heavy_top(&attack->sources, top, ATTACK_SOURCES);

	for (size_t i = 0; i < count; i++) {
		ret[i] = (struct attack_source){.length = top[i].key[HEAVY_KEY - 1]};
		memcpy(ret[i].prefix.byte, top[i].key, sizeof(ret[i].prefix.byte));
		if (attack->sources.total)
			ret[i].share = (double)(top[i].count - top[i].error) /
				       (double)attack->sources.total;
	}
	return count;
}

bool attack_is_spread(const struct attack *attack)
{
	struct attack_source sources[ATTACK_SOURCES];
	size_t count = attack_sources(attack, sources);
	double first = 0;

	for (size_t i = 0; i < count && i < SPREAD_FIRST; i++)
		first += sources[i].share;
	return count && first < SPREAD_SHARE;
}
