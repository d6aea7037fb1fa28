// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Next hops: route, link and neighbour put together. It owns the memory of links and the pace at
 * which changes are told. Routes are not remembered: the kernel is asked each time, so no copy of
 * its tables can be wrong.
 */
#include "netlink.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Without memory for the table a link is not remembered, and asked for again. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "netlink_message.h"
#include "netlink_neighbour.h"
#include "netlink_request.h"
#include "netlink_watch.h"

#define QUIET_NS 50000000ULL /* between two calls of changed */

struct link {
	struct netlink_link facts;
	UT_hash_handle hh;
};

struct netlink {
	struct loop *loop;
	void (*changed)(void *context);
	void *context;
	struct netlink_request *request;
	struct netlink_watch *watch;
	struct link *links;
	bool all_links; /* every link there is is remembered */
	struct netlink_neighbours *neighbours;
	struct loop_timer tell; /* always set, so that setting it cannot fail when it matters */
	bool pending;		/* ... and then for soon */
	uint64_t quiet_until;
};

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void tell_changed(struct loop_timer *timer)
{
	struct netlink *netlink = timer->context;

	loop_timer_set(netlink->loop, timer, UINT64_MAX);
	if (!netlink->pending)
		return;
	netlink->pending = false;
	netlink->changed(netlink->context);
	/* Counted from here: those who have much to ask anew shall do other things as well. */
	netlink->quiet_until = clock_now() + QUIET_NS;
}

/* What is pending is at most QUIET_NS away: soon enough for everybody. */
static void schedule(void *context, uint64_t delay_ns)
{
	struct netlink *netlink = context;
	uint64_t now = clock_now();

	if (netlink->pending)
		return;
	netlink->pending = true;
	if (netlink->quiet_until > now && netlink->quiet_until - now > delay_ns)
		delay_ns = netlink->quiet_until - now;
	loop_timer_set(netlink->loop, &netlink->tell, delay_ns);
}

/* Links. */

static struct link *find_link(const struct netlink *netlink, uint32_t ifindex)
{
	struct link *link;

	HASH_FIND(hh, netlink->links, &ifindex, sizeof(ifindex), link);
	return link;
}

static void forget_link(struct netlink *netlink, struct link *link)
{
	HASH_DEL(netlink->links, link);
	free(link);
}

static void forget_links(struct netlink *netlink)
{
	struct link *link, *next;

	HASH_ITER (hh, netlink->links, link, next)
		forget_link(netlink, link);
	netlink->all_links = false;
}

/* Without memory it is asked for again next time. */
static void remember_link(struct netlink *netlink, const struct netlink_link *facts)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		return;
	link->facts = *facts;
	HASH_ADD(hh, netlink->links, facts.ifindex, sizeof(link->facts.ifindex), link);
	if (!link->hh.tbl)
		free(link);
}

static void found_link(void *context, const struct netlink_link *facts)
{
	struct netlink *netlink = context;

	if (!find_link(netlink, facts->ifindex))
		remember_link(netlink, facts);
}

/* Does a link carry VLANs of this host? Only all links together tell. */
static int carries_vlans(struct netlink *netlink, uint32_t ifindex, bool *ret_carries)
{
	struct link *link, *next;

	*ret_carries = false;
	if (!netlink->all_links) {
		int ret = netlink_request_links(netlink->request, found_link, netlink);

		if (ret)
			return ret;
		netlink->all_links = true;
	}
	HASH_ITER (hh, netlink->links, link, next)
		*ret_carries |= link->facts.is_vlan && link->facts.lower == ifindex;
	return 0;
}

static int get_link(struct netlink *netlink, uint32_t ifindex, struct netlink_link *ret_facts)
{
	const struct link *link = find_link(netlink, ifindex);
	int ret;

	if (link) {
		*ret_facts = link->facts;
		return 0;
	}
	ret = netlink_request_link(netlink->request, ifindex, ret_facts);
	if (!ret)
		remember_link(netlink, ret_facts);
	return ret;
}

static bool is_up(const struct netlink_link *link)
{
	return (link->flags & IFF_UP) && (link->flags & IFF_LOWER_UP);
}

static void told_link(struct netlink *netlink, const struct nlmsghdr *message)
{
	struct netlink_link facts;
	struct link *link;
	bool same;

	if (netlink_parse_link(message, &facts))
		return;
	link = find_link(netlink, facts.ifindex);
	if (message->nlmsg_type == RTM_DELLINK) {
		if (link)
			forget_link(netlink, link);
		schedule(netlink, 0);
		return;
	}
	/* Statistics, names and the like make messages too. */
	same = link && is_up(&link->facts) == is_up(&facts) && link->facts.mtu == facts.mtu &&
	       memcmp(link->facts.mac, facts.mac, sizeof(facts.mac)) == 0 &&
	       link->facts.lower == facts.lower && link->facts.vlan_id == facts.vlan_id;
	if (link)
		link->facts = facts;
	else
		remember_link(netlink, &facts);
	if (!same)
		schedule(netlink, 0);
}

/* Answers. */

static void told(void *context, const struct nlmsghdr *message)
{
	struct netlink *netlink = context;
	struct netlink_route route;

	if (!message) {
		forget_links(netlink);
		schedule(netlink, 0);
		return;
	}
	switch (message->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		netlink_neighbours_told(netlink->neighbours, message);
		return;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		told_link(netlink, message);
		return;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		/* These come by the dozen with each address and lead to no backend. */
		if (netlink_parse_route(message, &route) == 0 &&
		    (route.type == RTN_BROADCAST || route.type == RTN_MULTICAST ||
		     route.type == RTN_ANYCAST))
			return;
		break;
	case NLMSG_NOOP:
	case NLMSG_ERROR:
	case NLMSG_DONE:
		return;
	}
	schedule(netlink, 0);
}

