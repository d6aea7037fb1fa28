// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sweep.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "../base/log.h"
#include "flows.h"
#include "publish.h"

#define SECOND 1000000000ULL

static const struct dataplane_view *view_of(const struct sweep *sweep)
{
	return dataplane_view(sweep->registry->dataplane);
}

static const struct state_service *settings_of(const struct sweep *sweep,
					       const struct registry_service *service)
{
	const struct registry_tenant *tenant = sweep->registry->tenant_at[service->key.tenant];

	return tenant ? state_find_service(sweep->settings, tenant->name, service->key.name) : NULL;
}

static int let_go(struct sweep *sweep, struct registry_service *service, uint32_t index,
		  const char *why)
{
	const struct mtlb_member_name *name = &view_of(sweep)->member_names[index];
	struct addr address = registry_addr(&name->address);
	char text[ADDR_TEXT_MAX];

	log_info("sweep", "service %s/%s: %s %s: flows that are left move to others",
		 sweep->registry->tenant_at[service->key.tenant]->name, service->key.name,
		 addr_format_endpoint(&address, ntohs(name->port), text), why);
	return members_let_go(sweep->members, service, index);
}

static int check_deadlines(struct sweep *sweep, struct registry_service *service, uint64_t now)
{
	const struct state_service *settings = settings_of(sweep, service);
	uint64_t stick, drain;
	int error = 0;

	if (!settings)
		return 0; /* it is about to be deleted, and its members with it */
	stick = settings->stick_s * SECOND;
	drain = settings->drain_deadline_s * SECOND;
	for (size_t i = 0; !error && i < service->member_count; i++) {
		uint32_t index = service->members[i];
		const struct mtlb_member_name *name = &view_of(sweep)->member_names[index];
		uint64_t age = now > name->since ? now - name->since : 0;

		if (view_of(sweep)->members[index].flags & MTLB_MEMBER_LET_GO)
			continue;
		if (name->state == MTLB_MEMBER_GONE && age >= drain)
			error = let_go(sweep, service, index,
				       "was removed and its deadline passed");
		else if (name->drain && now - name->drained_at >= drain)
			error = let_go(sweep, service, index, "is drained and its deadline passed");
		else if (name->state == MTLB_MEMBER_DOWN && age >= stick)
			error = let_go(sweep, service, index, "stays down");
	}
	return error;
}

static bool lost_flows(const struct sweep *sweep, struct registry_tenant *tenant, uint64_t now,
		       uint64_t idle)
{
	struct mtlb_tenant_counter sum;
	uint64_t lost;

	dataplane_sum_tenant(sweep->registry->dataplane, tenant->index, &sum);
	lost = sum.value[MTLB_COUNTER_flows_unstored] + sum.value[MTLB_COUNTER_flows_evicted];
	if (lost != tenant->unstored) {
		tenant->unstored = lost;
		tenant->unstored_at = now;
	}
	return tenant->unstored_at && now - tenant->unstored_at < idle;
}

/*
 * A flow that could not be stored leaves no trace to judge a flag by: then only time helps. Where a
 * range is shared, it may have been any other tenant's flow that took this one's place.
 */
static bool recently_unstored(const struct sweep *sweep, struct registry_tenant *tenant,
			      uint64_t now, uint64_t idle)
{
	const struct mtlb_tenant *tenants = view_of(sweep)->tenants, *range;
	struct registry_tenant *other, *next;

	range = &tenants[tenant->index];
	if (!range->flows_of[0])
		return lost_flows(sweep, tenant, now, idle);
	HASH_ITER (by_name, sweep->registry->tenants, other, next)
		if (tenants[other->index].flow_first == range->flow_first &&
		    lost_flows(sweep, other, now, idle))
			return true;
	return false;
}

/*
 * Once a flag is older than the idle time every flow that lives has shown itself and is stored, so
 * the table tells which slots still need their flag.
 */
static int clear_flags(struct sweep *sweep, struct registry_service *service, uint64_t now)
{
	const struct mtlb_service *names = &view_of(sweep)->services[service->index];
	uint64_t stamp = 1ULL << view_of(sweep)->node->stamp_shift;
	uint64_t idle = names->idle * SECOND + 2 * stamp;
	struct registry_tenant *tenant = sweep->registry->tenant_at[service->key.tenant];
	bool unsure = tenant && recently_unstored(sweep, tenant, now, idle);
	bool *keep;
	int error;

	/* dirty: some of its VIPs may have another table */
	if (service->dirty || unsure || !names->changed_at || names->learn_until ||
	    now - names->changed_at < idle)
		return 0;
	keep = calloc(service->slot_count + 1, sizeof(*keep));
	if (!keep)
		return -ENOMEM;
	flows_mark_foreign(sweep->registry, service, keep);
	error = publish_clear_flags(sweep->registry, service, keep);
	free(keep);
	return error;
}

/* A member that is gone may leave when no table and no flow can name it any more. */
static int free_gone(struct sweep *sweep, struct registry_service *service)
{
	int error = 0;

	if (view_of(sweep)->services[service->index].changed_at || service->dirty)
		return 0;
	for (size_t i = 0; !error && i < service->member_count;) {
		uint32_t index = service->members[i];

		if (view_of(sweep)->member_names[index].state != MTLB_MEMBER_GONE) {
			i++;
			continue;
		}
		flows_forget_member(sweep->registry, service, index);
		error = members_free(sweep->members, service, index);
	}
	return error;
}

/* Those that came up lately get another sixteenth of their share from time to time. */
static void check_slow_start(struct sweep *sweep, struct registry_service *service, uint64_t now)
{
	const struct state_service *settings = settings_of(sweep, service);
	uint32_t steps = 0;

	if (!settings || !settings->slow_start_s)
		return;
	for (size_t i = 0; i < service->member_count; i++)
		steps += publish_step(sweep->registry, service->members[i],
				      settings->slow_start_s * SECOND, now);
	service->dirty |= steps != service->slow_steps;
	service->slow_steps = steps;
}

int sweep_flows(struct sweep *sweep, uint64_t now)
{
	struct registry_service *service, *next_service;
	int error = 0;

	flows_expire(sweep->registry, sweep->flow_counts);
	HASH_ITER (by_key, sweep->registry->services, service, next_service) {
		error = error ?: clear_flags(sweep, service, now);
		error = error ?: free_gone(sweep, service);
	}
	return error;
}

int sweep_run(struct sweep *sweep, uint64_t now)
{
	struct registry_service *service, *next;
	int error = 0;

	HASH_ITER (by_key, sweep->registry->services, service, next) {
		const struct mtlb_service *names = &view_of(sweep)->services[service->index];

		if (!error && names->learn_until && now >= names->learn_until)
			error = publish_end_learning(sweep->registry, service);
		error = error ?: check_deadlines(sweep, service, now);
		check_slow_start(sweep, service, now);
	}
	if (!error && now - sweep->flows_swept_at >= SWEEP_FLOWS_NS) {
		error = sweep_flows(sweep, now);
		sweep->flows_swept_at = now;
	}
	return error ?: registry_settle(sweep->registry);
}
