/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which MAC address a neighbour has, asked from the kernel, and from then on followed and kept
 * fresh for as long as somebody asks now and then.
 */
#ifndef MTLB_SYS_NETLINK_NEIGHBOUR_H
#define MTLB_SYS_NETLINK_NEIGHBOUR_H

#include "netlink.h"
#include "netlink_request.h"

struct netlink_neighbours;

/* changed is called when an answer given before is no longer right, at once or in the middle of a
 * question; whoever is told should wait delay_ns before acting on it. request is borrowed.
 */
int netlink_neighbours_new(struct loop *loop, struct netlink_request *request,
			   void (*changed)(void *context, uint64_t delay_ns), void *context,
			   struct netlink_neighbours **ret_neighbours);
void netlink_neighbours_free(struct netlink_neighbours *all);

/* NEXT_HOP_OK (with the MAC), NEXT_HOP_RESOLVING or NEXT_HOP_NO_NEIGHBOUR. */
int netlink_neighbours_ask(struct netlink_neighbours *all, uint32_t ifindex,
			   const struct addr *address, enum next_hop_status *ret_status,
			   uint8_t ret_mac[6]);

/* Takes RTM_NEWNEIGH and RTM_DELNEIGH. */
void netlink_neighbours_told(struct netlink_neighbours *all, const struct nlmsghdr *message);

#endif
