// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "reconcile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../base/log.h"
#include "acl.h"
#include "defence.h"
#include "flows.h"
#include "meters.h"
#include "nat.h"
#include "publish.h"
#include "quota.h"

/* In a change of what runs the loop waits as well, and with it all that the agent does. */
#define RESOLVE_WAIT_NS	      1000000000ULL
#define RESOLVE_WAIT_SHORT_NS 200000000ULL
#define TELL_MAX	      1000 /* changes of one plan that are logged one by one */

static int set_node(struct registry *registry, const struct state_node *node)
{
	struct mtlb_share share = meters_share(node);

	return dataplane_put_share(registry->dataplane, &share);
}

/* tenants */

static int add_tenant(struct reconcile *reconcile, const struct state_tenant *wanted)
{
	struct registry *registry = reconcile->registry;
	uint32_t index = ranges_take(&registry->tenant_indices, 1);
	struct mtlb_tenant tenant = {
		.used = 1,
		.id = wanted->id,
		.flow_count = wanted->flows / MTLB_FLOWS_PER_BUCKET,
	};
	struct registry_tenant *added = NULL;
	bool fresh = false;
	int error;

	if (!index && !registry_settle(registry))
		index = ranges_take(&registry->tenant_indices, 1);
	if (!index)
		return -ENOSPC;
	memcpy(tenant.name, wanted->name, sizeof(tenant.name));
	memcpy(tenant.flows_of, wanted->flows_of, sizeof(tenant.flows_of));
	error = quota_take(registry, &tenant, &fresh);
	if (!error)
		registry_before_reset(registry, index);
	error = error ?: dataplane_reset_tenant_counters(registry->dataplane, index);
	error = error ?: meters_put(registry, index, &wanted->limits);
	error = error ?: defence_put(registry, index, &wanted->cookies, true);
	error = error ?: dataplane_put_tenant(registry->dataplane, index, &tenant);
	if (!error) {
		added = registry_add_tenant(registry, index, wanted->name);
		error = added ? 0 : -ENOMEM;
	}
	if (error) {
		ranges_give_back(&registry->tenant_indices, index, 1);
		if (fresh)
			ranges_give_back(&registry->flow_buckets, tenant.flow_first,
					 tenant.flow_count);
		return error;
	}
	return wanted->nat_ports ? nat_set_ports(reconcile->members, added, wanted->nat_ports) : 0;
}

static int republish_tenant(struct registry *registry, uint32_t tenant)
{
	struct registry_service *first = registry->tenant_at[tenant]->services, *service;
	int error = 0;

	for (service = first; !error && service; service = service->of_tenant)
		error = publish_records(registry, service);
	/* some look for their flows in the one range, some in the other: the next publishing mends
	 * it */
	for (service = first; error && service; service = service->of_tenant)
		service->dirty = true;
	return error;
}

/*
 * Another quota is another range, and so is a tier that shares one. The flows are copied before
 * packets look there, and once more after, for those that were stored meanwhile; what does not fit
 * into a smaller range is let go, as if it had been evicted.
 */
static int resize_flows(struct registry *registry, uint32_t index, struct mtlb_tenant *tenant,
			const struct state_tenant *wanted)
{
	struct mtlb_tenant before = *tenant;
	bool fresh;
	int error;

	tenant->flow_count = wanted->flows / MTLB_FLOWS_PER_BUCKET;
	memcpy(tenant->flows_of, wanted->flows_of, sizeof(tenant->flows_of));
	error = quota_take(registry, tenant, &fresh);
	if (error)
		goto failed;
	flows_copy(registry, index, &before, tenant);
	error = dataplane_put_tenant(registry->dataplane, index, tenant);
	error = error ?: republish_tenant(registry, index);
	error = error ?: dataplane_grace(registry->dataplane);
	if (error)
		goto failed;
	flows_copy(registry, index, &before, tenant);
	if (quota_in_use(registry, before.flow_first))
		flows_forget(registry, &before, index, 0);
	quota_leave(registry, &before);
	return 0;
failed:
	registry->strays = true;
	return error;
}

