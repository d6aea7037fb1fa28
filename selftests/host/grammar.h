/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames by chance: sentences of the language of selftests/bpf/packet.h that are likely to be
 * meant for a service of the rig, from few enough clients that flows meet again; some of them with
 * something wrong in a header; and, after that, bytes spoiled without regard to what they mean.
 */
#ifndef MTLB_HOST_GRAMMAR_H
#define MTLB_HOST_GRAMMAR_H

#include "dice.h"
#include "../bpf/packet.h"

#define GRAMMAR_TEXT 512

/* No frame gets longer: an outer header must still fit into FRAME_MAX. */
#define GRAMMAR_LONGEST 3300 /* as much as the kernel leaves in one piece, with room to grow */

void grammar_sentence(struct dice *dice, char text[GRAMMAR_TEXT]);
/* The text as a frame, the words that depend on a test's expectation filled in by some. */
void grammar_build(struct frame *frame, const char *text);
/* Leaves at least an Ethernet header. */
void grammar_spoil(struct dice *dice, struct frame *frame);

#endif
