// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An operation of a plan in words: what is added, removed or changed, every setting by its name in
 * the configuration, old value and new.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "diff.h"
#include "units.h"

/* A line that grows, and is cut when it does not fit. */
struct line {
	char *text;
	size_t size, used;
	const char *divider; /* goes in front of the next setting */
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
	va_list args;
	int n;

	if (line->used >= line->size)
		return;
	va_start(args, format);
	n = vsnprintf(line->text + line->used, line->size - line->used, format, args);
	va_end(args);
	line->used += n > 0 ? (size_t)n : 0;
}

/* old_value NULL: the setting of something new. */
static void add_setting(struct line *line, const char *name, const char *old_value,
			const char *new_value)
{
	if (old_value && strcmp(old_value, new_value) == 0)
		return;
	if (old_value)
		add(line, "%s%s %s -> %s", line->divider, name, old_value, new_value);
	else
		add(line, "%s%s %s", line->divider, name, new_value);
	line->divider = ", ";
}

static char *number(uint64_t value, char text[UNITS_TEXT_MAX])
{
	snprintf(text, UNITS_TEXT_MAX, "%" PRIu64, value);
	return text;
}

/* 0 is the absence of a setting. */
static char *none_or(uint32_t value, char text[UNITS_TEXT_MAX])
{
	return value ? number(value, text) : strcpy(text, "none");
}

static char *seconds(uint32_t value, char text[UNITS_TEXT_MAX])
{
	return units_format_duration((uint64_t)value * 1000, text);
}

static char *milliseconds(uint32_t value, char text[UNITS_TEXT_MAX])
{
	return units_format_duration(value, text);
}

static char *port(uint32_t value, char text[UNITS_TEXT_MAX])
{
	return value ? number(value, text) : strcpy(text, "default");
}

static char *plain(uint32_t value, char text[UNITS_TEXT_MAX])
{
	return number(value, text);
}

static void add_number(struct line *line, const char *name, const uint32_t *old_value,
		       uint32_t new_value, char *(*show)(uint32_t, char[UNITS_TEXT_MAX]))
{
	char old_text[UNITS_TEXT_MAX], new_text[UNITS_TEXT_MAX];

	add_setting(line, name, old_value ? show(*old_value, old_text) : NULL,
		    show(new_value, new_text));
}

static char *rate(uint64_t value, char text[UNITS_TEXT_MAX])
{
	return value ? units_format_rate(value, text) : strcpy(text, "none");
}

static char *burst(uint32_t value, char text[UNITS_TEXT_MAX])
{
	if (value == STATE_BURST_UNFINISHED)
		return strcpy(text, "unfinished");
	return value ? milliseconds(value, text) : strcpy(text, "none");
}

static void add_rate(struct line *line, const char *name, const uint64_t *old_value,
		     uint64_t new_value)
{
	char old_text[UNITS_TEXT_MAX], new_text[UNITS_TEXT_MAX];

	if (old_value || new_value)
		add_setting(line, name, old_value ? rate(*old_value, old_text) : NULL,
			    rate(new_value, new_text));
}

static const char *forward_name(enum state_forward forward)
{
	return forward == STATE_FORWARD_DSR    ? "dsr"
	       : forward == STATE_FORWARD_IPIP ? "ipip"
	       : forward == STATE_FORWARD_GUE  ? "gue"
	       : forward == STATE_FORWARD_NAT  ? "nat"
					       : "local";
}

static const char *pool_name(const struct state_service *service)
{
	return service->pool[0] ? service->pool : "none";
}

static const char *affinity_name(enum state_affinity affinity)
{
	return affinity == STATE_AFFINITY_CLIENT_PORT ? "client-port"
	       : affinity == STATE_AFFINITY_CLIENT    ? "client"
						      : "none";
}

static const char *protocol_name(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? "UDP" : protocol == IPPROTO_SCTP ? "SCTP" : "TCP";
}

static void add_charge(struct line *line, const char *name, uint32_t old_value, uint32_t new_value)
{
	old_value = old_value ?: 1;
	add_number(line, name, &old_value, new_value ?: 1, plain);
}

