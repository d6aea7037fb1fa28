/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the checks of one TenantConfig share: the document, and the service that is looked at.
 */
#ifndef MTLB_MODEL_CHECK_TENANT_H
#define MTLB_MODEL_CHECK_TENANT_H

#include "check_listen.h"
#include "check_pool.h"
#include "l7/wanted.h"

/* One document while it is checked. */
struct tenant_check {
	struct check *check;
	struct state_tenant *tenant;
	size_t index; /* of the tenant, or CHECK_NOBODY: then nothing is built */
	struct check_pools pools;
	struct names services;
	struct check_listens listens;
};

/* Routes, and the tenant's domains: what in->tenant->l7 is from now on. 0 or -ENOMEM. */
int check_routes(struct tenant_check *in, const struct tree_node *list);

/* After check_routes(). 0 or -ENOMEM. */
int check_certificates(struct tenant_check *in, const struct tree_node *list);
/* tls of a pool that a route uses; may be NULL. 0 or -ENOMEM. */
int check_take_pool_tls(const struct tenant_check *in, struct wanted *wanted,
			const struct tree_node *tls, struct wanted_pool *pool);

/* Whether a name, in lower case, or a wildcard is among the tenant's domains, or below one. */
bool check_is_own_host(const struct tenant_check *in, const char *name);
void check_refuse_host(const struct tenant_check *in, const struct tree_node *node);

/* One route, for the files that check its parts. */
struct route_check {
	struct tenant_check *in;
	struct wanted *wanted;
	const struct tree_node *item;
	struct wanted_route *route;
	const char *name;  /* for sentences */
	bool all_prefixes; /* of its matches by path */
};

/* 0 or -ENOMEM. */
int check_matches(struct route_check *r);
int check_filters(struct route_check *r);
/* The tenant's pool of this name, and its index among those of routes; *ret_pool is NULL when there
 * is none, which is reported. 0 or -ENOMEM. */
int check_use_pool(struct route_check *r, const struct tree_node *name,
		   struct check_pool **ret_pool, size_t *ret_index);

/* One service of it. */
struct service_check {
	struct tenant_check *in;
	const struct tree_node *item;
	const struct tree_node *ports;
	const char *name;     /* for sentences */
	const char *protocol; /* NULL: wrong */
	const char *forward;  /* as one would write it */
	struct state_service *service;
	const struct check_vip **vips;
	size_t vip_count;
	const struct check_vip *ipv4_vip, *ipv6_vip; /* one of each, NULL if it has none */
};

/* Services of listeners on the tenant's VIPs: before those of its document, in the room that is
 * there for check_find_fronts(). 0 or -ENOMEM.
 */
int check_fronts(struct tenant_check *in);

/* Finds the service's pool, checks that its backends can serve it, makes them its members. */
int check_serve(struct service_check *s);

#endif
