/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A frame made of its fields, with lengths and checksums as they should be. Pure. */
#ifndef MTLB_INSPECT_SYNTH_H
#define MTLB_INSPECT_SYNTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/addr.h"
#include "../base/err.h"

#define SYNTH_FRAME_MAX 16384
#define SYNTH_TAGS_MAX	2

struct synth {
	struct addr source, destination; /* of the same family */
	uint8_t protocol;		 /* TCP, UDP, SCTP, or ICMP: an echo request */
	uint16_t source_port, destination_port;
	uint8_t tcp_flags;	      /* the thirteenth byte of its header; SCTP: 2 is an INIT */
	uint16_t tag[SYNTH_TAGS_MAX]; /* VLANs, the outer one first */
	size_t tags;
	uint32_t length;   /* of the IP packet; 0: as short as it can be */
	bool is_fragment;  /* then its first, or, when there is an offset, a later one */
	uint16_t fragment; /* offset in bytes, a multiple of eight */
	uint32_t fragment_id;
};

/* Returns how long the frame is; 0: it cannot be, and err says why. */
size_t synth_build(const struct synth *fields, uint8_t frame[SYNTH_FRAME_MAX], struct err *err);

/* "syn,ack"; 0 or -EINVAL and a sentence. */
int synth_parse_flags(const char *text, uint8_t *ret_flags, struct err *err);

/* An Ethernet header in front of a bare IP packet. 0: it is none, or there is no room. */
size_t synth_wrap(const uint8_t *packet, size_t length, uint8_t frame[SYNTH_FRAME_MAX]);

#endif
