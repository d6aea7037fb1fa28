// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Of a trace, from the slot on: who is picked, what the flow table says, how the packet leaves. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../bpf/abi/counter.h"
#include "../../bpf/abi/flow.h"
#include "../../bpf/abi/member.h"
#include "../../userspace/base/addr.h"
#include "../../userspace/inspect/meaning.h"
#include "trace_parts.h"

static const char *member_text(const struct parts *parts, uint32_t member, char text[VIEW_TEXT_MAX])
{
	if (!view_member_text(parts->telling->view, member, text))
		snprintf(text, VIEW_TEXT_MAX, "%s", member ? "a member that is gone" : "nobody");
	return text;
}

/* --- the slot */

void trace_tell_pick(struct parts *parts)
{
	const struct mtlb_trace *p = parts->about;
	const struct mtlb_vip *vip = &parts->vip;
	uint32_t owner = p->slot & MTLB_SLOT_MEMBER;
	char text[VIEW_TEXT_MAX];
	uint32_t number;
	json_t *step;

	if (vip->flags & MTLB_VIP_LOCAL) {
		trace_say(parts, "pick", "the service is this node's own: there is nobody to pick");
		return;
	}
	if (!vip->slot_count) {
		trace_say(parts, "pick",
			  "the service has no table: no backend of its was ever usable");
		return;
	}
	if (!p->slot && p->member) {
		trace_say(parts, "pick", "its QUIC connection ID names %s",
			  member_text(parts, p->member, text));
		return;
	}
	number = mtlb_slot_of(p->slot_hash, vip->slot_count);
	step = trace_say(parts, "pick", "%s: slot %u of %u, whose owner is %s%s",
			 vip->flags & MTLB_VIP_CLIENT ? "by its client's address"
			 : vip->flags & MTLB_VIP_ALONE
				 ? "by chance, as each datagram of the service"
				 : "by its flow's hash",
			 number, vip->slot_count, member_text(parts, owner, text),
			 p->slot & MTLB_SLOT_CHANGED ? ", and was another one" : "");
	json_object_set_new(step, "hash", json_sprintf("%016" PRIx64, (uint64_t)p->hash));
	json_object_set_new(step, "slot", json_integer(number));
	json_object_set_new(step, "slots", json_integer(vip->slot_count));
	json_object_set_new(step, "owner", json_string(text));
	json_object_set_new(step, "changed", json_boolean(p->slot & MTLB_SLOT_CHANGED));
}

/* --- the flow table */

struct seen {
	struct parts *parts;
	bool looked, found;
	uint64_t word; /* of the packet's flow, before */
	uint64_t stored;
};

/* Of the packet's service, and with its tag. */
static bool is_its(const struct parts *parts, uint64_t word)
{
	const struct view *view = parts->telling->view;
	uint32_t member = mtlb_flow_member(word);

	return word && mtlb_flow_tag(word) == mtlb_flow_tag_of(parts->about->hash) &&
	       member < view->node->members && view->members[member].service == parts->vip.service;
}

static bool look(void *context, const struct trace_element *element)
{
	const struct mtlb_flow_bucket *before = element->before, *after = element->after;
	struct seen *seen = context;

	seen->looked = true;
	for (int i = 0; i < MTLB_FLOWS_PER_BUCKET; i++) {
		if (!seen->found && is_its(seen->parts, before->word[i])) {
			seen->found = true;
			seen->word = before->word[i];
		}
		if (before->word[i] != after->word[i] && is_its(seen->parts, after->word[i]))
			seen->stored = after->word[i];
	}
	return true;
}

/* How much a counter of the tenant's grew. */
static uint64_t grew(const struct parts *parts, enum mtlb_tenant_counter_name name)
{
	uint32_t at = parts->about->cpu * parts->telling->view->node->tenants + parts->vip.tenant;
	const struct trace_element *element =
		trace_find(parts->telling->trace, "mtlb_tenant_counters", at);
	const struct mtlb_tenant_counter *before, *after;

	if (!element)
		return 0;
	before = element->before;
	after = element->after;
	return after->value[name] - before->value[name];
}

static uint64_t idle_seconds(const struct parts *parts, uint64_t word)
{
	uint32_t shift = parts->telling->view->node->stamp_shift;
	struct timespec now;
	uint64_t ns;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	return ((uint64_t)mtlb_flow_age(word, (uint32_t)(ns >> shift) & MTLB_FLOW_STAMP_MASK)
		<< shift) /
	       1000000000;
}

static void tell_unknown(struct parts *parts, const struct seen *seen)
{
	char text[VIEW_TEXT_MAX];

	if (grew(parts, MTLB_COUNTER_flows_stored))
		trace_say(parts, "flow", "not known%s; it would be stored, %s with %s",
			  seen->found ? " any more" : "",
			  view_flow_state_name(mtlb_flow_state(seen->stored)),
			  member_text(parts, mtlb_flow_member(seen->stored), text));
	else if (grew(parts, MTLB_COUNTER_flows_unstored))
		trace_say(parts, "flow", "not known, and there is no place for it in its bucket");
	else
		trace_say(parts, "flow", "not known, and the packet is none to remember one by");
}

