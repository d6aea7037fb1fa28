/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP errors about translated packets (RFC 5508, 4.2): what the error quotes is given back the
 * ends that its sender knows, and the error goes to that sender. It works the same both ways: about
 * a request it is for an address that flows are translated to, about a reply it is for a VIP. Owns
 * no map.
 */
#ifndef MTLB_STAGE_NAT_ICMP_H
#define MTLB_STAGE_NAT_ICMP_H

#include <linux/tcp.h>
#include <linux/udp.h>

#include "nat_write.bpf.h"
#include "../core/icmp.h"

/* The checksum of what is quoted, if it is there. at: of the L4 header. Returns the difference that
 * its change makes to the sum of what is around it.
 */
static __always_inline __u32 nat_icmp_fix_quoted(struct xdp_md *ctx, const struct packet *p,
						 __u32 at, __u32 difference)
{
	bool tcp = p->key.protocol == IPPROTO_TCP;
	__u16 was, is;

	at += tcp ? offsetof(struct tcphdr, check) : offsetof(struct udphdr, check);
	/* of TCP, eight bytes may be all that is quoted */
	if (at + sizeof(was) > p->l3 + p->ip_bytes ||
	    bpf_xdp_load_bytes(ctx, at, &was, sizeof(was)))
		return 0;
	is = tcp ? nat_fix(was, difference) : nat_fix_udp(was, difference);
	bpf_xdp_store_bytes(ctx, at, &is, sizeof(is));
	return nat_difference(was, is);
}

/* Where the L4 header is that is quoted; 0: nowhere. at: the quoted IP header. What an IPv4 header
 * loses in its addresses it gains in its checksum: its sum stays the same.
 */
static __always_inline __u32 nat_icmp_write_quoted(struct xdp_md *ctx, const struct packet *p,
						   const struct nat_ends *to, __u32 at,
						   __u32 difference)
{
	__u8 first; /* byte of the IPv4 header, or header behind that of IPv6 */
	__u16 check;

	if (p->ipv6) {
		if (bpf_xdp_store_bytes(ctx, at + offsetof(struct ipv6hdr, saddr),
					(void *)&to->destination, sizeof(to->destination)) ||
		    bpf_xdp_store_bytes(ctx, at + offsetof(struct ipv6hdr, daddr),
					(void *)&to->source, sizeof(to->source)) ||
		    bpf_xdp_load_bytes(ctx, at + offsetof(struct ipv6hdr, nexthdr), &first,
				       sizeof(first)))
			return 0;
		at += sizeof(struct ipv6hdr);
		return first == IPPROTO_FRAGMENT ? at + sizeof(struct packet_fragment) : at;
	}
	if (bpf_xdp_load_bytes(ctx, at, &first, sizeof(first)) ||
	    bpf_xdp_load_bytes(ctx, at + offsetof(struct iphdr, check), &check, sizeof(check)))
		return 0;
	check = nat_fix(check, difference);
	bpf_xdp_store_bytes(ctx, at + offsetof(struct iphdr, check), &check, sizeof(check));
	bpf_xdp_store_bytes(ctx, at + offsetof(struct iphdr, saddr),
			    (void *)&to->destination.word[3], sizeof(__be32));
	bpf_xdp_store_bytes(ctx, at + offsetof(struct iphdr, daddr), (void *)&to->source.word[3],
			    sizeof(__be32));
	return at + (first & 0xf) * 4U;
}

/* Whom the error is from; p->source is whom the packet it is about was for. */
static __always_inline void nat_icmp_source(struct xdp_md *ctx, const struct packet *p,
					    struct mtlb_address *ret_source)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	void *l3 = data + (p->l3 & 0x1f);

	*ret_source = p->key.address;
	if (p->ipv6 && l3 + sizeof(struct ipv6hdr) <= end)
		__builtin_memcpy(ret_source, &((struct ipv6hdr *)l3)->saddr, sizeof(*ret_source));
	else if (!p->ipv6 && l3 + sizeof(struct iphdr) <= end)
		ret_source->word[3] = ((struct iphdr *)l3)->saddr;
}

/* The error's own checksum, when what it covers changes by so much. */
static __always_inline int nat_icmp_fix(struct xdp_md *ctx, const struct packet *p,
					__u32 difference)
{
	__u32 at = p->l3 + p->l4 + (__u32)offsetof(struct icmp_header, checksum);
	__u16 checksum;

	if (bpf_xdp_load_bytes(ctx, at, &checksum, sizeof(checksum)))
		return MTLB_REASON_icmp;
	checksum = nat_fix(checksum, difference);
	return bpf_xdp_store_bytes(ctx, at, &checksum, sizeof(checksum)) ? MTLB_REASON_icmp : 0;
}

/* This and the next are out of line for the verifier's sake, and two for the stack's: both ways
 * lead here. to: as of nat_write.
 */
__attribute__((noinline)) int nat_icmp_quoted(struct xdp_md *ctx, struct packet *p,
					      struct nat_ends *to)
{
	__u32 addresses, ports, at;

	if (!p || !to)
		return MTLB_REASON_no_record;
	addresses = nat_difference_address(&p->source, &to->source) +
		    nat_difference_address(&p->key.address, &to->destination);
	ports = nat_difference(p->source_port, to->source_port) +
		nat_difference(p->key.port, to->destination_port);
	at = p->l3 + p->l4 + (__u32)sizeof(struct icmp_header);
	at = nat_icmp_write_quoted(ctx, p, to, at, addresses);
	if (!at || bpf_xdp_store_bytes(ctx, at, &to->destination_port, sizeof(__be16)) ||
	    bpf_xdp_store_bytes(ctx, at + 2, &to->source_port, sizeof(__be16)))
		return MTLB_REASON_icmp;
	ports += nat_icmp_fix_quoted(ctx, p, at, addresses + ports);
	return nat_icmp_fix(ctx, p, p->ipv6 ? ports + addresses : ports);
}

/*
 * A router signs with its own name; the other end of the flow with the one that it is known by. Of
 * IPv6, the checksum covers both.
 */
__attribute__((noinline)) int nat_icmp_outer(struct xdp_md *ctx, struct packet *p,
					     struct nat_ends *to)
{
	struct mtlb_address source;
	__u32 difference;
	int reason;

	if (!p || !to)
		return MTLB_REASON_no_record;
	nat_icmp_source(ctx, p, &source);
	difference = nat_difference_address(&p->key.address, &to->destination);
	if (nat_same_address(&source, &p->source)) {
		difference += nat_difference_address(&source, &to->source);
		source = to->source;
	}
	reason = nat_write_addresses(ctx, p, &source, &to->destination, difference);
	if (reason || !p->ipv6)
		return reason;
	return nat_icmp_fix(ctx, p, difference);
}

#endif
