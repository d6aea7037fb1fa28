// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OP_KINDS (OP_MEMBER_DEL + 1)

/* The order of the plan. What is new is ready before anything points to it, a VIP is given to its
 * new service before the old one lets go of it, and what goes is empty by then.
 */
static const uint8_t rank[OP_KINDS] = {
	[OP_NODE_SET] = 0,
	[OP_TENANT_ADD] = 0,
	[OP_TENANT_SET] = 1,
	[OP_ACL_SET] = 2, /* before a packet meets a new address */
	[OP_ADDRESS_ADD] = 3,
	[OP_SERVICE_ADD] = 4,
	[OP_MEMBER_ADD] = 5,
	[OP_VIP_ADD] = 6,
	[OP_ADDRESS_SET] = 7,
	[OP_SERVICE_SET] = 8,
	[OP_MEMBER_SET] = 9,
	[OP_VIP_DEL] = 10,
	[OP_MEMBER_DEL] = 11,
	[OP_SERVICE_DEL] = 12,
	/* 13: see rank_of() */[OP_ADDRESS_DEL] = 14,
	[OP_TENANT_DEL] = 15,
};
#define RANKS 16

struct builder {
	struct op *ops;
	size_t count, room;
	struct op now; /* the tenants and services being compared */
	bool out_of_memory;
};

static struct op *emit(struct builder *builder, enum op_kind kind)
{
	static struct op nowhere;
	struct op *op;

	if (builder->count == builder->room) {
		size_t room = builder->room ? builder->room * 2 : 64;
		struct op *ops = realloc(builder->ops, room * sizeof(*ops));

		if (!ops) {
			builder->out_of_memory = true;
			return &nowhere;
		}
		builder->ops = ops;
		builder->room = room;
	}
	op = &builder->ops[builder->count++];
	*op = builder->now;
	op->kind = kind;
	return op;
}

/*
 * Walks two sorted lists side by side. order < 0: a stands alone, > 0: b does, 0: a pair. An absent
 * list is an empty one.
 */
struct walk {
	size_t i, a_count, j, b_count;
};

static bool more(const struct walk *walk)
{
	return walk->i < walk->a_count || walk->j < walk->b_count;
}

static int settle(struct walk *walk, int order)
{
	walk->i += order <= 0;
	walk->j += order >= 0;
	return order;
}

static bool only_a(const struct walk *walk)
{
	return walk->j == walk->b_count;
}

static bool only_b(const struct walk *walk)
{
	return walk->i == walk->a_count;
}

/* A tenant's NAT ports are there before a service uses them, and go when none does any more. */
static uint8_t rank_of(const struct op *op)
{
	if (op->kind == OP_TENANT_SET && op->old_tenant->nat_ports && !op->new_tenant->nat_ports)
		return 13;
	return rank[op->kind];
}

static void compare_vips(struct builder *builder)
{
	const struct state_service *a = builder->now.old_service, *b = builder->now.new_service;
	struct walk walk = {.a_count = a ? a->vip_count : 0, .b_count = b ? b->vip_count : 0};

	while (more(&walk)) {
		const struct state_vip *x = only_b(&walk) ? NULL : &a->vips[walk.i];
		const struct state_vip *y = only_a(&walk) ? NULL : &b->vips[walk.j];
		int order = !x ? 1 : !y ? -1 : state_compare_vips(x, y);

		order = settle(&walk, order);
		if (order)
			emit(builder, order < 0 ? OP_VIP_DEL : OP_VIP_ADD)->vip = order < 0 ? x : y;
	}
}

static bool same_member(const struct state_member *a, const struct state_member *b)
{
	return a->weight == b->weight && a->drain == b->drain &&
	       a->server_id_bytes == b->server_id_bytes &&
	       memcmp(a->server_id, b->server_id, a->server_id_bytes) == 0;
}

