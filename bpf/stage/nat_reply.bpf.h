/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What members send back to an address that flows are translated to: its port tells the flow. What
 * is not from the flow's own member, or to a port without a flow, is the host's own affair and
 * passes untouched. Owns no map.
 */
#ifndef MTLB_STAGE_NAT_REPLY_H
#define MTLB_STAGE_NAT_REPLY_H

#include "fragment.bpf.h"
#include "names.bpf.h"
#include "nat.bpf.h"
#include "nat_icmp.bpf.h"

/* The flow that a reply belongs to. */
struct nat_flow {
	__u32 at, place;
	__u64 word;
	struct nat_ends to;
};

/* Of a member of that service, and by its address and port from that member. */
static __always_inline bool nat_is_reply(const struct mtlb_flow_facts *facts,
					 const struct mtlb_member *m, const struct packet *p)
{
	return m->encap == MTLB_ENCAP_NAT && !(m->flags & MTLB_MEMBER_LET_GO) &&
	       m->service == facts->service &&
	       (packet_is_later_fragment(p) ||
		(facts->protocol == p->key.protocol &&
		 p->source_port == (m->port ? m->port : facts->destination_port))) &&
	       nat_same_address(&m->outer_destination, &p->source) &&
	       nat_same_address(&m->outer_source, &p->key.address);
}

static __always_inline bool nat_find_flow(struct packet *p, struct nat_flow *flow)
{
	const struct mtlb_flow_bucket *bucket;
	const struct mtlb_flow_facts *facts;
	const struct mtlb_service *service;
	const struct mtlb_member *m;
	__u32 member, service_at, at = flow->at;
	__u64 word;

	bucket = bpf_map_lookup_elem(&mtlb_flows, &at);
	facts = nat_facts(at, flow->place);
	if (!bucket || !facts)
		return false;
	flow->word = word = *(volatile __u64 *)track_word((void *)bucket, flow->place);
	member = mtlb_flow_member(word);
	m = bpf_map_lookup_elem(&mtlb_members, &member);
	/* how long an established flow may be silent is for the client's next packet to say */
	if (!member || !m || mtlb_flow_expired(word, nat_now(), MTLB_FLOW_STAMP_MASK) ||
	    !nat_is_reply(facts, m, p))
		return false;
	flow->to.source = facts->destination;
	flow->to.destination = facts->source;
	flow->to.source_port = facts->destination_port;
	flow->to.destination_port = facts->source_port;
	service_at = m->service;
	service = bpf_map_lookup_elem(&mtlb_services, &service_at);
	barrier();
	/* the place may have changed hands while its facts were read */
	word ^= *(volatile __u64 *)track_word((void *)bucket, flow->place);
	if (!service || mtlb_flow_tag(word) || mtlb_flow_member(word))
		return false;
	p->member = member;
	p->tenant = service->tenant;
	return true;
}

/* A reply keeps its flow alive, but does not prove it: that is for the client to do. */
static __always_inline void nat_renew_flow(const struct packet *p, const struct nat_flow *flow,
					   struct mtlb_nat_way *way)
{
	__u32 at = flow->at, now = nat_now(), state = mtlb_flow_state(flow->word), next = state;
	struct mtlb_flow_bucket *bucket = bpf_map_lookup_elem(&mtlb_flows, &at);

	if (!bucket)
		return;
	if (!way->answered)
		way->answered = 1;
	if (packet_has_state(p)) {
		if (packet_closes(p))
			next = MTLB_FLOW_CLOSING;
		else if (state == MTLB_FLOW_UNPROVEN)
			return; /* or a SYN of nobody's would live as long as it is answered */
	}
	if (next != state || mtlb_flow_stamp(flow->word) != now)
		__sync_val_compare_and_swap(
			track_word(bucket, flow->place), flow->word,
			mtlb_flow_word(mtlb_flow_tag(flow->word), p->member, now, next));
}

/*
 * What fits the way to the client is not known: what does not is the NIC's or the kernel's. word:
 * of the flow; the way is another one's when the place has changed hands since. Out of line for the
 * stack's sake, as are the two below.
 */
