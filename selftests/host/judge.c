// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "judge.h"

#include <linux/bpf.h>
#include <netinet/in.h>
#include <string.h>

#define GROWN_MOST 64 /* no outer header is longer */

/* Where the IP header of a frame is, by its Ethernet header alone. */
struct place {
	size_t l3;
	bool ip6;
};

static uint32_t read16(const struct frame *frame, size_t at)
{
	return (uint32_t)frame->byte[at] << 8 | frame->byte[at + 1];
}

static bool find_ip(const struct frame *frame, struct place *ret)
{
	size_t at = 12;

	for (int tags = 0; at + 2 <= frame->length; tags++) {
		uint32_t type = read16(frame, at);

		if (type != 0x8100 && type != 0x88a8) {
			*ret = (struct place){.l3 = at + 2, .ip6 = type == 0x86dd};
			return (type == 0x0800 || type == 0x86dd) &&
			       ret->l3 + (ret->ip6 ? 40 : 20) <= frame->length;
		}
		if (tags == 2)
			return false;
		at += 4;
	}
	return false;
}

static bool same_address(const struct mtlb_address *a, const struct mtlb_address *b)
{
	return a->word[3] == b->word[3] && a->word[2] == b->word[2] && a->word[1] == b->word[1] &&
	       a->word[0] == b->word[0];
}

/* Whose VIP is it sent to? An IPv4 address has no other spelling on the wire. */
static uint32_t tenant_of(const struct rig *rig, const struct frame *in)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
	struct mtlb_address address = {};
	struct place place;

	if (!find_ip(in, &place))
		return NODE;
	if (place.ip6) {
		memcpy(&address, in->byte + place.l3 + 24, 16);
		if (!memcmp(&address, mapped, sizeof(mapped)))
			return NODE;
	} else {
		memcpy(&address, mapped, sizeof(mapped));
		memcpy(&address.word[3], in->byte + place.l3 + 16, 4);
	}
	for (uint32_t i = 0; i < 2 * RIG_VIPS; i++) {
		const struct mtlb_vip *vip = &rig->view->vips[i];

		if (vip->tenant && same_address(&vip->key.address, &address))
			return vip->tenant;
	}
	return NODE;
}

/* The one counter that grew. */
struct fate {
	uint32_t counters;
	uint32_t member; /* 0: a reason */
	uint32_t tenant;
	enum mtlb_reason reason;
	uint64_t bytes, new_flows;
};

/* Returns false when a counter grew by anything but one packet. */
static bool find_fate(const struct judge *judge, struct fate *fate)
{
	const struct dataplane_view *view = judge->rig->view;

	*fate = (struct fate){};
	for (uint32_t i = 0; i < RIG_MEMBERS; i++) {
		const struct mtlb_member_counter *was = &judge->members[i];
		const struct mtlb_member_counter *is = &view->member_counters[i];

		if (is->packets == was->packets && is->bytes == was->bytes &&
		    is->new_flows == was->new_flows)
			continue;
		if (is->packets != was->packets + 1)
			return false;
		fate->counters++;
		fate->member = i;
		fate->tenant = view->services[view->members[i].service].tenant;
		fate->bytes = is->bytes - was->bytes;
		fate->new_flows = is->new_flows - was->new_flows;
	}
	for (uint32_t i = 0; i < RIG_TENANTS * MTLB_REASONS_PER_TENANT; i++) {
		const struct mtlb_reason_counter *was = &judge->reasons[i];
		const struct mtlb_reason_counter *is = &view->reason_counters[i];

		if (is->packets == was->packets && is->bytes == was->bytes)
			continue;
		if (is->packets != was->packets + 1)
			return false;
		fate->counters++;
		fate->tenant = i / MTLB_REASONS_PER_TENANT;
		fate->reason = i % MTLB_REASONS_PER_TENANT;
		fate->bytes = is->bytes - was->bytes;
	}
	return fate->reason < MTLB_REASON_COUNT;
}

static int verdict_of(enum mtlb_reason reason)
{
	static const int actions[] = {
		[MTLB_VERDICT_GO] = -1,
		[MTLB_VERDICT_PASS] = XDP_PASS,
		[MTLB_VERDICT_DROP] = XDP_DROP,
		[MTLB_VERDICT_TX] = XDP_TX,
		[MTLB_VERDICT_REDIRECT] = XDP_REDIRECT,
	};
	static const enum mtlb_verdict verdicts[] = {
#define REASON(name, verdict, sentence) MTLB_VERDICT_##verdict,
#include "../../bpf/abi/reasons.def"
#undef REASON
	};

	return actions[verdicts[reason]];
}

