// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Sends streams of packets into one end of a wire and takes back what comes out: traffic.h. A run
 * of the sender asks which stream of its CPU is due; when none is, its frame is dropped at once, so
 * that one endless loop of runs keeps any number of rates. What is late is caught up with.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <linux/in.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#include "traffic_abi.h"

struct traffic_stream traffic_streams[TRAFFIC_STREAMS];
struct traffic_came traffic_came[TRAFFIC_STREAMS];
struct traffic_flow traffic_flows[TRAFFIC_FLOWS];
__u32 traffic_stop;
const volatile __u32 traffic_wire; /* the interface that packets go out by */

#define FIN 0x01
#define SYN 0x02
#define ACK 0x10

struct next {
	__u32 stream, flow, source;
	__u16 source_port;
	__u8 tcp_flags;
};

/* The stream's next packet; a flow has an address of its own, in 10.0.0.0/8. */
static __always_inline void choose(struct traffic_stream *s, struct next *next)
{
	__u64 at = s->at++, lap;
	__u32 round;

	if (!s->window) {
		next->flow = TRAFFIC_NO_FLOW;
		next->source = 0x20000000U | (bpf_get_prandom_u32() & 0x3fffffffU);
		next->source_port = (__u16)bpf_get_prandom_u32();
		next->tcp_flags = s->tcp_flags;
		return;
	}
	lap = at / s->window;
	round = (__u32)lap;
	next->flow = (__u32)(at - lap * s->window);
	if (s->rounds) {
		__u32 generation = (__u32)(lap / s->rounds);

		round = (__u32)(lap - (__u64)generation * s->rounds);
		next->flow += generation * s->window % s->flows;
	}
	next->flow += s->first;
	next->source = 0x0a000000U | (next->flow + 1);
	next->source_port = 1024 + (__u16)(next->flow * 40503U % 60000);
	next->tcp_flags = !round ? SYN : s->rounds && round == s->rounds - 1 ? FIN | ACK : ACK;
}

/* Which stream is due at this time; TRAFFIC_STREAMS when none is. */
static __always_inline __u32 choose_stream(__u64 now, __u32 cpu)
{
	__u64 time = now << TRAFFIC_TIME_SHIFT;

	for (__u32 i = 0; i < TRAFFIC_STREAMS; i++) {
		struct traffic_stream *s = &traffic_streams[i];

		if (!s->on || s->cpu != cpu)
			continue;
		if (!s->interval)
			return i;
		if (s->due > time)
			continue;
		if (time - s->due > TRAFFIC_LATE_NS << TRAFFIC_TIME_SHIFT)
			s->due = time;
		s->due += s->interval;
		return i;
	}
	return TRAFFIC_STREAMS;
}

static __always_inline void write_frame(void *data, const struct traffic_stream *s,
					const struct next *next, __u32 bytes, __u64 now)
{
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct traffic_mark *mark = data + TRAFFIC_MARK_AT;

	__builtin_memset(data, 0, TRAFFIC_FRAME);
	eth->h_dest[0] = eth->h_source[0] = 2;
	eth->h_source[5] = 1;
	eth->h_proto = bpf_htons(ETH_P_IP);
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = bpf_htons((__u16)(bytes - sizeof(*eth)));
	ip->ttl = 64;
	ip->protocol = s->protocol;
	ip->saddr = bpf_htonl(next->source);
	ip->daddr = bpf_htonl(s->destination);
	if (s->protocol == IPPROTO_UDP) {
		struct udphdr *udp = (void *)(ip + 1);

		udp->source = bpf_htons(next->source_port);
		udp->dest = bpf_htons(s->port);
		udp->len = bpf_htons((__u16)(bytes - sizeof(*eth) - sizeof(*ip)));
	} else {
		struct tcphdr *tcp = (void *)(ip + 1);

		tcp->source = bpf_htons(next->source_port);
		tcp->dest = bpf_htons(s->port);
		tcp->doff = 5;
		((__u8 *)tcp)[13] = next->tcp_flags;
	}
	mark->sent_at = now;
	mark->flow = next->flow;
	mark->stream = (__u16)next->stream;
	mark->magic = TRAFFIC_MAGIC;
}

SEC("xdp")
int traffic_send(struct xdp_md *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	struct next next = {.stream = TRAFFIC_STREAMS};
	struct traffic_stream *s;
	__u32 bytes;
	void *data;

	if (!*(volatile __u32 *)&traffic_stop)
		next.stream = choose_stream(now, bpf_get_smp_processor_id());
	if (next.stream >= TRAFFIC_STREAMS)
		return XDP_DROP;
	s = &traffic_streams[next.stream];
	bytes = s->least;
	if (s->most > bytes) {
		bytes += bpf_get_prandom_u32() % (s->most - bytes + 1);
		if (bpf_xdp_adjust_tail(ctx, (int)bytes - (int)TRAFFIC_FRAME))
			return XDP_ABORTED;
	}
	data = (void *)(long)ctx->data;
	if (data + TRAFFIC_FRAME > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	choose(s, &next);
	write_frame(data, s, &next, bytes, now);
	s->offered_bytes += bytes - sizeof(struct ethhdr);
	s->offered++;
	if (next.flow < TRAFFIC_FLOWS)
		traffic_flows[next.flow].sent++;
	return (int)bpf_redirect(traffic_wire, 0);
}

/* The first packet of a flow says who it is with, and each SYN anew. */
static __always_inline void take_flow(struct traffic_came *came, __u32 number, __u16 member,
				      bool opens)
{
	struct traffic_flow *flow;

	if (number >= TRAFFIC_FLOWS || !member) {
		came->foreign++;
		return;
	}
	flow = &traffic_flows[number];
	flow->came++;
	if (!flow->member || opens)
		flow->member = member;
	else if (flow->member != member) {
		flow->moved++;
		flow->member = member; /* each move once */
	}
}

SEC("xdp")
int traffic_sink(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct traffic_mark *mark = data + TRAFFIC_MARK_AT;
	struct traffic_came *came;
	__u64 now, delay;

	if (data + TRAFFIC_FRAME > end || mark->magic != TRAFFIC_MAGIC ||
	    mark->stream >= TRAFFIC_STREAMS || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_DROP;
	came = &traffic_came[mark->stream];
	now = bpf_ktime_get_ns();
	delay = (now - mark->sent_at) >> TRAFFIC_DELAY_SHIFT;
	if (delay >= TRAFFIC_DELAYS)
		delay = TRAFFIC_DELAYS - 1;
	came->delay[delay]++;
	came->bytes += bpf_ntohs(ip->tot_len);
	if (mark->flow != TRAFFIC_NO_FLOW)
		take_flow(came, mark->flow, eth->h_dest[TRAFFIC_MAC_OF_MEMBER],
			  ip->protocol == IPPROTO_TCP && ((__u8 *)(ip + 1))[13] & SYN);
	*(volatile __u64 *)&came->last = now;
	*(volatile __u64 *)&came->packets = came->packets + 1;
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
