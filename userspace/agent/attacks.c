// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "attacks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "../base/log.h"
#include "../model/attack.h"
#include "report/report.h"
#include "report/reasons.h"

#define IDLE_LOOKS  3 /* with nothing to see, and the tenant is forgotten */
#define EARLY_LOOKS 3 /* the first one is of less than a second */
#define FEW	    4 /* a rate below this part of the threshold is nothing to see */

enum measure {
	DROPS,
	NEW_FLOWS,
	MEASURES,
};

struct measured {
	uint64_t total; /* what the counters said at the last look */
	struct attack attack;
};

struct suspect {
	uint32_t tenant;
	char name[STATE_NAME_MAX]; /* its number may be given to another one */
	uint32_t idle;		   /* looks with nothing to see */
	uint32_t early;		   /* looks still to come at which what is seen is usual */
	struct measured of[MEASURES];
	UT_hash_handle hh;
};

struct attacks {
	const struct registry *registry;
	struct events *events;
	struct suspect *suspects; /* by tenant */
	uint64_t started_at;
	uint64_t least[MEASURES]; /* a second */
};

static const char *const measure_names[MEASURES] = {
	[DROPS] = "drops",
	[NEW_FLOWS] = "newFlows",
};

int attacks_new(const struct registry *registry, struct events *events, uint64_t now,
		struct attacks **ret_attacks)
{
	struct attacks *attacks = calloc(1, sizeof(*attacks));

