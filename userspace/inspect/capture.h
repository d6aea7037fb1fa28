/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A frame out of what tools write: a capture file as tcpdump makes it (pcap, of Ethernet or of bare
 * IP), or hexadecimal digits. Pure; the bytes are anybody's.
 */
#ifndef MTLB_INSPECT_CAPTURE_H
#define MTLB_INSPECT_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "synth.h"

/* number: of the packet, from 1 on. Returns how long the frame is; 0, and err says why. */
size_t capture_pcap(const uint8_t *file, size_t size, uint32_t number,
		    uint8_t frame[SYNTH_FRAME_MAX], struct err *err);

/*
 * Digits in pairs; what stands before a colon at the beginning of a line is an offset, and blanks
 * and newlines may be anywhere, as `tcpdump -xx` and `xxd` without its text print it.
 */
size_t capture_hex(const char *text, size_t size, uint8_t frame[SYNTH_FRAME_MAX], struct err *err);

#endif