static const char *judge_tables(const struct judge *judge, uint32_t tenant)
{
	const struct mtlb_flow_bucket *flows = judge->rig->view->flows;
	const struct mtlb_flow_facts *facts = judge->rig->view->facts;
	uint32_t own = tenant ? RIG_FLOWS(tenant) : 0, behind = tenant ? own + RIG_RANGE : 0;
	uint32_t words = MTLB_FLOWS_PER_BUCKET;

	if (memcmp(flows, judge->flows, own * sizeof(*flows)) ||
	    memcmp(flows + behind, judge->flows + behind, (RIG_BUCKETS - behind) * sizeof(*flows)))
		return "a flow of another tenant's changed";
	own *= words;
	behind *= words;
	if (memcmp(facts, judge->facts, own * sizeof(*facts)) ||
	    memcmp(facts + behind, judge->facts + behind,
		   (RIG_BUCKETS * words - behind) * sizeof(*facts)))
		return "the facts of another tenant's flow changed";
	return NULL;
}

/* RFC 1071: over what includes its checksum it is 0. sum: of what else it covers. */
static uint32_t checksum(const uint8_t *bytes, size_t size, uint32_t sum)
{
	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

/* A header that the program wrote: made for exactly what follows it, but for padding. */
static const char *judge_header(const struct frame *out, const struct place *place, bool padded)
{
	const uint8_t *ip = out->byte + place->l3;
	size_t length = place->ip6 ? 40U + read16(out, place->l3 + 4) : read16(out, place->l3 + 2);

	if (ip[0] >> 4 != (place->ip6 ? 6 : 4))
		return "the outer header has another version than its Ethernet header says";
	if (!place->ip6 && (ip[0] & 15) != 5)
		return "the outer IPv4 header has options";
	if (!place->ip6 && checksum(ip, 20, 0))
		return "the outer IPv4 header's checksum is wrong";
	if (place->l3 + length > out->length || (!padded && place->l3 + length != out->length))
		return "the outer header's length is not the packet's";
	return NULL;
}

/* Behind an outer header lies the packet, byte for byte. */
static const char *judge_tunnel(const struct frame *in, const struct frame *out,
				const struct mtlb_member *m, size_t outer)
{
	struct place was, is;
	const uint8_t *ip;

	if (out->length != in->length + outer)
		return "a tunnelled packet grew by more or less than its outer header";
	if (!find_ip(in, &was) || !find_ip(out, &is) || is.l3 != was.l3)
		return "a tunnelled packet begins elsewhere than before";
	if (memcmp(out->byte + 12, in->byte + 12, was.l3 - 14) != 0)
		return "the tags of a tunnelled packet changed";
	if (memcmp(out->byte + is.l3 + outer, in->byte + was.l3, in->length - was.l3) != 0)
		return "the inner packet changed";
	ip = out->byte + is.l3;
	if (is.ip6 ? memcmp(ip + 8, &m->outer_source, 16) ||
			     memcmp(ip + 24, &m->outer_destination, 16)
		   : memcmp(ip + 12, &m->outer_source.word[3], 4) ||
			     memcmp(ip + 16, &m->outer_destination.word[3], 4))
		return "the outer addresses are not the member's";
	return judge_header(out, &is, true);
}

static bool is_clamped(const struct rig *rig, uint32_t service)
{
	for (uint32_t i = 0; i < 2 * RIG_VIPS; i++)
		if (rig->view->vips[i].service == service &&
		    rig->view->vips[i].flags >> MTLB_VIP_MSS_SHIFT)
			return true;
	return false;
}

static const char *judge_sent(const struct judge *judge, const struct frame *in,
			      const struct frame *out, uint32_t member)
{
	const struct mtlb_member *m = &judge->rig->view->members[member];

	if (memcmp(out->byte, m->next_hop, 6) != 0 || memcmp(out->byte + 6, m->source_mac, 6) != 0)
		return "it left with other MAC addresses than its member's";
	/* another tag, or another segment size, is said by tests of their own */
	if (m->flags & (MTLB_MEMBER_TAG | MTLB_MEMBER_UNTAG) || is_clamped(judge->rig, m->service))
		return out->length > in->length + GROWN_MOST ? "the packet grew too much" : NULL;
	switch (m->encap) {
	case MTLB_ENCAP_NONE:
		return out->length != in->length ||
				       memcmp(out->byte + 12, in->byte + 12, in->length - 12) != 0
			       ? "more than the MAC addresses changed on the way to a direct member"
			       : NULL;
	case MTLB_ENCAP_IPV4:
		return judge_tunnel(in, out, m, 20);
	case MTLB_ENCAP_IPV6:
		return judge_tunnel(in, out, m, 40);
	default:
		return out->length > in->length + GROWN_MOST ? "the packet grew too much" : NULL;
	}
}

/* Back where it came from, and from the address it was sent to. */
static const char *judge_answer(const struct frame *in, const struct frame *out)
{
	struct place was, is;
	size_t source, size, l4;
	uint32_t wrong;

	if (!find_ip(in, &was) || !find_ip(out, &is) || is.ip6 != was.ip6 || is.l3 != was.l3)
		return "an answer begins elsewhere than what it answers";
	source = is.l3 + (is.ip6 ? 8 : 12);
	size = is.ip6 ? 16 : 4;
	if (memcmp(out->byte, in->byte + 6, 6) != 0 || memcmp(out->byte + 6, in->byte, 6) != 0)
		return "an answer goes to another station than its packet came from";
	if (memcmp(out->byte + source, in->byte + source + size, size) != 0 ||
	    memcmp(out->byte + source + size, in->byte + source, size) != 0)
		return "an answer goes to another address than its packet came from";
	l4 = is.l3 + (is.ip6 ? 40 : 20);
	if (is.ip6) /* the pseudo header's length and protocol, and its addresses as they lie there
		     */
		wrong = checksum(out->byte + source, out->length - source,
				 (uint32_t)(out->length - l4) + IPPROTO_ICMPV6);
	else
		wrong = checksum(out->byte + l4, out->length - l4, 0);
	if (wrong)
		return "an ICMP answer's checksum is wrong";
	return judge_header(out, &is, false);
}

void judge_before(struct judge *judge, const struct rig *rig)
{
	judge->rig = rig;
	memcpy(judge->members, rig->view->member_counters, sizeof(judge->members));
	memcpy(judge->reasons, rig->view->reason_counters, sizeof(judge->reasons));
	memcpy(judge->tenants, rig->view->tenant_counters, sizeof(judge->tenants));
	memcpy(judge->flows, rig->view->flows, sizeof(judge->flows));
	memcpy(judge->facts, rig->view->facts, sizeof(judge->facts));
}

const char *judge_after(const struct judge *judge, const struct frame *in,
			const struct host_arrival *arrival, const struct host_departure *departure)
{
	const struct frame *out = &departure->frame;
	uint32_t tenant = tenant_of(judge->rig, in);
	struct fate fate;
	const char *broken;

	if (!find_fate(judge, &fate))
		return "a counter grew by something else than one packet";
	if (fate.counters != 1)
		return "not exactly one counter grew";
	if (fate.tenant != tenant)
		return "it was charged or sent to another tenant than its address belongs to";
	for (uint32_t i = 0; i < RIG_TENANTS; i++)
		if (i != tenant && memcmp(&judge->tenants[i], &judge->rig->view->tenant_counters[i],
					  sizeof(judge->tenants[i])) != 0)
			return "another tenant's counters grew";
	if (fate.bytes > in->length || fate.new_flows > 1)
		return "more bytes or flows were counted than the packet has";
	broken = judge_tables(judge, tenant);
	if (broken)
		return broken;
	if (fate.member) {
		uint32_t ifindex = judge->rig->view->members[fate.member].ifindex;

		if (ifindex == arrival->ifindex
			    ? departure->verdict != XDP_TX
			    : departure->verdict != XDP_REDIRECT || departure->ifindex != ifindex)
			return "it did not leave by its member's interface";
		return judge_sent(judge, in, out, fate.member);
	}
	if (departure->verdict != verdict_of(fate.reason))
		return "its verdict is not that of its reason";
	if (departure->verdict == XDP_TX)
		return judge_answer(in, out);
	if (departure->verdict == XDP_PASS &&
	    (out->length != in->length || memcmp(out->byte, in->byte, in->length) != 0))
		return "what passes was changed";
	if (tenant == NODE && departure->verdict != XDP_PASS)
		return "what is nobody's did not pass";
	return NULL;
}
