// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The flow benchmark's programs. Each run puts the frame back as a client sent it, for another
 * flow, then hands it to the pipeline, which is made of the very stages the balancer has. What
 * differs between the programs is only what they call: nothing (the harness's own cost, to be
 * subtracted), the floor, the balancer's pipeline, or the one with an LRU_HASH.
 */
#include "flow.h"
#include "../../bpf/stage/pipeline.bpf.h"
#include "track_lru.bpf.h"

struct flow_control flow_control;

/* The next flow's number. */
static __always_inline __u32 flow_next(void)
{
	__u32 at = flow_control.at, next = at + flow_control.step;

	flow_control.at = next >= flow_control.count ? next - flow_control.count : next;
	return flow_control.first + at;
}

/*
 * Every field is stored whole, and none of them across two stores: a processor forwards a store to
 * a load only if the load lies within it, and the pipeline must not be made to wait for what in
 * life a network card wrote long ago.
 */
static __always_inline void flow_write(void *frame, __u32 flow)
{
	__u32 mixed = flow * 0x9e3779b1U; /* odd: each flow has a source of its own */

	*(__u64 *)(frame + 0) = 0x0002010000000002ULL;
	*(__u32 *)(frame + 8) = 0x01000000U;
	*(__u16 *)(frame + 12) = core_be16(ETH_P_IP);
	*(__u64 *)(frame + 14) = 0x45ULL | (__u64)core_be16(FLOW_FRAME_BYTES - 14) << 16;
	*(__u32 *)(frame + 22) = 64 | IPPROTO_TCP << 8;
	*(__u32 *)(frame + 26) = core_be32(0x0a000000U | mixed >> 8);
	*(__u32 *)(frame + 30) = core_be32(FLOW_VIP);
	*(__u16 *)(frame + 34) = core_be16(0x8000U | (mixed & 0xff));
	*(__u16 *)(frame + 36) = core_be16(FLOW_PORT);
	*(__u64 *)(frame + 38) = flow;
	*(__u64 *)(frame + 46) = 0x50U | flow_control.tcp_flags << 8 | 0xffff0000U;
}

static __always_inline bool flow_restore(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 forget = flow_control.forget;

	/* also when nothing is to be cut off, so that the harness alone costs the same */
	if (bpf_xdp_adjust_head(ctx, (int)(end - data) - FLOW_FRAME_BYTES))
		return false;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + FLOW_FRAME_BYTES > end)
		return false;
	flow_write(data, flow_next());

	if (forget != FLOW_FORGET_NONE) {
		struct mtlb_flow_bucket *bucket = bpf_map_lookup_elem(&mtlb_flows, &forget);

		if (!bucket)
			return false;
		__builtin_memset(bucket, 0, sizeof(*bucket));
	}
	return true;
}

/* The callees are functions of their own, so that each is compiled as a program would be. */

static __noinline int flow_nothing(struct xdp_md *ctx)
{
	int code = XDP_TX;

	/* hides the value: the caller has to call, and to look at what comes back */
	asm volatile("" : "+r"(code) : "r"(ctx));
	return code;
}

static __noinline int flow_floor(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct tcphdr *tcp = (void *)(ip + 1);
	__u8 mac[ETH_ALEN];

	if ((void *)(tcp + 1) > end || eth->h_proto != core_be16(ETH_P_IP) || ip->ihl != 5 ||
	    ip->protocol != IPPROTO_TCP || tcp->dest != core_be16(FLOW_PORT))
		return XDP_DROP;
	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	return XDP_TX;
}

static __noinline int flow_mtlb(struct xdp_md *ctx)
{
	return pipeline(ctx);
}

static __noinline int flow_lru_hash(struct xdp_md *ctx)
{
	struct packet p = {};

	return finish(&p, read_headers(ctx, &p) ?: classify(&p) ?: track_lru(ctx, &p) ?:
				forward(ctx, &p));
}

#define FLOW_PROGRAM(name, call)                                        \
	SEC("xdp")                                                      \
	int name(struct xdp_md *ctx)                                    \
	{                                                               \
		int code = flow_restore(ctx) ? call(ctx) : XDP_ABORTED; \
                                                                        \
		if (code == XDP_TX)                                     \
			flow_control.sent++;                            \
		return code;                                            \
	}

FLOW_PROGRAM(bench_harness, flow_nothing)
FLOW_PROGRAM(bench_floor, flow_floor)
FLOW_PROGRAM(bench_mtlb, flow_mtlb)
FLOW_PROGRAM(bench_lru_hash, flow_lru_hash)

char _license[] SEC("license") = "Dual BSD/GPL";