static void compare_members(struct builder *builder)
{
	const struct state_service *a = builder->now.old_service, *b = builder->now.new_service;
	struct walk walk = {.a_count = a ? a->member_count : 0, .b_count = b ? b->member_count : 0};

	while (more(&walk)) {
		const struct state_member *x = only_b(&walk) ? NULL : &a->members[walk.i];
		const struct state_member *y = only_a(&walk) ? NULL : &b->members[walk.j];
		int order = !x ? 1 : !y ? -1 : state_compare_members(x, y);
		struct op *op;

		order = settle(&walk, order);
		if (order == 0 && same_member(x, y))
			continue;
		op = emit(builder, order < 0   ? OP_MEMBER_DEL
				   : order > 0 ? OP_MEMBER_ADD
					       : OP_MEMBER_SET);
		op->old_member = order <= 0 ? x : NULL;
		op->new_member = order >= 0 ? y : NULL;
	}
}

static bool same_health(const struct state_health *a, const struct state_health *b)
{
	if (a->type != b->type)
		return false;
	return a->type == PROBE_NONE ||
	       (a->port == b->port && a->interval_ms == b->interval_ms &&
		a->timeout_ms == b->timeout_ms && a->rise == b->rise && a->fall == b->fall &&
		a->via == b->via && a->damped == b->damped && a->panic == b->panic &&
		a->proxy_protocol == b->proxy_protocol && state_same_question(a, b));
}

static bool same_settings(const struct state_service *a, const struct state_service *b)
{
	return strcmp(a->pool, b->pool) == 0 && a->forward == b->forward &&
	       a->affinity == b->affinity && a->track_always == b->track_always &&
	       a->quic_server_id_bytes == b->quic_server_id_bytes && a->mss == b->mss &&
	       a->idle_s == b->idle_s && a->slow_start_s == b->slow_start_s &&
	       a->drain_deadline_s == b->drain_deadline_s && a->stick_s == b->stick_s &&
	       a->learn_s == b->learn_s && same_health(&a->health, &b->health);
}

static void compare_service(struct builder *builder, const struct state_service *a,
			    const struct state_service *b)
{
	builder->now.old_service = a;
	builder->now.new_service = b;
	if (!a)
		emit(builder, OP_SERVICE_ADD);
	else if (!b)
		emit(builder, OP_SERVICE_DEL);
	else if (!same_settings(a, b))
		emit(builder, OP_SERVICE_SET);
	compare_members(builder);
	compare_vips(builder);
	builder->now.old_service = builder->now.new_service = NULL;
}

/* A service of another protocol is another service: its flows have nothing in common. */
static int order_services(const struct state_service *a, const struct state_service *b)
{
	int order = strcmp(a->name, b->name);

	return order ? order : (a->protocol > b->protocol) - (a->protocol < b->protocol);
}

static void compare_services(struct builder *builder)
{
	const struct state_tenant *a = builder->now.old_tenant, *b = builder->now.new_tenant;
	struct walk walk = {.a_count = a ? a->service_count : 0,
			    .b_count = b ? b->service_count : 0};

	while (more(&walk)) {
		const struct state_service *x = only_b(&walk) ? NULL : &a->services[walk.i];
		const struct state_service *y = only_a(&walk) ? NULL : &b->services[walk.j];
		int order = settle(&walk, !x ? 1 : !y ? -1 : order_services(x, y));

		compare_service(builder, order <= 0 ? x : NULL, order >= 0 ? y : NULL);
	}
}

static void compare_addresses(struct builder *builder)
{
	const struct state_tenant *a = builder->now.old_tenant, *b = builder->now.new_tenant;
	struct walk walk = {.a_count = a ? a->address_count : 0,
			    .b_count = b ? b->address_count : 0};

	while (more(&walk)) {
		const struct state_address *x = only_b(&walk) ? NULL : &a->addresses[walk.i];
		const struct state_address *y = only_a(&walk) ? NULL : &b->addresses[walk.j];
		int order = !x ? 1 : !y ? -1 : addr_compare(&x->address, &y->address);

		order = settle(&walk, order);
		if (order == 0 && x->echo == y->echo)
			continue;
		emit(builder, order < 0	  ? OP_ADDRESS_DEL
			      : order > 0 ? OP_ADDRESS_ADD
					  : OP_ADDRESS_SET)
			->address = order < 0 ? x : y;
	}
}

static bool same_limits(const struct state_limits *a, const struct state_limits *b)
{
	return a->packets == b->packets && a->bits == b->bits && a->new_flows == b->new_flows &&
	       a->burst_ms == b->burst_ms && a->guaranteed == b->guaranteed &&
	       a->weight == b->weight && a->client_flows == b->client_flows;
}

