/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Gives a packet other ends: addresses, ports, and the checksums that cover them. The TTL stays,
 * since the node is no hop of the client's path. Owns no map, and knows no flow.
 */
#ifndef MTLB_STAGE_NAT_WRITE_H
#define MTLB_STAGE_NAT_WRITE_H

#include <linux/tcp.h>
#include <linux/udp.h>

#include "knobs.bpf.h"
#include "../abi/member.h"
#include "../core/nat.h"

/* difference: of both addresses, for the checksum of the IPv4 header. */
static __always_inline int nat_write_addresses(struct xdp_md *ctx, const struct packet *p,
					       const struct mtlb_address *source,
					       const struct mtlb_address *destination,
					       __u32 difference)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	void *l3 = data + (p->l3 & 0x1f);

	if (p->ipv6) {
		struct ipv6hdr *ip = l3;

		if ((void *)(ip + 1) > end)
			return MTLB_REASON_no_record;
		__builtin_memcpy(&ip->saddr, source, sizeof(ip->saddr));
		__builtin_memcpy(&ip->daddr, destination, sizeof(ip->daddr));
	} else {
		struct iphdr *ip = l3;

		if ((void *)(ip + 1) > end)
			return MTLB_REASON_no_record;
		ip->saddr = source->word[3];
		ip->daddr = destination->word[3];
		ip->check = nat_fix(ip->check, difference);
	}
	return 0;
}

/* difference: of both addresses, which the checksum of TCP and UDP covers as well. */
static __always_inline int nat_write_ports(struct xdp_md *ctx, const struct packet *p,
					   const struct nat_ends *to, __u32 difference)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	/* the masks tell the verifier what parse knows */
	void *l4 = data + (p->l3 & 0x1f) + (p->l4 & 0x7fff);

	difference += nat_difference(p->source_port, to->source_port) +
		      nat_difference(p->key.port, to->destination_port);
	if (p->key.protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = l4;

		if ((void *)(tcp + 1) > end)
			return MTLB_REASON_no_record;
		tcp->source = to->source_port;
		tcp->dest = to->destination_port;
		tcp->check = nat_fix(tcp->check, difference);
	} else {
		struct udphdr *udp = l4;

		if ((void *)(udp + 1) > end)
			return MTLB_REASON_no_record;
		udp->source = to->source_port;
		udp->dest = to->destination_port;
		udp->check = nat_fix_udp(udp->check, difference);
	}
	return 0;
}

/* Of an ICMP error about the flow: nat_icmp.bpf.h. */
int nat_icmp_quoted(struct xdp_md *ctx, struct packet *p, struct nat_ends *to);
int nat_icmp_outer(struct xdp_md *ctx, struct packet *p, struct nat_ends *to);

/* to: the ends its flow gets, as a packet has them that goes the way p goes. */
static __always_inline int nat_write(struct xdp_md *ctx, struct packet *p, struct nat_ends *to)
{
	__u32 difference = nat_difference_address(&p->source, &to->source) +
			   nat_difference_address(&p->key.address, &to->destination);
	int reason;

	if (p->related)
		return nat_icmp_quoted(ctx, p, to) ?: nat_icmp_outer(ctx, p, to);
	reason = nat_write_addresses(ctx, p, &to->source, &to->destination, difference);
	if (reason || packet_is_later_fragment(p))
		return reason;
	return nat_write_ports(ctx, p, to, difference);
}

/* To the member, from the address and port that the flow is translated to. */
static __always_inline int nat_write_request(struct xdp_md *ctx, struct packet *p,
					     const struct mtlb_member *m)
{
	struct nat_ends to = {
		.source = m->outer_source,
		.destination = m->outer_destination,
		.source_port = core_be16(p->nat),
		.destination_port = m->port ? m->port : p->key.port,
	};

	/* its service did not translate when this packet came in */
	if (!p->nat && !packet_is_later_fragment(p))
		return MTLB_REASON_no_flow;
	if (nat_is_ipv4(&m->outer_destination) == p->ipv6)
		return MTLB_REASON_no_record;
	return nat_write(ctx, p, &to);
}

#endif
