// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Composes the messages; the socket is netlink_request.c's. It owns nothing. */
#include "netlink_change.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define RULES_MAX 64 /* so many are removed at most: a kernel that always finds one is wrong */

/* Sends it and frees it; whole: all of it could be put together. */
static int send_change(struct netlink_request *request, struct nl_msg *message, bool whole)
{
	const struct nlmsghdr *answer;

	if (!whole) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	return netlink_request_ask(request, message, NLMSG_ERROR, &answer);
}

static struct nl_msg *begin(int kind, int flags, const void *header, size_t size)
{
	struct nl_msg *message = nlmsg_alloc_simple(kind, flags | NLM_F_ACK);

	if (message && nlmsg_append(message, (void *)header, size, NLMSG_ALIGNTO)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

/* links */

static int put_pair(struct nl_msg *message, const struct netlink_pair *pair)
{
	struct ifinfomsg peer = {.ifi_flags = IFF_NOARP, .ifi_change = IFF_NOARP};
	struct nlattr *info, *data, *other;

	if (nla_put_string(message, IFLA_IFNAME, pair->name) ||
	    nla_put_u32(message, IFLA_MTU, pair->mtu))
		return -ENOMEM;
	info = nla_nest_start(message, IFLA_LINKINFO);
	if (!info || nla_put_string(message, IFLA_INFO_KIND, "veth"))
		return -ENOMEM;
	data = nla_nest_start(message, IFLA_INFO_DATA);
	other = data ? nla_nest_start(message, VETH_INFO_PEER) : NULL;
	if (!other || nlmsg_append(message, &peer, sizeof(peer), NLMSG_ALIGNTO) ||
	    nla_put_string(message, IFLA_IFNAME, pair->peer) ||
	    nla_put_u32(message, IFLA_MTU, pair->mtu))
		return -ENOMEM;
	nla_nest_end(message, other);
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	return 0;
}

static int make_pair(struct netlink_request *request, const struct netlink_pair *pair)
{
	struct ifinfomsg header = {.ifi_flags = IFF_NOARP, .ifi_change = IFF_NOARP};
	struct nl_msg *message =
		begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));

	return message ? send_change(request, message, !put_pair(message, pair)) : -ENOMEM;
}

/* A change of one that is there. */
static struct nl_msg *begin_link(const char *name, unsigned int flags)
{
	struct ifinfomsg header = {.ifi_flags = flags, .ifi_change = flags};
	struct nl_msg *message = begin(RTM_NEWLINK, 0, &header, sizeof(header));

	if (message && nla_put_string(message, IFLA_IFNAME, name)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

static int set_alias(struct netlink_request *request, const char *name, const char *alias)
{
	struct nl_msg *message = begin_link(name, 0);

	return message ? send_change(request, message,
				     !nla_put(message, IFLA_IFALIAS, (int)strlen(alias), alias))
		       : -ENOMEM;
}

/* It makes itself no address, so that it sends nothing of its own. Where IPv6 is off it has none.
 */
static int be_without_addresses(struct netlink_request *request, const char *name)
{
	struct nl_msg *message = begin_link(name, 0);
	struct nlattr *families, *family;
	int error;

	if (!message)
		return -ENOMEM;
	families = nla_nest_start(message, IFLA_AF_SPEC);
	family = families ? nla_nest_start(message, AF_INET6) : NULL;
	if (!family || nla_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE))
		return send_change(request, message, false);
	nla_nest_end(message, family);
	nla_nest_end(message, families);
	error = send_change(request, message, true);
	return error == -EAFNOSUPPORT ? 0 : error;
}

static int be_without_offloads(const char *name)
{
	struct ethtool_value off = {.cmd = ETHTOOL_STXCSUM};
	struct ifreq request = {.ifr_data = (void *)&off};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return -errno;
	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, SIOCETHTOOL, &request))
		error = -errno;
	close(fd);
	return error;
}

int netlink_add_pair(struct netlink_request *request, const struct netlink_pair *pair)
{
	int error = make_pair(request, pair);

	if (error)
		return error;
	error = set_alias(request, pair->name, pair->alias);
	error = error ?: be_without_addresses(request, pair->name);
	error = error ?: be_without_addresses(request, pair->peer);
	error = error ?: be_without_offloads(pair->name);
	if (error)
		netlink_remove_link(request, pair->name);
	return error;
}

