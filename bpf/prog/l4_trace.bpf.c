// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The program of l4_ingress.bpf.c once more, for one packet that never was: it is attached nowhere,
 * and run with maps of which those that packets write are its own (userspace/inspect/trace.h).
 * These are empty at first: a lookup that finds nothing is noted, so that its caller can put there
 * what the real map has, and run it again.
 *
 * It is the same stages and nothing else. That noting costs something is why it is a program of its
 * own, and not a switch in the one that packets meet.
 */
#include "../stage/trace.bpf.h"
#include "../stage/pipeline.bpf.h"
#include "../stage/names.bpf.h"

SEC("xdp.frags")
int mtlb_trace_packet(struct xdp_md *ctx)
{
	return pipeline(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
