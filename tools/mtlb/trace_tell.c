// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "trace_tell.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../bpf/abi/guard.h"
#include "../../userspace/base/addr.h"
#include "../../userspace/inspect/meaning.h"
#include "../../userspace/model/level.h"
#include "trace_parts.h"

static const char *const remedies[MTLB_REASON_COUNT] = {
#define REMEDY(reason, sentence) [MTLB_REASON_##reason] = (sentence),
#include "remedies.def"
};

const char *trace_remedy(uint32_t reason)
{
	return reason < MTLB_REASON_COUNT ? remedies[reason] : NULL;
}

/* What the program tried to send by an interface that is none ends as something else. */
static uint32_t reason_of(const struct trace_result *result)
{
	if (result->about.reason == MTLB_REASON_redirected && result->verdict != XDP_REDIRECT)
		return MTLB_REASON_no_interface;
	return result->about.reason;
}

json_t *trace_say(struct parts *parts, const char *step, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	json_t *said;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	said = json_pack("{s:s,s:s}", "step", step, "sentence", text ? text : format);
	free(text);
	json_array_append_new(parts->steps, said);
	return said;
}

/* Which stage a reason of the straight way is of: it met all before. */
static enum part part_of(uint32_t reason)
{
	switch (reason) {
	case MTLB_REASON_not_ip:
	case MTLB_REASON_no_header:
		return PART_PARSE;
	case MTLB_REASON_not_vip:
	case MTLB_REASON_bad_ip:
	case MTLB_REASON_bad_extension:
	case MTLB_REASON_bad_l4:
	case MTLB_REASON_not_tcp_udp:
	case MTLB_REASON_no_service:
		return PART_CLASSIFY;
	case MTLB_REASON_denied_feed:
	case MTLB_REASON_denied_acl:
	case MTLB_REASON_bad_flags:
	case MTLB_REASON_spoofed:
	case MTLB_REASON_reflected:
		return PART_GUARD;
	case MTLB_REASON_over_packets:
	case MTLB_REASON_over_bits:
	case MTLB_REASON_over_new_flows:
	case MTLB_REASON_over_client_flows:
	case MTLB_REASON_over_share:
	case MTLB_REASON_fragment: /* the detour asks these as well */
	case MTLB_REASON_icmp:
		return PART_ADMIT;
	case MTLB_REASON_local:
		return PART_PICK;
	case MTLB_REASON_no_member:
	case MTLB_REASON_no_flow:
	case MTLB_REASON_no_port:
		return PART_TRACK;
	default:
		return PART_FORWARD;
	}
}

/* --- parse, classify */

static void print_flags(char *text, size_t size, uint8_t flags)
{
	static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
	size_t length = 0;

	*text = 0;
	for (int i = 0; i < 8; i++)
		if (flags >> i & 1)
			length += (size_t)snprintf(text + length, size - length, " %s", names[i]);
}

static void print_fragment(char *text, size_t size, const struct mtlb_trace *p)
{
	uint32_t offset = p->fragment & 0xfff8U;

	*text = 0;
	if (p->fragment && !offset)
		snprintf(text, size, ", the first fragment of datagram %u", p->fragment_id);
	else if (p->fragment)
		snprintf(text, size, ", the fragment at %u of datagram %u", offset, p->fragment_id);
}

static void print_tags(char *text, size_t size, const struct mtlb_trace *p)
{
	size_t length = 0;

	*text = 0;
	for (int i = 0; i < 2 && p->tag[i]; i++)
		length += (size_t)snprintf(text + length, size - length, ", VLAN %u",
					   ntohs((uint16_t)(p->tag[i] >> 16)) & 0xfff);
}

static void tell_parse(struct parts *parts)
{
	const struct mtlb_trace *p = parts->about;
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX], flags[48], fragment[64], tags[32];
	json_t *step;

	if (p->straight == MTLB_REASON_not_ip || p->straight == MTLB_REASON_no_header) {
		trace_say(parts, "parse", "%s", meaning_reason_sentence(p->straight));
		return;
	}
	view_endpoint_text(&p->source, p->source_port, source);
	view_endpoint_text(&p->key.address, p->key.port, destination);
	print_flags(flags, sizeof(flags), p->key.protocol == IPPROTO_TCP ? p->tcp_flags : 0);
	print_fragment(fragment, sizeof(fragment), p);
	print_tags(tags, sizeof(tags), p);
	step = trace_say(parts, "parse", "%s%s %s > %s%s%s%s, %u bytes, in by %s",
			 p->related ? "an ICMP error about the flow " : "",
			 meaning_protocol(p->key.protocol ? p->key.protocol : p->protocol), source,
			 destination, flags, fragment, tags, p->ip_bytes, parts->telling->in);
	json_object_set_new(
		step, "protocol",
		json_string(meaning_protocol(p->key.protocol ? p->key.protocol : p->protocol)));
	json_object_set_new(step, "source", json_string(source));
	json_object_set_new(step, "destination", json_string(destination));
	json_object_set_new(step, "bytes", json_integer(p->ip_bytes));
	json_object_set_new(step, "related", json_boolean(p->related));
	json_object_set_new(step, "fragment", json_boolean(p->fragment));
}

