/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Items that the pinned maps have of each tenant, for when no agent answers. */
#ifndef MTLB_TOOLS_TENANT_MAPS_H
#define MTLB_TOOLS_TENANT_MAPS_H

#include "../../userspace/inspect/view.h"
#include "noun.h"

/* As noun.h's from_maps. add is called for each tenant, and for the node itself, which is 0. */
int tenant_maps_items(const struct call *call,
		      void (*add)(const struct view *view, uint32_t tenant, json_t *items),
		      json_t **ret_items, struct err *err);

#endif
