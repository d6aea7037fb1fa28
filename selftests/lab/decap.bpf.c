// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The far end of the tunnels, for the lab's backends: strips one outer IPv4 or IPv6 header off a
 * packet, and the UDP header of GUE (variant 1) with it, and lets the inner one into the stack, so
 * that the lab needs no tunnel modules. It counts
 * what it stripped, by kind. It refuses (drops and counts) what a balancer must never send: outer
 * fragments, lengths that do not agree, a tunnel within the tunnel. Everything else passes as it
 * is.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define DECAP_GUE_PORT 6080

enum decap_kind {
	DECAP_4IN4,
	DECAP_6IN4,
	DECAP_4IN6,
	DECAP_6IN6,
	DECAP_REFUSED,
	DECAP_GUE, /* and what is above, in UDP: four kinds more */
	DECAP_KINDS = DECAP_GUE + 4,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DECAP_KINDS);
	__type(key, __u32);
	__type(value, __u64);
} decap_counts SEC(".maps");

/* What the outer header says: how long it is, what it carries, and how much of that. */
struct outer {
	__u32 header;
	__u32 payload;
	__u8 protocol;
	__u8 fragment;
	__u8 gue;
};

static __always_inline void count(__u32 kind)
{
	__u64 *packets = bpf_map_lookup_elem(&decap_counts, &kind);

	if (packets)
		__sync_fetch_and_add(packets, 1);
}

static __always_inline int refuse(void)
{
	count(DECAP_REFUSED);
	return XDP_DROP;
}

static __always_inline int read_outer4(const struct iphdr *ip, const void *end, struct outer *outer)
{
	__u32 total;

	if ((const void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
		return -1;
	total = bpf_ntohs(ip->tot_len);
	outer->header = ip->ihl * 4;
	outer->payload = total > outer->header ? total - outer->header : 0;
	outer->protocol = ip->protocol;
	outer->fragment = !!(ip->frag_off & bpf_htons(0x3fff));
	return 0;
}

static __always_inline int read_outer6(const struct ipv6hdr *ip, const void *end,
				       struct outer *outer)
{
	if ((const void *)(ip + 1) > end || ip->version != 6)
		return -1;
	outer->header = sizeof(*ip);
	outer->payload = bpf_ntohs(ip->payload_len);
	outer->protocol = ip->nexthdr;
	return 0;
}

/* The inner packet follows the UDP header and its version says which kind it is. */
static __always_inline int read_gue(const void *at, const void *end, struct outer *outer)
{
	const struct udphdr *udp = at;
	const __u8 *inner = (const __u8 *)(udp + 1);

	if ((const void *)(inner + 1) > end || udp->dest != bpf_htons(DECAP_GUE_PORT) ||
	    bpf_ntohs(udp->len) != outer->payload)
		return -1;
	outer->protocol = *inner >> 4 == 6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	outer->header += sizeof(*udp);
	outer->payload -= sizeof(*udp);
	outer->gue = 1;
	return 0;
}

static __always_inline int is_tunnel(__u8 protocol)
{
	return protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6;
}

/* Is there one whole inner packet, and nothing but it, inside the outer one? */
static __always_inline int inner_is_sound(const void *inner, const void *end,
					  const struct outer *outer)
{
	if (outer->protocol == IPPROTO_IPIP) {
		const struct iphdr *ip = inner;

		return (const void *)(ip + 1) <= end && ip->version == 4 && ip->ihl >= 5 &&
		       bpf_ntohs(ip->tot_len) == outer->payload && !is_tunnel(ip->protocol);
	} else {
		const struct ipv6hdr *ip = inner;

		return (const void *)(ip + 1) <= end && ip->version == 6 &&
		       bpf_ntohs(ip->payload_len) + sizeof(*ip) == outer->payload &&
		       !is_tunnel(ip->nexthdr);
	}
}

SEC("xdp")
int decap(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *ethernet = data, saved;
	struct outer outer = {};
	__u32 kind;

	/* What is not for this host alone was never sent through a tunnel to it. */
	if ((void *)(ethernet + 1) > end || (ethernet->h_dest[0] & 1))
		return XDP_PASS;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP)) {
		if (read_outer4((void *)(ethernet + 1), end, &outer))
			return XDP_PASS;
		kind = DECAP_4IN4;
	} else if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) {
		if (read_outer6((void *)(ethernet + 1), end, &outer))
			return XDP_PASS;
		kind = DECAP_4IN6;
	} else {
		return XDP_PASS;
	}
	outer.header &= 0x3f; /* says so to the verifier */
	if (outer.protocol == IPPROTO_UDP && !outer.fragment &&
	    read_gue((void *)(ethernet + 1) + outer.header, end, &outer))
		return XDP_PASS;
	if (!is_tunnel(outer.protocol))
		return XDP_PASS;
	if (outer.protocol == IPPROTO_IPV6)
		kind++;
	if (outer.gue)
		kind += DECAP_GUE;

	if (outer.fragment || (void *)(ethernet + 1) + outer.header + outer.payload > end ||
	    !inner_is_sound((void *)(ethernet + 1) + outer.header, end, &outer))
		return refuse();

	saved = *ethernet;
	saved.h_proto = bpf_htons(outer.protocol == IPPROTO_IPIP ? ETH_P_IP : ETH_P_IPV6);
	if (bpf_xdp_adjust_head(ctx, (int)outer.header))
		return refuse();
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	ethernet = data;
	if ((void *)(ethernet + 1) > end)
		return refuse();
	*ethernet = saved;
	count(kind);
	return XDP_PASS;
}

char decap_license[] SEC("license") = "Dual BSD/GPL";
