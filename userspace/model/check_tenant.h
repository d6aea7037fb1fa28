/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the checks of one TenantConfig share: the document, and the service that is looked at.
 */
#ifndef MTLB_MODEL_CHECK_TENANT_H
#define MTLB_MODEL_CHECK_TENANT_H

#include "check_listen.h"
#include "check_pool.h"

/* One document while it is checked. */
struct tenant_check {
	struct check *check;
	struct state_tenant *tenant;
	size_t index; /* of the tenant, or CHECK_NOBODY: then nothing is built */
	struct check_pools pools;
	struct names services;
	struct check_listens listens;
};

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

/* Finds the service's pool, checks that its backends can serve it, makes them its members. */
int check_serve(struct service_check *s);

#endif
