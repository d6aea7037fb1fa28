/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SYN cookies (RFC 4987, 3.6) for services of the node's own stack, while their tenant is under
 * attack: a SYN is answered here with a cookie for a sequence number, and nothing is stored; the
 * stack gets what belongs to its connections, and the ACK that brings a good cookie back, of which
 * it makes a connection as of a cookie of its own. Owns no map.
 *
 * The kernel makes the cookies. It is asked through the socket that listens, and not without one
 * (bpf_tcp_raw_gen_syncookie), since a listener believes in cookies only for two minutes after it
 * gave one out, and this notes that it did. With net.ipv4.tcp_syncookies at 1 the kernel makes one
 * only when the listener's queue of half open connections is full: until then the SYN is the
 * stack's, which has room for it, and can use all that the client offers. At 2, each SYN gets one.
 * A cookie holds the segment size alone: window scaling and the like are not offered.
 *
 * A good cookie is the first that is known to come from its source: there, and not by a SYN that
 * gets one, the connection is charged to its client (abi/client.h). Until the stack has seen that
 * ACK, each further segment is charged as well: a request that comes right behind it counts for a
 * second one.
 */
#ifndef MTLB_STAGE_COOKIE_H
#define MTLB_STAGE_COOKIE_H

#include "answer.bpf.h"
#include "client.bpf.h"
#include "count.bpf.h"
#include "defence.bpf.h"
#include "mss.bpf.h"

#define COOKIE_LISTEN	    10	  /* the state of a listening socket */
#define COOKIE_WINDOW	    14600 /* ten segments, what a client may send first (RFC 6928) */
#define COOKIE_MSS_IPV4	    536	  /* of a SYN that announces none (RFC 9293, 3.7.1) */
#define COOKIE_MSS_IPV6	    1220
#define COOKIE_MSS_MAX_IPV6 1440 /* what fits an Ethernet, however large the client's packets */

struct cookie_ipv4 {
	struct iphdr ip;
	struct tcphdr tcp;
	__be32 mss; /* option */
};

struct cookie_ipv6 {
	struct ipv6hdr ip;
	struct tcphdr tcp;
	__be32 mss;
};

static __always_inline __be32 cookie_option(__u32 mss)
{
	return core_be32((__u32)MSS_OPTION << 24 | MSS_OPTION_BYTES << 16 | (mss & 0xffff));
}

/* The SYN, as far as the kernel looks at it. */
static __always_inline void cookie_question(const struct packet *p, __be32 sequence, __u32 mss,
					    struct tcphdr *tcp, __be32 *option)
{
	tcp->source = p->source_port;
	tcp->dest = p->key.port;
	tcp->seq = sequence;
	tcp->doff = (sizeof(*tcp) + sizeof(*option)) / 4;
	tcp->syn = 1;
	*option = cookie_option(mss);
}

/* And its answer, but for the checksum. */
static __always_inline void cookie_reply(struct tcphdr *tcp, __be32 *option, __u64 cookie,
					 __u32 mss)
{
	__be16 port = tcp->source;

	tcp->source = tcp->dest;
	tcp->dest = port;
	tcp->ack_seq = core_be32(core_be32(tcp->seq) + 1);
	tcp->seq = core_be32((__u32)cookie);
	tcp->ack = 1;
	tcp->window = core_be16(COOKIE_WINDOW);
	*option = cookie_option(mss);
}

/* Makes the frame as long as its answer, and turns it around; its tags stay. A short frame keeps
 * its padding, which not every card adds. */
static __always_inline int cookie_resize(struct xdp_md *ctx, __u32 length)
{
	__u32 was = (__u32)bpf_xdp_get_buff_len(ctx), least = was < ETH_ZLEN ? was : ETH_ZLEN;
	void *data, *end;
	__u8 mac[ETH_ALEN];
	struct ethhdr *eth;

	if (length < least)
		length = least;
	if (bpf_xdp_adjust_tail(ctx, (int)length - (int)was))
		return MTLB_REASON_no_headroom;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	eth = data;
	if ((void *)(eth + 1) > end)
		return MTLB_REASON_no_headroom;
	__builtin_memcpy(mac, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, mac, ETH_ALEN);
	return 0;
}

/*
 * The cookie, and the segment size it stands for, in bits 32 to 47. 0: the SYN is the stack's: of a
 * connection that it knows, or the listener has room for it, or for no connection at all. Negative:
 * nobody listens.
 */
static __always_inline __s64 cookie_ask(struct bpf_sock *socket, void *ip, __u32 ip_bytes,
					struct tcphdr *tcp)
{
	__s64 cookie = 0;

	if (!socket)
		return -1;
	if (socket->state == COOKIE_LISTEN)
		cookie = bpf_tcp_gen_syncookie(socket, ip, ip_bytes, tcp,
					       sizeof(*tcp) + sizeof(__be32));
	bpf_sk_release(socket);
	return cookie > 0 ? cookie : 0;
}

