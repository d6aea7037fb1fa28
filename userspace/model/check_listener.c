// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The L7 tier's part of the Platform document: where requests come in, and which host names and
 * paths are whose. A name belongs to one tenant, with all that is below it if it is a wildcard; a
 * path always does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "l7/hash.h"
#include "l7/path.h"
#include "l7/wanted.h"
#include "value.h"

/* --- listeners ---------------------------------------------------------------------------------
 */

/* Another listener on the same address and port, or one that lists it twice. */
static const struct config_listener *find_clash(const struct config *config,
						const struct addr *address, uint16_t port)
{
	for (size_t i = 0; i <= config->listener_count; i++) {
		const struct config_listener *other = &config->listeners[i];

		for (size_t j = 0; other->port == port && j < other->address_count; j++)
			if (!addr_compare(&other->addresses[j], address))
				return other;
	}
	return NULL;
}

/* 0 or -ENOMEM. */
static int take_vip(struct check *check, struct config_listener *listener,
		    const struct tree_node *item, const struct tree_node *name)
{
	const struct names_entry *entry = names_find(&check->vips, name->text);
	const struct check_vip *vip = entry ? &check->vip_list[entry->index] : NULL;
	const struct config_listener *clash;

	if (!vip) {
		if (check->vips_known)
			check_refuse_unknown(check, name, &check->vips, "VIP", "vips");
		return 0;
	}
	if (addr_is_zero(&vip->address))
		return 0; /* reported where it is defined */
	clash = find_clash(check->config, &vip->address, listener->port);
	if (clash == listener)
		errors_add(check->errors, tree_place(name), "VIP \"%s\" is listed twice",
			   name->text);
	else if (clash)
		errors_add(check->errors, tree_place(name),
			   "listener \"%s\" is on port %u of VIP \"%s\" already", clash->name,
			   listener->port, name->text);
	if (clash)
		return 0;
	listener->addresses[listener->address_count++] = vip->address;
	if (vip->tenant == CHECK_NOBODY)
		return 0;
	return check_add_front(
		check, &(struct check_front){.tenant = vip->tenant,
					     .listener = check->config->listener_count,
					     .address = vip->address,
					     .name = schema_find(item, SCHEMA_listener_name),
					     .port = schema_find(item, SCHEMA_listener_port)});
}

static void take_prefix(struct check *check, const struct tree_node *item, struct prefix *list,
			size_t *count)
{
	struct prefix prefix;
	char text[PREFIX_TEXT_MAX];
	int r = prefix_parse(item->text, &prefix);

	if (r == -EDOM)
		errors_add(check->errors, tree_place(item),
			   "prefix \"%s\" has bits of an address beyond its length; write %s, or "
			   "the address alone",
			   item->text, prefix_format(&prefix, text));
	if (r == 0)
		list[(*count)++] = prefix;
}

static int take_prefixes(struct check *check, const struct tree_node *list,
			 struct prefix **ret_prefixes, size_t *ret_count)
{
	*ret_prefixes = calloc((list ? list->count : 0) + 1, sizeof(**ret_prefixes));
	if (!*ret_prefixes)
		return -ENOMEM;
	for (const struct tree_node *item = schema_first(list); item; item = schema_next(item))
		take_prefix(check, item, *ret_prefixes, ret_count);
	return 0;
}

/* What is only for TLS, and what is not there yet. */
static void take_tls(struct check *check, struct config_listener *listener,
		     const struct tree_node *item)
{
	const struct tree_node *tls = schema_find(item, SCHEMA_listener_tls);
	const struct tree_node *alpn = schema_find(item, SCHEMA_listener_alpn);

	listener->tls = schema_number(item, SCHEMA_listener_protocol) == 1;
	listener->passthrough = schema_number(item, SCHEMA_listener_protocol) == 2;
	listener->by_path = schema_number(item, SCHEMA_listener_tenantsByPath) == 1;
	if (listener->by_path && (listener->tls || listener->passthrough))
		errors_add(check->errors,
			   tree_key_place(schema_find(item, SCHEMA_listener_tenantsByPath)),
			   "\"tenantsByPath\" needs \"protocol: HTTP\": with TLS the name of the "
			   "handshake says whose a request is");
	listener->tls13 = schema_number(tls, SCHEMA_listener_tls_minVersion) == 1;
	for (const struct tree_node *word = schema_first(alpn); word; word = schema_next(word))
		if (word->number)
			errors_add(check->errors, tree_place(word),
				   "HTTP/2 is not served yet; leave h2 out");
	if (listener->tls || !schema_find(item, SCHEMA_listener_protocol))
		return;
	if (tls)
		errors_add(check->errors, tree_key_place(tls), "\"tls\" needs \"protocol: HTTPS\"");
	if (alpn)
		errors_add(check->errors, tree_key_place(alpn),
			   "\"alpn\" needs \"protocol: HTTPS\"");
}

