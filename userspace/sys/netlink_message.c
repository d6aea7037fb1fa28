// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reads rtnetlink messages with libnl's attribute parser. It owns nothing and asks nobody.
 */
#include "netlink_message.h"

#include <errno.h>
#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

static int attributes(const struct nlmsghdr *message, int header, struct nlattr **table, int max)
{
	if (!nlmsg_valid_hdr(message, header) ||
	    nlmsg_parse((struct nlmsghdr *)message, header, table, max, NULL) < 0)
		return -EBADMSG;
	return 0;
}

static int read_address(int family, const void *bytes, int length, struct addr *ret_addr)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (family == AF_INET && length == 4) {
		memcpy(ret_addr->byte, mapped, sizeof(mapped));
		memcpy(ret_addr->byte + sizeof(mapped), bytes, 4);
		return 0;
	}
	if (family == AF_INET6 && length == 16) {
		memcpy(ret_addr->byte, bytes, 16);
		return 0;
	}
	return -EBADMSG;
}

static int read_u32(const struct nlattr *attribute, uint32_t *ret_value)
{
	if (nla_len(attribute) < (int)sizeof(*ret_value))
		return -EBADMSG;
	*ret_value = nla_get_u32(attribute);
	return 0;
}

static int read_mac(const struct nlattr *attribute, uint8_t mac[6])
{
	if (nla_len(attribute) != 6)
		return -EBADMSG;
	memcpy(mac, nla_data(attribute), 6);
	return 0;
}

static int read_gateway(int family, struct nlattr **table, struct netlink_route *route)
{
	const struct nlattr *gateway = table[RTA_GATEWAY], *via = table[RTA_VIA];
	const int header = (int)offsetof(struct rtvia, rtvia_addr);

	route->has_gateway = gateway || via;
	if (gateway)
		return read_address(family, nla_data(gateway), nla_len(gateway), &route->gateway);
	/* An IPv4 route may have an IPv6 gateway (RFC 5549), and then it is told apart like this.
	 */
	if (via) {
		const struct rtvia *rtvia = nla_data(via);

		if (nla_len(via) < header)
			return -EBADMSG;
		return read_address(rtvia->rtvia_family, rtvia->rtvia_addr, nla_len(via) - header,
				    &route->gateway);
	}
	return 0;
}

static int read_mtu(struct nlattr *metrics, uint32_t *ret_mtu)
{
	struct nlattr *table[RTAX_MAX + 1];

	if (nla_parse_nested(table, RTAX_MAX, metrics, NULL) < 0)
		return -EBADMSG;
	return table[RTAX_MTU] ? read_u32(table[RTAX_MTU], ret_mtu) : 0;
}

int netlink_parse_route(const struct nlmsghdr *message, struct netlink_route *ret_route)
{
	struct nlattr *table[RTA_MAX + 1];
	struct netlink_route route;
	const struct rtmsg *header;
	int ret;

	memset(&route, 0, sizeof(route));
	ret = attributes(message, sizeof(*header), table, RTA_MAX);
	if (ret)
		return ret;
	header = nlmsg_data(message);
	if (header->rtm_family != AF_INET && header->rtm_family != AF_INET6)
		return -ENOMSG;
	route.type = header->rtm_type;
	ret = read_gateway(header->rtm_family, table, &route);
	if (!ret && table[RTA_OIF])
		ret = read_u32(table[RTA_OIF], &route.ifindex);
	if (!ret && table[RTA_PREFSRC])
		ret = read_address(header->rtm_family, nla_data(table[RTA_PREFSRC]),
				   nla_len(table[RTA_PREFSRC]), &route.source);
	if (!ret && table[RTA_METRICS])
		ret = read_mtu(table[RTA_METRICS], &route.mtu);
	if (!ret)
		*ret_route = route;
	return ret;
}

