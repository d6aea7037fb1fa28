/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the programs of flow.bpf.c and l4.bpf.c share. Each run puts the frame back as a client sent
 * it, for another flow, then calls what is to be measured: nothing (the harness's own cost, to be
 * subtracted), the floor, or the balancer's pipeline.
 */
#ifndef MTLB_BENCH_FLOW_BPF_H
#define MTLB_BENCH_FLOW_BPF_H

#include "flow.h"
#include "../../bpf/stage/pipeline.bpf.h"

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
static __always_inline void flow_write_ethernet(void *frame, __be16 protocol)
{
	*(__u64 *)(frame + 0) = 0x0002010000000002ULL;
	*(__u32 *)(frame + 8) = 0x01000000U;
	*(__u16 *)(frame + 12) = protocol;
}

/* Multiplied by an odd number: each flow has a source of its own. */
static __always_inline __u32 flow_mix(__u32 flow)
{
	return flow * 0x9e3779b1U;
}

static __always_inline void flow_write_ipv4(void *frame, __u32 flow, __u32 to, __u8 protocol)
{
	flow_write_ethernet(frame, core_be16(ETH_P_IP));
	*(__u64 *)(frame + 14) = 0x45ULL | (__u64)core_be16(FLOW_FRAME_BYTES - 14) << 16;
	*(__u32 *)(frame + 22) = 64 | protocol << 8;
	*(__u32 *)(frame + 26) = core_be32(0x0a000000U | flow_mix(flow) >> 8);
	*(__u32 *)(frame + 30) = core_be32(to);
}

static __always_inline void flow_write_ipv6(void *frame, __u32 flow, __u8 protocol)
{
	flow_write_ethernet(frame, core_be16(ETH_P_IPV6));
	*(__u64 *)(frame + 14) = 0x60ULL | (__u64)core_be16(FLOW_FRAME6_BYTES - 54) << 32 |
				 (__u64)protocol << 48 | 64ULL << 56;
	for (int i = 0; i < 4; i++) {
		*(__u32 *)(frame + 22 + 4 * i) =
			core_be32(i ? i < 3 ? 0 : flow_mix(flow) >> 8 : 0x20010db8U);
		*(__u32 *)(frame + 38 + 4 * i) = core_be32(FLOW_VIP6(i));
	}
}

static __always_inline void flow_write_ports(void *l4, __u32 flow)
{
	*(__u16 *)(l4 + 0) = core_be16(0x8000U | (flow_mix(flow) & 0xff));
	*(__u16 *)(l4 + 2) = flow_control.port;
}

static __always_inline void flow_write_tcp(void *l4, __u32 flow)
{
	flow_write_ports(l4, flow);
	*(__u64 *)(l4 + 4) = flow;
	*(__u64 *)(l4 + 12) = 0x50U | flow_control.tcp_flags << 8 | 0xffff0000U;
}

/* As a QUIC server of FLOW_QUIC_BYTES of server ID wants to be addressed: a short header. Or, as a
 * client's first packet has it, a long one of version 1 with an ID of eight bytes.
 */
static __always_inline void flow_write_udp(void *l4, __u32 flow)
{
	flow_write_ports(l4, flow);
	*(__u32 *)(l4 + 4) = core_be16(FLOW_FRAME_BYTES - 34);
	if (flow_control.first_byte == FLOW_QUIC_INITIAL) {
		*(__u16 *)(l4 + 8) = FLOW_QUIC_INITIAL;
		*(__u64 *)(l4 + 10) = 0x08010000ULL | (__u64)flow << 32;
	} else {
		*(__u16 *)(l4 + 8) = 0x40;
		*(__u64 *)(l4 + 10) = FLOW_QUIC_ID(flow);
	}
}

/* The datagram's number is its flow's. */
static __always_inline void flow_write_fragment(void *frame, __u32 flow, __u32 offset)
{
	*(__u64 *)(frame + 14) = 0x45ULL | (__u64)core_be16(FLOW_FRAME_BYTES - 14) << 16 |
				 (__u64)(flow & 0xffff) << 32 | (__u64)core_be16(offset) << 48;
}

static __always_inline void flow_write_icmp(void *frame, __u32 flow)
{
	flow_write_ipv4(frame, flow, FLOW_VIP, IPPROTO_ICMP);
	*(__u64 *)(frame + 14) = 0x45ULL | (__u64)core_be16(FLOW_FRAME6_BYTES - 14) << 16;
	*(__u64 *)(frame + 34) = 0x0303; /* type, code; no checksum */
	*(__u64 *)(frame + 42) = 0x45ULL | (__u64)core_be16(40) << 16;
	*(__u32 *)(frame + 50) = 64 | IPPROTO_TCP << 8;
	*(__u32 *)(frame + 54) = core_be32(FLOW_VIP);
	*(__u32 *)(frame + 58) = core_be32(0x0a000000U | flow_mix(flow) >> 8);
	*(__u16 *)(frame + 62) = flow_control.port;
	*(__u16 *)(frame + 64) = core_be16(0x8000U | (flow_mix(flow) & 0xff));
	*(__u64 *)(frame + 66) = flow;
}

static __always_inline void flow_write(void *frame, __u32 flow, enum flow_kind kind)
{
	if (kind == FLOW_TCP6) {
		flow_write_ipv6(frame, flow, IPPROTO_TCP);
		flow_write_tcp(frame + 54, flow);
	} else if (kind == FLOW_ICMP) {
		flow_write_icmp(frame, flow);
	} else if (kind == FLOW_UDP4 || kind == FLOW_FIRST || kind == FLOW_LATER) {
		flow_write_ipv4(frame, flow, FLOW_VIP, IPPROTO_UDP);
		flow_write_udp(frame + 34, flow);
		if (kind != FLOW_UDP4)
			flow_write_fragment(frame, flow, kind == FLOW_FIRST ? 0x2000 : 100);
	} else {
		flow_write_ipv4(frame, flow, kind == FLOW_NO_VIP ? FLOW_NOT_VIP : FLOW_VIP,
				IPPROTO_TCP);
		flow_write_tcp(frame + 34, flow);
	}
}

static __always_inline bool flow_restore(struct xdp_md *ctx, enum flow_kind kind)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 forget = flow_control.forget;
	int bytes = kind == FLOW_TCP6 || kind == FLOW_ICMP ? FLOW_FRAME6_BYTES : FLOW_FRAME_BYTES;
	long length = end - data;

	/* an answer of the balancer's own may be shorter */
	barrier_var(length);
	if (length < bytes && bpf_xdp_adjust_tail(ctx, bytes - (int)length))
		return false;
	/* also when nothing is to be cut off, so that the harness alone costs the same */
	if (bpf_xdp_adjust_head(ctx, length > bytes ? (int)length - bytes : 0))
		return false;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + bytes > end)
		return false;
	flow_write(data, flow_next(), kind);

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
	    ip->protocol != IPPROTO_TCP || tcp->dest != flow_control.port)
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

/* wanted: the verdict without which a run does not count. */
#define FLOW_PROGRAM(name, kind, call, wanted)                                \
	SEC("xdp")                                                            \
	int name(struct xdp_md *ctx)                                          \
	{                                                                     \
		int code = flow_restore(ctx, kind) ? call(ctx) : XDP_ABORTED; \
                                                                              \
		if (code == (wanted))                                         \
			flow_control.sent++;                                  \
		return code;                                                  \
	}

#endif