static void tell_classify(struct parts *parts)
{
	const struct view *view = parts->telling->view;
	char address[ADDR_TEXT_MAX], service[VIEW_TEXT_MAX];
	const struct mtlb_vip *vip = &parts->vip;
	const char *tenant;
	json_t *step;

	view_address_text(&parts->about->key.address, address);
	if (!parts->has_vip) {
		trace_say(parts, "classify",
			  "%s is no VIP: the packet is left to this host's stack", address);
		return;
	}
	if (vip->flags & MTLB_VIP_NAT_SOURCE) {
		trace_say(parts, "classify",
			  "%s is an address that flows are translated to: a reply, if it is of one",
			  address);
		return;
	}
	tenant = view_tenant_name(view, vip->tenant);
	tenant = tenant ? tenant : "(none)";
	if (vip->flags & MTLB_VIP_ADDRESS) {
		step = trace_say(parts, "classify", "%s is an address of tenant %s; no service met",
				 address, tenant);
	} else {
		step = trace_say(parts, "classify", "service %s of tenant %s",
				 view_service_text(view, vip->service, service) ? service
										: "(none)",
				 tenant);
		json_object_set_new(step, "service", json_string(service));
	}
	json_object_set_new(step, "tenant", json_string(tenant));
}

/* --- guard */

static void print_rule(char *text, size_t size, uint32_t number, const struct mtlb_rule *rule)
{
	static const char *const own[] = {
		[MTLB_RULE_PORTS] = "the list of UDP source ports that floods are reflected by",
		[MTLB_RULE_TCP_FLAGS] = "the filter of TCP flags",
		[MTLB_RULE_LAND] = "the filter of packets from their own destination",
		[MTLB_RULE_BOGONS] = "the list of addresses that nobody sends from",
		[MTLB_RULE_VIPS] = "the list of VIPs as sources",
	};
	char address[ADDR_TEXT_MAX];
	bool ipv4 = rule->length >= 96 && addr_is_ipv4((const struct addr *)&rule->address);

	if (number < sizeof(own) / sizeof(*own) && own[number])
		snprintf(text, size, "%s", own[number]);
	else if (number < MTLB_RULES_OF_NODE)
		snprintf(text, size, "a deny feed (`mtlb feed list` tells which one has hits)");
	else if (rule->otherwise)
		snprintf(text, size, "the tenant's access list, for what it does not name");
	else
		snprintf(text, size, "the tenant's access list, %s/%d",
			 view_address_text(&rule->address, address),
			 ipv4 ? rule->length - 96 : rule->length);
}

static bool tell_rule(void *context, const struct trace_element *element)
{
	const struct mtlb_rule_counter *before = element->before, *after = element->after;
	struct parts *parts = context;
	struct mtlb_rule rule;
	uint32_t number = element->key - parts->about->cpu * parts->rules;
	char text[160];
	json_t *step;

	if (before->packets == after->packets || !number ||
	    trace_read(parts->telling->trace, "mtlb_rules", number, &rule, sizeof(rule)))
		return true;
	print_rule(text, sizeof(text), number, &rule);
	step = trace_say(parts, "guard", "%s %s it", text,
			 rule.action == MTLB_RULE_DENY ? "denies" : "allows");
	json_object_set_new(step, "action",
			    json_string(rule.action == MTLB_RULE_DENY ? "deny" : "allow"));
	parts->ruled = true;
	return true;
}

static void tell_guard(struct parts *parts)
{
	trace_each(parts->telling->trace, "mtlb_rule_counters", tell_rule, parts);
	if (!parts->ruled)
		trace_say(parts, "guard", "no filter, feed or access list decides about it");
}

/* --- meters */

/* How much a client has opened is not told: that is asked by its hash, which only the program
 * knows. */
