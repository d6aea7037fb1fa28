// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the operator keeps away from all tenants: the filters of the node, and the deny feeds. The
 * files of feeds are not read here: they come and go while the configuration stays.
 */
#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "files.h"

static int check_feed(struct check *check, const struct tree_node *item, struct names *seen,
		      size_t *prefix_feeds)
{
	const struct tree_node *name = schema_find(item, SCHEMA_feed_name);
	const struct tree_node *file = schema_find(item, SCHEMA_feed_file);
	struct config *config = check->config;
	struct config_feed *feed = &config->feeds[config->feed_count];
	bool udp_ports = schema_number(item, SCHEMA_feed_type) == 1;
	/* a wrong type was told */
	bool known = schema_find(item, SCHEMA_feed_type) || !schema_written(item, SCHEMA_feed_type);
	int r;

	*prefix_feeds += known && !udp_ports;
	if (!name || !file)
		return 0;
	r = check_add_name(check, seen, name, 0, "feed");
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (*prefix_feeds > CONFIG_FEEDS_MAX && !udp_ports)
		errors_add(check->errors, tree_place(item),
			   "at most %d feeds may be of type prefixes; put several lists into one "
			   "file",
			   CONFIG_FEEDS_MAX);
	feed->path = files_resolve(file->text, tree_place(file));
	if (!feed->path)
		return -ENOMEM;
	check_copy_name(feed->name, name->text);
	feed->udp_ports = udp_ports;
	feed->refuse = schema_number(item, SCHEMA_feed_badLines) == 1;
	config->feed_count++;
	return 0;
}

static int check_feeds(struct check *check, const struct tree_node *platform)
{
	const struct tree_node *list = schema_find(platform, SCHEMA_platform_denyFeeds), *item;
	const struct tree_node *node = schema_find(platform, SCHEMA_platform_node);
	const struct tree_node *capacity = schema_find(node, SCHEMA_node_capacity);
	const struct tree_node *given = schema_find(capacity, SCHEMA_capacity_feedPrefixes);
	struct names seen = {};
	size_t prefix_feeds = 0;
	int r = 0;

	if (!list || !list->count)
		return 0;
	check->config->feeds = calloc(list->count, sizeof(*check->config->feeds));
	if (!check->config->feeds)
		return -ENOMEM;
	for (item = schema_first(list); item && r == 0; item = schema_next(item))
		r = check_feed(check, item, &seen, &prefix_feeds);
	names_fini(&seen);
	/* a wrong number was told, and one that cannot be read may be right */
	if (prefix_feeds && node && !check->config->capacity.feed_prefixes &&
	    (given || !schema_written(capacity, SCHEMA_capacity_feedPrefixes)))
		errors_add(check->errors, given ? tree_place(given) : tree_key_place(list),
			   "denyFeeds of type prefixes need node.capacity.feedPrefixes of at least "
			   "as many prefixes as all of them hold, but it is 0%s",
			   given ? "" : " by default");
	return r;
}

int check_guard(struct check *check, const struct tree_node *platform)
{
	const struct tree_node *node = schema_find(platform, SCHEMA_platform_node);
	const struct tree_node *filters = schema_find(node, SCHEMA_node_filters);
	const struct tree_node *attacks = schema_find(node, SCHEMA_node_attacks);

	check->config->attacks = (struct config_attacks){
		.drops = schema_number(attacks, SCHEMA_attacks_drops),
		.new_flows = schema_number(attacks, SCHEMA_attacks_newFlows),
	};
	check->config->filters = (struct config_filters){
		.tcp_flags = schema_number(filters, SCHEMA_filters_tcpFlags) == 1,
		.land = schema_number(filters, SCHEMA_filters_land) == 1,
		.vip_source = schema_number(filters, SCHEMA_filters_vipSource) == 1,
		.bogons = schema_number(filters, SCHEMA_filters_bogons) == 1,
	};
	return check_feeds(check, platform);
}
