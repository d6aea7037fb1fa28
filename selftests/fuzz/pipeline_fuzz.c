// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Bytes to a conversation: up to sixteen packets, one after the other, through the whole program in
 * the rig's world with its changed pools. After each of them the laws of selftests/host/judge.h
 * hold; meanwhile the sanitizers see to it that nothing outside the packet and the maps is touched.
 *
 * A packet is written as
 *   how   bit 0: by which interface; bits 1-2: how much of the headroom is taken; bit 7: AGAIN
 *   when  time since the packet before: up to 127 units of a millisecond, beyond that of a stamp
 * and then either its length (two bytes, little endian) and itself, or, with AGAIN, a count of
 * changes and as many pairs (offset, value) to be made to the packet before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "selftests/host/grammar.h"
#include "selftests/host/judge.h"
#include "selftests/host/world.h"
#include "userspace/dataplane/internal.h"

#define PACKETS	    16
#define AGAIN	    0x80
#define BEGIN	    (1ULL << 44)
#define FAR_IFINDEX 77

struct input {
	const uint8_t *at;
	size_t left;
};

static uint32_t take(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->at++;
}

static void take_arrival(struct input *input, uint32_t how, struct host_arrival *arrival)
{
	static const uint32_t metadata[] = {0, 180, 200, 216};
	uint64_t when = take(input);

	arrival->ifindex = how & 1 ? FAR_IFINDEX : RIG_IFINDEX;
	arrival->metadata = metadata[how >> 1 & 3];
	arrival->now += when < 128 ? when * 1000000 : (when - 127) << MTLB_FLOW_STAMP_SHIFT_NS;
}

static void take_frame(struct input *input, uint32_t how, struct frame *frame)
{
	size_t length;

	if (how & AGAIN) {
		for (uint32_t i = take(input) & 15; i > 0; i--) {
			uint32_t at = take(input), value = take(input);

			if (at < frame->length)
				frame->byte[at] = (uint8_t)value;
		}
		return;
	}
	length = take(input);
	length |= (size_t)take(input) << 8;
	if (length > input->left)
		length = input->left;
	if (length > GRAMMAR_LONGEST)
		length = GRAMMAR_LONGEST;
	memcpy(frame->byte, input->at, length);
	frame->length = length;
	input->at += length;
	input->left -= length;
}

/* Each input finds the same world. */
static const struct rig *begin(void)
{
	static struct rig rig;

	if (!rig.dataplane) {
		rig_open_memory(&rig, NULL, 0);
		world_add(&rig);
		host_open(rig.dataplane);
	}
	rig_clear_flows(&rig);
	memset(rig.dataplane->arrays.answer_budgets, 0,
	       dataplane_memory_length(rig.dataplane, DATAPLANE_ARRAY_answer_budgets) *
		       sizeof(struct mtlb_answer_budget));
	return &rig;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct host_departure departure;
	static struct judge judge;
	static struct frame frame;
	struct host_arrival arrival = {.now = BEGIN};
	struct input input = {data, size};
	const struct rig *rig = begin();

	frame.length = 0;
	for (uint32_t i = 0; i < PACKETS && input.left; i++) {
		uint32_t how = take(&input);
		const char *broken;

		take_arrival(&input, how, &arrival);
		take_frame(&input, how, &frame);
		judge_before(&judge, rig);
		host_run(&frame, &arrival, &departure);
		broken = judge_after(&judge, &frame, &arrival, &departure);
		if (broken) {
			fprintf(stderr, "packet %u: %s\n", i, broken);
			abort();
		}
	}
	return 0;
}
