// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "drift.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/log.h"

#define LINE_MAX_BYTES 256

/* names: as the agent knows them, and where it knows none, as the maps have them */

static const struct dataplane_view *kept(const struct drift *drift)
{
	return dataplane_kept(drift->registry->dataplane);
}

static void name_tenant(const struct drift *drift, uint32_t index, char *text, size_t size)
{
	const struct registry_tenant *tenant =
		index < kept(drift)->node->tenants ? drift->registry->tenant_at[index] : NULL;
	const struct mtlb_tenant *now = &dataplane_view(drift->registry->dataplane)->tenants[index];

	if (!index)
		snprintf(text, size, "node");
	else if (tenant)
		snprintf(text, size, "tenant %s", tenant->name);
	else
		snprintf(text, size, "tenant %.*s, which is nobody's",
			 (int)strnlen(now->name, sizeof(now->name)), now->name);
}

static void name_service(const struct drift *drift, uint32_t index, char *text, size_t size)
{
	const struct registry_service *service =
		index < kept(drift)->node->services ? drift->registry->service_at[index] : NULL;
	const struct registry_tenant *tenant =
		service ? drift->registry->tenant_at[service->key.tenant] : NULL;

	if (!service)
		snprintf(text, size, "a service that is nobody's");
	else
		snprintf(text, size, "service %s/%s", tenant ? tenant->name : "-",
			 service->key.name);
}

static void name_member(const struct drift *drift, uint32_t index, char *text, size_t size)
{
	const struct mtlb_member_name *name = &kept(drift)->member_names[index];
	struct addr address = registry_addr(&name->address);
	char service[128], endpoint[ADDR_TEXT_MAX];

	name_service(drift, name->service, service, sizeof(service));
	if (name->used)
		snprintf(text, size, "%s backend %s", service,
			 addr_format_endpoint(&address, ntohs(name->port), endpoint));
	else
		snprintf(text, size, "a backend that is nobody's");
}

static void name_vip(const struct mtlb_vip_key *key, char *text, size_t size)
{
	struct addr address = registry_addr(&key->address);
	char endpoint[ADDR_TEXT_MAX];

	addr_format_endpoint(&address, ntohs(key->port), endpoint);
	if (!key->protocol)
		snprintf(text, size, "address %s", endpoint);
	else
		snprintf(text, size, "vip %s %s", endpoint,
			 key->protocol == IPPROTO_TCP	? "tcp"
			 : key->protocol == IPPROTO_UDP ? "udp"
							: "sctp");
}

static void name_slots(const struct drift *drift, uint32_t line, char *text, size_t size)
{
	struct registry_service *service = NULL, *next = NULL;
	uint32_t first = line * MTLB_SLOTS_PER_LINE, last = first + MTLB_SLOTS_PER_LINE - 1;

	HASH_ITER (by_key, drift->registry->services, service, next) {
		if (last < service->slot_first ||
		    first >= service->slot_first + service->slot_count)
			continue;
		name_service(drift, service->index, text, size);
		return;
	}
	snprintf(text, size, "a service's old table");
}

static void describe(const struct drift *drift, const struct dataplane_difference *difference,
		     char *line)
{
	static const char *const parts[] = {
		[DATAPLANE_TENANT] = "name and ranges",
		[DATAPLANE_SERVICE] = "settings",
		[DATAPLANE_MEMBER] = "the way to it",
		[DATAPLANE_MEMBER_NAME] = "state and weight",
		[DATAPLANE_VIP] = "record",
		[DATAPLANE_PORT_LINE] = "ranges of ports",
		[DATAPLANE_SLOTS] = "table of backends",
		[DATAPLANE_METER] = "limits",
		[DATAPLANE_DEFENCE] = "SYN cookies",
		[DATAPLANE_GUARD] = "access list",
		[DATAPLANE_TRIE_NODE] = "prefixes of access lists and deny feeds",
		[DATAPLANE_TRIE_RECORD] = "prefixes of access lists and deny feeds",
		[DATAPLANE_GUARD_PORTS] = "filters' ports",
		[DATAPLANE_RULE] = "names of access rules",
		[DATAPLANE_SHARE] = "capacity that is shared",
		[DATAPLANE_VIP_KEY] = "which record it leads to",
		[DATAPLANE_QUIC_KEY] = "QUIC server ID",
	};
	uint32_t index = difference->index;
	char name[LINE_MAX_BYTES - 64] = "node";

	switch (difference->what) {
	case DATAPLANE_TENANT:
	case DATAPLANE_METER:
	case DATAPLANE_DEFENCE:
	case DATAPLANE_GUARD:
		name_tenant(drift, index, name, sizeof(name));
		break;
	case DATAPLANE_SERVICE:
		name_service(drift, index, name, sizeof(name));
		break;
	case DATAPLANE_MEMBER:
	case DATAPLANE_MEMBER_NAME:
		name_member(drift, index, name, sizeof(name));
		break;
	case DATAPLANE_VIP:
		name_vip(&kept(drift)->vips[index].key, name, sizeof(name));
		break;
	case DATAPLANE_VIP_KEY:
		name_vip(&difference->vip, name, sizeof(name));
		break;
	case DATAPLANE_QUIC_KEY:
		name_service(drift, difference->quic.service, name, sizeof(name));
		break;
	case DATAPLANE_SLOTS:
		name_slots(drift, index, name, sizeof(name));
		break;
	default:
		break;
	}
	snprintf(line, LINE_MAX_BYTES, "%c %s: %s", difference->added ? '+' : '~', name,
		 parts[difference->what]);
}

