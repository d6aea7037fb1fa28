// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "flows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint32_t flows_stamps(const struct mtlb_node *node, uint32_t seconds)
{
	uint64_t stamps = ((uint64_t)seconds * 1000000000 >> node->stamp_shift) + 1;

	return stamps < MTLB_FLOW_STAMP_MASK / 2 ? (uint32_t)stamps : MTLB_FLOW_STAMP_MASK / 2;
}

/* A service that is gone has nothing to keep. */
static uint32_t service_idle(const struct dataplane_view *view, uint32_t service)
{
	if (service >= view->node->services || !view->services[service].used)
		return 0;
	return flows_stamps(view->node, view->services[service].idle);
}

uint32_t flows_now(const struct registry *registry)
{
	struct timespec now;

	/* the clock the program reads */
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint32_t)(((uint64_t)now.tv_sec * 1000000000 + now.tv_nsec) >>
			  dataplane_view(registry->dataplane)->node->stamp_shift) &
	       MTLB_FLOW_STAMP_MASK;
}

enum found {
	FOUND_LIVE,
	FOUND_EXPIRED,
	FOUND_UNSURE, /* its hash is being written */
};

static enum found judge(const struct dataplane_view *view, uint32_t now, struct flows_flow *flow)
{
	uint32_t member = mtlb_flow_member(flow->word);

	flow->idle_stamps = mtlb_flow_age(flow->word, now);
	if (mtlb_flow_tag_of(flow->hash) != mtlb_flow_tag(flow->word)) {
		/* if two CPUs' hashes crossed it stays so until the flow's next packet: meanwhile
		 * only its age can tell
		 */
		return mtlb_flow_expired(flow->word, now, MTLB_FLOW_STAMP_MASK / 2) ? FOUND_EXPIRED
										    : FOUND_UNSURE;
	}
	flow->service = member < view->node->members ? view->members[member].service : 0;
	if (mtlb_flow_expired(flow->word, now, service_idle(view, flow->service)))
		return FOUND_EXPIRED;
	if (flow->facts->hash != flow->hash)
		flow->facts = NULL;
	return FOUND_LIVE;
}

static void walk(const struct registry *registry, const struct mtlb_tenant *range,
		 bool (*each)(void *context, enum found found, const struct flows_flow *flow),
		 void *context)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	uint32_t now = flows_now(registry);

	for (uint32_t b = range->flow_first; b < range->flow_first + range->flow_count; b++)
		for (uint32_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++) {
			struct flows_flow flow = {
				.word = *(const volatile __u64 *)&view->flows[b].word[i],
				.hash = *(const volatile __u64 *)&view->flows[b].hash[i],
				.facts = &view->facts[(size_t)b * MTLB_FLOWS_PER_BUCKET + i],
				.bucket = b,
				.place = i,
			};

			if (flow.word && !each(context, judge(view, now, &flow), &flow))
				return;
		}
}

/* Translated flows stand in a range of their own. */
static struct mtlb_tenant translated(const struct mtlb_tenant *tenant)
{
	return (struct mtlb_tenant){.flow_first = tenant->nat_first,
				    .flow_count = tenant->nat_count};
}

static void walk_both(const struct registry *registry, uint32_t tenant,
		      bool (*each)(void *context, enum found found, const struct flows_flow *flow),
		      void *context)
{
	const struct mtlb_tenant *names = &dataplane_view(registry->dataplane)->tenants[tenant];
	struct mtlb_tenant range = translated(names);

	walk(registry, names, each, context);
	walk(registry, &range, each, context);
}

/* A service that is gone is nobody's: the node's. */
static uint32_t tenant_of(const struct dataplane_view *view, const struct flows_flow *flow)
{
	if (flow->service >= view->node->services || !view->services[flow->service].used)
		return 0;
	return view->services[flow->service].tenant;
}

struct each_live {
	const struct dataplane_view *view;
	uint32_t tenant;
	bool (*each)(void *context, const struct flows_flow *flow);
	void *context;
};

/* In a shared range there are others' as well. */
static bool only_live(void *context, enum found found, const struct flows_flow *flow)
{
	struct each_live *live = context;

	return found != FOUND_LIVE || tenant_of(live->view, flow) != live->tenant ||
	       live->each(live->context, flow);
}