	if (!attacks)
		return -ENOMEM;
	attacks->registry = registry;
	attacks->events = events;
	attacks->started_at = now;
	attacks->least[DROPS] = attacks->least[NEW_FLOWS] = UINT64_MAX;
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

void attacks_set(struct attacks *attacks, const struct config_attacks *thresholds)
{
	attacks->least[DROPS] = thresholds->drops;
	attacks->least[NEW_FLOWS] = thresholds->new_flows;
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

static uint64_t count_new_flows(const struct attacks *attacks, const struct registry_tenant *tenant)
{
	const struct registry_service *service;
	uint64_t new_flows = 0;

	for (service = tenant->services; service; service = service->of_tenant) {
		for (size_t i = 0; i < service->member_count; i++) {
			struct mtlb_member_counter sum;

			dataplane_sum_member(attacks->registry->dataplane, service->members[i],
					     &sum);
			new_flows += sum.new_flows;
		}
	}
	return new_flows;
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
	suspect->early = now - attacks->started_at < ATTACKS_START_NS ? EARLY_LOOKS : 0;
	suspect->of[DROPS].total = count_dropped(attacks, index);
	suspect->of[NEW_FLOWS].total = count_new_flows(attacks, tenant);
	for (enum measure measure = 0; measure < MEASURES; measure++)
		attack_init(&suspect->of[measure].attack, now);
	HASH_ADD(hh, attacks->suspects, tenant, sizeof(suspect->tenant), suspect);
	return suspect;
}

void attacks_take(struct attacks *attacks, const struct mtlb_event *sample, uint64_t now)
{
	enum measure measure =
		reason_verdict(sample->reason) == MTLB_VERDICT_DROP ? DROPS : NEW_FLOWS;
	struct suspect *suspect;

	if (measure == DROPS && !is_hostile(sample->reason))
		return;
	suspect = suspect_of(attacks, sample->tenant, now);
	if (suspect)
		attack_take(&suspect->of[measure].attack,
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

static json_t *details(const struct attack *attack, enum measure measure,
		       char endpoint[ADDR_TEXT_MAX])
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
	return json_pack("{s:s,s:i,s:s,s:s,s:s,s:I,s:I,s:I,s:b,s:o}", "address", text, "port",
			 (int)port, "protocol", known ? report_ip_protocol(protocol) : "any",
			 "attack", attack_kind_name(attack_kind(attack)), "measure",
			 measure_names[measure], "rate", (json_int_t)attack->rate, "peak",
			 (json_int_t)attack->peak, "packets", (json_int_t)attack->counted, "spread",
			 (int)attack_is_spread(attack), "sources", sources_json(attack));
}

static void begins(struct attacks *attacks, const struct suspect *suspect, enum measure measure)
{
	const struct attack *attack = &suspect->of[measure].attack;
	const char *kind = attack_kind_name(attack_kind(attack));
	char endpoint[ADDR_TEXT_MAX], sources[320], sentence[512];
	json_t *more = details(attack, measure, endpoint);

	sources_text(attack, sources, sizeof(sources));
	snprintf(sentence, sizeof(sentence), "attack on %s: %s flood to %s, %llu %s, from %s",
		 suspect->name, kind, endpoint, (unsigned long long)attack->rate,
		 measure == DROPS ? "packets a second dropped"
				  : "new flows a second, which nothing limits",
		 sources);
	log_warn("attack", "%s", sentence);
	events_raise(attacks->events, "attack-begins", suspect->name, more, "%s", sentence);
}

static void ends(struct attacks *attacks, const struct suspect *suspect, enum measure measure,
		 uint64_t now)
{
	const struct attack *attack = &suspect->of[measure].attack;
	uint64_t seconds = (now - attack->began_at) / 1000000000;
	char endpoint[ADDR_TEXT_MAX], sources[320], sentence[512];
	json_t *more = details(attack, measure, endpoint);

	json_object_set_new(more, "seconds", json_integer((json_int_t)seconds));
	sources_text(attack, sources, sizeof(sources));
	snprintf(sentence, sizeof(sentence),
		 "the attack on %s is over: %llu %s in %llu s, at most %llu a second, from %s",
		 suspect->name, (unsigned long long)attack->counted,
		 measure == DROPS ? "packets dropped" : "new flows", (unsigned long long)seconds,
		 (unsigned long long)attack->peak, sources);
	log_info("attack", "%s", sentence);
	events_raise(attacks->events, "attack-ends", suspect->name, more, "%s", sentence);
}

/* What is refused is told as such, even when more than usual gets through as well. */
static uint64_t threshold_of(const struct attacks *attacks, const struct suspect *suspect,
			     enum measure measure)
{
	const struct attack *attack = &suspect->of[measure].attack;

	if (measure == NEW_FLOWS && suspect->of[DROPS].attack.on && !attack->on)
		return UINT64_MAX;
	return attack_threshold(attack, attacks->least[measure]);
}

/* total: what the counters say now. Returns false when there is nothing to see. */
static bool look_at_one(struct attacks *attacks, struct suspect *suspect, enum measure measure,
			uint64_t total, uint64_t now)
{
	struct measured *of = &suspect->of[measure];
	uint64_t threshold = threshold_of(attacks, suspect, measure);
	uint64_t count = total > of->total ? total - of->total : 0; /* a member may have gone */

	of->total = total;
	if (measure == NEW_FLOWS && suspect->early)
		threshold = UINT64_MAX;
	switch (attack_look(&of->attack, now, count, threshold)) {
	case ATTACK_BEGINS:
		begins(attacks, suspect, measure);
		break;
	case ATTACK_ENDS:
		ends(attacks, suspect, measure, now);
		break;
	case ATTACK_SAME:
		break;
	}
	if (measure == DROPS)
		return count || of->attack.on;
	if (suspect->early)
		of->attack.usual = fmax(of->attack.usual, (double)of->attack.rate);
	else
		attack_learn(&of->attack);
	return of->attack.on || of->attack.rate >= attacks->least[measure] / FEW;
}

/* Returns false when there is no more reason to look. */
static bool look_at(struct attacks *attacks, struct suspect *suspect, uint64_t now)
{
	const struct registry_tenant *tenant = tenant_at(attacks, suspect->tenant);
	bool seen;

	if (!tenant || strcmp(tenant->name, suspect->name) != 0)
		return false;
	seen = look_at_one(attacks, suspect, DROPS, count_dropped(attacks, suspect->tenant), now);
	seen |= look_at_one(attacks, suspect, NEW_FLOWS, count_new_flows(attacks, tenant), now);
	suspect->early -= suspect->early > 0;
	suspect->idle = seen ? 0 : suspect->idle + 1;
	return suspect->idle < IDLE_LOOKS;
}

size_t attacks_look(struct attacks *attacks, uint64_t now)
{
	struct suspect *suspect, *next;

	HASH_ITER (hh, attacks->suspects, suspect, next)
		if (!look_at(attacks, suspect, now))
			forget(attacks, suspect);
	return HASH_COUNT(attacks->suspects);
}
