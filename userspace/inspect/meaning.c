// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "meaning.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../base/addr.h"
#include "../../bpf/abi/defence.h"
#include "../../bpf/abi/guard.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SECOND	     1000000000ULL

enum meaning {
	NOTHING, /* not worth a word */
	SECRET,
	BYTES,
	MAC,
	HASH,
	REALTIME,
	MONOTONIC,
	TENANT,
	SERVICE,
	MEMBER,
	PROTOCOL,
	TCP_FLAGS,
	FORWARD,
	AFFINITY,
	ENCAP,
	MEMBER_STATE,
	MEMBER_FLAGS,
	VIP_FLAGS,
	GUARD_FLAGS,
	DEFENCE_MODE,
	RULE_ACTION,
	REASON,
	SLOT,
	FLOW_WORD,
	COUNTERS,
	BY_KIND,
	BY_CHARGE,
};

static const struct {
	const char *structure, *member;
	enum meaning meaning;
} fields[] = {
#define FIELD(structure, member, meaning) {#structure, #member, meaning},
#include "meaning.def"
};

static const struct {
	const char *name, *sentence;
	enum meaning_key key;
} maps[] = {
#define MAP(name, key, sentence) {#name, sentence, MEANING_KEY_##key},
#include "meaning.def"
};

static const struct {
	const char *map, *structure;
} records[] = {
#define RECORD(map, structure) {#map, #structure},
#include "meaning.def"
};

static const char *const reasons[] = {
#define REASON(name, verdict, sentence) #name,
#include "../../bpf/abi/reasons.def"
#undef REASON
};

#define VERDICT_GO	 "go"
#define VERDICT_PASS	 "pass"
#define VERDICT_DROP	 "drop"
#define VERDICT_TX	 "tx"
#define VERDICT_REDIRECT "redirect"

static const struct {
	const char *verdict, *sentence;
} fates[] = {
#define REASON(name, verdict, sentence) {VERDICT_##verdict, sentence},
#include "../../bpf/abi/reasons.def"
#undef REASON
};

static const char *const counters[] = {
#define COUNTER(name, sentence) #name,
#include "../../bpf/abi/counters.def"
#undef COUNTER
};

static const char *const protocols[] = {
	[0] = "any", [1] = "ICMP", [6] = "TCP", [17] = "UDP", [58] = "ICMPv6", [132] = "SCTP"};
static const char *const forwards[] = {"dsr", "ipip", "gue", "nat", "local"};
static const char *const affinities[] = {"clientPort", "client", "none"};
static const char *const encaps[] = {"none", "ipv4", "ipv6", "gue4", "gue6", "nat"};
static const char *const member_states[] = {"up", "down", "drain", "gone", "checking"};
static const char *const defence_modes[] = {"auto", "always", "off"};
static const char *const rule_actions[] = {"allow", "deny"};
static const char *const member_flags[] = {"letGo", "noNextHop", "noNew", "tag", "untag"};
static const char *const guard_flags[] = {"tcpFlags", "land", "udpPorts"};
static const char *const tcp_flags[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG"};
static const char *const kinds[] = {"packets", "bytes", "newFlows"};
static const char *const charges[] = {"newFlow", "fragment", "icmp"};
static const char *const vip_flags[] = {"trackAlways",	"address",    "echo",
					"natSource",	"nat",	      "client",
					"alone",	"local",      NULL /* four bits of QUIC */,
					NULL,		NULL,	      NULL,
					"meterPackets", "meterBytes", "meterFlows",
					"guarded"};

_Static_assert(COUNT(reasons) == MTLB_REASON_COUNT, "reasons.def");
_Static_assert(COUNT(kinds) == MTLB_METER_KINDS, "meter kinds");
_Static_assert(COUNT(charges) == MTLB_CHARGES, "charges");
_Static_assert(MTLB_VIP_GUARDED == 1 << (COUNT(vip_flags) - 1), "flags of a VIP");

/* Its name, or the number that has none. */
static json_t *named(const char *const *names, size_t count, uint64_t value)
{
	return value < count && names[value] ? json_string(names[value])
					     : json_integer((json_int_t)value);
}

/* Names of the bits that are set; NULL is no flag's. */
static json_t *flags(const char *const *names, size_t count, uint64_t value)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		if (value >> i & 1 && names[i])
			json_array_append_new(list, json_string(names[i]));
	return list;
}