static void add_node(struct line *line, const struct state_node *a, const struct state_node *b)
{
	add_rate(line, "capacity.packets", &a->packets, b->packets);
	add_charge(line, "charges.newFlow", a->charge_new_flow, b->charge_new_flow);
	add_charge(line, "charges.fragment", a->charge_fragment, b->charge_fragment);
	add_charge(line, "charges.icmp", a->charge_icmp, b->charge_icmp);
}

static void add_limits(struct line *line, const struct state_limits *a,
		       const struct state_limits *b)
{
	add_rate(line, "packets", a ? &a->packets : NULL, b->packets);
	add_rate(line, "packets.guaranteed", a ? &a->guaranteed : NULL, b->guaranteed);
	if (a || b->weight)
		add_number(line, "weight", a ? &a->weight : NULL, b->weight, none_or);
	add_rate(line, "bits", a ? &a->bits : NULL, b->bits);
	add_rate(line, "newFlows", a ? &a->new_flows : NULL, b->new_flows);
	add_rate(line, "newFlowsPerClient", a ? &a->client_flows : NULL, b->client_flows);
	if (a || b->burst_ms)
		add_number(line, "burst", a ? &a->burst_ms : NULL, b->burst_ms, burst);
}

static const char *shared_in(const struct state_tenant *tenant)
{
	return tenant->flows_of[0] ? tenant->flows_of : "none";
}

static const char *cookies_name(enum state_cookies_mode mode)
{
	return mode == STATE_COOKIES_AUTO     ? "auto"
	       : mode == STATE_COOKIES_ALWAYS ? "always"
					      : "off";
}

/* Of a new tenant only what differs from the defaults. */
static void add_cookies(struct line *line, const struct state_cookies *a,
			const struct state_cookies *b)
{
	if (a || b->mode != STATE_COOKIES_AUTO)
		add_setting(line, "synCookies", a ? cookies_name(a->mode) : NULL,
			    cookies_name(b->mode));
	if (a && a->rate != b->rate)
		add_rate(line, "synRate", &a->rate, b->rate);
}

static void add_tenant(struct line *line, const struct state_tenant *a,
		       const struct state_tenant *b)
{
	if (a || b->id)
		add_number(line, "id", a ? &a->id : NULL, b->id, none_or);
	add_number(line, "flows", a ? &a->flows : NULL, b->flows, plain);
	if (a || b->flows_of[0])
		add_setting(line, "flows shared in tier", a ? shared_in(a) : NULL, shared_in(b));
	if (a || b->nat_ports)
		add_number(line, "natPorts", a ? &a->nat_ports : NULL, b->nat_ports, none_or);
	add_limits(line, a ? &a->limits : NULL, &b->limits);
	add_cookies(line, a ? &a->cookies : NULL, &b->cookies);
}

#define RULES_SHOWN 8

struct rules_line {
	struct line *line;
	size_t count;
};

static void add_rule(struct rules_line *of, char mark, const struct state_rule *rule)
{
	char text[PREFIX_TEXT_MAX];

	if (of->count++ >= RULES_SHOWN)
		return;
	add(of->line, "%s%c%s %s", of->line->divider, mark, rule->deny ? "deny" : "allow",
	    prefix_format(&rule->prefix, text));
	of->line->divider = ", ";
}

/* Every rule that comes or goes, as long as they are few. */
static void add_acl(struct line *line, const struct state_acl *a, const struct state_acl *b)
{
	static const struct state_acl none;
	struct rules_line rules = {line, 0};
	size_t i = 0, j = 0;

	a = a ? a : &none;
	if (a->unfinished)
		add_setting(line, "unfinished", NULL, "before");
	if (a->default_deny != b->default_deny)
		add_setting(line, "default", a->default_deny ? "deny" : "allow",
			    b->default_deny ? "deny" : "allow");
	while (i < a->rule_count || j < b->rule_count) {
		int order = i == a->rule_count	 ? 1
			    : j == b->rule_count ? -1
						 : state_compare_rules(&a->rules[i], &b->rules[j]);
		bool same = order == 0 && a->rules[i].deny == b->rules[j].deny;

		if (order <= 0 && !same)
			add_rule(&rules, '-', &a->rules[i]);
		if (order >= 0 && !same)
			add_rule(&rules, '+', &b->rules[j]);
		i += order <= 0;
		j += order >= 0;
	}
	if (rules.count > RULES_SHOWN)
		add(line, " and %zu more", rules.count - RULES_SHOWN);
}

