// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tenant_maps.h"

int tenant_maps_items(const struct call *call,
		      void (*add)(const struct view *view, uint32_t tenant, json_t *items),
		      json_t **ret_items, struct err *err)
{
	struct view view;
	int error = view_open(&view, call->options->bpffs, err);

	if (error)
		return error;
	error = view_open_figures(&view, err);
	if (!error) {
		*ret_items = json_array();
		for (uint32_t tenant = 0; tenant < view.node->tenants; tenant++)
			if (view_tenant_name(&view, tenant))
				add(&view, tenant, *ret_items);
	}
	view_close(&view);
	return error;
}
