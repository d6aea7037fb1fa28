/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the services of one TenantConfig listen on: no port of a VIP may lead to two of them. That
 * one tenant's services are enough to look at follows from a VIP belonging to one tenant.
 */
#ifndef MTLB_MODEL_CHECK_LISTEN_H
#define MTLB_MODEL_CHECK_LISTEN_H

#include "check.h"

#define CHECK_LISTEN_RANGES 80 /* of one VIP and protocol: what the dataplane searches */

struct check_listen {
	struct state_vip vip;
	const struct state_service *service;
	const char *protocol;
	const struct tree_node *node; /* its ports, as written */
	size_t number;		      /* in the order of the document */
};

struct check_listens {
	struct check_listen *list;
	size_t count, room;
};

/* The ports of an item that the schema took for some: "any" is 0 to 65535. */
uint16_t check_listen_first(const struct tree_node *ports);
uint16_t check_listen_last(const struct tree_node *ports);

struct check_listen_text {
	char text[24];
};

/* "port 80", "ports 80-90" or "any port"; by value, so that it fits into a printf. */
struct check_listen_text check_listen_text(uint16_t first, uint16_t last);

/* The ports of one service by themselves. list may be NULL. 0 or -ENOMEM. */
int check_listen_ports(struct check *check, const struct tree_node *list);

/* Adds ports of a service at one of its VIPs, and where they are written. 0 or -ENOMEM. */
int check_listen_add(struct check_listens *listens, const struct state_service *service,
		     const char *protocol, const struct state_vip *vip,
		     const struct tree_node *node);

/* After the last service: does any port lead to two of them? */
void check_listens(struct check *check, struct check_listens *listens);

void check_listens_fini(struct check_listens *listens);

#endif
