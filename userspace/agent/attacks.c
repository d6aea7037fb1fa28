// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "attacks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "../base/log.h"
#include "../model/attack.h"
#include "report/report.h"
#include "report/reasons.h"

#define IDLE_LOOKS 3 /* without a drop, and the tenant is forgotten */

struct suspect {
	uint32_t tenant;
	char name[STATE_NAME_MAX]; /* its number may be given to another one */
	uint64_t dropped;	   /* what the counters said at the last look */
	uint32_t idle;		   /* looks without a drop */
	struct attack attack;
	UT_hash_handle hh;
};

struct attacks {
	const struct registry *registry;
	struct events *events;
	struct suspect *suspects; /* by tenant */
};

int attacks_new(const struct registry *registry, struct events *events,
		struct attacks **ret_attacks)
{
	struct attacks *attacks = calloc(1, sizeof(*attacks));

	if (!attacks)
		return -ENOMEM;
	attacks->registry = registry;
	attacks->events = events;
	*ret_attacks = attacks;
	return 0;
}

static void forget(struct attacks *attacks, struct suspect *suspect)
{
	HASH_DEL(attacks->suspects, suspect);
	free(suspect);
}

void attacks_free(struct attacks *attacks)
{
	struct suspect *suspect, *next;

	HASH_ITER (hh, attacks->suspects, suspect, next)
		forget(attacks, suspect);
	free(attacks);
}

/* What is lost for want of a backend or of a way to it is our fault or the tenant's own. */
static bool is_hostile(enum mtlb_reason reason)
{
	switch (reason) {
	case MTLB_REASON_no_member:
	case MTLB_REASON_no_next_hop:
	case MTLB_REASON_no_interface:
	case MTLB_REASON_no_headroom:
	case MTLB_REASON_no_record:
	case MTLB_REASON_too_big:
	case MTLB_REASON_fragment_held:
		return false;
	default:
		return reason < MTLB_REASON_COUNT && reason_verdict(reason) == MTLB_VERDICT_DROP;
	}
}

static uint64_t count_dropped(const struct attacks *attacks, uint32_t tenant)
{
	uint64_t dropped = 0;

	for (enum mtlb_reason reason = 0; reason < MTLB_REASON_COUNT; reason++) {
		struct mtlb_reason_counter sum;

		if (!is_hostile(reason))
			continue;
		dataplane_sum_reason(attacks->registry->dataplane, tenant, reason, &sum);
		dropped += sum.packets;
	}
	return dropped;
}

static const struct registry_tenant *tenant_at(const struct attacks *attacks, uint32_t tenant)
{
	const struct mtlb_node *node = dataplane_view(attacks->registry->dataplane)->node;

	return tenant < node->tenants ? attacks->registry->tenant_at[tenant] : NULL;
}

/* The sample itself is counted already: it is no part of what is dropped from now on. */
static struct suspect *suspect_of(struct attacks *attacks, uint32_t index, uint64_t now)
{
	const struct registry_tenant *tenant = tenant_at(attacks, index);
	struct suspect *suspect;

	if (!tenant)
		return NULL;
	HASH_FIND(hh, attacks->suspects, &index, sizeof(index), suspect);
	if (suspect)
		return suspect;
	suspect = calloc(1, sizeof(*suspect));
	if (!suspect)
		return NULL;
	suspect->tenant = index;
	snprintf(suspect->name, sizeof(suspect->name), "%s", tenant->name);
	suspect->dropped = count_dropped(attacks, index);
	attack_init(&suspect->attack, now);
	HASH_ADD(hh, attacks->suspects, tenant, sizeof(suspect->tenant), suspect);
	return suspect;
}

void attacks_take(struct attacks *attacks, const struct mtlb_event *sample, uint64_t now)
{
	struct suspect *suspect;

	if (!is_hostile(sample->reason))
		return;
	suspect = suspect_of(attacks, sample->tenant, now);
	if (suspect)
		attack_take(&suspect->attack,
			    &(struct attack_sample){
				    .source = registry_addr(&sample->source),
				    .destination = registry_addr(&sample->destination),
				    .port = ntohs(sample->destination_port),
				    .protocol = sample->protocol,
				    .tcp_flags = sample->tcp_flags,
				    .packets = sample->packets,
			    });
}

/* as JSON and as words */

static json_t *sources_json(const struct attack *attack)
{
	struct attack_source sources[ATTACK_SOURCES];
	size_t count = attack_sources(attack, sources);
	json_t *items = json_array();

	for (size_t i = 0; i < count; i++) {
		char text[ADDR_TEXT_MAX];

		addr_format(&sources[i].prefix, text);
		json_array_append_new(
			items, json_pack("{s:o,s:f}", "prefix",
					 json_sprintf("%s/%u", text, (unsigned)sources[i].length),
					 "share", sources[i].share));
	}
	return items;
}

