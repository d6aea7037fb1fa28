// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The program that is attached to the node's interfaces: what it does is stage/pipeline.bpf.h. And
 * the one that health checks leave by, stage/probe.bpf.h: in one object, as they share all maps.
 */
#include "../stage/pipeline.bpf.h"
#include "../stage/names.bpf.h"
#include "../stage/probe.bpf.h"

SEC("xdp.frags")
int mtlb_ingress(struct xdp_md *ctx)
{
	return pipeline(ctx);
}

SEC("xdp")
int mtlb_probe_out(struct xdp_md *ctx)
{
	return probe(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