int netlink_set_up(struct netlink_request *request, const char *name)
{
	struct nl_msg *message = begin_link(name, IFF_UP);

	return message ? send_change(request, message, true) : -ENOMEM;
}

int netlink_remove_link(struct netlink_request *request, const char *name)
{
	struct ifinfomsg header = {};
	struct nl_msg *message = begin(RTM_DELLINK, 0, &header, sizeof(header));

	return message ? send_change(request, message, !nla_put_string(message, IFLA_IFNAME, name))
		       : -ENOMEM;
}

int netlink_alias(struct netlink_request *request, const char *name,
		  char ret_alias[NETLINK_ALIAS_MAX])
{
	struct ifinfomsg header = {};
	struct nl_msg *message = nlmsg_alloc_simple(RTM_GETLINK, 0);
	const struct nlmsghdr *answer;
	const struct nlattr *alias;
	int error;

	if (!message)
		return -ENOMEM;
	if (nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) ||
	    nla_put_string(message, IFLA_IFNAME, name)) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	error = netlink_request_ask(request, message, RTM_NEWLINK, &answer);
	if (error)
		return error;
	alias = nlmsg_find_attr((struct nlmsghdr *)answer, sizeof(header), IFLA_IFALIAS);
	ret_alias[0] = 0;
	if (alias)
		nla_strlcpy(ret_alias, alias, NETLINK_ALIAS_MAX);
	return 0;
}

/* routes */

static int put_addr(struct nl_msg *message, int kind, const struct addr *addr)
{
	return addr_is_ipv4(addr) ? nla_put(message, kind, 4, addr->byte + 12)
				  : nla_put(message, kind, 16, addr->byte);
}

static int change_path(struct netlink_request *request, int kind, int flags,
		       const struct netlink_path *path)
{
	bool ipv4 = addr_is_ipv4(&path->destination);
	struct rtmsg header = {
		.rtm_family = ipv4 ? AF_INET : AF_INET6,
		.rtm_dst_len = ipv4 ? 32 : 128,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
		.rtm_flags = RTNH_F_ONLINK,
	};
	struct nl_msg *message = begin(kind, flags, &header, sizeof(header));

	return message ? send_change(request, message,
				     !put_addr(message, RTA_DST, &path->destination) &&
					     !put_addr(message, RTA_GATEWAY, &path->gateway) &&
					     !nla_put_u32(message, RTA_OIF, path->ifindex) &&
					     !nla_put_u32(message, RTA_TABLE, path->table))
		       : -ENOMEM;
}

int netlink_add_path(struct netlink_request *request, const struct netlink_path *path)
{
	return change_path(request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, path);
}

int netlink_remove_path(struct netlink_request *request, const struct netlink_path *path)
{
	int error = change_path(request, RTM_DELROUTE, 0, path);

	return error == -ESRCH || error == -ENODEV ? 0 : error;
}

/* rules */

static struct nl_msg *begin_rule(int kind, int flags, bool ipv4, uint32_t table)
{
	struct fib_rule_hdr header = {.family = ipv4 ? AF_INET : AF_INET6, .action = FR_ACT_TO_TBL};
	struct nl_msg *message = begin(kind, flags, &header, sizeof(header));

	if (message && nla_put_u32(message, FRA_TABLE, table)) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

int netlink_add_rule(struct netlink_request *request, bool ipv4, const struct netlink_rule *rule)
{
	struct fib_rule_uid_range users = {.start = rule->user, .end = rule->user};
	struct nl_msg *message =
		begin_rule(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, ipv4, rule->table);
	int error;

	if (!message)
		return -ENOMEM;
	error = send_change(request, message,
			    !nla_put_u32(message, FRA_PRIORITY, rule->priority) &&
				    !nla_put(message, FRA_UID_RANGE, sizeof(users), &users));
	return error == -EEXIST ? 0 : error;
}

int netlink_remove_rules(struct netlink_request *request, bool ipv4, uint32_t table)
{
	for (int i = 0; i < RULES_MAX; i++) {
		struct nl_msg *message = begin_rule(RTM_DELRULE, 0, ipv4, table);
		int error = message ? send_change(request, message, true) : -ENOMEM;

		if (error)
			return error == -ENOENT ? 0 : error;
	}
	return -EBUSY;
}