static void add_address(struct line *line, enum op_kind kind, const struct state_address *address)
{
	if (kind == OP_ADDRESS_SET)
		add_setting(line, "echo", address->echo ? "off" : "on",
			    address->echo ? "on" : "off");
	else if (kind == OP_ADDRESS_ADD && address->echo)
		add_setting(line, "echo", NULL, "on");
}

static char *statuses(uint32_t value, char text[UNITS_TEXT_MAX])
{
	uint32_t first = value & 0xffff, last = value >> 16;

	snprintf(text, UNITS_TEXT_MAX, first == last ? "%u" : "%u-%u", first, last);
	return text;
}

/* What was left out may be all that differs: so it has a mark of its own. */
static uint32_t mark_of(const char *bytes, size_t length)
{
	uint32_t mark = 2166136261U;

	for (size_t i = 0; i < length; i++)
		mark = (mark ^ (unsigned char)bytes[i]) * 16777619U;
	return mark;
}

static bool is_text(const char *bytes, size_t length)
{
	bool text = true;

	for (size_t i = 0; i < length; i++)
		text &= (bytes[i] >= ' ' && bytes[i] < 0x7f) || bytes[i] == '\n';
	return text;
}

/* As the configuration may say it: as a text where it is one. */
static void quote_bytes(const char *bytes, size_t length, char *text, size_t size)
{
	bool plain_text = is_text(bytes, length);
	size_t used = 0, i;

	used = (size_t)snprintf(text, size, "%s", !length ? "none" : plain_text ? "\"" : "hex:");
	for (i = 0; i < length && used + 40 < size; i++)
		used += (size_t)snprintf(text + used, size - used,
					 !plain_text	    ? "%02x"
					 : bytes[i] == '\n' ? "\\n"
							    : "%c",
					 (unsigned char)bytes[i]);
	if (!length)
		return;
	used += (size_t)snprintf(text + used, size - used, "%s%s", i < length ? "..." : "",
				 plain_text ? "\"" : "");
	if (i < length)
		snprintf(text + used, size - used, " (%zu bytes, %08x)", length,
			 mark_of(bytes, length));
}

static void add_question(struct line *line, const struct probe_question *a,
			 const struct probe_question *b)
{
	char from[112], to[112];

	if (b->status_first) {
		uint32_t was = a ? a->status_first | (uint32_t)a->status_last << 16 : 0;

		add_setting(line, "health.method", a ? a->head ? "HEAD" : "GET" : NULL,
			    b->head ? "HEAD" : "GET");
		add_number(line, "health.status", a ? &was : NULL,
			   b->status_first | (uint32_t)b->status_last << 16, statuses);
	}
	for (int i = 0; i < PROBE_TEXTS; i++) {
		char name[32];

		if (!b->length[i] && (!a || !a->length[i]))
			continue;
		snprintf(name, sizeof(name), "health.%s", probe_text_key((enum probe_text)i));
		quote_bytes(b->text[i], b->length[i], to, sizeof(to));
		if (a)
			quote_bytes(a->text[i], a->length[i], from, sizeof(from));
		add_setting(line, name, a ? from : NULL, to);
	}
}

static const char *via_name(enum state_via via)
{
	return via == STATE_VIA_AUTO ? "auto" : via == STATE_VIA_VIP ? "vip" : "direct";
}

/* Of the PROXY protocol. */
static const char *header_name(uint8_t version)
{
	return version == 2 ? "v2" : version ? "v1" : "none";
}

