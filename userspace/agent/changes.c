// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "changes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../model/units.h"
#include "changes_l7.h"

static const char *const mode_names[] = {
	[CONFIG_MODE_AUTO] = "auto",
	[CONFIG_MODE_NATIVE] = "native",
	[CONFIG_MODE_GENERIC] = "generic",
};

static const struct config_interface *find_interface(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->interface_count; i++)
		if (!strcmp(config->interfaces[i].name, name))
			return &config->interfaces[i];
	return NULL;
}

static void address_line(char *text, size_t size, const char *of, const char *family,
			 const struct addr *now, const struct addr *next)
{
	char from[ADDR_TEXT_MAX] = "none", to[ADDR_TEXT_MAX] = "none";

	text[0] = 0;
	if (addr_compare(now, next) == 0)
		return;
	if (!addr_is_zero(now))
		addr_format(now, from);
	if (!addr_is_zero(next))
		addr_format(next, to);
	snprintf(text, size, "~ node: %s.%s %s -> %s", of, family, from, to);
}

static void encap_line(char *text, size_t size, const char *family, const struct addr *now,
		       const struct addr *next)
{
	address_line(text, size, "encapSource", family, now, next);
}

static void source_line(char *text, size_t size, size_t number, const char *family,
			const struct addr *now, const struct addr *next)
{
	char of[48];

	snprintf(of, sizeof(of), "natSources[%zu]", number);
	address_line(text, size, of, family, now, next);
}

static const struct config_feed *find_feed(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->feed_count; i++)
		if (!strcmp(config->feeds[i].name, name))
			return &config->feeds[i];
	return NULL;
}

static void filter_line(char *text, size_t size, const char *name, bool from, bool to)
{
	text[0] = 0;
	if (from != to)
		snprintf(text, size, "~ node: filters.%s %s -> %s", name, from ? "on" : "off",
			 to ? "on" : "off");
}

static void attacks_line(char *text, size_t size, const char *name, uint64_t from, uint64_t to)
{
	char from_text[UNITS_TEXT_MAX], to_text[UNITS_TEXT_MAX];

	text[0] = 0;
	if (from != to)
		snprintf(text, size, "~ node: attacks.%s %s -> %s", name,
			 units_format_rate(from, from_text), units_format_rate(to, to_text));
}

static void listen_line(char *text, size_t size, const struct config_metrics *from,
			const struct config_metrics *to)
{
	char from_text[ADDR_TEXT_MAX] = "none", to_text[ADDR_TEXT_MAX] = "none";

	text[0] = 0;
	if (from->port == to->port && !addr_compare(&from->address, &to->address))
		return;
	if (from->port)
		addr_format_endpoint(&from->address, from->port, from_text);
	if (to->port)
		addr_format_endpoint(&to->address, to->port, to_text);
	snprintf(text, size, "~ node: metrics.listen %s -> %s", from_text, to_text);
}

static void metrics_line(char *text, size_t size, const char *name, uint32_t from, uint32_t to)
{
	text[0] = 0;
	if (from != to)
		snprintf(text, size, "~ node: metrics.%s %u -> %u", name, from, to);
}

/* from, to: NULL where there is none. */
static void feed_line(char *text, size_t size, const struct config_feed *from,
		      const struct config_feed *to)
{
	const char *type = to && to->udp_ports ? "udpSourcePorts" : "prefixes";

	text[0] = 0;
	if (!to)
		snprintf(text, size, "- feed %s", from->name);
	else if (!from)
		snprintf(text, size, "+ feed %s: %s from %s", to->name, type, to->path);
	else if (strcmp(from->path, to->path) != 0 || from->udp_ports != to->udp_ports ||
		 from->refuse != to->refuse)
		snprintf(text, size, "~ feed %s: %s from %s, badLines %s", to->name, type, to->path,
			 to->refuse ? "refuse" : "skip");
}