void flows_each(const struct registry *registry, uint32_t tenant,
		bool (*each)(void *context, const struct flows_flow *flow), void *context)
{
	struct each_live live = {dataplane_view(registry->dataplane), tenant, each, context};

	dataplane_read_flow_logs(registry->dataplane);
	walk_both(registry, tenant, only_live, &live);
}

void flows_each_translated(const struct registry *registry, uint32_t tenant,
			   bool (*each)(void *context, const struct flows_flow *flow),
			   void *context)
{
	struct mtlb_tenant range =
		translated(&dataplane_view(registry->dataplane)->tenants[tenant]);
	struct each_live live = {dataplane_view(registry->dataplane), tenant, each, context};

	walk(registry, &range, only_live, &live);
}

/* Walks every range that tenants have once, however many share it. 0 or -ENOMEM. */
static int walk_all(const struct registry *registry,
		    bool (*each)(void *context, enum found found, const struct flows_flow *flow),
		    void *context)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	uint32_t *shared = NULL; /* those walked, by their first bucket: one of a tier */
	struct registry_tenant *tenant, *next;
	size_t count = 0, i;
	int error = 0;

	HASH_ITER (by_name, registry->tenants, tenant, next) {
		const struct mtlb_tenant *range = &view->tenants[tenant->index];
		struct mtlb_tenant ports = translated(range);
		uint32_t *more;

		walk(registry, &ports, each, context);
		for (i = 0; i < count && shared[i] != range->flow_first; i++)
			;
		if (i < count)
			continue;
		walk(registry, range, each, context);
		more = range->flows_of[0] ? realloc(shared, (count + 1) * sizeof(*shared)) : NULL;
		if (more) {
			shared = more;
			shared[count++] = range->flow_first;
		} else if (range->flows_of[0]) {
			error = -ENOMEM;
			break;
		}
	}
	free(shared);
	return error;
}

struct expiry {
	struct registry *registry;
	uint32_t live;
	uint32_t *counts; /* may be NULL */
};

static bool expire(void *context, enum found found, const struct flows_flow *flow)
{
	struct expiry *expiry = context;

	if (found != FOUND_EXPIRED || !dataplane_free_flow(expiry->registry->dataplane,
							   flow->bucket, flow->place, flow->word))
		expiry->live++;
	if (found == FOUND_LIVE && expiry->counts)
		expiry->counts[tenant_of(dataplane_view(expiry->registry->dataplane), flow)]++;
	return true;
}

uint32_t flows_expire(struct registry *registry, uint32_t *ret_counts)
{
	struct expiry expiry = {registry, 0, ret_counts};
	uint32_t tenants = dataplane_view(registry->dataplane)->node->tenants;

	if (ret_counts)
		memset(ret_counts, 0, tenants * sizeof(*ret_counts));
	walk_all(registry, expire, &expiry); /* without memory the next sweep does the rest */
	return expiry.live;
}

struct counting {
	const struct dataplane_view *view;
	uint32_t *counts;
};

static bool count(void *context, enum found found, const struct flows_flow *flow)
{
	struct counting *counting = context;

	if (found == FOUND_LIVE)
		counting->counts[tenant_of(counting->view, flow)]++;
	return true;
}

int flows_count(const struct registry *registry, uint32_t *ret_counts)
{
	struct counting counting = {dataplane_view(registry->dataplane), ret_counts};

	for (uint32_t i = 0; i < counting.view->node->tenants; i++)
		ret_counts[i] = 0;
	return walk_all(registry, count, &counting);
}

struct foreign {
	struct dataplane *dataplane;
	const struct dataplane_view *view;
	const struct registry_service *service;
	bool *keep;
};

/* What its slot was chosen by; false: nobody knows, for its address was lost on the way here. */
static bool slot_hash_of(const struct foreign *foreign, const struct flows_flow *flow,
			 uint32_t *ret_hash)
{
	if (foreign->view->services[foreign->service->index].affinity != MTLB_AFFINITY_CLIENT) {
		*ret_hash = mtlb_flow_slot_hash(flow->hash);
		return true;
	}
	if (flow->facts)
		*ret_hash = dataplane_client_slot_hash(foreign->dataplane, &flow->facts->source);
	return flow->facts;
}

static void keep_all(const struct foreign *foreign)
{
	for (uint32_t i = 0; i < foreign->service->slot_count; i++)
		foreign->keep[i] = true;
}