/* A VLAN's own facts: which, by which protocol. Other kinds of links have other ones. */
static int read_vlan(struct nlattr *info, struct netlink_link *link)
{
	struct nlattr *table[IFLA_INFO_MAX + 1], *vlan[IFLA_VLAN_MAX + 1];

	if (nla_parse_nested(table, IFLA_INFO_MAX, info, NULL) < 0)
		return -EBADMSG;
	if (!table[IFLA_INFO_KIND] || nla_strcmp(table[IFLA_INFO_KIND], "vlan") != 0)
		return 0;
	if (!table[IFLA_INFO_DATA] ||
	    nla_parse_nested(vlan, IFLA_VLAN_MAX, table[IFLA_INFO_DATA], NULL) < 0 ||
	    !vlan[IFLA_VLAN_ID] || nla_len(vlan[IFLA_VLAN_ID]) < (int)sizeof(uint16_t))
		return -EBADMSG;
	link->is_vlan = true;
	link->vlan_id = nla_get_u16(vlan[IFLA_VLAN_ID]);
	link->vlan_protocol = ETH_P_8021Q;
	if (vlan[IFLA_VLAN_PROTOCOL] && nla_len(vlan[IFLA_VLAN_PROTOCOL]) >= (int)sizeof(uint16_t))
		link->vlan_protocol = ntohs(nla_get_u16(vlan[IFLA_VLAN_PROTOCOL]));
	return 0;
}

int netlink_parse_link(const struct nlmsghdr *message, struct netlink_link *ret_link)
{
	struct nlattr *table[IFLA_MAX + 1];
	const struct ifinfomsg *header;
	struct netlink_link link;
	int ret;

	memset(&link, 0, sizeof(link));
	ret = attributes(message, sizeof(*header), table, IFLA_MAX);
	if (ret)
		return ret;
	header = nlmsg_data(message);
	/* A bridge tells about its ports in messages of the same kind. */
	if (header->ifi_family != AF_UNSPEC)
		return -ENOMSG;
	link.ifindex = (uint32_t)header->ifi_index;
	link.flags = header->ifi_flags;
	link.type = header->ifi_type;
	if (table[IFLA_MTU])
		ret = read_u32(table[IFLA_MTU], &link.mtu);
	if (!ret && table[IFLA_LINKINFO])
		ret = read_vlan(table[IFLA_LINKINFO], &link);
	if (!ret && link.is_vlan && table[IFLA_LINK] && !table[IFLA_LINK_NETNSID])
		ret = read_u32(table[IFLA_LINK], &link.lower);
	/* Other than Ethernet, an address may have any length; it is not wanted then. */
	if (table[IFLA_ADDRESS])
		read_mac(table[IFLA_ADDRESS], link.mac);
	if (!ret)
		*ret_link = link;
	return ret;
}

int netlink_parse_neighbour(const struct nlmsghdr *message, struct netlink_neighbour *ret_neighbour)
{
	struct nlattr *table[NDA_MAX + 1];
	struct netlink_neighbour neighbour;
	const struct ndmsg *header;
	int ret;

	memset(&neighbour, 0, sizeof(neighbour));
	ret = attributes(message, sizeof(*header), table, NDA_MAX);
	if (ret)
		return ret;
	header = nlmsg_data(message);
	/* Forwarding tables of bridges and proxy entries come the same way. */
	if ((header->ndm_family != AF_INET && header->ndm_family != AF_INET6) ||
	    (header->ndm_flags & NTF_PROXY))
		return -ENOMSG;
	if (!table[NDA_DST])
		return -EBADMSG;
	ret = read_address(header->ndm_family, nla_data(table[NDA_DST]), nla_len(table[NDA_DST]),
			   &neighbour.address);
	if (ret)
		return ret;
	neighbour.ifindex = (uint32_t)header->ndm_ifindex;
	neighbour.state = header->ndm_state;
	neighbour.has_mac = table[NDA_LLADDR] && read_mac(table[NDA_LLADDR], neighbour.mac) == 0;
	*ret_neighbour = neighbour;
	return 0;
}
