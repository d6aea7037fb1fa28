// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* reconcile_check_room(): whether a plan fits, before anything of it is done. */
#include <errno.h>

#include "../model/maglev.h"
#include "acl.h"
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
			if (op->kind == OP_TENANT_ADD ||
			    op->new_tenant->flows != op->old_tenant->flows)
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
