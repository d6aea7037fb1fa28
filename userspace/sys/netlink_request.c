// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Requests to rtnetlink. It owns the socket for them. Answers are matched by sequence number and
 * taken from the kernel only; what is left over from an earlier request is thrown away.
 */
#include "netlink_request.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

/* A link's message is the largest by far, some kilobytes with all its statistics. */
#define ANSWER_MAX 65536

struct netlink_request {
	struct nl_sock *socket;
	uint8_t answer[ANSWER_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
};

int netlink_request_new(struct netlink_request **ret_request, struct err *err)
{
	static const struct timeval patience = {.tv_sec = 2};
	struct netlink_request *request = calloc(1, sizeof(*request));
	int ret;

	if (!request)
		return err_set(err, -ENOMEM, "out of memory");
	request->socket = nl_socket_alloc();
	if (!request->socket) {
		free(request);
		return err_set(err, -ENOMEM, "out of memory");
	}
	ret = nl_connect(request->socket, NETLINK_ROUTE);
	if (ret) {
		err_set(err, -EIO, "cannot open a netlink socket: %s", nl_geterror(ret));
		netlink_request_free(request);
		return -EIO;
	}
	nl_socket_disable_auto_ack(request->socket);
	/* So that a kernel which never answers is an error and not the end of the agent. */
	setsockopt(nl_socket_get_fd(request->socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	*ret_request = request;
	return 0;
}

void netlink_request_free(struct netlink_request *request)
{
	if (!request)
		return;
	nl_socket_free(request->socket);
	free(request);
}

/* One datagram from the kernel. Returns its length or a negative errno. */
static ssize_t receive(struct netlink_request *request)
{
	struct sockaddr_nl from;
	socklen_t from_length;
	ssize_t length;

	do {
		from_length = sizeof(from);
		length = recvfrom(nl_socket_get_fd(request->socket), request->answer,
				  sizeof(request->answer), MSG_TRUNC, (struct sockaddr *)&from,
				  &from_length);
		if (length < 0 && errno != EINTR)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (length > (ssize_t)sizeof(request->answer))
			return -EMSGSIZE;
	} while (length < 0 || from.nl_pid != 0);
	return length;
}

/* Until the answer to sequence comes; *ret_answer leads into request->answer. An acknowledgement is
 * an answer with error 0, and then *ret_answer is NULL.
 */
static int await(struct netlink_request *request, uint32_t sequence,
		 const struct nlmsghdr **ret_answer)
{
	for (;;) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)request->answer;
		ssize_t received = receive(request);
		int left = (int)received;

		if (received < 0)
			return (int)received;
		for (; nlmsg_ok(message, left);
		     message = nlmsg_next((struct nlmsghdr *)message, &left)) {
			const struct nlmsgerr *error = nlmsg_data(message);

			if (message->nlmsg_seq != sequence)
				continue;
			if (message->nlmsg_type != NLMSG_ERROR) {
				*ret_answer = message;
				return 0;
			}
			*ret_answer = NULL;
			return nlmsg_valid_hdr(message, sizeof(*error)) ? error->error : -EBADMSG;
		}
	}
}

int netlink_request_ask(struct netlink_request *request, struct nl_msg *message, uint16_t kind,
			const struct nlmsghdr **ret_answer)
{
	const struct nlmsghdr *answer = NULL;
	uint32_t sequence;
	int ret;

	ret = nl_send_auto(request->socket, message);
	sequence = nlmsg_hdr(message)->nlmsg_seq;
	nlmsg_free(message);
	if (ret < 0)
		return ret == -NLE_NOMEM ? -ENOMEM : -EIO;
	ret = await(request, sequence, &answer);
	if (ret)
		return ret;
	if (kind == NLMSG_ERROR ? answer != NULL : !answer || answer->nlmsg_type != kind)
		return -EBADMSG;
	*ret_answer = answer;
	return 0;
}

static int family(const struct addr *addr)
{
	return addr_is_ipv4(addr) ? AF_INET : AF_INET6;
}

static int put_address(struct nl_msg *message, int kind, const struct addr *addr)
{
	return addr_is_ipv4(addr) ? nla_put(message, kind, 4, addr->byte + 12)
				  : nla_put(message, kind, 16, addr->byte);
}

/* A message with its fixed header and, unless NULL, one address. NULL when out of memory. */
static struct nl_msg *compose(int kind, int flags, void *header, size_t size, int attribute,
			      const struct addr *addr)
{
	struct nl_msg *message = nlmsg_alloc_simple(kind, flags);

	if (!message)
		return NULL;
	if (nlmsg_append(message, header, size, NLMSG_ALIGNTO) ||
	    (addr && put_address(message, attribute, addr))) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

int netlink_request_route(struct netlink_request *request, const struct addr *destination,
			  struct netlink_route *ret_route)
{
	struct rtmsg header = {
		.rtm_family = (uint8_t)family(destination),
		.rtm_dst_len = addr_is_ipv4(destination) ? 32 : 128,
	};
	struct nl_msg *message =
		compose(RTM_GETROUTE, 0, &header, sizeof(header), RTA_DST, destination);
	const struct nlmsghdr *answer;
	int ret;

	if (!message)
		return -ENOMEM;
	ret = netlink_request_ask(request, message, RTM_NEWROUTE, &answer);
	return ret ? ret : netlink_parse_route(answer, ret_route);
}

int netlink_request_link(struct netlink_request *request, uint32_t ifindex,
			 struct netlink_link *ret_link)
{
	struct ifinfomsg header = {.ifi_index = (int)ifindex};
	struct nl_msg *message = compose(RTM_GETLINK, 0, &header, sizeof(header), 0, NULL);
	const struct nlmsghdr *answer;
	int ret;

	if (!message)
		return -ENOMEM;
	ret = netlink_request_ask(request, message, RTM_NEWLINK, &answer);
	return ret ? ret : netlink_parse_link(answer, ret_link);
}

int netlink_request_links(struct netlink_request *request,
			  void (*each)(void *context, const struct netlink_link *link),
			  void *context)
{
	struct ifinfomsg header = {};
	struct nl_msg *question =
		compose(RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header), 0, NULL);
	uint32_t sequence;
	int ret;

	if (!question)
		return -ENOMEM;
	ret = nl_send_auto(request->socket, question);
	sequence = nlmsg_hdr(question)->nlmsg_seq;
	nlmsg_free(question);
	if (ret < 0)
		return ret == -NLE_NOMEM ? -ENOMEM : -EIO;
	for (;;) {
		const struct nlmsghdr *message = (const struct nlmsghdr *)request->answer;
		ssize_t received = receive(request);
		int left = (int)received;

		if (received < 0)
			return (int)received;
		for (; nlmsg_ok(message, left);
		     message = nlmsg_next((struct nlmsghdr *)message, &left)) {
			const struct nlmsgerr *error = nlmsg_data(message);
			struct netlink_link link;

			if (message->nlmsg_seq != sequence)
				continue;
			if (message->nlmsg_type == NLMSG_DONE)
				return 0;
			if (message->nlmsg_type == NLMSG_ERROR)
				return nlmsg_valid_hdr(message, sizeof(*error)) ? error->error
										: -EBADMSG;
			if (netlink_parse_link(message, &link) == 0)
				each(context, &link);
		}
	}
}

int netlink_request_neighbour(struct netlink_request *request, uint32_t ifindex,
			      const struct addr *address, struct netlink_neighbour *ret_neighbour)
{
	struct ndmsg header = {
		.ndm_family = (uint8_t)family(address),
		.ndm_ifindex = (int)ifindex,
	};
	struct nl_msg *message =
		compose(RTM_GETNEIGH, 0, &header, sizeof(header), NDA_DST, address);
	const struct nlmsghdr *answer;
	int ret;

	if (!message)
		return -ENOMEM;
	ret = netlink_request_ask(request, message, RTM_NEWNEIGH, &answer);
	return ret ? ret : netlink_parse_neighbour(answer, ret_neighbour);
}

int netlink_request_use(struct netlink_request *request, uint32_t ifindex,
			const struct addr *address)
{
	struct ndmsg header = {
		.ndm_family = (uint8_t)family(address),
		.ndm_ifindex = (int)ifindex,
		.ndm_flags = NTF_USE,
	};
	struct nl_msg *message = compose(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK,
					 &header, sizeof(header), NDA_DST, address);
	const struct nlmsghdr *answer;

	if (!message)
		return -ENOMEM;
	return netlink_request_ask(request, message, NLMSG_ERROR, &answer);
}
