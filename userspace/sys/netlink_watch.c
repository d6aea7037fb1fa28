// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The multicast side of rtnetlink. It owns the socket that is a member of the groups, and its
 * buffer: when the kernel had more to tell than fits, the buffer grows and the loss is told.
 */
#include "netlink_watch.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../base/log.h"

#define MESSAGE_MAX	65536
#define BUFFER_FIRST	(1 << 20)
#define BUFFER_LAST	(32 << 20)
#define READS_PER_ROUND 256 /* then the loop's others have their turn */

struct netlink_watch {
	struct loop *loop;
	void (*told)(void *context, const struct nlmsghdr *message);
	void *context;
	struct nl_sock *socket;
	struct loop_fd fd;
	int buffer;
	uint8_t message[MESSAGE_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
};

/* Beyond net.core.rmem_max when we may; as far as that when we may not. */
static void set_buffer(struct netlink_watch *watch, int bytes)
{
	int fd = nl_socket_get_fd(watch->socket);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	watch->buffer = bytes;
}

static void lost(struct netlink_watch *watch)
{
	if (watch->buffer < BUFFER_LAST) {
		log_info("netlink", "more changes than a buffer of %d MiB holds: doubling it",
			 watch->buffer >> 20);
		set_buffer(watch, 2 * watch->buffer);
	}
	watch->told(watch->context, NULL);
}

/* False when there was nothing to read. */
static bool read_one(struct netlink_watch *watch)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)watch->message;
	struct sockaddr_nl from;
	socklen_t from_length = sizeof(from);
	ssize_t length = recvfrom(watch->fd.fd, watch->message, sizeof(watch->message), MSG_TRUNC,
				  (struct sockaddr *)&from, &from_length);
	int left;

	if (length < 0) {
		int error = errno;

		if (error != EAGAIN && error != EINTR)
			lost(watch);
		return error == ENOBUFS || error == EINTR;
	}
	if (length > (ssize_t)sizeof(watch->message)) {
		watch->told(watch->context, NULL);
		return true;
	}
	if (from.nl_pid != 0) /* anybody may send to us; only the kernel is believed */
		return true;
	left = (int)length;
	for (; nlmsg_ok(message, left); message = nlmsg_next((struct nlmsghdr *)message, &left))
		watch->told(watch->context, message);
	return true;
}

static void ready(struct loop_fd *fd, uint32_t events)
{
	(void)events;
	for (int i = 0; i < READS_PER_ROUND; i++)
		if (!read_one(fd->context))
			return;
}

static int join(struct netlink_watch *watch, struct err *err)
{
	/* Rules and next hop objects change answers just as routes do. */
	int ret = nl_socket_add_memberships(
		watch->socket, RTNLGRP_NEIGH, RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
		RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_NEXTHOP, RTNLGRP_NONE);

	if (!ret)
		ret = nl_socket_set_nonblocking(watch->socket);
	if (ret)
		return err_set(err, -EIO, "cannot follow the kernel's routes: %s",
			       nl_geterror(ret));
	return 0;
}

int netlink_watch_new(struct loop *loop,
		      void (*told)(void *context, const struct nlmsghdr *message), void *context,
		      struct netlink_watch **ret_watch, struct err *err)
{
	struct netlink_watch *watch = calloc(1, sizeof(*watch));
	int ret;

	if (!watch)
		return err_set(err, -ENOMEM, "out of memory");
	watch->loop = loop;
	watch->told = told;
	watch->context = context;
	watch->socket = nl_socket_alloc();
	if (!watch->socket) {
		ret = err_set(err, -ENOMEM, "out of memory");
		goto free_watch;
	}
	ret = nl_connect(watch->socket, NETLINK_ROUTE);
	if (ret) {
		ret = err_set(err, -EIO, "cannot open a netlink socket: %s", nl_geterror(ret));
		goto free_socket;
	}
	/* Before joining, so that nothing is lost in between. */
	set_buffer(watch, BUFFER_FIRST);
	ret = join(watch, err);
	if (ret)
		goto free_socket;
	watch->fd = (struct loop_fd){
		.fd = nl_socket_get_fd(watch->socket), .ready = ready, .context = watch};
	ret = loop_fd_set(loop, &watch->fd, EPOLLIN);
	if (ret) {
		err_set(err, ret, "cannot wait for the netlink socket: %s", strerror(-ret));
		goto free_socket;
	}
	*ret_watch = watch;
	return 0;

free_socket:
	nl_socket_free(watch->socket);
free_watch:
	free(watch);
	return ret;
}

void netlink_watch_free(struct netlink_watch *watch)
{
	if (!watch)
		return;
	loop_fd_remove(watch->loop, &watch->fd);
	nl_socket_free(watch->socket);
	free(watch);
}