/* lines */

/* Neighbouring entries of one table are told once. */
static void add_line(struct drift_lines *lines, const char *text)
{
	char **grown;

	lines->all++;
	if (lines->count >= DRIFT_LINES ||
	    (lines->count && strcmp(lines->line[lines->count - 1], text) == 0))
		return;
	grown = realloc(lines->line, (lines->count + 1) * sizeof(*grown));
	if (grown)
		lines->line = grown;
	if (grown && (grown[lines->count] = strdup(text)))
		lines->count++;
	else
		lines->error = lines->error ?: -ENOMEM;
}

void drift_lines_fini(struct drift_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->line[i]);
	free(lines->line);
	*lines = (struct drift_lines){};
}

static bool same_lines(const struct drift_lines *one, const struct drift_lines *other)
{
	if (one->count != other->count || one->all != other->all)
		return false;
	for (size_t i = 0; i < one->count; i++)
		if (strcmp(one->line[i], other->line[i]) != 0)
			return false;
	return true;
}

struct look {
	struct drift *drift;
	struct drift_lines *lines;
	bool repair;
};

static void differs(void *context, const struct dataplane_difference *difference)
{
	const struct look *look = context;
	char line[LINE_MAX_BYTES];
	int error = 0;

	describe(look->drift, difference, line);
	add_line(look->lines, line);
	if (!look->repair)
		return;
	error = dataplane_restore(look->drift->registry->dataplane, difference);
	look->lines->error = look->lines->error ?: error;
	look->drift->repaired += !error;
}

static void tell(struct drift *drift, const struct drift_lines *lines, bool repaired)
{
	const char *end = repaired ? "put right" : "mtlb node repair puts it right";
	char others[48] = "";

	if (lines->count > 1)
		snprintf(others, sizeof(others), " and others (%zu entries)", lines->all);
	for (size_t i = 0; i < lines->count; i++)
		log_warn("drift", "not as the agent wrote it: %s%s", lines->line[i] + 2,
			 repaired && !lines->error ? " (put right)" : "");
	if (lines->error)
		end = "it could not be put right";
	events_raise(drift->events, repaired && !lines->error ? "drift-repaired" : "drift", "",
		     NULL, "somebody else wrote to the maps: %s%s: %s", lines->line[0] + 2, others,
		     end);
}

/* At the end of a pass. What stays as it was is told once. */
static void end_pass(struct drift *drift)
{
	struct drift_lines *found = &drift->found;
	bool news = found->count && (drift->repair || !same_lines(found, &drift->told));

	if (news) {
		drift->entries += found->all;
		tell(drift, found, drift->repair);
	}
	drift_lines_fini(&drift->told);
	drift->told = *found;
	*found = (struct drift_lines){};
}

int drift_run(struct drift *drift)
{
	struct look look = {.drift = drift, .lines = &drift->found, .repair = drift->repair};
	int error = dataplane_compare(drift->registry->dataplane, &drift->next, drift->step,
				      differs, &look);

	if (error == 1)
		end_pass(drift);
	return error < 0 ? error : 0;
}

int drift_look_at_members(struct drift *drift)
{
	struct dataplane_cursor cursor = {.row = DATAPLANE_MEMBER};
	struct drift_lines lines = {};
	/* whatever node.drift says: asking for the next hops would write most of them anew anyhow
	 */
	struct look look = {.drift = drift, .lines = &lines, .repair = true};
	const struct dataplane_view *view = kept(drift);
	int error = dataplane_compare(drift->registry->dataplane, &cursor,
				      view->node->members * sizeof(*view->members), differs, &look);

	if (lines.count) {
		drift->entries += lines.all;
		tell(drift, &lines, true);
	}
	drift_lines_fini(&lines);
	return error < 0 ? error : 0;
}

int drift_look(struct drift *drift, bool repair, struct drift_lines *ret_lines)
{
	struct look look = {.drift = drift, .lines = ret_lines, .repair = repair};
	struct dataplane_cursor cursor = {};
	int error;

	*ret_lines = (struct drift_lines){};
	error = dataplane_compare(drift->registry->dataplane, &cursor, SIZE_MAX, differs, &look);
	while (!error)
		error = dataplane_compare(drift->registry->dataplane, &cursor, SIZE_MAX, differs,
					  &look);
	error = error < 0 ? error : ret_lines->error;
	if (repair && ret_lines->count) {
		drift->entries += ret_lines->all;
		tell(drift, ret_lines, true);
	}
	return error;
}

int drift_init(struct drift *drift, struct registry *registry, struct events *events)
{
	int error = dataplane_keep(registry->dataplane);

	*drift = (struct drift){.registry = registry, .events = events};
	if (error)
		return error;
	drift->step = dataplane_kept_size(registry->dataplane) / DRIFT_PASS + 1;
	return 0;
}

void drift_fini(struct drift *drift)
{
	drift_lines_fini(&drift->found);
	drift_lines_fini(&drift->told);
}