/* The flags of all its records follow what it has: meters, an access list. Addresses last: by them
 * whoever comes after a kill can tell (meters_read, acl_read). */
static int refresh_flags(struct registry *registry, struct registry_tenant *tenant)
{
	int error = republish_tenant(registry, tenant->index);

	for (struct registry_vip *vip = tenant->addresses; !error && vip; vip = vip->next) {
		const struct mtlb_vip *record =
			&dataplane_view(registry->dataplane)->vips[vip->record];

		/* not one that has become another tenant's in this change */
		if (registry_met(registry, vip))
			error = publish_address(registry, tenant, &vip->key,
						record->flags & MTLB_VIP_ECHO);
	}
	return error;
}

/* A rate is changed where it stands; records change when a meter comes or goes. */
static int set_limits(struct registry *registry, struct registry_tenant *tenant,
		      const struct state_limits *limits)
{
	return meters_put(registry, tenant->index, limits) ?: refresh_flags(registry, tenant);
}

static int set_acl(struct registry *registry, const struct state_tenant *wanted)
{
	struct registry_tenant *tenant = registry_tenant(registry, wanted->name);

	if (!tenant)
		return -ENOENT;
	return acl_set(registry, tenant, &wanted->acl) ?: refresh_flags(registry, tenant);
}

static int set_tenant(struct reconcile *reconcile, const struct state_tenant *wanted)
{
	struct registry *registry = reconcile->registry;
	struct registry_tenant *known = registry_tenant(registry, wanted->name);
	uint32_t buckets = wanted->flows / MTLB_FLOWS_PER_BUCKET;
	struct mtlb_tenant tenant;
	bool move;
	int error;

	if (!known)
		return -ENOENT;
	tenant = dataplane_view(registry->dataplane)->tenants[known->index];
	tenant.id = wanted->id;
	move = tenant.flow_count != buckets || strcmp(tenant.flows_of, wanted->flows_of) != 0;
	error = move ? resize_flows(registry, known->index, &tenant, wanted)
		     : dataplane_put_tenant(registry->dataplane, known->index, &tenant);
	if (!error && tenant.nat_count * MTLB_FLOWS_PER_BUCKET != wanted->nat_ports)
		error = nat_set_ports(reconcile->members, known, wanted->nat_ports);
	error = error ?: defence_put(registry, known->index, &wanted->cookies, false);
	return error ?: set_limits(registry, known, &wanted->limits);
}

static int delete_tenant(struct reconcile *reconcile, const struct state_tenant *old)
{
	struct registry *registry = reconcile->registry;
	struct registry_tenant *known = registry_tenant(registry, old->name);
	static const struct state_acl everybody;
	struct mtlb_tenant tenant;
	int error = 0;

	if (!known)
		return 0;
	/* none of its rules may be left to the next one with its index */
	if (known->rule_count)
		error = acl_set(registry, known, &everybody);
	if (error)
		return error;
	tenant = dataplane_view(registry->dataplane)->tenants[known->index];
	/* Replies must not find its flows any more. First, as long as the tenant is there: an agent
	 * that comes after a kill does it again. */
	if (tenant.nat_count)
		error = dataplane_grace(registry->dataplane)
				?: dataplane_clear_flows(registry->dataplane, tenant.nat_first,
							 tenant.nat_count);
	tenant.used = 0;
	error = error ?: dataplane_put_tenant(registry->dataplane, known->index, &tenant);
	if (error)
		return error;
	quota_leave(registry, &tenant);
	registry_give_back_nat(registry, tenant.nat_first, tenant.nat_count);
	ranges_give_back(&registry->tenant_indices, known->index, 1);
	registry_remove_tenant(registry, known);
	return 0;
}

static int set_address(struct reconcile *reconcile, const struct op *op)
{
	bool add = op->kind != OP_ADDRESS_DEL;
	const struct state_tenant *of = add ? op->new_tenant : op->old_tenant;
	struct registry_tenant *tenant = registry_tenant(reconcile->registry, of->name);
	struct mtlb_vip_key key = registry_key(&op->address->address, 0, 0);
	struct registry_vip *vip;

	if (!tenant)
		return add ? -ENOENT : 0;
	if (add)
		return publish_address(reconcile->registry, tenant, &key, op->address->echo);
	vip = registry_vip(tenant->addresses, &key, 0);
	return vip ? publish_withdraw_address(reconcile->registry, tenant, vip) : 0;
}

