/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows from the pinned table, without the agent: streamed, so that millions of them take no more
 * memory than some.
 */
#ifndef MTLB_TOOLS_FLOW_MAPS_H
#define MTLB_TOOLS_FLOW_MAPS_H

#include "list.h"

/* The order of the noun's filters. */
enum flow_filter {
	FLOW_TENANT,
	FLOW_LIMIT,
	FLOW_SERVICE,
	FLOW_CLIENT,
	FLOW_SOURCE, /* the same by another name */
	FLOW_DESTINATION,
	FLOW_MEMBER,
	FLOW_BACKEND,
	FLOW_STATE,
	FLOW_AGE,
	FLOW_IDLE,
	FLOW_FILTERS,
};

/* An exit code; -EAGAIN: the agent is to be asked, for there is nothing here, or not for us. */
int flow_maps_list(const struct call *call, const struct list_wanted *wanted);

/* For noun->from_maps: no more than the agent would give. */
int flow_maps_items(const struct call *call, json_t **ret_items, struct err *err);

#endif
