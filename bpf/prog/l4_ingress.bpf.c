// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The program that is attached to the node's interfaces. What it does is stage/pipeline.bpf.h. */
#include "../stage/pipeline.bpf.h"
#include "../stage/names.bpf.h"

SEC("xdp.frags")
int mtlb_ingress(struct xdp_md *ctx)
{
	return pipeline(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