/* Out of line for the verifier's sake, as are those below. */
__attribute__((noinline)) int cookie_issue_ipv4(struct xdp_md *ctx, struct packet *p, __u32 mss)
{
	struct bpf_sock_tuple tuple = {};
	struct cookie_ipv4 h = {};
	__be32 sequence;
	__s64 cookie;
	__u32 length;
	int reason;

	if (!p || bpf_xdp_load_bytes(ctx, p->l3 + p->l4 + offsetof(struct tcphdr, seq), &sequence,
				     sizeof(sequence)))
		return MTLB_REASON_bad_l4;
	h.ip.version = 4;
	h.ip.ihl = 5;
	h.ip.saddr = tuple.ipv4.saddr = p->source.word[3];
	h.ip.daddr = tuple.ipv4.daddr = p->key.address.word[3];
	tuple.ipv4.sport = p->source_port;
	tuple.ipv4.dport = p->key.port;
	cookie_question(p, sequence, mss ?: COOKIE_MSS_IPV4, &h.tcp, &h.mss);
	cookie = cookie_ask(
		bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0), &h.ip,
		sizeof(h.ip), &h.tcp);
	if (cookie <= 0)
		return cookie ? MTLB_REASON_no_listener : MTLB_REASON_local;
	h.ip.saddr = p->key.address.word[3];
	h.ip.daddr = p->source.word[3];
	h.ip.tot_len = core_be16(sizeof(h));
	h.ip.frag_off = core_be16(ENCAP_DONT_FRAGMENT);
	h.ip.ttl = ENCAP_TTL;
	h.ip.protocol = IPPROTO_TCP;
	h.ip.check = answer_fold(bpf_csum_diff(NULL, 0, (__be32 *)&h.ip, sizeof(h.ip), 0));
	cookie_reply(&h.tcp, &h.mss, (__u64)cookie, (__u64)cookie >> 32 & 0xffff);
	/* from the addresses on: they are in the pseudo header as well */
	h.tcp.check = answer_fold(bpf_csum_diff(
		NULL, 0, (__be32 *)((void *)&h + offsetof(struct iphdr, saddr)),
		sizeof(h) - offsetof(struct iphdr, saddr),
		(__wsum)(core_be16(IPPROTO_TCP) + core_be16(sizeof(h) - sizeof(h.ip)))));
	length = p->l3;
	reason = cookie_resize(ctx, length + sizeof(h));
	if (reason)
		return reason;
	return bpf_xdp_store_bytes(ctx, length, &h, sizeof(h)) ? MTLB_REASON_no_headroom
							       : MTLB_REASON_syn_cookie;
}

__attribute__((noinline)) int cookie_issue_ipv6(struct xdp_md *ctx, struct packet *p, __u32 mss)
{
	struct bpf_sock_tuple tuple = {};
	struct cookie_ipv6 h = {};
	__be32 sequence;
	__s64 cookie;
	__u32 length;
	int reason;

	if (!p || bpf_xdp_load_bytes(ctx, p->l3 + p->l4 + offsetof(struct tcphdr, seq), &sequence,
				     sizeof(sequence)))
		return MTLB_REASON_bad_l4;
	h.ip.version = 6;
	__builtin_memcpy(&h.ip.saddr, &p->source, sizeof(h.ip.saddr));
	__builtin_memcpy(&h.ip.daddr, &p->key.address, sizeof(h.ip.daddr));
	__builtin_memcpy(&tuple.ipv6.saddr, &p->source, sizeof(tuple.ipv6.saddr));
	__builtin_memcpy(&tuple.ipv6.daddr, &p->key.address, sizeof(tuple.ipv6.daddr));
	tuple.ipv6.sport = p->source_port;
	tuple.ipv6.dport = p->key.port;
	cookie_question(p, sequence, mss ?: COOKIE_MSS_IPV6, &h.tcp, &h.mss);
	cookie = cookie_ask(
		bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0), &h.ip,
		sizeof(h.ip), &h.tcp);
	if (cookie <= 0)
		return cookie ? MTLB_REASON_no_listener : MTLB_REASON_local;
	mss = (__u64)cookie >> 32 & 0xffff;
	__builtin_memcpy(&h.ip.saddr, &p->key.address, sizeof(h.ip.saddr));
	__builtin_memcpy(&h.ip.daddr, &p->source, sizeof(h.ip.daddr));
	h.ip.payload_len = core_be16(sizeof(h) - sizeof(h.ip));
	h.ip.nexthdr = IPPROTO_TCP;
	h.ip.hop_limit = ENCAP_TTL;
	cookie_reply(&h.tcp, &h.mss, (__u64)cookie,
		     mss < COOKIE_MSS_MAX_IPV6 ? mss : COOKIE_MSS_MAX_IPV6);
	h.tcp.check = answer_fold(bpf_csum_diff(
		NULL, 0, (__be32 *)((void *)&h + offsetof(struct ipv6hdr, saddr)),
		sizeof(h) - offsetof(struct ipv6hdr, saddr),
		(__wsum)(core_be16(IPPROTO_TCP) + core_be16(sizeof(h) - sizeof(h.ip)))));
	length = p->l3;
	reason = cookie_resize(ctx, length + sizeof(h));
	if (reason)
		return reason;
	return bpf_xdp_store_bytes(ctx, length, &h, sizeof(h)) ? MTLB_REASON_no_headroom
							       : MTLB_REASON_syn_cookie;
}

