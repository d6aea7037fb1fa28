/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Questions to the kernel over rtnetlink, one at a time, each with its answer. The kernel answers
 * within the call that asks, so nothing here waits for the network.
 */
#ifndef MTLB_SYS_NETLINK_REQUEST_H
#define MTLB_SYS_NETLINK_REQUEST_H

#include "../base/addr.h"
#include "../base/err.h"
#include "netlink_message.h"

struct netlink_request;

int netlink_request_new(struct netlink_request **ret_request, struct err *err);
void netlink_request_free(struct netlink_request *request);

/* Sends a message, which it frees, and waits for its answer of that kind, which is there until the
 * next question. NLMSG_ERROR: an acknowledgement, asked for by NLM_F_ACK, and *ret_answer is NULL.
 */
struct nl_msg;
int netlink_request_ask(struct netlink_request *request, struct nl_msg *message, uint16_t kind,
			const struct nlmsghdr **ret_answer);

/* The route a packet of this node to destination would take. Errors are the kernel's: -ENETUNREACH,
 * -EHOSTUNREACH, -EACCES and -EINVAL (a blackhole) are its ways to say no.
 */
int netlink_request_route(struct netlink_request *request, const struct addr *destination,
			  struct netlink_route *ret_route);

/* -ENODEV when there is none. */
/* Every link there is. Calls each while the socket is in use: it must not ask in turn. */
int netlink_request_links(struct netlink_request *request,
			  void (*each)(void *context, const struct netlink_link *link),
			  void *context);
int netlink_request_link(struct netlink_request *request, uint32_t ifindex,
			 struct netlink_link *ret_link);

/* -ENOENT when the kernel does not know it. */
int netlink_request_neighbour(struct netlink_request *request, uint32_t ifindex,
			      const struct addr *address, struct netlink_neighbour *ret_neighbour);

/* Has the kernel resolve the neighbour, or verify it when it is stale, as if a packet was sent. */
int netlink_request_use(struct netlink_request *request, uint32_t ifindex,
			const struct addr *address);

#endif
