// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "panel.h"

const struct panel *const panels[PANELS] = {
	[PANEL_TENANTS] = &tenants_panel, [PANEL_SERVICES] = &services_panel,
	[PANEL_MEMBERS] = &members_panel, [PANEL_DROPS] = &drops_panel,
	[PANEL_NODE] = &node_panel,	  [PANEL_ROUTES] = &routes_panel,
};

unsigned panel_columns(const struct panel *panel)
{
	unsigned count = 0;

	while (panel->columns[count].title)
		count++;
	return count;
}

const char *panel_key0(const struct entity *entity)
{
	return entity->key[0];
}

const char *panel_key1(const struct entity *entity)
{
	return entity->key[1];
}

const char *panel_key2(const struct entity *entity)
{
	return entity->key[2];
}

double panel_rate0(const struct entity *entity)
{
	return entity->rate[0];
}

double panel_rate1(const struct entity *entity)
{
	return entity->rate[1];
}

double panel_rate2(const struct entity *entity)
{
	return entity->rate[2];
}
