// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* reconcile_check_room(): does what a plan needs fit into the maps, before anything is touched? */
#include <errno.h>
#include <string.h>

#include "../model/maglev.h"
#include "acl.h"
#include "quota.h"
#include "reconcile.h"

static int too_few(struct err *err, const char *what, uint32_t wanted, uint32_t left)
{
	return err_set(
		err, -ENOSPC,
		"the change needs %u more %s and the running dataplane has room for %u: raise "
		"node.capacity.%s (which takes a new dataplane), or remove some first",
		wanted, what, left, what);
}

static uint32_t service_lines(const struct state_service *service)
{
	uint32_t weights[service->member_count + 1];

	if (service->forward == STATE_FORWARD_LOCAL)
		return 0;
	for (size_t i = 0; i < service->member_count; i++)
		weights[i] = service->members[i].weight;
	return REGISTRY_LINES(maglev_size(weights, service->member_count));
}

static bool moves_range(const struct op *op)
{
	const struct state_tenant *old = op->old_tenant, *new = op->new_tenant;

	return op->kind == OP_TENANT_ADD ||
	       (op->kind == OP_TENANT_SET &&
		(old->flows != new->flows || strcmp(old->flows_of, new->flows_of) != 0));
}

/* Is a tenant still in this shared range when it is the turn of operation number? */
static bool stays_shared(const struct registry *registry, const struct plan *plan, size_t number,
			 uint32_t first)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);

	for (uint32_t i = 1; i < view->node->tenants; i++) {
		bool stays = view->tenants[i].used && view->tenants[i].flow_first == first;

		for (size_t op = 0; stays && op < number; op++)
			stays = !moves_range(&plan->ops[op]) ||
				strcmp(plan->ops[op].new_tenant->name, view->tenants[i].name) != 0;
		if (stays)
			return true;
	}
	return false;
}

/* Does this operation take a range of flows that nobody has by then? */
static bool needs_range(const struct registry *registry, const struct plan *plan, size_t number)
{
	const struct state_tenant *wanted = plan->ops[number].new_tenant;
	uint32_t first;

	if (!moves_range(&plan->ops[number]))
		return false;
	if (!wanted->flows_of[0])
		return true;
	first = quota_find_shared(registry, wanted->flows_of,
				  wanted->flows / MTLB_FLOWS_PER_BUCKET);
	if (first && stays_shared(registry, plan, number, first))
		return false;
	for (size_t i = 0; i < number; i++) {
		const struct state_tenant *before = plan->ops[i].new_tenant;

		if (moves_range(&plan->ops[i]) && before->flows == wanted->flows &&
		    strcmp(before->flows_of, wanted->flows_of) == 0)
			return false;
	}
	return true;
}

int reconcile_check_room(const struct registry *registry, const struct plan *plan, struct err *err)
{
	uint32_t tenants = 0, services = 0, members = 0, vips = 0, lines = 0, buckets = 0;
	uint32_t left;

	for (size_t i = 0; i < plan->count; i++) {
		const struct op *op = &plan->ops[i];

		switch (op->kind) {
		case OP_TENANT_ADD:
		case OP_TENANT_SET:
			tenants += op->kind == OP_TENANT_ADD;
			if (needs_range(registry, plan, i))
				buckets += op->new_tenant->flows / MTLB_FLOWS_PER_BUCKET;
			break;
		case OP_SERVICE_ADD:
			services++;
			lines += service_lines(op->new_service);
			break;
		case OP_MEMBER_ADD:
			members++;
			break;
		case OP_VIP_ADD:
		case OP_ADDRESS_ADD:
			vips++;
			break;
		default:
			break;
		}
	}
#define ENOUGH(count, ranges, what)                              \
	left = registry->ranges.limit - registry->ranges.in_use; \
	if ((count) > left)                                      \
		return too_few(err, what, count, left);
	ENOUGH(tenants, tenant_indices, "tenants")
	ENOUGH(services, service_indices, "services")
	ENOUGH(members, member_indices, "members")
	ENOUGH(lines, slot_lines, "slots")
	ENOUGH(buckets, flow_buckets, "flows")
#undef ENOUGH
	/* there are two records for each VIP, so that each can be replaced */
	left = dataplane_view(registry->dataplane)->node->vips - (registry->records.in_use - 1);
	if (vips > left)
		return too_few(err, "vips", vips, left);
	return acl_check_room(registry, plan, err);
}