static void tell_level(struct parts *parts, const struct level *level)
{
	bool refuses = level->reason == parts->reason;
	char spent[64] = "";
	json_t *step;

	if (!level->each_client)
		snprintf(spent, sizeof(spent), ", %.0f %% of its burst spent", 100 * level->fill);
	step = trace_say(parts, "meter", "%s: %" PRIu64 " a second%s: it %s", level->meter,
			 level->rate, spent, refuses ? "refuses the packet" : "lets it pass");
	json_object_set_new(step, "meter", json_string(level->meter));
	json_object_set_new(step, "rate", json_integer((json_int_t)level->rate));
	if (!level->each_client)
		json_object_set_new(step, "fill", json_real(level->fill));
	json_object_set_new(step, "passes", json_boolean(!refuses));
}

static void tell_meters(struct parts *parts)
{
	const struct trace *trace = parts->telling->trace;
	struct mtlb_meter_time times;
	struct mtlb_meter meter;
	struct mtlb_share share;
	struct level levels[LEVELS_MAX];
	struct timespec now;
	size_t count;

	if (!(parts->vip.flags & MTLB_VIP_METERED)) {
		trace_say(parts, "meter", "its tenant is held to no rate");
		return;
	}
	if (trace_read(trace, "mtlb_meters", parts->vip.tenant, &meter, sizeof(meter)) ||
	    trace_read(trace, "mtlb_meter_times", parts->vip.tenant, &times, sizeof(times)) ||
	    trace_read(trace, "mtlb_share", 0, &share, sizeof(share)))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	count = level_read(&meter, &times, &share,
			   (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, levels);
	for (size_t i = 0; i < count; i++)
		tell_level(parts, &levels[i]);
}

/* --- all of it */

static json_t *tell_out(const struct trace_result *result)
{
	char *hex = malloc(2 * result->length + 1);
	json_t *out;

	if (!hex)
		return json_null();
	for (size_t i = 0; i < result->length; i++)
		snprintf(hex + 2 * i, 3, "%02x", result->frame[i]);
	hex[2 * result->length] = 0;
	out = json_pack("{s:I,s:s}", "bytes", (json_int_t)result->length, "hex", hex);
	free(hex);
	return out;
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *tell_end(const struct parts *parts)
{
	const struct view *view = parts->telling->view;
	const struct mtlb_trace *p = parts->about;
	char service[VIEW_TEXT_MAX], member[VIEW_TEXT_MAX];
	bool has_service = parts->has_vip && !(parts->vip.flags & MTLB_VIP_ADDRESS);

	return json_pack(
		"{s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:b,s:o,s:O}", "verdict",
		meaning_reason_verdict(parts->reason), "reason", meaning_reason_name(parts->reason),
		"sentence", meaning_reason_sentence(parts->reason), "remedy",
		text_or_null(trace_remedy(parts->reason)), "tenant",
		text_or_null(p->tenant ? view_tenant_name(view, p->tenant) : NULL), "service",
		text_or_null(has_service ? view_service_text(view, parts->vip.service, service)
					 : NULL),
		"member", text_or_null(view_member_text(view, p->member, member)), "newFlow",
		p->new_flow, "out", tell_out(parts->telling->result), "steps", parts->steps);
}

static void tell_steps(struct parts *parts)
{
	enum part last = part_of(parts->about->straight);

	tell_parse(parts);
	if (last == PART_PARSE)
		return;
	tell_classify(parts);
	if (!parts->has_vip || parts->vip.flags & MTLB_VIP_NAT_SOURCE)
		last = PART_CLASSIFY;
	if (last >= PART_GUARD)
		tell_guard(parts);
	if (last >= PART_ADMIT && part_of(parts->reason) >= PART_ADMIT)
		tell_meters(parts);
	if (last >= PART_PICK)
		trace_tell_pick(parts);
	if (last >= PART_TRACK)
		trace_tell_flow(parts);
	trace_tell_forward(parts);
	trace_tell_detour(parts);
}

json_t *trace_tell(const struct telling *telling)
{
	struct parts parts = {
		.telling = telling,
		.about = &telling->result->about,
		.reason = reason_of(telling->result),
		.steps = json_array(),
		.rules = trace_entries(telling->trace, "mtlb_rules"),
	};
	json_t *all;

	parts.has_vip = parts.about->record &&
			!trace_read(telling->trace, "mtlb_vip_records", parts.about->record,
				    &parts.vip, sizeof(parts.vip));
	tell_steps(&parts);
	all = tell_end(&parts);
	json_decref(parts.steps);
	return all;
}
