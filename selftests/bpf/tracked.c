// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tracked.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIRST_RECORD 100

void tracked_set_slot(const struct rig *rig, uint32_t slot)
{
	rig_put_slots(rig, TRACKED, &slot, 1);
}

void tracked_set_member(const struct rig *rig, uint32_t member, uint8_t flags)
{
	rig_put_member(rig, member, TRACKED, MTLB_ENCAP_NONE, RIG_IFINDEX, 1500, flags);
}

void tracked_set(const struct rig *rig, const struct tracked *tracked)
{
	static const char *const addresses[] = {"192.0.2.1", "2001:db8:1::1"};
	static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
	uint32_t index = FIRST_RECORD;

	for (uint32_t member = OLD; member <= THIRD; member++)
		tracked_set_member(rig, member, 0);
	tracked_set_slot(rig, tracked->slot);
	rig_put_slots(rig, RIG_OLD + TRACKED, &tracked->old_owner, 1);
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < 3; j++) {
			struct mtlb_vip vip = rig_vip(addresses[i], TRACKED, protocols[j], 8000);

			vip.old_first = (RIG_OLD + TRACKED) * MTLB_SLOTS_PER_LINE;
			vip.old_count = tracked->old_owner != 0;
			vip.flags = tracked->flags;
			vip.idle = tracked->idle ?: vip.idle;
			vip.flow_mask = tracked->one_bucket ? 0 : vip.flow_mask;
			rig_put_vip(rig, index++, &vip);
		}
	rig_clear_flows(rig);
}

uint64_t tracked_word(const struct rig *rig, const char *text)
{
	static struct frame frame;
	uint32_t tag;

	frame_build(&frame, text, NULL);
	tag = mtlb_flow_tag_of(rig_hash(rig, &frame));
	for (uint32_t i = 0; i < RIG_RANGE * MTLB_FLOWS_PER_BUCKET; i++) {
		uint64_t word = rig->view->flows[RIG_FLOWS(ACME) + i / MTLB_FLOWS_PER_BUCKET]
					.word[i % MTLB_FLOWS_PER_BUCKET];

		if (word && mtlb_flow_tag(word) == tag)
			return word;
	}
	return 0;
}

void tracked_assert(const struct rig *rig, const char *frame, uint32_t member, uint32_t state)
{
	uint64_t word = tracked_word(rig, frame);

	if (!word)
		fail_msg("%s: it is not remembered", frame);
	if (mtlb_flow_member(word) != member || mtlb_flow_state(word) != state)
		fail_msg("%s: member %u, state %u, instead of %u, %u", frame,
			 mtlb_flow_member(word), mtlb_flow_state(word), member, state);
	assert_in_range((rig_now(rig) - mtlb_flow_stamp(word)) & MTLB_FLOW_STAMP_MASK, 0, 1);
}

uint64_t tracked_write(const struct rig *rig, uint32_t tag, uint32_t member, uint32_t age,
		       uint32_t state)
{
	uint64_t word = mtlb_flow_word(tag, member, rig_now(rig) - age, state);

	assert_true(dataplane_move_flow(rig->dataplane, RIG_FLOWS(ACME), word, 0, NULL));
	return word;
}

bool tracked_holds(const struct rig *rig, uint64_t word)
{
	for (uint32_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
		if (rig->view->flows[RIG_FLOWS(ACME)].word[i] == word)
			return true;
	return false;
}