/* services */

static enum mtlb_forward encap_wish(enum state_forward forward)
{
	return forward == STATE_FORWARD_DSR    ? MTLB_FORWARD_DSR
	       : forward == STATE_FORWARD_IPIP ? MTLB_FORWARD_IPIP
	       : forward == STATE_FORWARD_GUE  ? MTLB_FORWARD_GUE
	       : forward == STATE_FORWARD_NAT  ? MTLB_FORWARD_NAT
					       : MTLB_FORWARD_LOCAL;
}

static enum mtlb_affinity affinity(enum state_affinity affinity)
{
	return affinity == STATE_AFFINITY_CLIENT_PORT ? MTLB_AFFINITY_CLIENT_PORT
	       : affinity == STATE_AFFINITY_CLIENT    ? MTLB_AFFINITY_CLIENT
						      : MTLB_AFFINITY_NONE;
}

static struct mtlb_service service_record(uint32_t tenant, const struct state_service *wanted,
					  const struct mtlb_service *now)
{
	struct mtlb_service service = {
		.used = 1,
		.tenant = tenant,
		.protocol = wanted->protocol,
		.encap_wish = encap_wish(wanted->forward),
		.track_always = wanted->track_always,
		.affinity = affinity(wanted->affinity),
		.quic_bytes = wanted->quic_server_id_bytes,
		.mss = wanted->mss,
		.idle = wanted->idle_s,
		.changed_at = now ? now->changed_at : 0,
		.learn_until = now ? now->learn_until : 0,
	};

	memcpy(service.name, wanted->name, sizeof(service.name));
	memcpy(service.pool, wanted->pool, sizeof(service.pool));
	return service;
}

static int add_service(struct reconcile *reconcile, const struct op *op)
{
	struct registry *registry = reconcile->registry;
	struct registry_tenant *tenant = registry_tenant(registry, op->new_tenant->name);
	struct registry_service *added;
	struct mtlb_service record;
	uint32_t index;
	int error;

	if (!tenant)
		return -ENOENT;
	index = ranges_take(&registry->service_indices, 1);
	if (!index && !registry_settle(registry))
		index = ranges_take(&registry->service_indices, 1);
	if (!index)
		return -ENOSPC;
	record = service_record(tenant->index, op->new_service, NULL);
	error = dataplane_put_service(registry->dataplane, index, &record);
	if (error) {
		ranges_give_back(&registry->service_indices, index, 1);
		return error;
	}
	added = registry_add_service(registry, index, tenant->index, op->new_service->name,
				     op->new_service->protocol);
	if (!added)
		return -ENOMEM;
	added->dirty = true;
	return 0;
}

static struct registry_service *find_service(const struct reconcile *reconcile,
					     const struct state_tenant *tenant,
					     const struct state_service *service)
{
	struct registry_tenant *owner = registry_tenant(reconcile->registry, tenant->name);

	if (!owner)
		return NULL;
	return registry_service(reconcile->registry, owner->index, service->name,
				service->protocol);
}

static bool is_local(const struct mtlb_service *service)
{
	return service->encap_wish == MTLB_FORWARD_LOCAL;
}

static int set_service(struct reconcile *reconcile, const struct op *op)
{
	struct registry *registry = reconcile->registry;
	struct registry_service *service = find_service(reconcile, op->new_tenant, op->new_service);
	struct mtlb_service now, record;
	size_t unsettled = 0;
	int error;

	if (!service)
		return -ENOENT;
	now = dataplane_view(registry->dataplane)->services[service->index];
	record = service_record(now.tenant, op->new_service, &now);
	if (memcmp(&record, &now, sizeof(record)) == 0)
		return 0; /* only what the maps do not keep, such as its health check */
	error = dataplane_put_service(registry->dataplane, service->index, &record);
	service->dirty |= record.quic_bytes != now.quic_bytes;
	/* publishing gives a table to one that was local, and takes it from one that becomes so */
	service->dirty |= is_local(&record) != is_local(&now);
	error = error ?: publish_records(registry, service);
	return error ?: members_refresh(reconcile->members, service, &unsettled);
}