static bool mark_foreign(void *context, enum found found, const struct flows_flow *flow)
{
	struct foreign *foreign = context;
	const struct registry_service *service = foreign->service;
	uint32_t member = mtlb_flow_member(flow->word), hash, slot, at, word;

	if (found == FOUND_UNSURE) {
		/* it may be anybody's: keep every flag this time */
		keep_all(foreign);
		return false;
	}
	if (found != FOUND_LIVE || flow->service != service->index)
		return true;
	if (foreign->view->members[member].flags & MTLB_MEMBER_LET_GO) {
		/* it moves by its hash alone once the flag is gone, and must not come back with the
		 * member */
		dataplane_free_flow(foreign->dataplane, flow->bucket, flow->place, flow->word);
		return true;
	}
	if (!slot_hash_of(foreign, flow, &hash)) {
		keep_all(foreign);
		return false;
	}
	slot = mtlb_slot_of(hash, service->slot_count);
	at = service->slot_first + slot;
	word = foreign->view->slots[at / MTLB_SLOTS_PER_LINE].slot[at % MTLB_SLOTS_PER_LINE];
	if ((word & MTLB_SLOT_MEMBER) != member)
		foreign->keep[slot] = true;
	return true;
}

void flows_mark_foreign(const struct registry *registry, const struct registry_service *service,
			bool *keep)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	const struct mtlb_tenant *tenant = &view->tenants[service->key.tenant];
	struct foreign foreign = {registry->dataplane, view, service, keep};
	struct mtlb_tenant range = translated(tenant);
	bool nat = view->services[service->index].encap_wish == MTLB_FORWARD_NAT;

	dataplane_read_flow_logs(registry->dataplane);
	walk(registry, nat ? &range : tenant, mark_foreign, &foreign);
}

struct forget {
	struct registry *registry;
	uint32_t service, member;
};

static bool forget(void *context, enum found found, const struct flows_flow *flow)
{
	struct forget *forget = context;

	(void)found;
	if (mtlb_flow_member(flow->word) == forget->member)
		dataplane_free_flow(forget->registry->dataplane, flow->bucket, flow->place,
				    flow->word);
	return true;
}

void flows_forget_member(struct registry *registry, const struct registry_service *service,
			 uint32_t member)
{
	struct forget context = {registry, service->index, member};

	walk_both(registry, service->key.tenant, forget, &context);
}

struct copy {
	struct registry *registry;
	const struct mtlb_tenant *to;
	uint32_t tenant;
};

static bool copy(void *context, enum found found, const struct flows_flow *flow)
{
	const struct copy *copy = context;
	const struct dataplane_view *view = dataplane_view(copy->registry->dataplane);
	uint32_t bucket = copy->to->flow_first +
			  (mtlb_flow_bucket_hash(flow->hash) & (copy->to->flow_count - 1));

	if (found == FOUND_LIVE && tenant_of(view, flow) == copy->tenant)
		dataplane_move_flow(copy->registry->dataplane, bucket, flow->word, flow->hash,
				    flow->facts);
	return true;
}

void flows_copy(struct registry *registry, uint32_t tenant, const struct mtlb_tenant *from,
		const struct mtlb_tenant *to)
{
	struct copy context = {registry, to, tenant};

	dataplane_read_flow_logs(registry->dataplane);
	walk(registry, from, copy, &context);
}

struct forgetting {
	struct dataplane *dataplane;
	const struct dataplane_view *view;
	uint32_t tenant, service;
};

/* Whatever its hash says: it is known by its member. */
static bool forget_of(void *context, enum found found, const struct flows_flow *flow)
{
	struct forgetting *forgetting = context;
	uint32_t member = mtlb_flow_member(flow->word), service;

	(void)found;
	if (member >= forgetting->view->node->members)
		return true;
	service = forgetting->view->members[member].service;
	if (service && service < forgetting->view->node->services &&
	    forgetting->view->services[service].tenant == forgetting->tenant &&
	    (!forgetting->service || service == forgetting->service))
		dataplane_free_flow(forgetting->dataplane, flow->bucket, flow->place, flow->word);
	return true;
}

void flows_forget(struct registry *registry, const struct mtlb_tenant *range, uint32_t tenant,
		  uint32_t service)
{
	struct forgetting context = {registry->dataplane, dataplane_view(registry->dataplane),
				     tenant, service};

	walk(registry, range, forget_of, &context);
}
