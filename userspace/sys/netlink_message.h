/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's rtnetlink messages as plain structs. Pure: bytes in, facts out; a message that is
 * cut short or of another kind is refused.
 */
#ifndef MTLB_SYS_NETLINK_MESSAGE_H
#define MTLB_SYS_NETLINK_MESSAGE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "../base/addr.h"

struct netlink_route {
	uint8_t type; /* RTN_UNICAST, ... */
	bool has_gateway;
	uint32_t ifindex; /* 0: none, or several */
	uint32_t mtu;	  /* 0: the link's */
	struct addr gateway;
	struct addr source; /* zero: none */
};

struct netlink_link {
	uint32_t ifindex;
	uint32_t flags; /* IFF_* */
	uint32_t mtu;
	uint16_t type; /* ARPHRD_* */
	uint8_t mac[6];
	bool is_vlan;
	uint16_t vlan_protocol; /* ETH_P_8021Q or ETH_P_8021AD */
	uint16_t vlan_id;
	uint32_t lower; /* of a VLAN: the interface that carries it; 0: none, or in another
			   namespace */
};

struct netlink_neighbour {
	uint32_t ifindex;
	uint16_t state; /* NUD_* */
	bool has_mac;
	uint8_t mac[6];
	struct addr address;
};

/* Each returns 0, -EBADMSG, or -ENOMSG when the message is none of ours (another address family).
 */
int netlink_parse_route(const struct nlmsghdr *message, struct netlink_route *ret_route);
int netlink_parse_link(const struct nlmsghdr *message, struct netlink_link *ret_link);
int netlink_parse_neighbour(const struct nlmsghdr *message,
			    struct netlink_neighbour *ret_neighbour);

#endif
