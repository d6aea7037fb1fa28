/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The knobs of knobs.def as read-only data, and the headers every stage needs. */
#ifndef MTLB_STAGE_KNOBS_H
#define MTLB_STAGE_KNOBS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "../abi/reason.h"
#include "../core/packet.h"

#define KNOB(type, name, value, sentence) const volatile type name = value;
#include "../abi/knobs.def"
#undef KNOB

#endif