void trace_tell_flow(struct parts *parts)
{
	struct seen seen = {.parts = parts};
	char text[VIEW_TEXT_MAX];
	json_t *step;

	trace_each(parts->telling->trace, "mtlb_flows", look, &seen);
	if (!seen.looked) {
		trace_say(parts, "flow",
			  "the flow table is not asked: the hash alone finds the member of each "
			  "flow");
		return;
	}
	if (!seen.found || mtlb_flow_member(seen.word) != parts->about->member ||
	    grew(parts, MTLB_COUNTER_flows_stored)) {
		tell_unknown(parts, &seen);
		return;
	}
	step = trace_say(parts, "flow", "known: %s with %s, silent for %" PRIu64 " s",
			 view_flow_state_name(mtlb_flow_state(seen.word)),
			 member_text(parts, mtlb_flow_member(seen.word), text),
			 idle_seconds(parts, seen.word));
	json_object_set_new(step, "state",
			    json_string(view_flow_state_name(mtlb_flow_state(seen.word))));
	json_object_set_new(step, "member", json_string(text));
}

/* --- the way */

static void tell_member(struct parts *parts)
{
	const struct view *view = parts->telling->view;
	uint32_t number = parts->about->member;
	const struct mtlb_member *member = &view->members[number];
	const struct mtlb_member_name *name = &view->member_names[number];
	char text[VIEW_TEXT_MAX];
	json_t *step =
		trace_say(parts, "member", "%s: %s%s%s%s", member_text(parts, number, text),
			  meaning_member_state(name->state),
			  member->flags & MTLB_MEMBER_NO_NEW ? ", gets no new flows" : "",
			  member->flags & MTLB_MEMBER_LET_GO ? ", its flows are let go" : "",
			  member->flags & MTLB_MEMBER_NO_NEXT_HOP ? ", no next hop is known" : "");

	json_object_set_new(step, "member", json_string(text));
	json_object_set_new(step, "state", json_string(meaning_member_state(name->state)));
}

static void print_encap(const struct mtlb_trace *p, const struct mtlb_member *member, char *text,
			size_t size)
{
	static const char *const names[] = {"", "IPv4", "IPv6", "GUE in IPv4", "GUE in IPv6"};
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];

	if (member->encap == MTLB_ENCAP_NONE) {
		snprintf(text, size, "as it is, to the member's MAC address");
		return;
	}
	view_address_text(&member->outer_source, from);
	view_address_text(&member->outer_destination, to);
	if (member->encap == MTLB_ENCAP_NAT)
		snprintf(text, size, "translated, from %s port %u to %s port %u", from,
			 p->nat & 0xffff, to,
			 member->port ? ntohs(member->port) : ntohs(p->key.port));
	else
		snprintf(text, size, "in an outer header, %s, from %s to %s",
			 member->encap <= MTLB_ENCAP_GUE6 ? names[member->encap] : "?", from, to);
}

static void tell_way(struct parts *parts)
{
	const struct mtlb_member *member = &parts->telling->view->members[parts->about->member];
	const uint8_t *hop = member->next_hop;
	char encap[192], mac[18], interface[IF_NAMESIZE] = "";
	json_t *step;

	if (member->flags & MTLB_MEMBER_NO_NEXT_HOP)
		return;
	print_encap(parts->about, member, encap, sizeof(encap));
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", hop[0], hop[1], hop[2], hop[3],
		 hop[4], hop[5]);
	if (!if_indextoname(member->ifindex, interface))
		snprintf(interface, sizeof(interface), "ifindex %u", member->ifindex);
	step = trace_say(parts, "forward", "%s; next hop %s by %s, which takes %u bytes", encap,
			 mac, interface, member->mtu);
	if (member->flags & MTLB_MEMBER_TAG)
		json_object_set_new(step, "vlan", json_integer(ntohs(member->vlan) & 0xfff));
	json_object_set_new(step, "encapsulation", json_string(encap));
	json_object_set_new(step, "nextHop", json_string(mac));
	json_object_set_new(step, "interface", json_string(interface));
	json_object_set_new(step, "mtu", json_integer(member->mtu));
}

void trace_tell_forward(struct parts *parts)
{
	uint32_t member = parts->about->member;

	if (!member || member >= parts->telling->view->node->members || parts->about->reply)
		return;
	tell_member(parts);
	tell_way(parts);
}

/* --- what few packets meet */

void trace_tell_detour(struct parts *parts)
{
	const struct mtlb_trace *p = parts->about;
	char text[VIEW_TEXT_MAX];

	if (p->reply) {
		trace_say(parts, "detour",
			  "a reply of %s's, which goes back to the client of its flow",
			  member_text(parts, p->member, text));
		return;
	}
	switch (p->straight) {
	case MTLB_REASON_fragment:
		trace_say(parts, "detour", "%s",
			  p->member ? "its first fragment's way is remembered"
			  : parts->reason == MTLB_REASON_local
				  ? "its first fragment went to this node's own stack"
				  : "its first fragment is not remembered");
		break;
	case MTLB_REASON_local:
		trace_say(parts, "detour", "%s",
			  parts->reason == MTLB_REASON_local
				  ? "the stack gets it"
				  : "its tenant is under attack: SYNs are answered with cookies");
		break;
	case MTLB_REASON_too_big:
		trace_say(parts, "detour", "%u bytes would have fitted%s", p->mtu,
			  parts->reason == MTLB_REASON_told_too_big ? ": its sender is told so"
								    : "; its sender is not told");
		break;
	case MTLB_REASON_icmp:
		trace_say(parts, "detour", "%s",
			  parts->reason == MTLB_REASON_echoed
				  ? "an echo request that the VIP answers"
				  : "nothing that the VIP answers");
		break;
	default:
		break;
	}
}
