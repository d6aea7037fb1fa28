// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asks the kernel's "netdev" family of generic netlink. It owns no state: each call asks anew. */
#include "device.h"

#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Of the kernel's own header, which Debian 12's are too old to have. */
enum {
	NETDEV_DEV_GET = 1,
	NETDEV_DEV_IFINDEX = 1,
	NETDEV_DEV_XDP_FEATURES = 3,
	NETDEV_ATTRIBUTE_MAX = 8,
};

struct answer {
	uint64_t features;
	bool given;
	int error;
};

static int take(struct nl_msg *message, void *context)
{
	struct nlattr *table[NETDEV_ATTRIBUTE_MAX + 1];
	struct answer *answer = context;

	if (genlmsg_parse(nlmsg_hdr(message), 0, table, NETDEV_ATTRIBUTE_MAX, NULL) < 0)
		return NL_SKIP;
	if (table[NETDEV_DEV_XDP_FEATURES] &&
	    nla_len(table[NETDEV_DEV_XDP_FEATURES]) >= (int)sizeof(answer->features)) {
		answer->features = nla_get_u64(table[NETDEV_DEV_XDP_FEATURES]);
		answer->given = true;
	}
	return NL_SKIP;
}

static int take_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *context)
{
	struct answer *answer = context;

	(void)from;
	answer->error = error->error;
	return NL_STOP;
}

static int ask(struct nl_sock *socket, int family, uint32_t ifindex, struct answer *answer)
{
	struct nl_msg *message = nlmsg_alloc();
	int error;

	if (!message)
		return -ENOMEM;
	if (!genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, NETDEV_DEV_GET, 1) ||
	    nla_put_u32(message, NETDEV_DEV_IFINDEX, ifindex)) {
		nlmsg_free(message);
		return -ENOMEM;
	}
	nl_socket_modify_cb(socket, NL_CB_VALID, NL_CB_CUSTOM, take, answer);
	nl_socket_modify_err_cb(socket, NL_CB_CUSTOM, take_error, answer);
	error = nl_send_sync(socket, message); /* which frees it */
	if (answer->error)
		return answer->error;
	return error < 0 ? -EIO : 0;
}

int device_xdp_features(uint32_t ifindex, uint64_t *ret_features)
{
	static const struct timeval patience = {.tv_sec = 2};
	struct nl_sock *socket = nl_socket_alloc();
	struct answer answer = {};
	int family, error;

	if (!socket)
		return -ENOMEM;
	error = genl_connect(socket) ? -EIO : 0;
	if (!error) {
		setsockopt(nl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
		family = genl_ctrl_resolve(socket, "netdev");
		error = family < 0 ? -EOPNOTSUPP : ask(socket, family, ifindex, &answer);
	}
	nl_socket_free(socket);
	if (!error && !answer.given)
		error = -EOPNOTSUPP;
	if (!error)
		*ret_features = answer.features;
	return error;
}

void device_link(const char *interface, int *ret_mtu, bool *ret_up)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {};

	*ret_mtu = 0;
	*ret_up = false;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (!ioctl(fd, SIOCGIFMTU, &request))
		*ret_mtu = request.ifr_mtu;
	if (!ioctl(fd, SIOCGIFFLAGS, &request))
		*ret_up = request.ifr_flags & IFF_UP && request.ifr_flags & IFF_RUNNING;
	close(fd);
}