/* The few that send most of it, or that there are none. */
static void sources_text(const struct attack *attack, char *text, size_t size)
{
	struct attack_source sources[ATTACK_SOURCES];
	size_t count = attack_sources(attack, sources), length = 0;

	snprintf(text, size, "spoofed or widely spread sources");
	if (!count || attack_is_spread(attack))
		return;
	for (size_t i = 0; i < count && (!i || sources[i].share >= 0.1) && length < size; i++) {
		char prefix[ADDR_TEXT_MAX];

		length += (size_t)snprintf(text + length, size - length, "%s%s/%u (%.0f%%)",
					   i ? ", " : "", addr_format(&sources[i].prefix, prefix),
					   (unsigned)sources[i].length, 100 * sources[i].share);
	}
}

static json_t *details(const struct attack *attack, char endpoint[ADDR_TEXT_MAX])
{
	struct addr address = {};
	uint8_t protocol = 0;
	uint16_t port = 0;
	char text[ADDR_TEXT_MAX] = "";
	bool known = attack_target(attack, &address, &port, &protocol);

	snprintf(endpoint, ADDR_TEXT_MAX, "its addresses");
	if (known) {
		addr_format_endpoint(&address, port, endpoint);
		addr_format(&address, text);
	}
	return json_pack("{s:s,s:i,s:s,s:s,s:I,s:I,s:I,s:b,s:o}", "address", text, "port",
			 (int)port, "protocol", known ? report_ip_protocol(protocol) : "any",
			 "attack", attack_kind_name(attack_kind(attack)), "rate",
			 (json_int_t)attack->rate, "peak", (json_int_t)attack->peak, "packets",
			 (json_int_t)attack->dropped, "spread", (int)attack_is_spread(attack),
			 "sources", sources_json(attack));
}

static void begins(struct attacks *attacks, const struct suspect *suspect)
{
	const struct attack *attack = &suspect->attack;
	const char *kind = attack_kind_name(attack_kind(attack));
	char endpoint[ADDR_TEXT_MAX], sources[320], sentence[512];
	json_t *more = details(attack, endpoint);

	sources_text(attack, sources, sizeof(sources));
	snprintf(sentence, sizeof(sentence),
		 "attack on %s: %s flood to %s, %llu packets a second dropped, from %s",
		 suspect->name, kind, endpoint, (unsigned long long)attack->rate, sources);
	log_warn("attack", "%s", sentence);
	events_raise(attacks->events, "attack-begins", suspect->name, more, "%s", sentence);
}

static void ends(struct attacks *attacks, const struct suspect *suspect, uint64_t now)
{
	const struct attack *attack = &suspect->attack;
	uint64_t seconds = (now - attack->began_at) / 1000000000;
	char endpoint[ADDR_TEXT_MAX], sources[320], sentence[512];
	json_t *more = details(attack, endpoint);

	json_object_set_new(more, "seconds", json_integer((json_int_t)seconds));
	sources_text(attack, sources, sizeof(sources));
	snprintf(sentence, sizeof(sentence),
		 "the attack on %s is over: %llu packets dropped in %llu s, at most %llu a second, "
		 "from %s",
		 suspect->name, (unsigned long long)attack->dropped, (unsigned long long)seconds,
		 (unsigned long long)attack->peak, sources);
	log_info("attack", "%s", sentence);
	events_raise(attacks->events, "attack-ends", suspect->name, more, "%s", sentence);
}

/* Returns false when there is no more reason to look. */
static bool look_at(struct attacks *attacks, struct suspect *suspect, uint64_t now)
{
	const struct registry_tenant *tenant = tenant_at(attacks, suspect->tenant);
	uint64_t total, dropped;

	if (!tenant || strcmp(tenant->name, suspect->name) != 0)
		return false;
	total = count_dropped(attacks, suspect->tenant);
	dropped = total > suspect->dropped ? total - suspect->dropped : 0;
	suspect->dropped = total;
	suspect->idle = dropped ? 0 : suspect->idle + 1;
	switch (attack_look(&suspect->attack, now, dropped, ATTACKS_THRESHOLD)) {
	case ATTACK_BEGINS:
		begins(attacks, suspect);
		break;
	case ATTACK_ENDS:
		ends(attacks, suspect, now);
		break;
	case ATTACK_SAME:
		break;
	}
	return suspect->attack.on || suspect->idle < IDLE_LOOKS;
}

size_t attacks_look(struct attacks *attacks, uint64_t now)
{
	struct suspect *suspect, *next;

	HASH_ITER (hh, attacks->suspects, suspect, next)
		if (!look_at(attacks, suspect, now))
			forget(attacks, suspect);
	return HASH_COUNT(attacks->suspects);
}