static bool is_no(int error)
{
	switch (-error) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EACCES: /* prohibit */
	case EINVAL: /* blackhole */
	case EAGAIN: /* throw */
	case ENETDOWN:
	case ENODEV:
	case ESRCH:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
	case EOPNOTSUPP: /* IPv6 is switched off */
		return true;
	}
	return false;
}

/* XDP sends from the interface that carries a VLAN, and writes the tag itself. */
static int leave_vlan(struct netlink *netlink, const struct netlink_link *link,
		      struct next_hop *hop)
{
	struct netlink_link lower;
	bool carries;
	int ret;

	if (!link->is_vlan) {
		ret = carries_vlans(netlink, link->ifindex, &carries);
		hop->tag = carries ? NEXT_HOP_TAG_NONE : NEXT_HOP_TAG_KEEP;
		return ret;
	}
	ret = link->lower ? get_link(netlink, link->lower, &lower) : -ENODEV;
	if (ret && ret != -ENODEV)
		return ret;
	if (ret || lower.is_vlan || link->vlan_protocol != ETH_P_8021Q) {
		hop->status = NEXT_HOP_STACKED;
		return 0;
	}
	hop->tag = NEXT_HOP_TAG_SET;
	hop->vlan = link->vlan_id;
	hop->ifindex = lower.ifindex;
	if (!is_up(&lower))
		hop->status = NEXT_HOP_LINK_DOWN;
	return 0;
}

int netlink_next_hop(struct netlink *netlink, const struct addr *destination,
		     struct next_hop *ret_next_hop)
{
	struct next_hop hop;
	struct netlink_route route;
	struct netlink_link link;
	int ret;

	memset(&hop, 0, sizeof(hop));
	hop.status = NEXT_HOP_NO_ROUTE;
	ret = netlink_request_route(netlink->request, destination, &route);
	if (ret && !is_no(ret))
		return ret;
	if (ret || route.type != RTN_UNICAST || !route.ifindex)
		goto answer;
	ret = get_link(netlink, route.ifindex, &link);
	if (ret && ret != -ENODEV)
		return ret;
	if (ret || (link.flags & IFF_LOOPBACK))
		goto answer;

	hop.on_link = !route.has_gateway;
	hop.ifindex = route.ifindex;
	/* A frame cannot be larger than the link's, whatever the route says. */
	hop.mtu = route.mtu && route.mtu < link.mtu ? route.mtu : link.mtu;
	hop.source = route.source;
	memcpy(hop.source_mac, link.mac, sizeof(hop.source_mac));
	hop.status = NEXT_HOP_LINK_DOWN;
	if (is_up(&link)) {
		ret = netlink_neighbours_ask(netlink->neighbours, hop.ifindex,
					     hop.on_link ? destination : &route.gateway,
					     &hop.status, hop.mac);
		ret = ret ?: leave_vlan(netlink, &link, &hop);
		if (ret)
			return ret;
	}
answer:
	*ret_next_hop = hop;
	return 0;
}

int netlink_source(struct netlink *netlink, const struct addr *destination, bool *ret_own,
		   struct addr *ret_source)
{
	struct netlink_route route = {};
	int ret = netlink_request_route(netlink->request, destination, &route);

	if (ret && !is_no(ret))
		return ret;
	*ret_own = !ret && route.type == RTN_LOCAL;
	*ret_source = ret ? (struct addr){} : route.source;
	return 0;
}

const char *next_hop_status_name(enum next_hop_status status)
{
	switch (status) {
	case NEXT_HOP_OK:
		return "ok";
	case NEXT_HOP_NO_ROUTE:
		return "no route";
	case NEXT_HOP_RESOLVING:
		return "resolving";
	case NEXT_HOP_NO_NEIGHBOUR:
		return "no neighbour";
	case NEXT_HOP_LINK_DOWN:
		return "link down";
	case NEXT_HOP_STACKED:
		return "stacked VLANs";
	}
	return "unknown";
}

int netlink_new(struct loop *loop, void (*changed)(void *context), void *context,
		struct netlink **ret_netlink, struct err *err)
{
	struct netlink *netlink = calloc(1, sizeof(*netlink));
	int ret;

	if (!netlink)
		return err_set(err, -ENOMEM, "out of memory");
	netlink->loop = loop;
	netlink->changed = changed;
	netlink->context = context;
	netlink->tell = (struct loop_timer){.fire = tell_changed, .context = netlink};
	ret = netlink_request_new(&netlink->request, err);
	if (ret)
		goto free_netlink;
	ret = loop_timer_set(loop, &netlink->tell, UINT64_MAX);
	if (!ret)
		ret = netlink_neighbours_new(loop, netlink->request, schedule, netlink,
					     &netlink->neighbours);
	if (ret) {
		err_set(err, ret, "out of memory");
		goto free_netlink;
	}
	ret = netlink_watch_new(loop, told, netlink, &netlink->watch, err);
	if (ret)
		goto free_netlink;
	*ret_netlink = netlink;
	return 0;

free_netlink:
	netlink_free(netlink);
	return ret;
}

void netlink_free(struct netlink *netlink)
{
	if (!netlink)
		return;
	loop_timer_cancel(netlink->loop, &netlink->tell);
	netlink_watch_free(netlink->watch);
	netlink_neighbours_free(netlink->neighbours);
	netlink_request_free(netlink->request);
	forget_links(netlink);
	free(netlink);
}
