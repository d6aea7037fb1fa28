/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's routes, neighbours and links, asked through libnl and followed by its multicast
 * groups. It answers one question: by which interface and to which MAC address does a packet for
 * this address leave? It never changes a route; it asks the kernel to resolve neighbours and to
 * keep them fresh.
 */
#ifndef MTLB_SYS_NETLINK_H
#define MTLB_SYS_NETLINK_H

#include "../base/addr.h"
#include "../base/err.h"
#include "loop.h"

enum next_hop_status {
	NEXT_HOP_OK,
	NEXT_HOP_NO_ROUTE,     /* no route, or an unreachable/blackhole/local one */
	NEXT_HOP_RESOLVING,    /* the neighbour is being asked */
	NEXT_HOP_NO_NEIGHBOUR, /* it did not answer */
	NEXT_HOP_LINK_DOWN,
	NEXT_HOP_STACKED, /* through a VLAN within a VLAN, or one of 802.1ad */
};

enum next_hop_tag {
	NEXT_HOP_TAG_KEEP, /* the link carries no VLAN of this host: tags are none of its business
			    */
	NEXT_HOP_TAG_SET,  /* vlan: packets must bear this tag and no other */
	NEXT_HOP_TAG_NONE, /* the link carries VLANs of this host, and the way is in none of them */
};

struct next_hop {
	enum next_hop_status status;
	bool on_link; /* the destination itself is the neighbour: no gateway in between */
	uint8_t mac[6];
	uint8_t source_mac[6];
	uint32_t ifindex; /* frames leave by it: of a VLAN, the interface that carries it */
	enum next_hop_tag tag;
	uint16_t vlan;
	uint32_t mtu;	    /* of the route if it has one, else of the link */
	struct addr source; /* the address the kernel would send from (preferred source) */
};

struct netlink;

/* changed is called, at most once per round of the loop and at most every 50 ms, after any route,
 * neighbour, link or address changed in a way that may change an answer.
 */
int netlink_new(struct loop *loop, void (*changed)(void *context), void *context,
		struct netlink **ret_netlink, struct err *err);
void netlink_free(struct netlink *netlink);

/* Asks the kernel. When the neighbour is unknown or stale it also asks for its resolution, and the
 * changed callback will tell. 0 (status tells) or a negative errno when the kernel did not answer.
 */
int netlink_next_hop(struct netlink *netlink, const struct addr *destination,
		     struct next_hop *ret_next_hop);

/* How this node itself would send to destination: is it an address of the node's own, and which
 * one would it send from (zero: none)? 0, or a negative errno when the kernel did not answer.
 */
int netlink_source(struct netlink *netlink, const struct addr *destination, bool *ret_own,
		   struct addr *ret_source);

/* A word for status: "ok", "no route", "resolving", "no neighbour", "link down",
 * "stacked VLANs".
 */
const char *next_hop_status_name(enum next_hop_status status);

#endif
