/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What this program changes in the kernel's network over rtnetlink: a pair of virtual interfaces of
 * its own, and routes and rules in a table of its own. Nothing of anybody else's is touched: who
 * made an interface is told by its alias. Each returns 0 or a negative errno.
 */
#ifndef MTLB_SYS_NETLINK_CHANGE_H
#define MTLB_SYS_NETLINK_CHANGE_H

#include <sys/types.h>

#include "netlink_request.h"

#define NETLINK_ALIAS_MAX 256 /* with the closing NUL */

struct netlink_pair {
	const char *name, *peer;
	const char *alias; /* of the first one */
	uint32_t mtu;
};

/* A veth pair, both ends down: without ARP, without addresses, and without offloads of the first
 * one's, so that what comes out of the second one is as it goes over a wire. Nothing is left when
 * it fails.
 */
int netlink_add_pair(struct netlink_request *request, const struct netlink_pair *pair);
int netlink_set_up(struct netlink_request *request, const char *name);
/* -ENODEV when there is none. */
int netlink_remove_link(struct netlink_request *request, const char *name);
/* -ENODEV when there is no such interface; empty when it has no alias. */
int netlink_alias(struct netlink_request *request, const char *name,
		  char ret_alias[NETLINK_ALIAS_MAX]);

/* To one address, by way of a gateway that is taken to be on the link. Adding what is there is no
 * error, nor is removing what is not.
 */
struct netlink_path {
	struct addr destination, gateway;
	uint32_t ifindex, table;
};

int netlink_add_path(struct netlink_request *request, const struct netlink_path *path);
int netlink_remove_path(struct netlink_request *request, const struct netlink_path *path);

/* Sockets of a user look in that table. Adding what is there is no error. */
struct netlink_rule {
	uint32_t priority, table;
	uid_t user;
};

int netlink_add_rule(struct netlink_request *request, bool ipv4, const struct netlink_rule *rule);
/* All rules, of whichever user, that lead to the table. */
int netlink_remove_rules(struct netlink_request *request, bool ipv4, uint32_t table);

#endif
