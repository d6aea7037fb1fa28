/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maglev hashing (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer",
 * NSDI 2016, section 3.4): every member walks the table in an order of its own and takes the next
 * free slot at each of its turns. Shares are even within a slot per turn, and few slots change
 * owner when a member comes or goes. Pure.
 */
#ifndef MTLB_MODEL_MAGLEV_H
#define MTLB_MODEL_MAGLEV_H

#include <stddef.h>
#include <stdint.h>

#include "../base/addr.h"

/* A configured weight is at most 256. Tables are filled with 64 times that, so that the share of a
 * member can grow in small steps.
 */
#define MAGLEV_WEIGHT_SCALE 64
#define MAGLEV_WEIGHT_MAX   (256 * MAGLEV_WEIGHT_SCALE)

struct maglev_member {
	uint64_t offset, skip; /* hashes of its identity, from maglev_identify() */
	uint32_t weight;       /* 1..MAGLEV_WEIGHT_MAX */
	uint32_t owner;	       /* what is written into its slots */
};

/* The same address and port walk the same way on every node and in every table. */
void maglev_identify(struct maglev_member *member, const struct addr *address, uint16_t port);

/*
 * Fills ret_slots[0..count). count must be prime. A member of weight w gets w turns where one of
 * the greatest weight W gets W; only the ratios of weights matter. members are sorted in place by
 * identity, so that their order does not matter. 0, -EINVAL (no members, a weight of 0, more
 * members than slots) or -ENOMEM.
 */
int maglev_fill(struct maglev_member *members, size_t member_count, uint32_t count,
		uint32_t *ret_slots);

/*
 * The size of a table for these configured weights, however much they are scaled for maglev_fill():
 * a prime of at least 100 slots per member and 10 for the lightest one. Sizes are four times apart,
 * so that a pool that grows seldom changes its table's size, and depend on the configured members
 * alone, so that all nodes of a cluster agree. 0 when even the largest table (2,097,143) is too
 * small for 10 slots per member.
 */
uint32_t maglev_size(const uint32_t *weights, size_t member_count);

#endif