__attribute__((noinline)) int nat_send_back(struct xdp_md *ctx, struct packet *p, __u32 position,
					    __u64 word)
{
	const struct mtlb_nat_way *way = bpf_map_lookup_elem(&mtlb_nat_ways, &position);
	__u32 at = knob_nat_first + position / MTLB_FLOWS_PER_BUCKET;
	struct mtlb_flow_bucket *bucket = bpf_map_lookup_elem(&mtlb_flows, &at);
	struct mtlb_member back = {};
	void *data;
	int grow;

	if (!way || !bucket || !p)
		return MTLB_REASON_no_record;
	__builtin_memcpy(back.next_hop, way->client, ETH_ALEN);
	__builtin_memcpy(back.source_mac, way->own, ETH_ALEN);
	p->ifindex = way->ifindex;
	p->tag[0] = way->tag[0];
	p->tag[1] = way->tag[1];
	grow = way->l3 - p->l3;
	p->l3 = way->l3;
	barrier();
	word ^= *(volatile __u64 *)track_word(bucket, position % MTLB_FLOWS_PER_BUCKET);
	if (mtlb_flow_tag(word) || mtlb_flow_member(word))
		return MTLB_REASON_no_flow;
	if (grow && bpf_xdp_adjust_head(ctx, -grow))
		return MTLB_REASON_no_headroom;
	data = (void *)(long)ctx->data;
	if (data + 22 > (void *)(long)ctx->data_end)
		return MTLB_REASON_no_record;
	encap_ethernet(data, &back, p, p->ipv6 ? core_be16(ETH_P_IPV6) : core_be16(ETH_P_IP));
	return p->ifindex == ctx->ingress_ifindex ? MTLB_REASON_sent : MTLB_REASON_redirected;
}

/* A first fragment of a reply: the later ones have no port to be known by. */
__attribute__((noinline)) int nat_remember(struct packet *p)
{
	const struct mtlb_tenant *tenant;
	__u32 tenant_at, first;
	__u64 hash;

	if (!p || !p->reply || p->related || packet_is_later_fragment(p))
		return 0;
	tenant_at = p->tenant;
	tenant = bpf_map_lookup_elem(&mtlb_tenants, &tenant_at);
	if (!tenant)
		return 0;
	first = nat_position(tenant->nat_first, 0);
	hash = fragment_hash(p);
	return fragment_store(fragment_reply_bucket(hash),
			      fragment_word(hash, p->nat, MTLB_FRAGMENT_REPLY), first,
			      tenant->nat_count * MTLB_FLOWS_PER_BUCKET);
}

/* Where the first fragment's flow stands, counted as p->nat; 0: not known. */
__attribute__((noinline)) __u32 nat_recall(struct packet *p)
{
	__u64 hash;

	if (!p)
		return 0;
	hash = fragment_hash(p);
	return fragment_find(fragment_reply_bucket(hash), mtlb_flow_tag_of(hash),
			     MTLB_FRAGMENT_REPLY);
}

static __always_inline int nat_translate_reply(struct xdp_md *ctx, struct packet *p,
					       struct nat_flow *flow)
{
	__u32 position = nat_position(flow->at, flow->place);
	struct mtlb_nat_way *way = bpf_map_lookup_elem(&mtlb_nat_ways, &position);
	int reason;

	if (!way)
		return MTLB_REASON_no_record;
	p->reply = true;
	p->nat = position;
	/* what the router of an ICMP error says keeps no flow alive */
	if (!p->related && !packet_is_later_fragment(p))
		nat_renew_flow(p, flow, way);
	reason = nat_write(ctx, p, &flow->to);
	if (reason)
		return reason;
	if (way->mss && p->key.protocol == IPPROTO_TCP && p->tcp_flags & PACKET_TCP_SYN &&
	    !p->fragment && !p->related)
		mss_clamp(ctx, p->l3 + p->l4, way->mss);
	return nat_send_back(ctx, p, position, flow->word);
}

/* A later fragment before its first: whose it is, the agent will see then. What it may not hold is
 * taken for the host's.
 */
static __always_inline int nat_hold(struct xdp_md *ctx, struct packet *p)
{
	__u64 hash = fragment_hash(p);
	int reason = fragment_hold(ctx, p, fragment_reply_bucket(hash), mtlb_flow_tag_of(hash));

	return reason == MTLB_REASON_fragment ? MTLB_REASON_not_vip : reason;
}

/* p->record: that of the address it is for. */
__attribute__((noinline)) int nat_reply(struct xdp_md *ctx, struct packet *p)
{
	const struct mtlb_vip *address;
	struct nat_flow flow;
	__u32 record, port;

	if (!p)
		return MTLB_REASON_not_vip;
	record = p->record;
	address = bpf_map_lookup_elem(&mtlb_vip_records, &record);
	if (!address)
		return MTLB_REASON_not_vip;
	port = core_be16(p->key.port);
	flow.at = address->flow_first;
	if (packet_is_later_fragment(p)) {
		port = nat_recall(p);
		if (!port)
			return nat_hold(ctx, p);
		flow.at = knob_nat_first; /* positions are counted from there */
	} else if (p->trouble || port < MTLB_NAT_PORT_FIRST) {
		return MTLB_REASON_not_vip;
	}
	flow.at += port / MTLB_FLOWS_PER_BUCKET;
	flow.place = port % MTLB_FLOWS_PER_BUCKET;
	if (!nat_find_flow(p, &flow))
		return MTLB_REASON_not_vip;
	return nat_translate_reply(ctx, p, &flow);
}

#endif