/* Others go on with the range, and the numbers of the service's members will be used again. */
static int forget_shared(struct registry *registry, const struct registry_service *service)
{
	const struct mtlb_tenant *range =
		&dataplane_view(registry->dataplane)->tenants[service->key.tenant];
	int error;

	if (!range->flows_of[0])
		return 0;
	error = dataplane_grace(registry->dataplane);
	if (!error)
		flows_forget(registry, range, service->key.tenant, service->index);
	return error;
}

static int delete_service(struct reconcile *reconcile, const struct op *op)
{
	struct registry *registry = reconcile->registry;
	struct registry_service *service = find_service(reconcile, op->old_tenant, op->old_service);
	struct mtlb_service record;
	int error = 0;

	if (!service)
		return 0;
	while (!error && service->vips)
		error = publish_withdraw(registry, service, service->vips);
	error = error ?: forget_shared(registry, service);
	while (!error && service->member_count)
		error = members_free(reconcile->members, service, service->members[0]);
	if (error)
		return error;
	record = dataplane_view(registry->dataplane)->services[service->index];
	record.used = 0;
	error = dataplane_put_service(registry->dataplane, service->index, &record);
	if (error)
		return error;
	ranges_give_back(&registry->slot_lines, service->slot_first / MTLB_SLOTS_PER_LINE,
			 REGISTRY_LINES(service->slot_count));
	ranges_give_back(&registry->slot_lines, service->old_first / MTLB_SLOTS_PER_LINE,
			 REGISTRY_LINES(service->old_count));
	ranges_give_back(&registry->service_indices, service->index, 1);
	registry_remove_service(registry, service);
	return 0;
}

/* members */

static int add_member(struct reconcile *reconcile, const struct op *op)
{
	struct registry_service *service = find_service(reconcile, op->new_tenant, op->new_service);
	bool checked = op->new_service->health.type != PROBE_NONE;
	/* one that joins a running pool waits for its first good check; a new pool cannot wait */
	bool joins = op->old_service && checked;

	if (!service)
		return -ENOENT;
	return members_add(reconcile->members, service, op->new_member,
			   joins ? MTLB_MEMBER_CHECKING : MTLB_MEMBER_UP, reconcile->now);
}

static int change_member(struct reconcile *reconcile, const struct op *op)
{
	const struct state_tenant *tenant = op->new_tenant ?: op->old_tenant;
	const struct state_service *of = op->new_service ?: op->old_service;
	const struct state_member *member = op->new_member ?: op->old_member;
	struct registry_service *service = find_service(reconcile, tenant, of);
	uint32_t index;

	if (!service)
		return op->kind == OP_MEMBER_DEL ? 0 : -ENOENT;
	index = registry_member(reconcile->registry, service, &member->address, member->port);
	if (!index)
		return op->kind == OP_MEMBER_DEL ? 0 : -ENOENT;
	if (op->kind == OP_MEMBER_SET)
		return members_set(reconcile->members, service, index, member, reconcile->now);
	return members_set_state(reconcile->members, service, index, MTLB_MEMBER_GONE,
				 reconcile->now);
}

/* tables and VIPs */

static const struct state_service *settings_of(const struct reconcile *reconcile,
					       const struct registry_service *service)
{
	const struct registry_tenant *tenant = reconcile->registry->tenant_at[service->key.tenant];

	return tenant ? state_find_service(reconcile->wanted, tenant->name, service->key.name)
		      : NULL;
}