/* Does the stack know the connection? 0: nobody listens. */
static __always_inline __u32 cookie_state(struct bpf_sock *socket)
{
	__u32 state = 0;

	if (socket) {
		state = socket->state;
		bpf_sk_release(socket);
	}
	return state;
}

__attribute__((noinline)) int cookie_check_ipv4(struct xdp_md *ctx, struct packet *p)
{
	struct bpf_sock_tuple tuple = {};
	struct iphdr ip = {};
	struct tcphdr tcp;
	__u32 state;

	if (!p || bpf_xdp_load_bytes(ctx, p->l3 + p->l4, &tcp, sizeof(tcp)))
		return MTLB_REASON_bad_l4;
	ip.saddr = tuple.ipv4.saddr = p->source.word[3];
	ip.daddr = tuple.ipv4.daddr = p->key.address.word[3];
	tuple.ipv4.sport = p->source_port;
	tuple.ipv4.dport = p->key.port;
	state = cookie_state(
		bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0));
	if (state && state != COOKIE_LISTEN)
		return MTLB_REASON_local;
	if (!state || !tcp.ack || tcp.rst)
		return MTLB_REASON_bad_cookie;
	if (bpf_tcp_raw_check_syncookie_ipv4(&ip, &tcp))
		return MTLB_REASON_bad_cookie;
	if (!client_may_open(&p->source, p->tenant, p->ipv6))
		return MTLB_REASON_over_client_flows;
	count_tenant(p->tenant, MTLB_COUNTER_cookies_accepted);
	return MTLB_REASON_local;
}

__attribute__((noinline)) int cookie_check_ipv6(struct xdp_md *ctx, struct packet *p)
{
	struct bpf_sock_tuple tuple = {};
	struct ipv6hdr ip = {};
	struct tcphdr tcp;
	__u32 state;

	if (!p || bpf_xdp_load_bytes(ctx, p->l3 + p->l4, &tcp, sizeof(tcp)))
		return MTLB_REASON_bad_l4;
	__builtin_memcpy(&ip.saddr, &p->source, sizeof(ip.saddr));
	__builtin_memcpy(&ip.daddr, &p->key.address, sizeof(ip.daddr));
	__builtin_memcpy(&tuple.ipv6.saddr, &p->source, sizeof(tuple.ipv6.saddr));
	__builtin_memcpy(&tuple.ipv6.daddr, &p->key.address, sizeof(tuple.ipv6.daddr));
	tuple.ipv6.sport = p->source_port;
	tuple.ipv6.dport = p->key.port;
	state = cookie_state(
		bpf_skc_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0));
	if (state && state != COOKIE_LISTEN)
		return MTLB_REASON_local;
	if (!state || !tcp.ack || tcp.rst)
		return MTLB_REASON_bad_cookie;
	if (bpf_tcp_raw_check_syncookie_ipv6(&ip, &tcp))
		return MTLB_REASON_bad_cookie;
	if (!client_may_open(&p->source, p->tenant, p->ipv6))
		return MTLB_REASON_over_client_flows;
	count_tenant(p->tenant, MTLB_COUNTER_cookies_accepted);
	return MTLB_REASON_local;
}

/* A packet that is for the node's own stack. What comes in fragments is no attack of this kind. */
static __always_inline int cookie(struct xdp_md *ctx, struct packet *p)
{
	__u32 mss;
	int reason;

	if (p->key.protocol != IPPROTO_TCP || p->related)
		return MTLB_REASON_local;
	if (packet_opens(p))
		count_tenant(p->tenant, MTLB_COUNTER_local_syns);
	if (likely(!defence_on(p->tenant)) || p->fragment)
		return MTLB_REASON_local;
	if (!(p->tcp_flags & PACKET_TCP_SYN))
		return p->ipv6 ? cookie_check_ipv6(ctx, p) : cookie_check_ipv4(ctx, p);
	if (!packet_opens(p) || p->tcp_flags & PACKET_TCP_FIN)
		return MTLB_REASON_bad_cookie;
	mss = mss_read(ctx, p->l3 + p->l4);
	reason = p->ipv6 ? cookie_issue_ipv6(ctx, p, mss) : cookie_issue_ipv4(ctx, p, mss);
	/* the stack takes it as it is, and there will be no cookie to charge */
	if (reason == MTLB_REASON_local && !client_may_open(&p->source, p->tenant, p->ipv6))
		reason = MTLB_REASON_over_client_flows;
	return reason;
}

#endif
