/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The XDP program of bpf/prog as a function of this process: the same sources, compiled for the
 * host, with the fake dataplane's arrays behind its maps. Sanitizers and fuzzers see every byte it
 * touches, and a test can hold it against the same program in the kernel.
 *
 * As the verifier would, it forbids what lies outside the packet: every byte around it is poisoned
 * for the address sanitizer. After each change of the packet's bounds the packet lies elsewhere and
 * its old place is poisoned too, so that a stale pointer shows.
 *
 * One program, one packet at a time: the state is the process's.
 */
#ifndef MTLB_SELFTESTS_HOST_H
#define MTLB_SELFTESTS_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "../bpf/packet.h"
#include "../../userspace/dataplane/dataplane.h"

/* How a packet comes in. */
struct host_arrival {
	uint32_t ifindex;
	uint32_t metadata; /* bytes of headroom that are taken */
	uint32_t linear;   /* bytes within data..data_end, the rest in fragments; 0: all */
	uint64_t now;	   /* CLOCK_MONOTONIC_COARSE, ns */
};

struct host_departure {
	int verdict;
	uint32_t ifindex; /* when it is redirected */
	struct frame frame;
};

/* From now on the program sees this fake dataplane, of which it is told the secret and the sizes.
 */
void host_open(struct dataplane *dataplane);
void host_run(const struct frame *in, const struct host_arrival *arrival,
	      struct host_departure *departure);

/* What bpf_get_prandom_u32 returns is a sequence that begins here. */
void host_seed(uint32_t seed);

/* Records submitted to ring buffers since host_open, and the last of them. */
size_t host_ring_count(void);
const void *host_ring_last(size_t *ret_size);

/* What can be wrong with the kernel's calls, so that a test can show that it would notice. */
enum host_fault {
	HOST_FAULT_NONE,
	HOST_FAULT_CLOCK,    /* one stamp early */
	HOST_FAULT_CHECKSUM, /* bpf_csum_diff is one too many */
	HOST_FAULT_HEAD,     /* bpf_xdp_adjust_head wants eight bytes more than it needs */
	HOST_FAULT_TAIL,     /* bpf_xdp_adjust_tail leaves a byte too many */
	HOST_FAULT_LOOP,     /* bpf_loop makes one turn too few */
	HOST_FAULT_LOOKUP,   /* the second half of each array is missing */
	HOST_FAULT_SECRET,   /* another hash */
	HOST_FAULT_COUNT,
};

void host_break(enum host_fault fault);

/* Every text of a frame in the tests of the program, except those in which a number is filled in.
 */
extern const char *const host_frames[];
extern const size_t host_frame_count;

#endif