static json_t *vip_flags_of(uint64_t value)
{
	uint64_t quic = value >> MTLB_VIP_QUIC_SHIFT & MTLB_VIP_QUIC_MASK;
	uint64_t mss = value >> MTLB_VIP_MSS_SHIFT;
	json_t *list = flags(vip_flags, COUNT(vip_flags), value);

	if (quic)
		json_array_append_new(list, json_sprintf("quic %d", (int)quic));
	if (mss)
		json_array_append_new(list, json_sprintf("mss %d", (int)mss));
	return list;
}

static json_t *time_of(uint64_t ns)
{
	time_t seconds = (time_t)(ns / SECOND);
	char whole[32];
	struct tm utc;

	if (!ns)
		return json_null();
	gmtime_r(&seconds, &utc);
	strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &utc);
	return json_sprintf("%s.%03dZ", whole, (int)(ns / 1000000 % 1000));
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static json_t *monotonic(uint64_t ns)
{
	return time_of(ns ? ns + clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC) : 0);
}

static json_t *mac(const uint8_t *byte, size_t size)
{
	if (size != 6)
		return NULL;
	return json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", byte[0], byte[1], byte[2], byte[3],
			    byte[4], byte[5]);
}

static json_t *text_or_number(const char *text, uint64_t number)
{
	return text ? json_string(text) : json_integer((json_int_t)number);
}

static json_t *tenant(const struct view *view, uint64_t index)
{
	return text_or_number(view && index <= UINT32_MAX ? view_tenant_name(view, (uint32_t)index)
							  : NULL,
			      index);
}

static json_t *service(const struct view *view, uint64_t index)
{
	char text[VIEW_TEXT_MAX];

	return text_or_number(
		view && index <= UINT32_MAX ? view_service_text(view, (uint32_t)index, text) : NULL,
		index);
}

static json_t *member(const struct view *view, uint64_t index)
{
	char text[VIEW_TEXT_MAX];

	return text_or_number(
		view && index <= UINT32_MAX ? view_member_text(view, (uint32_t)index, text) : NULL,
		index);
}

/* Nobody, or the member and what else its slot says. */
static json_t *slot(const struct view *view, uint64_t value)
{
	json_t *owner, *object;

	if (!value)
		return json_null();
	owner = member(view, value & MTLB_SLOT_MEMBER);
	if (!(value & (MTLB_SLOT_CHANGED | MTLB_SLOT_LEARN)))
		return owner;
	object = json_pack("{s:o,s:b}", "member", owner, "changed", !!(value & MTLB_SLOT_CHANGED));
	if (value & MTLB_SLOT_LEARN)
		json_object_set_new(object, "learns", json_true());
	return object;
}

static json_t *flow_word(const struct view *view, uint64_t word)
{
	json_t *object;

	if (!word)
		return json_null();
	object = json_pack("{s:o,s:s}", "member", member(view, mtlb_flow_member(word)), "state",
			   view_flow_state_name(mtlb_flow_state(word)));
	if (view) {
		unsigned shift = view->node->stamp_shift;
		uint32_t now = (uint32_t)(clock_ns(CLOCK_MONOTONIC_COARSE) >> shift) &
			       MTLB_FLOW_STAMP_MASK;

		json_object_set_new(
			object, "idle",
			json_integer((json_int_t)(((uint64_t)mtlb_flow_age(word, now) << shift) /
						  SECOND)));
	}
	return object;
}

/* An array whose places have names, of 64 or 32 bits each. */
static json_t *by_name(const char *const *names, size_t count, const struct decode_field *field,
		       size_t size)
{
	json_t *object;

	if (field->element >= 0 || field->size < count * size)
		return NULL;
	object = json_object();
	for (size_t i = 0; i < count; i++) {
		uint64_t value = 0;

		memcpy(&value, (const char *)field->bytes + i * size, size);
		json_object_set_new(object, names[i], json_integer((json_int_t)value));
	}
	return object;
}