static void take_proxy(struct config_proxy *proxy, const struct tree_node *platform)
{
	const struct tree_node *given = schema_find(platform, SCHEMA_platform_proxy);
	const struct tree_node *timeouts = schema_find(given, SCHEMA_proxy_timeouts);
	const struct tree_node *splice = schema_find(given, SCHEMA_proxy_splice);

	proxy->workers = (uint32_t)schema_number(given, SCHEMA_proxy_workers);
	proxy->copy = splice && !strcmp(splice->text, "false");
#define TIME_LIMIT(name, least, most, fallback, sentence) \
	proxy->name##_ms = (uint32_t)schema_number(timeouts, SCHEMA_proxy_timeouts_##name);
#include "l7/limits.def"
#undef TIME_LIMIT
}

static int check_listener(struct check *check, const struct tree_node *item)
{
	const struct tree_node *vips = schema_find(item, SCHEMA_listener_vips), *vip;
	const struct tree_node *proxies = schema_find(item, SCHEMA_listener_proxyProtocol);
	const struct tree_node *name = schema_find(item, SCHEMA_listener_name);
	struct config *config = check->config;
	struct config_listener *listener = &config->listeners[config->listener_count];
	int r = 0;

	if (name)
		r = check_add_name(check, &check->listeners, name, config->listener_count,
				   "listener");
	if (r == -ENOMEM)
		return r;
	check_copy_name(listener->name, name ? name->text : "?");
	listener->port = (uint16_t)schema_number(item, SCHEMA_listener_port);
	take_tls(check, listener, item);
	listener->addresses = calloc((vips ? vips->count : 0) + 1, sizeof(*listener->addresses));
	r = listener->addresses ? 0 : -ENOMEM;
	for (vip = schema_first(vips); r == 0 && vip; vip = schema_next(vip))
		r = take_vip(check, listener, item, vip);
	if (r == 0)
		r = take_prefixes(check, schema_find(item, SCHEMA_listener_trusted),
				  &listener->trusted, &listener->trusted_count);
	if (r == 0)
		r = take_prefixes(check, schema_find(proxies, SCHEMA_proxy_protocol_from),
				  &listener->proxies, &listener->proxy_count);
	config->listener_count++;
	return r;
}

int check_listeners(struct check *check, const struct tree_node *platform)
{
	const struct tree_node *list = schema_find(platform, SCHEMA_platform_listeners), *item;
	int r = 0;

	take_proxy(&check->config->proxy, platform);
	if (!list)
		return 0;
	check->config->listeners = calloc(list->count + 1, sizeof(*check->config->listeners));
	if (!check->config->listeners)
		return -ENOMEM;
	for (item = schema_first(list); r == 0 && item; item = schema_next(item))
		r = check_listener(check, item);
	check_sort_fronts(check);
	return r;
}

/* --- domains -----------------------------------------------------------------------------------
 */

/* As requests' paths are compared, without a slash at its end. NULL: reported, or no memory. */
static char *path_of(struct check *check, const struct tree_node *node, int *ret_error)
{
	const char *why = path_check(node->text);
	size_t length = strlen(node->text), slashes = 0;
	char *copy;

	if (!why && !node->text[1])
		why = "is every path; give each tenant one of its own";
	if (!why && strstr(node->text, "//"))
		why = "must not have an empty segment";
	for (size_t i = 0; i < length; i++)
		slashes += node->text[i] == '/' && i + 1 < length;
	if (!why && slashes > BUILD_SEGMENTS_MAX)
		why = "has more than 64 segments";
	if (why)
		errors_add(check->errors, tree_place(node), "path \"%s\" %s", node->text, why);
	copy = why ? NULL : strdup(node->text);
	*ret_error = why || copy ? 0 : -ENOMEM;
	if (copy && copy[length - 1] == '/')
		copy[length - 1] = 0;
	return copy;
}

static char *lower(const char *text)
{
	char *copy = strdup(text);

	for (char *at = copy; at && *at; at++)
		*at = hash_lower(*at);
	return copy;
}

static struct check_domain *add_domain(struct check *check)
{
	if (check->domain_count == check->domain_room) {
		size_t room = check->domain_room ? check->domain_room * 2 : 64;
		struct check_domain *list =
			realloc(check->domain_list, room * sizeof(*check->domain_list));

		if (!list)
			return NULL;
		check->domain_list = list;
		check->domain_room = room;
	}
	return &check->domain_list[check->domain_count];
}

static const char *owner(const struct check *check, size_t domain)
{
	return check->config->state.tenants[check->domain_list[domain].tenant].name;
}