static uint64_t monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int publish(struct reconcile *reconcile, struct registry_service *service, struct err *err)
{
	const struct registry_tenant *tenant = reconcile->registry->tenant_at[service->key.tenant];
	const struct state_service *settings = settings_of(reconcile, service);
	struct publish_times times = {.now = monotonic()};
	int error;

	/* members may have been waited for: a flag must not seem older than it is */
	if (times.now < reconcile->now)
		times.now = reconcile->now;
	if (settings && !service->urgent)
		times.learn_ns = (uint64_t)settings->learn_s * 1000000000;
	if (settings)
		times.slow_start_ns = (uint64_t)settings->slow_start_s * 1000000000;
	error = publish_table(reconcile->registry, service, &times);
	if (error == -ENOSPC)
		return err_set(err, error,
			       "service %s/%s: no room for its table: raise node.capacity.slots",
			       tenant ? tenant->name : "?", service->key.name);
	if (error)
		return err_set(err, error, "service %s/%s: its table cannot be published: %s",
			       tenant ? tenant->name : "?", service->key.name, strerror(-error));
	return 0;
}

int reconcile_publish_dirty(struct reconcile *reconcile, struct err *err)
{
	struct registry_service *service, *next;
	int result = 0;

	HASH_ITER (by_key, reconcile->registry->services, service, next) {
		int error = service->dirty ? publish(reconcile, service, err) : 0;

		result = result ?: error;
	}
	if (result || !reconcile->registry->strays)
		return result;
	result = registry_reclaim(reconcile->registry);
	if (result)
		err_set(err, result, "cannot give back what nobody uses any more: %s",
			strerror(-result));
	return result;
}

/* Asked since this change began, and nothing was left open. Many services are long to ask for. */
static bool is_settled(const struct reconcile *reconcile, const struct registry_service *service)
{
	return service->settled_at && service->settled_at >= reconcile->began;
}

/*
 * New members are put into a table once their neighbours have answered: otherwise their share of
 * the packets would be dropped until then. Those that do not answer in time come when they do.
 */
static int settle_members(struct reconcile *reconcile)
{
	uint64_t until =
		monotonic() + (reconcile->in_step ? RESOLVE_WAIT_SHORT_NS : RESOLVE_WAIT_NS);
	struct registry_service *service, *next;
	size_t unsettled;
	int error = 0;

	do {
		unsettled = 0;
		HASH_ITER (by_key, reconcile->registry->services, service, next)
			if (!error && service->dirty && !is_settled(reconcile, service))
				error = members_refresh(reconcile->members, service, &unsettled);
		if (!error && unsettled)
			nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	} while (!error && unsettled && monotonic() < until);
	return error;
}

static int set_vip(struct reconcile *reconcile, const struct op *op)
{
	bool add = op->kind == OP_VIP_ADD;
	const struct state_service *of = add ? op->new_service : op->old_service;
	struct registry_service *service =
		find_service(reconcile, add ? op->new_tenant : op->old_tenant, of);
	struct mtlb_vip_key key = registry_key(&op->vip->address, op->vip->port, of->protocol);
	struct registry_vip *vip;

	if (!service)
		return add ? -ENOENT : 0;
	if (add)
		return publish_vip(reconcile->registry, service, &key, registry_last(op->vip));
	vip = registry_vip(service->vips, &key, registry_last(op->vip));
	return vip ? publish_withdraw(reconcile->registry, service, vip) : 0;
}

static bool same_ports(const struct op *a, const struct op *b)
{
	const struct state_service *x = a->new_service ?: a->old_service;
	const struct state_service *y = b->new_service ?: b->old_service;

	return addr_compare(&a->vip->address, &b->vip->address) == 0 && x->protocol == y->protocol;
}

/*
 * A line of ranges has an end. When the new ones do not find room beside the old ones, those of the
 * old ones that are no longer wanted go first: what moves from one to another is nobody's in
 * between.
 */
static int add_vip(struct reconcile *reconcile, const struct plan *plan, const struct op *op,
		   struct err *err)
{
	int error = set_vip(reconcile, op);
	char text[ADDR_TEXT_MAX];

	if (error != -EMLINK)
		return error;
	error = 0;
	for (size_t i = 0; !error && i < plan->count; i++)
		if (plan->ops[i].kind == OP_VIP_DEL && same_ports(&plan->ops[i], op))
			error = set_vip(reconcile, &plan->ops[i]);
	error = error ?: set_vip(reconcile, op);
	if (error == -EMLINK)
		err_set(err, error, "%s has more than %d ranges of ports for one protocol",
			addr_format(&op->vip->address, text), REGISTRY_CHAIN_MAX);
	return error;
}