int changes_list(const struct config *now, const struct config *next, const struct plan *plan,
		 char ***ret_lines, size_t *ret_count)
{
	size_t sources = now->nat_source_count > next->nat_source_count ? now->nat_source_count
									: next->nat_source_count;
	size_t room = plan->count + now->interface_count + next->interface_count + 4 + 2 * sources +
		      now->feed_count + next->feed_count + 9;
	size_t count = 0, l7_count = 0;
	char **l7 = NULL, **lines;
	char text[1024];

	if (changes_l7(now, next, &l7, &l7_count))
		return -ENOMEM;
	lines = calloc(room + l7_count + 1, sizeof(*lines));

#define LINE()                                                   \
	do {                                                     \
		if (text[0] && !(lines[count++] = strdup(text))) \
			goto failed;                             \
	} while (0)
	if (!lines)
		goto failed;
	encap_line(text, sizeof(text), "ipv4", &now->encap_ipv4, &next->encap_ipv4);
	LINE();
	encap_line(text, sizeof(text), "ipv6", &now->encap_ipv6, &next->encap_ipv6);
	LINE();
	text[0] = 0;
	if (now->gue_port != next->gue_port)
		snprintf(text, sizeof(text), "~ node: guePort %u -> %u", now->gue_port,
			 next->gue_port);
	LINE();
	text[0] = 0;
	if (now->flow_window_s != next->flow_window_s)
		snprintf(text, sizeof(text), "~ node: flowWindow %us -> %us", now->flow_window_s,
			 next->flow_window_s);
	LINE();
	text[0] = 0;
	if (now->drift != next->drift)
		snprintf(text, sizeof(text), "~ node: drift %s",
			 next->drift == CONFIG_DRIFT_REPAIR ? "report -> repair"
							    : "repair -> report");
	LINE();
	for (size_t i = 0; i < sources; i++) {
		const struct config_nat_source none = {};
		const struct config_nat_source *from =
			i < now->nat_source_count ? &now->nat_sources[i] : &none;
		const struct config_nat_source *to =
			i < next->nat_source_count ? &next->nat_sources[i] : &none;

		source_line(text, sizeof(text), i, "ipv4", &from->ipv4, &to->ipv4);
		LINE();
		source_line(text, sizeof(text), i, "ipv6", &from->ipv6, &to->ipv6);
		LINE();
	}
	for (size_t i = 0; i < next->interface_count; i++) {
		const struct config_interface *to = &next->interfaces[i];
		const struct config_interface *from = find_interface(now, to->name);

		text[0] = 0;
		if (!from)
			snprintf(text, sizeof(text), "+ node: interface %s", to->name);
		else if (from->mode != to->mode)
			snprintf(text, sizeof(text), "~ node: interface %s: mode %s -> %s",
				 to->name, mode_names[from->mode], mode_names[to->mode]);
		LINE();
	}
	for (size_t i = 0; i < now->interface_count; i++) {
		text[0] = 0;
		if (!find_interface(next, now->interfaces[i].name))
			snprintf(text, sizeof(text), "- node: interface %s",
				 now->interfaces[i].name);
		LINE();
	}
	filter_line(text, sizeof(text), "tcpFlags", now->filters.tcp_flags,
		    next->filters.tcp_flags);
	LINE();
	filter_line(text, sizeof(text), "land", now->filters.land, next->filters.land);
	LINE();
	filter_line(text, sizeof(text), "vipSource", now->filters.vip_source,
		    next->filters.vip_source);
	LINE();
	filter_line(text, sizeof(text), "bogons", now->filters.bogons, next->filters.bogons);
	LINE();
	attacks_line(text, sizeof(text), "drops", now->attacks.drops, next->attacks.drops);
	LINE();
	attacks_line(text, sizeof(text), "newFlows", now->attacks.new_flows,
		     next->attacks.new_flows);
	LINE();
	listen_line(text, sizeof(text), &now->metrics, &next->metrics);
	LINE();
	metrics_line(text, sizeof(text), "top", now->metrics.top, next->metrics.top);
	LINE();
	metrics_line(text, sizeof(text), "members", now->metrics.members, next->metrics.members);
	LINE();
	for (size_t i = 0; i < next->feed_count; i++) {
		feed_line(text, sizeof(text), find_feed(now, next->feeds[i].name), &next->feeds[i]);
		LINE();
	}
	for (size_t i = 0; i < now->feed_count; i++) {
		text[0] = 0;
		if (!find_feed(next, now->feeds[i].name))
			feed_line(text, sizeof(text), &now->feeds[i], NULL);
		LINE();
	}
	for (size_t i = 0; i < plan->count; i++) {
		op_format(&plan->ops[i], text, sizeof(text));
		LINE();
	}
#undef LINE
	if (l7_count)
		memcpy(lines + count, l7, l7_count * sizeof(*lines));
	count += l7_count;
	free(l7);
	*ret_lines = lines;
	*ret_count = count;
	return 0;
failed:
	changes_free(lines, count);
	changes_free(l7, l7_count);
	return -ENOMEM;
}

void changes_free(char **lines, size_t count)
{
	for (size_t i = 0; lines && i < count; i++)
		free(lines[i]);
	free(lines);
}