/* Of an array the elements are asked for one by one, and answered one by one. */
static json_t *mean(const struct view *view, enum meaning meaning, const struct decode_field *field,
		    bool *ret_skip)
{
	switch (meaning) {
	case NOTHING:
		*ret_skip = true;
		return NULL;
	case SECRET:
		return json_string("(not shown)");
	case BYTES:
		return field->element < 0 ? decode_hex(field->bytes, field->size) : NULL;
	case MAC:
		return field->element < 0 ? mac(field->bytes, field->size) : NULL;
	case COUNTERS:
		return by_name(counters, COUNT(counters), field, sizeof(uint64_t));
	case BY_KIND:
		/* of structs the places keep their numbers */
		return field->size == MTLB_METER_KINDS * sizeof(uint64_t)
			       ? by_name(kinds, COUNT(kinds), field, sizeof(uint64_t))
			       : NULL;
	case BY_CHARGE:
		return by_name(charges, COUNT(charges), field, sizeof(uint32_t));
	default:
		break;
	}
	if (!field->scalar)
		return NULL;
	switch (meaning) {
	case HASH:
		return field->value ? json_sprintf("0x%016llx", (unsigned long long)field->value)
				    : json_null();
	case REALTIME:
		return time_of(field->value);
	case MONOTONIC:
		return monotonic(field->value);
	case TENANT:
		return tenant(view, field->value);
	case SERVICE:
		return service(view, field->value);
	case MEMBER:
		return member(view, field->value);
	case PROTOCOL:
		return named(protocols, COUNT(protocols), field->value);
	case TCP_FLAGS:
		return flags(tcp_flags, COUNT(tcp_flags), field->value);
	case FORWARD:
		return named(forwards, COUNT(forwards), field->value);
	case AFFINITY:
		return named(affinities, COUNT(affinities), field->value);
	case ENCAP:
		return named(encaps, COUNT(encaps), field->value);
	case MEMBER_STATE:
		return named(member_states, COUNT(member_states), field->value);
	case MEMBER_FLAGS:
		return flags(member_flags, COUNT(member_flags), field->value);
	case VIP_FLAGS:
		return vip_flags_of(field->value);
	case GUARD_FLAGS:
		return flags(guard_flags, COUNT(guard_flags), field->value);
	case DEFENCE_MODE:
		return named(defence_modes, COUNT(defence_modes), field->value);
	case RULE_ACTION:
		return named(rule_actions, COUNT(rule_actions), field->value);
	case REASON:
		return named(reasons, COUNT(reasons), field->value);
	case SLOT:
		return slot(view, field->value);
	case FLOW_WORD:
		return flow_word(view, field->value);
	default:
		return NULL;
	}
}

static json_t *big_endian(const struct decode_field *field)
{
	uint64_t value = 0;

	if (!field->scalar ||
	    (strcmp(field->type, "__be16") != 0 && strcmp(field->type, "__be32") != 0))
		return NULL;
	for (size_t i = 0; i < field->size; i++)
		value = value << 8 | ((const uint8_t *)field->bytes)[i];
	return json_integer((json_int_t)value);
}

static bool is_spare(const struct decode_field *field)
{
	const uint8_t *byte = field->bytes;

	if (field->element >= 0 ||
	    (strncmp(field->member, "spare", 5) != 0 && strcmp(field->member, "zero")))
		return false;
	for (size_t i = 0; i < field->size; i++)
		if (byte[i])
			return false;
	return true;
}

static json_t *address(const struct decode_field *field)
{
	struct mtlb_address bytes;
	char text[ADDR_TEXT_MAX];

	if (strcmp(field->type, "mtlb_address") != 0 || field->size != sizeof(bytes))
		return NULL;
	memcpy(&bytes, field->bytes, sizeof(bytes));
	return json_string(view_address_text(&bytes, text));
}