static void add_health(struct line *line, const struct state_health *a,
		       const struct state_health *b)
{
	uint32_t old_port = a ? a->port : 0;

	add_setting(line, "health", a ? probe_kind_name(a->type) : NULL, probe_kind_name(b->type));
	if (b->type == PROBE_NONE)
		return;
	if (a && a->type == PROBE_NONE)
		a = NULL; /* there is nothing to compare with */
	if (a || b->port)
		add_number(line, "health.port", a ? &old_port : NULL, b->port, port);
	add_number(line, "health.interval", a ? &a->interval_ms : NULL, b->interval_ms,
		   milliseconds);
	add_number(line, "health.timeout", a ? &a->timeout_ms : NULL, b->timeout_ms, milliseconds);
	add_number(line, "health.rise", a ? &a->rise : NULL, b->rise, plain);
	add_number(line, "health.fall", a ? &a->fall : NULL, b->fall, plain);
	if (a || b->via)
		add_setting(line, "health.via", a ? via_name(a->via) : NULL, via_name(b->via));
	if (a || !b->damped)
		add_setting(line, "health.damping", a ? a->damped ? "true" : "false" : NULL,
			    b->damped ? "true" : "false");
	if (a || b->panic) {
		uint32_t old_panic = a ? a->panic : 0;

		add_number(line, "health.panicThreshold", a ? &old_panic : NULL, b->panic, plain);
	}
	if (b->proxy_protocol || (a && a->proxy_protocol))
		add_setting(line, "proxyProtocol", a ? header_name(a->proxy_protocol) : NULL,
			    header_name(b->proxy_protocol));
	if (b->question)
		add_question(line, a && a->type == b->type ? a->question : NULL, b->question);
}

static void add_service(struct line *line, const struct state_service *a,
			const struct state_service *b)
{
	uint32_t old_mss = a ? a->mss : 0, old_bytes = a ? a->quic_server_id_bytes : 0;

	if (!a)
		add_setting(line, "protocol", NULL, protocol_name(b->protocol));
	if (a || b->pool[0])
		add_setting(line, "pool", a ? pool_name(a) : NULL, pool_name(b));
	add_setting(line, "forward", a ? forward_name(a->forward) : NULL, forward_name(b->forward));
	if (a || b->affinity != STATE_AFFINITY_CLIENT_PORT)
		add_setting(line, "affinity", a ? affinity_name(a->affinity) : NULL,
			    affinity_name(b->affinity));
	add_setting(line, "track",
		    !a		      ? NULL
		    : a->track_always ? "always"
				      : "changed",
		    b->track_always ? "always" : "changed");
	add_number(line, "idleTimeout", a ? &a->idle_s : NULL, b->idle_s, seconds);
	if (b->protocol == IPPROTO_UDP)
		add_number(line, "learn", a ? &a->learn_s : NULL, b->learn_s, seconds);
	if (a || b->mss)
		add_number(line, "mss", a ? &old_mss : NULL, b->mss, none_or);
	if (a || b->quic_server_id_bytes)
		add_number(line, "quic.serverIdBytes", a ? &old_bytes : NULL,
			   b->quic_server_id_bytes, none_or);
	add_number(line, "drainDeadline", a ? &a->drain_deadline_s : NULL, b->drain_deadline_s,
		   seconds);
	add_number(line, "stickWhenDown", a ? &a->stick_s : NULL, b->stick_s, seconds);
	if (a || b->slow_start_s)
		add_number(line, "slowStart", a ? &a->slow_start_s : NULL, b->slow_start_s,
			   seconds);
	add_health(line, a ? &a->health : NULL, &b->health);
}

static char *server_id(const struct state_member *member, char text[UNITS_TEXT_MAX])
{
	strcpy(text, "none");
	for (size_t i = 0; i < member->server_id_bytes; i++)
		sprintf(text + 2 * i, "%02x", member->server_id[i]);
	return text;
}

