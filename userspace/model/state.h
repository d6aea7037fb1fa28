/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the node forwards, as plain data: tenants, their services, the services' VIPs and members.
 * It is built twice, from the configuration (what is wanted) and from the kernel's maps (what is),
 * and the difference is the plan. Everything is sorted: tenants and services by name, VIPs by
 * address, port; members by address, port; state_sort() sees to it.
 */
#ifndef MTLB_MODEL_STATE_H
#define MTLB_MODEL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/addr.h"

#define STATE_NAME_MAX 64 /* with the closing NUL; names are DNS labels (RFC 1123) */

enum state_forward {
	STATE_FORWARD_DSR,
	STATE_FORWARD_IPIP,
};

struct state_vip {
	struct addr address;
	uint16_t port; /* host order */
};

struct state_member {
	struct addr address;
	uint16_t port; /* host order; 0: the VIP's */
	uint32_t weight;
	bool drain;
};

/* type none: members are taken to be up. */
enum state_health_type {
	STATE_HEALTH_NONE,
	STATE_HEALTH_TCP,
};

struct state_health {
	enum state_health_type type;
	uint16_t port; /* host order; 0: the member's port, else the service's first */
	uint32_t interval_ms, timeout_ms;
	uint32_t rise, fall; /* checks in a row */
};

struct state_service {
	char name[STATE_NAME_MAX];
	char pool[STATE_NAME_MAX];
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	enum state_forward forward;
	bool track_always;
	uint32_t idle_s;	   /* a silent flow is forgotten after this */
	uint32_t drain_deadline_s; /* flows of a drained or removed member are kept this long */
	uint32_t stick_s;	   /* flows of a member that went down are kept this long */
	uint32_t learn_s;	   /* UDP: how long a slot learns before a planned change */
	struct state_health health;
	struct state_vip *vips;
	size_t vip_count;
	struct state_member *members;
	size_t member_count;
};

struct state_tenant {
	char name[STATE_NAME_MAX];
	uint32_t id;	/* 0: none given */
	uint32_t flows; /* quota in flows, a power of two >= 64 */
	struct addr
		*addresses; /* VIP addresses it owns, sorted; every service's VIP is one of them */
	size_t address_count;
	struct state_service *services;
	size_t service_count;
};

struct state {
	struct state_tenant *tenants;
	size_t tenant_count;
};

void state_sort(struct state *state);

/* By name in a sorted state; NULL when there is none. state may be NULL. */
const struct state_tenant *state_find_tenant(const struct state *state, const char *name);
const struct state_service *state_find_service(const struct state *state, const char *tenant,
					       const char *name);
void state_fini(struct state *state);

#endif
