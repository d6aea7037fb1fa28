// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the kernel says of a VLAN, as facts. Messages are made here: not every kernel has VLANs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "userspace/sys/netlink_message.h"

struct vlan {
	const char *kind;
	int id, protocol; /* -1: is not said */
	uint32_t lower, netns;
};

static int parse(const struct vlan *vlan, struct netlink_link *ret_link)
{
	struct nl_msg *message = nlmsg_alloc_simple(RTM_NEWLINK, 0);
	struct ifinfomsg header = {.ifi_index = 7};
	struct nlattr *info, *data;
	int error;

	assert_int_equal(nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO), 0);
	nla_put_u32(message, IFLA_MTU, 1400);
	nla_put_u32(message, IFLA_LINK, vlan->lower);
	if (vlan->netns)
		nla_put_u32(message, IFLA_LINK_NETNSID, vlan->netns);
	info = nla_nest_start(message, IFLA_LINKINFO);
	nla_put_string(message, IFLA_INFO_KIND, vlan->kind);
	data = nla_nest_start(message, IFLA_INFO_DATA);
	if (vlan->id >= 0)
		nla_put_u16(message, IFLA_VLAN_ID, (uint16_t)vlan->id);
	if (vlan->protocol >= 0)
		nla_put_u16(message, IFLA_VLAN_PROTOCOL, htons((uint16_t)vlan->protocol));
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	error = netlink_parse_link(nlmsg_hdr(message), ret_link);
	nlmsg_free(message);
	return error;
}

static void test_vlan(void **state)
{
	struct netlink_link link;

	(void)state;
	assert_int_equal(parse(&(struct vlan){"vlan", 20, ETH_P_8021Q, 3, 0}, &link), 0);
	assert_true(link.is_vlan);
	assert_int_equal(link.vlan_id, 20);
	assert_int_equal(link.vlan_protocol, ETH_P_8021Q);
	assert_int_equal(link.lower, 3);
	assert_int_equal(link.mtu, 1400);
	assert_int_equal(parse(&(struct vlan){"vlan", 4094, ETH_P_8021AD, 3, 0}, &link), 0);
	assert_int_equal(link.vlan_id, 4094);
	assert_int_equal(link.vlan_protocol, ETH_P_8021AD);
	assert_int_equal(parse(&(struct vlan){"vlan", 5, -1, 3, 0}, &link), 0);
	assert_int_equal(link.vlan_protocol, ETH_P_8021Q);
}

static void test_others(void **state)
{
	struct netlink_link link;

	(void)state;
	/* a veth names its peer in the same attribute */
	assert_int_equal(parse(&(struct vlan){"veth", 5, -1, 3, 0}, &link), 0);
	assert_false(link.is_vlan);
	assert_int_equal(link.lower, 0);
	/* what carries it is in another namespace, where its number means something else */
	assert_int_equal(parse(&(struct vlan){"vlan", 5, -1, 3, 1}, &link), 0);
	assert_true(link.is_vlan);
	assert_int_equal(link.lower, 0);
	assert_int_equal(parse(&(struct vlan){"vlan", -1, ETH_P_8021Q, 3, 0}, &link), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests_name("netlink_vlan", tests, NULL, NULL);
}
