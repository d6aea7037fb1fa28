/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The plan: what must be done to turn one state into another, in the order in which it can be done
 * without a packet noticing. First what is new is made ready (tenants, services, members, VIPs),
 * then what changed, then what is no longer wanted goes, innermost first.
 */
#ifndef MTLB_MODEL_DIFF_H
#define MTLB_MODEL_DIFF_H

#include "state.h"

enum op_kind {
	OP_NODE_SET, /* capacity.packets or charges */
	OP_TENANT_ADD,
	OP_TENANT_SET, /* id, flow quota or whose it is, NAT ports, limits or share */
	OP_TENANT_DEL,
	OP_ACL_SET,	/* a tenant's access list */
	OP_ADDRESS_ADD, /* a VIP address given to a tenant */
	OP_ADDRESS_SET, /* echo */
	OP_ADDRESS_DEL,
	OP_SERVICE_ADD,
	OP_SERVICE_SET, /* any setting but VIPs and members */
	OP_SERVICE_DEL,
	OP_VIP_ADD, /* an {address, ports} of a service */
	OP_VIP_DEL,
	OP_MEMBER_ADD,
	OP_MEMBER_SET, /* weight, drain or server ID */
	OP_MEMBER_DEL,
};

/* Pointers lead into the two states, which must outlive the plan. old is NULL for ADD, new for DEL
 * (of the innermost pair that applies).
 */
struct op {
	enum op_kind kind;
	const struct state_node *old_node, *new_node; /* OP_NODE_SET */
	const struct state_tenant *old_tenant, *new_tenant;
	const struct state_service *old_service, *new_service;
	const struct state_vip *vip;	     /* OP_VIP_* */
	const struct state_address *address; /* OP_ADDRESS_*: the new one, or the one that goes */
	const struct state_member *old_member, *new_member;
};

struct plan {
	struct op *ops;
	size_t count;
};

/* 0 or -ENOMEM. Both states must be sorted. Adding a service lists its VIPs and members as
 * operations of their own, as does deleting one.
 */
int plan_make(const struct state *old_state, const struct state *new_state, struct plan *ret_plan);
void plan_fini(struct plan *plan);

/* One line without newline, e.g. "~ member acme/web 10.1.0.21: weight 1 -> 3". Starts with + - or
 * ~. Names every setting that differs. Returns text.
 */
char *op_format(const struct op *op, char *text, size_t size);

#endif