static int apply_op(struct reconcile *reconcile, const struct plan *plan, const struct op *op,
		    struct err *err)
{
	struct registry_service *service;
	int error;

	switch (op->kind) {
	case OP_NODE_SET:
		return set_node(reconcile->registry, op->new_node);
	case OP_TENANT_ADD:
	case OP_TENANT_SET:
		error = op->kind == OP_TENANT_ADD ? add_tenant(reconcile, op->new_tenant)
						  : set_tenant(reconcile, op->new_tenant);
		if (error == -ENOSPC && op->new_tenant->nat_ports)
			err_set(err, error,
				"no room for %u flows, or none of node.natSources has %u ports in "
				"a "
				"row left: lower natPorts of some tier, or add a source",
				op->new_tenant->flows, op->new_tenant->nat_ports);
		return error;
	case OP_TENANT_DEL:
		return delete_tenant(reconcile, op->old_tenant);
	case OP_ACL_SET:
		error = set_acl(reconcile->registry, op->new_tenant);
		if (error == -ENOSPC)
			err_set(err, error,
				"no room for %zu prefixes in a row: raise "
				"node.capacity.aclPrefixes",
				op->new_tenant->acl.rule_count);
		return error;
	case OP_ADDRESS_ADD:
	case OP_ADDRESS_SET:
	case OP_ADDRESS_DEL:
		return set_address(reconcile, op);
	case OP_SERVICE_ADD:
		return add_service(reconcile, op);
	case OP_SERVICE_SET:
		return set_service(reconcile, op);
	case OP_SERVICE_DEL:
		return delete_service(reconcile, op);
	case OP_MEMBER_ADD:
		return add_member(reconcile, op);
	case OP_MEMBER_SET:
	case OP_MEMBER_DEL:
		return change_member(reconcile, op);
	case OP_VIP_ADD:
		/* no packet may meet a service without its table */
		service = find_service(reconcile, op->new_tenant, op->new_service);
		error = service && service->dirty ? publish(reconcile, service, err) : 0;
		return error ?: add_vip(reconcile, plan, op, err);
	case OP_VIP_DEL:
		return set_vip(reconcile, op);
	}
	return -EINVAL;
}

static bool adds_members(enum op_kind kind)
{
	return kind == OP_TENANT_ADD || kind == OP_ADDRESS_ADD || kind == OP_SERVICE_ADD ||
	       kind == OP_SERVICE_SET || kind == OP_TENANT_SET || kind == OP_MEMBER_ADD ||
	       kind == OP_MEMBER_SET;
}

int reconcile_apply(struct reconcile *reconcile, const struct plan *plan, struct err *err)
{
	bool settled = false;
	char text[512];

	reconcile->began = monotonic();
	if (!reconcile->in_step)
		publish_forget_lost(reconcile->registry);
	for (size_t i = 0; i < plan->count; i++) {
		const struct op *op = &plan->ops[i];
		struct err why = {};
		int error;

		if (!settled && op->kind == OP_VIP_ADD) {
			error = settle_members(reconcile);
			settled = true;
			if (error)
				return err_set(err, error, "cannot ask for the next hops: %s",
					       strerror(-error));
		}
		error = apply_op(reconcile, plan, op, &why);
		if (adds_members(op->kind))
			settled = false;
		if (error)
			return err_set(err, error, "stopped at \"%s\": %s",
				       op_format(op, text, sizeof(text)),
				       why.text[0] ? why.text : strerror(-error));
		if (plan->count <= TELL_MAX)
			log_info("reconcile", "%s", op_format(op, text, sizeof(text)));
	}
	if (plan->count > TELL_MAX)
		log_info("reconcile", "%zu changes are made, too many to name each", plan->count);
	if (!settled) {
		int error = settle_members(reconcile);

		if (error)
			return err_set(err, error, "cannot ask for the next hops: %s",
				       strerror(-error));
	}
	return reconcile_publish_dirty(reconcile, err);
}
