/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * mtlb_defences: index tenant. Whether SYNs for its services of the node's own stack are answered
 * with cookies. Packets read the first word; the agent writes it, and finds here, when it comes
 * after a kill, what the one before it did and was told to do.
 */
#ifndef MTLB_ABI_DEFENCE_H
#define MTLB_ABI_DEFENCE_H

#include <linux/types.h>

enum mtlb_defence_mode {
	MTLB_DEFENCE_AUTO = 0,
	MTLB_DEFENCE_ALWAYS = 1,
	MTLB_DEFENCE_OFF = 2,
};

struct mtlb_defence {
	__u32 on;
	__u32 mode;	  /* enum mtlb_defence_mode */
	__u64 rate;	  /* SYNs a second that turn it on, when mode is auto */
	__u64 changed_at; /* CLOCK_MONOTONIC ns of the last time it went on or off; 0: never did */
	__u64 spare;
};

#endif