static void report_domain(struct check *check, const struct tree_node *node,
			  const struct names_entry *first, size_t tenant)
{
	const char *name = check->domain_list[first->index].name;
	const char *what = *name == '/' ? "path" : "domain";

	if (check->domain_list[first->index].tenant == tenant)
		check_report_twice(check, node, first->node, "%s \"%s\" is listed twice", what,
				   name);
	else
		check_report_twice(check, node, first->node,
				   "%s \"%s\" is granted to tenant \"%s\" already: a %s belongs to "
				   "exactly one tenant",
				   what, name, owner(check, first->index),
				   *name == '/' ? "path" : "host name");
}

static int take_domain(struct check *check, const struct tree_node *node, bool path, size_t tenant)
{
	struct check_domain *domain = add_domain(check);
	struct names_entry *entry;
	int r = -ENOMEM;
	char *name = !domain ? NULL : path ? path_of(check, node, &r) : lower(node->text);

	if (!name)
		return r;
	r = names_add(&check->domains, name, node, check->domain_count, &entry);
	if (r == -EEXIST)
		report_domain(check, node, entry, tenant);
	if (r) {
		free(name);
		return r == -ENOMEM ? r : 0;
	}
	*domain = (struct check_domain){name, node, tenant};
	check->domain_count++;
	check->shares[tenant].domain_count++;
	return 0;
}

int check_take_domains(const struct check *check, size_t index, struct wanted *wanted)
{
	const struct check_share *share;

	if (index == CHECK_NOBODY)
		return 0;
	share = &check->shares[index];
	wanted->domains = wanted_take(wanted, share->domain_count, sizeof(*wanted->domains));
	wanted->paths = wanted_take(wanted, share->domain_count, sizeof(*wanted->paths));
	if (!wanted->domains || !wanted->paths)
		return -ENOMEM;
	for (size_t i = 0; i < share->domain_count; i++) {
		const char *name =
			wanted_text(wanted, check->domain_list[share->first_domain + i].name);

		if (!name)
			return -ENOMEM;
		if (*name == '/')
			wanted->paths[wanted->path_count++] = name;
		else
			wanted->domains[wanted->domain_count++] = name;
	}
	return 0;
}

int check_add_domains(struct check *check, const struct tree_node *item, size_t index)
{
	const struct tree_node *list = schema_find(item, SCHEMA_tenant_domains), *node;
	const struct tree_node *paths = schema_find(item, SCHEMA_tenant_paths);
	struct wanted **wanted = &check->config->state.tenants[index].l7;
	struct check_share *share = &check->shares[index];
	int r = 0;

	share->first_domain = check->domain_count;
	for (node = schema_first(list); r == 0 && node; node = schema_next(node))
		r = take_domain(check, node, false, index);
	for (node = schema_first(paths); r == 0 && node; node = schema_next(node))
		r = take_domain(check, node, true, index);
	if (r || !share->domain_count)
		return r;
	/* they are its own whether it has a TenantConfig or not */
	*wanted = wanted_new();
	return *wanted ? check_take_domains(check, index, *wanted) : -ENOMEM;
}

/* A path of another tenant that this one is below. */
static const struct names_entry *find_path_above(const struct check *check,
						 const struct check_domain *path)
{
	char above[BUILD_PATH_MAX + 1], *slash;

	snprintf(above, sizeof(above), "%s", path->name);
	while ((slash = strrchr(above, '/')) && slash > above) {
		const struct names_entry *entry;

		*slash = 0;
		entry = names_find(&check->domains, above);
		if (entry && check->domain_list[entry->index].tenant != path->tenant)
			return entry;
	}
	return NULL;
}

/* A wildcard of another tenant that the domain is below. */
static const struct names_entry *find_above(const struct check *check,
					    const struct check_domain *domain)
{
	char wildcard[VALUE_HOST_MAX + 8] = "*";
	const char *rest = domain->name + (domain->name[0] == '*' ? 2 : 0);

	while ((rest = strchr(rest, '.'))) {
		const struct names_entry *entry;

		snprintf(wildcard + 1, sizeof(wildcard) - 1, "%s", rest++);
		entry = names_find(&check->domains, wildcard);
		if (entry && check->domain_list[entry->index].tenant != domain->tenant)
			return entry;
	}
	return NULL;
}

void check_domains(struct check *check)
{
	for (size_t i = 0; i < check->domain_count && !errors_full(check->errors); i++) {
		const struct check_domain *domain = &check->domain_list[i];
		bool path = domain->name[0] == '/';
		const struct names_entry *above =
			path ? find_path_above(check, domain) : find_above(check, domain);

		if (above)
			check_report_twice(
				check, domain->node, above->node,
				"%s \"%s\" of tenant \"%s\" is below \"%s\", which is "
				"granted to tenant \"%s\": a %s belongs to exactly one tenant",
				path ? "path" : "domain", domain->name, owner(check, i),
				above->name, owner(check, above->index),
				path ? "path" : "host name");
	}
}