static json_t *read_field(void *context, const struct decode_field *field, bool *ret_skip)
{
	json_t *value = address(field);

	if (value)
		return value;
	if (is_spare(field)) {
		*ret_skip = true;
		return NULL;
	}
	for (size_t i = 0; i < COUNT(fields); i++)
		if (!strcmp(fields[i].member, field->member) &&
		    !strcmp(fields[i].structure, field->structure))
			return mean(context, fields[i].meaning, field, ret_skip);
	return big_endian(field);
}

struct decode_reader meaning_reader(const struct view *view)
{
	return (struct decode_reader){read_field, (void *)view};
}

const char *meaning_of_map(const char *map)
{
	for (size_t i = 0; i < COUNT(maps); i++)
		if (!strcmp(maps[i].name, map))
			return maps[i].sentence;
	return "";
}

const char *meaning_record_of(const char *map)
{
	for (size_t i = 0; i < COUNT(records); i++)
		if (!strcmp(records[i].map, map))
			return records[i].structure;
	return NULL;
}

enum meaning_key meaning_key_of(const char *map)
{
	for (size_t i = 0; i < COUNT(maps); i++)
		if (!strcmp(maps[i].name, map))
			return maps[i].key;
	return MEANING_KEY_NUMBER;
}

int meaning_find_reason(const char *name)
{
	for (size_t i = 0; i < COUNT(reasons); i++)
		if (!strcmp(reasons[i], name))
			return (int)i;
	return -1;
}

const char *meaning_reason_name(uint32_t reason)
{
	return reason < COUNT(reasons) ? reasons[reason] : NULL;
}

/* Takes the row's CPU off the index; what is left is within the row. */
static uint32_t take_cpu(json_t *key, uint32_t index, uint32_t row)
{
	if (!row)
		return index;
	json_object_set_new(key, "cpu", json_integer(index / row));
	return index % row;
}

json_t *meaning_of_index(const struct view *view, const char *map, uint32_t index)
{
	enum meaning_key kind = meaning_key_of(map);
	json_t *key = json_pack("{s:I}", "index", (json_int_t)index);
	const struct mtlb_node *node;

	if (!key || !view)
		return key;
	node = view->node;
	switch (kind) {
	case MEANING_KEY_TENANT:
		json_object_set_new(key, "tenant", tenant(view, index));
		break;
	case MEANING_KEY_SERVICE:
		json_object_set_new(key, "service", service(view, index));
		break;
	case MEANING_KEY_MEMBER:
		json_object_set_new(key, "member", member(view, index));
		break;
	case MEANING_KEY_CPU:
		json_object_set_new(key, "cpu", json_integer(index));
		break;
	case MEANING_KEY_CPU_TENANT:
		index = take_cpu(key, index, node->tenants);
		json_object_set_new(key, "tenant", tenant(view, index));
		break;
	case MEANING_KEY_CPU_MEMBER:
		index = take_cpu(key, index, node->members);
		json_object_set_new(key, "member", member(view, index));
		break;
	case MEANING_KEY_CPU_TENANT_REASON:
		index = take_cpu(key, index, node->tenants * MTLB_REASONS_PER_TENANT);
		json_object_set_new(key, "tenant", tenant(view, index / MTLB_REASONS_PER_TENANT));
		json_object_set_new(
			key, "reason",
			named(reasons, COUNT(reasons), index % MTLB_REASONS_PER_TENANT));
		break;
	case MEANING_KEY_POSITION:
		json_object_set_new(key, "bucket", json_integer(index / MTLB_FLOWS_PER_BUCKET));
		json_object_set_new(key, "place", json_integer(index % MTLB_FLOWS_PER_BUCKET));
		break;
	default:
		break;
	}
	return key;
}

const char *meaning_reason_sentence(uint32_t reason)
{
	return reason < COUNT(fates) ? fates[reason].sentence : "?";
}

const char *meaning_reason_verdict(uint32_t reason)
{
	return reason < COUNT(fates) ? fates[reason].verdict : "?";
}

const char *meaning_member_state(uint32_t state)
{
	return state < COUNT(member_states) ? member_states[state] : "?";
}

const char *meaning_protocol(uint32_t protocol)
{
	return protocol < COUNT(protocols) && protocols[protocol] ? protocols[protocol] : "?";
}
