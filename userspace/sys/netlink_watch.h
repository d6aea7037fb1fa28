/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel tells unasked about neighbours, routes, rules, links and addresses. It hands the
 * messages on as they come and does not judge them.
 */
#ifndef MTLB_SYS_NETLINK_WATCH_H
#define MTLB_SYS_NETLINK_WATCH_H

#include <linux/netlink.h>

#include "../base/err.h"
#include "loop.h"

struct netlink_watch;

/* told gets each message; NULL when some were lost, and then anything may have changed. */
int netlink_watch_new(struct loop *loop,
		      void (*told)(void *context, const struct nlmsghdr *message), void *context,
		      struct netlink_watch **ret_watch, struct err *err);
void netlink_watch_free(struct netlink_watch *watch);

#endif
