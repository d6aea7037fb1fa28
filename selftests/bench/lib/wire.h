/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets over a wire: a pair of veth in a network namespace of its own. A generator in the kernel
 * (BPF_PROG_TEST_RUN with live frames) sends them into one end, where the program that is measured
 * sends them back by XDP_TX, and a program on the other end counts and drops them. What comes out
 * is the rate of all three together: each CPU does all the work of its own packets.
 */
#ifndef MTLB_BENCH_WIRE_H
#define MTLB_BENCH_WIRE_H

#include <stdint.h>

#include "../flow.h"

struct wire {
	uint32_t ifindex; /* of the end where programs are measured */
	uint32_t far;	  /* of the end where packets come from */
	int generate, sink;
	const volatile struct flow_cpu *cpus;
};

/* Leaves this thread's network namespace for a new one. 0 or a negative errno. */
int wire_open(struct wire *wire);
/* The programs, once they are loaded; cpus: what they count in. */
int wire_use(struct wire *wire, int generate, int sink, const volatile struct flow_cpu *cpus);
/* program: its descriptor. How many million packets a second came back, by CPUs 0..cpus-1. */
int wire_measure(const struct wire *wire, int program, uint32_t cpus, double *ret_mpps);

#endif
