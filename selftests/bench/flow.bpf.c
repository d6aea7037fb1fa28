// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The flow benchmark's programs: the balancer's pipeline beside the one with an LRU_HASH. */
#include "flow.bpf.h"
#include "track_lru.bpf.h"

static __noinline int flow_lru_hash(struct xdp_md *ctx)
{
	struct packet p = {};

	return finish(ctx, &p, read_headers(ctx, &p) ?: classify(&p) ?: track_lru(ctx, &p) ?:
				forward(ctx, &p));
}

FLOW_PROGRAM(bench_harness, FLOW_TCP4, flow_nothing, XDP_TX)
FLOW_PROGRAM(bench_floor, FLOW_TCP4, flow_floor, XDP_TX)
FLOW_PROGRAM(bench_mtlb, FLOW_TCP4, flow_mtlb, XDP_TX)
FLOW_PROGRAM(bench_lru_hash, FLOW_TCP4, flow_lru_hash, XDP_TX)

char _license[] SEC("license") = "Dual BSD/GPL";
