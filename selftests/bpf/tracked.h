/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A service whose pool changed, for the tests of tracking: it listens on acme's addresses, TCP,
 * UDP and SCTP port 8000; its one slot belongs to whom a test says, and did to whom it says.
 */
#ifndef MTLB_SELFTESTS_TRACKED_H
#define MTLB_SELFTESTS_TRACKED_H

#include "rig.h"

/* The service and its members. */
enum {
	TRACKED = RIG_OTHER,
	OLD,
	OWNER,
	THIRD
};

#define TCP_FLOW(port, flags)  "eth / ip4 client > acme / tcp " #port " > 8000 " flags
#define SCTP_FLOW(port, chunk) "eth / ip4 client > acme / sctp " #port " > 8000 " chunk
#define UDP_FLOW(port)	       "eth / ip4 client > acme / udp " #port " > 8000 / 9 bytes"

struct tracked {
	uint32_t slot,
		old_owner; /* slot: the owner and its flags; old_owner 0: there is no table */
	uint32_t flags;	   /* of the records */
	uint32_t idle;	   /* 0: that of the rig */
	bool one_bucket;   /* every flow meets in the tenant's first bucket */
};

/* Forgets all flows and makes all members usable. */
void tracked_set(const struct rig *rig, const struct tracked *tracked);
/* Changes the slot and keeps the flows. */
void tracked_set_slot(const struct rig *rig, uint32_t slot);
void tracked_set_member(const struct rig *rig, uint32_t member, uint8_t flags);

/* The word of this frame's flow, 0 when it is not remembered. */
uint64_t tracked_word(const struct rig *rig, const char *frame);
/* Fails unless it is remembered so. */
void tracked_assert(const struct rig *rig, const char *frame, uint32_t member, uint32_t state);
/* Writes a flow of a certain age into acme's first bucket. */
uint64_t tracked_write(const struct rig *rig, uint32_t tag, uint32_t member, uint32_t age,
		       uint32_t state);
bool tracked_holds(const struct rig *rig, uint64_t word);

#endif