static bool same_cookies(const struct state_cookies *a, const struct state_cookies *b)
{
	return a->mode == b->mode && a->rate == b->rate;
}

static bool same_acl(const struct state_acl *a, const struct state_acl *b)
{
	if (a->unfinished || a->default_deny != b->default_deny || a->rule_count != b->rule_count)
		return false;
	for (size_t i = 0; i < a->rule_count; i++)
		if (state_compare_rules(&a->rules[i], &b->rules[i]) != 0 ||
		    a->rules[i].deny != b->rules[i].deny)
			return false;
	return true;
}

static void compare_acls(struct builder *builder)
{
	static const struct state_acl none;
	const struct state_tenant *a = builder->now.old_tenant, *b = builder->now.new_tenant;

	/* that of a tenant that goes, goes with it */
	if (b && !same_acl(a ? &a->acl : &none, &b->acl))
		emit(builder, OP_ACL_SET);
}

static void compare_tenant(struct builder *builder, const struct state_tenant *a,
			   const struct state_tenant *b)
{
	builder->now.old_tenant = a;
	builder->now.new_tenant = b;
	if (!a)
		emit(builder, OP_TENANT_ADD);
	else if (!b)
		emit(builder, OP_TENANT_DEL);
	else if (a->id != b->id || a->flows != b->flows || strcmp(a->flows_of, b->flows_of) != 0 ||
		 a->nat_ports != b->nat_ports || !same_limits(&a->limits, &b->limits) ||
		 !same_cookies(&a->cookies, &b->cookies))
		emit(builder, OP_TENANT_SET);
	compare_acls(builder);
	compare_addresses(builder);
	compare_services(builder);
}

/* Stable: operations of one kind stay in the order of the states. */
static int order_plan(const struct builder *builder, struct plan *ret_plan)
{
	size_t first[RANKS + 1] = {};
	struct op *ops;

	*ret_plan = (struct plan){};
	if (builder->count == 0)
		return 0;
	ops = malloc(builder->count * sizeof(*ops));
	if (!ops)
		return -ENOMEM;
	for (size_t i = 0; i < builder->count; i++)
		first[rank_of(&builder->ops[i]) + 1]++;
	for (size_t i = 1; i <= RANKS; i++)
		first[i] += first[i - 1];
	for (size_t i = 0; i < builder->count; i++)
		ops[first[rank_of(&builder->ops[i])]++] = builder->ops[i];
	ret_plan->ops = ops;
	ret_plan->count = builder->count;
	return 0;
}

static void compare_node(struct builder *builder, const struct state_node *a,
			 const struct state_node *b)
{
	struct op *op;

	if (a->packets == b->packets && (a->charge_new_flow ?: 1) == (b->charge_new_flow ?: 1) &&
	    (a->charge_fragment ?: 1) == (b->charge_fragment ?: 1) &&
	    (a->charge_icmp ?: 1) == (b->charge_icmp ?: 1))
		return;
	op = emit(builder, OP_NODE_SET);
	op->old_node = a;
	op->new_node = b;
}

int plan_make(const struct state *old_state, const struct state *new_state, struct plan *ret_plan)
{
	struct walk walk = {.a_count = old_state->tenant_count, .b_count = new_state->tenant_count};
	struct builder builder = {};
	int r = -ENOMEM;

	compare_node(&builder, &old_state->node, &new_state->node);
	while (more(&walk)) {
		const struct state_tenant *x = only_b(&walk) ? NULL : &old_state->tenants[walk.i];
		const struct state_tenant *y = only_a(&walk) ? NULL : &new_state->tenants[walk.j];
		int order = settle(&walk, !x ? 1 : !y ? -1 : strcmp(x->name, y->name));

		compare_tenant(&builder, order <= 0 ? x : NULL, order >= 0 ? y : NULL);
	}
	if (!builder.out_of_memory)
		r = order_plan(&builder, ret_plan);
	free(builder.ops);
	return r;
}

void plan_fini(struct plan *plan)
{
	free(plan->ops);
	*plan = (struct plan){};
}