static void add_member(struct line *line, const struct state_member *a,
		       const struct state_member *b)
{
	char old_id[UNITS_TEXT_MAX], new_id[UNITS_TEXT_MAX];

	add_number(line, "weight", a ? &a->weight : NULL, b->weight, plain);
	if (a || b->drain)
		add_setting(line, "state",
			    !a	       ? NULL
			    : a->drain ? "drain"
				       : "active",
			    b->drain ? "drain" : "active");
	if (a || b->server_id_bytes)
		add_setting(line, "serverId", a ? server_id(a, old_id) : NULL,
			    server_id(b, new_id));
}

/* "192.0.2.1:80", "192.0.2.1:5432-5440" or "192.0.2.1:any". */
static void add_vip(struct line *line, const struct state_vip *vip)
{
	char text[ADDR_TEXT_MAX];
	/* an address of IPv6 gets its brackets with a port, of which "1" is cut off again */
	size_t length = strlen(addr_format_endpoint(&vip->address, 1, text)) - 1;

	if (vip->port == 0)
		add(line, "%.*sany", (int)length, text);
	else if (vip->port != vip->last)
		add(line, "%.*s%u-%u", (int)length, text, vip->port, vip->last);
	else
		add(line, "%.*s%u", (int)length, text, vip->port);
}

static char sign(enum op_kind kind)
{
	switch (kind) {
	case OP_TENANT_ADD:
	case OP_ADDRESS_ADD:
	case OP_SERVICE_ADD:
	case OP_VIP_ADD:
	case OP_MEMBER_ADD:
		return '+';
	case OP_NODE_SET:
	case OP_TENANT_SET:
	case OP_ACL_SET:
	case OP_ADDRESS_SET:
	case OP_SERVICE_SET:
	case OP_MEMBER_SET:
		return '~';
	default:
		return '-';
	}
}

char *op_format(const struct op *op, char *text, size_t size)
{
	struct line line = {.text = text, .size = size, .divider = ": "};
	const struct state_tenant *tenant = op->new_tenant ? op->new_tenant : op->old_tenant;
	const struct state_service *service = op->new_service ? op->new_service : op->old_service;
	const struct state_member *member = op->new_member ? op->new_member : op->old_member;
	char address[ADDR_TEXT_MAX];
	char mark = sign(op->kind);

	if (size)
		text[0] = 0;
	switch (op->kind) {
	case OP_NODE_SET:
		add(&line, "%c node", mark);
		add_node(&line, op->old_node, op->new_node);
		break;
	case OP_TENANT_ADD:
	case OP_TENANT_SET:
	case OP_TENANT_DEL:
		add(&line, "%c tenant %s", mark, tenant->name);
		if (op->new_tenant)
			add_tenant(&line, op->old_tenant, op->new_tenant);
		break;
	case OP_ACL_SET:
		add(&line, "%c acl %s", mark, tenant->name);
		add_acl(&line, op->old_tenant ? &op->old_tenant->acl : NULL, &op->new_tenant->acl);
		break;
	case OP_ADDRESS_ADD:
	case OP_ADDRESS_SET:
	case OP_ADDRESS_DEL:
		add(&line, "%c address %s %s", mark, tenant->name,
		    addr_format(&op->address->address, address));
		add_address(&line, op->kind, op->address);
		break;
	case OP_SERVICE_ADD:
	case OP_SERVICE_SET:
	case OP_SERVICE_DEL:
		add(&line, "%c service %s/%s", mark, tenant->name, service->name);
		if (op->new_service)
			add_service(&line, op->old_service, op->new_service);
		break;
	case OP_VIP_ADD:
	case OP_VIP_DEL:
		add(&line, "%c vip %s/%s %s ", mark, tenant->name, service->name,
		    protocol_name(service->protocol));
		add_vip(&line, op->vip);
		break;
	case OP_MEMBER_ADD:
	case OP_MEMBER_SET:
	case OP_MEMBER_DEL:
		add(&line, "%c member %s/%s %s", mark, tenant->name, service->name,
		    addr_format_endpoint(&member->address, member->port, address));
		if (op->new_member)
			add_member(&line, op->old_member, op->new_member);
		break;
	}
	return text;
}
