// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A TenantConfig document: services, what they listen on, and whether their pool can serve them.
 * Names resolve inside the tenant only.
 */
#include "check.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_pool.h"

/* One document while it is checked. */
struct tenant_check {
	struct check *check;
	struct state_tenant *tenant;
	size_t index; /* of the tenant, or CHECK_NOBODY: then nothing is built */
	struct check_pools pools;
	struct names services, listens;
};

/* One service of it. */
struct service_check {
	struct tenant_check *in;
	const struct tree_node *item;
	const struct tree_node *ports;
	const char *name;     /* for sentences */
	const char *protocol; /* NULL: wrong */
	struct state_service *service;
	const struct check_vip **vips;
	size_t vip_count;
	const struct check_vip *ipv4_vip, *ipv6_vip; /* one of each, NULL if it has none */
};

static void refuse_vip(struct service_check *s, const struct tree_node *name, bool exists)
{
	struct check *check = s->in->check;
	struct suggest near;

	suggest_init(&near, name->text);
	/* Only what is granted is offered: a tenant does not get to know other tenants' names. */
	for (size_t i = 0; i < check->vip_count && errors_few(check->errors); i++)
		if (check->vip_list[i].tenant == s->in->index)
			suggest_offer(&near, check->vip_list[i].name);
	if (exists)
		errors_add(check->errors, tree_place(name),
			   "VIP \"%s\" is not granted to tenant \"%s\"; the operator grants VIPs "
			   "under \"tenants\" in the Platform document",
			   name->text, s->in->tenant->name);
	else
		errors_add(check->errors, tree_place(name), "unknown VIP \"%s\"%s", name->text,
			   near.best[0] ? suggest_tail(&near).text
					: "; the operator defines VIPs in the Platform document");
}

static int resolve_vips(struct service_check *s)
{
	const struct tree_node *list = schema_find(s->item, SCHEMA_service_vips), *name;
	struct check *check = s->in->check;
	/* No service has the same number, of any tenant. */
	uint64_t number = ++check->service_number;

	if (!list || !list->count || s->in->index == CHECK_NOBODY || !check->vips_known)
		return 0;
	s->vips = calloc(list->count, sizeof(const struct check_vip *));
	if (!s->vips)
		return -ENOMEM;
	for (name = schema_first(list); name; name = schema_next(name)) {
		const struct names_entry *entry = names_find(&check->vips, name->text);
		struct check_vip *vip = entry ? &check->vip_list[entry->index] : NULL;

		if (!vip || vip->tenant != s->in->index) {
			refuse_vip(s, name, vip != NULL);
			continue;
		}
		if (vip->listed_by == number) {
			errors_add(check->errors, tree_place(name), "VIP \"%s\" is listed twice",
				   name->text);
			continue;
		}
		vip->listed_by = number;
		if (addr_is_zero(&vip->address))
			continue; /* reported where it is defined */
		s->vips[s->vip_count++] = vip;
		if (addr_is_ipv4(&vip->address))
			s->ipv4_vip = vip;
		else
			s->ipv6_vip = vip;
	}
	return 0;
}

static void check_ports(struct service_check *s)
{
	uint64_t seen[65536 / 64];
	const struct tree_node *port;

	if (!s->ports || s->ports->count < 2)
		return;
	memset(seen, 0, sizeof(seen));
	for (port = schema_first(s->ports); port; port = schema_next(port)) {
		uint64_t bit = 1ULL << (port->number % 64), *word = &seen[port->number / 64];

		if (*word & bit)
			errors_add(s->in->check->errors, tree_place(port),
				   "port %s is listed twice", port->text);
		*word |= bit;
	}
}

static int add_listen(struct service_check *s, const struct check_vip *vip,
		      const struct tree_node *port)
{
	struct state_service *service = s->service;
	char text[ADDR_TEXT_MAX], key[ADDR_TEXT_MAX + 8];
	struct names_entry *entry;
	size_t index = (size_t)(service - s->in->tenant->services);
	int r;

	addr_format_endpoint(&vip->address, (uint16_t)port->number, text);
	snprintf(key, sizeof(key), "%s %s", s->protocol, text);
	r = names_add(&s->in->listens, key, port, index, &entry);
	if (r == -EEXIST && entry->index != index) /* within a service: check_ports() told */
		check_report_twice(s->in->check, port, entry->node,
				   "%s is used by two services, \"%s\" and \"%s\"", key,
				   s->in->tenant->services[entry->index].name, s->name);
	if (r < 0)
		return r;
	service->vips[service->vip_count++] = (struct state_vip){
		.address = vip->address,
		.port = (uint16_t)port->number,
		.last = (uint16_t)port->number,
	};
	return 0;
}

static int build_vips(struct service_check *s)
{
	struct check *check = s->in->check;
	const struct tree_node *port;
	uint64_t count = s->ports ? (uint64_t)s->vip_count * s->ports->count : 0;
	int r = 0;

	if (count == 0 || !s->protocol)
		return 0;
	check->vip_entries += count;
	if (check->vip_entries > check->config->capacity.vips)
		return 0; /* check_capacity() will tell */
	s->service->vips = calloc(count, sizeof(*s->service->vips));
	if (!s->service->vips)
		return -ENOMEM;
	for (port = schema_first(s->ports); port; port = schema_next(port))
		for (size_t i = 0; i < s->vip_count && r != -ENOMEM; i++)
			r = add_listen(s, s->vips[i], port);
	return r == -ENOMEM ? r : 0;
}

static void check_backend_port(struct service_check *s, const struct check_backend *backend)
{
	const struct tree_node *port;

	if (!backend->port)
		return;
	for (port = schema_first(s->ports); port; port = schema_next(port)) {
		if (port->number == backend->port)
			continue;
		errors_add(s->in->check->errors, tree_place(backend->node),
			   "backend port %u differs from port %s of service \"%s\", and \"%s\" "
			   "does not translate ports; leave the backend's port out",
			   backend->port, port->text, s->name,
			   s->service->forward == STATE_FORWARD_DSR ? "dsr" : "ipip");
		return;
	}
}

static void check_backend_family(struct service_check *s, const struct check_backend *backend)
{
	bool ipv4 = addr_is_ipv4(&backend->address);
	const struct check_vip *vip = ipv4 ? s->ipv6_vip : s->ipv4_vip;

	if (!vip)
		return;
	errors_add(s->in->check->errors, tree_place(backend->node),
		   "an %s backend cannot serve %s VIP \"%s\" of service \"%s\" by dsr, which "
		   "changes MAC addresses only; use \"forward: ipip\"",
		   ipv4 ? "IPv4" : "IPv6", ipv4 ? "IPv6" : "IPv4", vip->name, s->name);
}

static void check_backend_encap(struct check *check, const struct check_backend *backend)
{
	bool ipv4 = addr_is_ipv4(&backend->address);

	if (ipv4 ? check->lacks_encap_ipv4 : check->lacks_encap_ipv6)
		errors_add(check->errors, tree_place(backend->node),
			   "an %s backend reached by ipip needs node.encapSource.%s in the "
			   "Platform document",
			   ipv4 ? "IPv4" : "IPv6", ipv4 ? "ipv4" : "ipv6");
}

/*
 * Can the backends of this pool serve this service? Looks at each of them only when one is known to
 * be wrong: services times backends may be many.
 */
static void check_members(struct service_check *s, struct check_pool *pool)
{
	struct check *check = s->in->check;
	bool dsr = s->service->forward == STATE_FORWARD_DSR;
	const struct tree_node *port = schema_first(s->ports);
	bool family = dsr && ((pool->has_ipv4 && s->ipv6_vip) || (pool->has_ipv6 && s->ipv4_vip));
	bool encap = !dsr && !pool->encap_reported && check->platform &&
		     ((pool->has_ipv4 && check->lacks_encap_ipv4) ||
		      (pool->has_ipv6 && check->lacks_encap_ipv6));
	bool ports = pool->port && port &&
		     (pool->other_port || pool->port != port->number || schema_next(port));

	if (!family && !encap && !ports)
		return;
	for (size_t i = 0; i < pool->count && !errors_full(check->errors); i++) {
		const struct check_backend *backend = &pool->backends[i];

		if (family)
			check_backend_family(s, backend);
		if (encap)
			check_backend_encap(check, backend);
		if (ports)
			check_backend_port(s, backend);
	}
	pool->encap_reported |= encap;
}

static int build_members(struct service_check *s, const struct check_pool *pool)
{
	struct check *check = s->in->check;
	struct state_service *service = s->service;

	if (s->in->index == CHECK_NOBODY || !pool->count)
		return 0;
	check->members += pool->count;
	if (check->members > check->config->capacity.members)
		return 0; /* check_capacity() will tell */
	service->members = calloc(pool->count, sizeof(*service->members));
	if (!service->members)
		return -ENOMEM;
	for (size_t i = 0; i < pool->count; i++) {
		/* A backend's port is the VIP's (checked), so it is no part of what is wanted. */
		service->members[i] = (struct state_member){
			.address = pool->backends[i].address,
			.weight = pool->backends[i].weight,
			.drain = pool->backends[i].drain,
		};
	}
	service->member_count = pool->count;
	return 0;
}

static int use_pool(struct service_check *s)
{
	const struct tree_node *name = schema_find(s->item, SCHEMA_service_pool);
	struct check_pools *pools = &s->in->pools;
	struct check *check = s->in->check;
	const struct names_entry *entry;
	struct check_pool *pool;

	if (!name)
		return 0;
	entry = names_find(&pools->names, name->text);
	if (!entry) {
		check_refuse_unknown(check, name, &pools->names, "pool", "pools");
		return 0;
	}
	pool = &pools->list[entry->index];
	check_copy_name(s->service->pool, name->text);
	s->service->health = pool->health;
	s->service->drain_deadline_s = pool->drain_deadline_s;
	s->service->stick_s = pool->stick_s;
	check_members(s, pool);
	return build_members(s, pool);
}

static void take_settings(struct service_check *s)
{
	const struct tree_node *protocol = schema_find(s->item, SCHEMA_service_protocol);
	const struct tree_node *learn = schema_find(s->item, SCHEMA_service_learn);
	struct state_service *service = s->service;
	bool udp = schema_number(s->item, SCHEMA_service_protocol) == 1;

	s->protocol = protocol ? protocol->text : NULL;
	service->protocol = udp ? IPPROTO_UDP : IPPROTO_TCP;
	service->forward = (enum state_forward)schema_number(s->item, SCHEMA_service_forward);
	service->track_always = schema_number(s->item, SCHEMA_service_track) == 1;
	service->idle_s = (uint32_t)schema_number_for(s->item, SCHEMA_service_idleTimeout,
						      udp ? "UDP" : "TCP");
	if (udp)
		service->learn_s = (uint32_t)schema_number(s->item, SCHEMA_service_learn);
	if (protocol && !udp && learn)
		errors_add(s->in->check->errors, tree_key_place(learn),
			   "\"learn\" is for UDP services only; leave it out");
}

static int check_service(struct tenant_check *in, const struct tree_node *item)
{
	const struct tree_node *name = schema_find(item, SCHEMA_service_name);
	struct state_tenant *tenant = in->tenant;
	struct service_check s = {
		.in = in,
		.item = item,
		.ports = schema_find(item, SCHEMA_service_ports),
		.name = name ? name->text : "?",
		.service = &tenant->services[tenant->service_count],
	};
	int r = 0;

	if (name)
		r = check_add_name(in->check, &in->services, name, tenant->service_count,
				   "service");
	if (r == -ENOMEM)
		return r;
	tenant->service_count++;
	check_copy_name(s.service->name, s.name);
	take_settings(&s);
	check_ports(&s);
	r = resolve_vips(&s);
	if (r == 0)
		r = build_vips(&s);
	if (r == 0)
		r = use_pool(&s);
	free(s.vips);
	return r;
}

static int check_services(struct tenant_check *in, const struct tree_node *list)
{
	const struct tree_node *item;
	int r = 0;

	if (!list || !list->count)
		return 0;
	in->tenant->services = calloc(list->count, sizeof(*in->tenant->services));
	if (!in->tenant->services)
		return -ENOMEM;
	for (item = schema_first(list); item && r == 0; item = schema_next(item))
		r = check_service(in, item);
	if (in->index != CHECK_NOBODY)
		in->check->services += in->tenant->service_count;
	return r;
}

/* Whose document it is; CHECK_NOBODY if that is unknown or wrong. */
static int find_tenant(struct check *check, const struct tree_node *document, size_t *ret_index)
{
	const struct tree_node *metadata = schema_find(document, SCHEMA_tenant_config_metadata);
	const struct tree_node *name = schema_find(metadata, SCHEMA_tenant_metadata_tenant);
	struct names_entry *entry;
	int r;

	*ret_index = CHECK_NOBODY;
	if (!name)
		return 0;
	r = names_add(&check->documents, name->text, name, 0, &entry);
	if (r == -EEXIST)
		check_report_twice(check, name, entry->node,
				   "tenant \"%s\" has a second TenantConfig; put all into one",
				   name->text);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	entry = names_find(&check->tenants, name->text);
	if (entry)
		*ret_index = entry->index;
	else if (check->platform && check->tenants_known)
		errors_add(check->errors, tree_place(name),
			   "tenant \"%s\" is not listed in the Platform document%s", name->text,
			   errors_few(check->errors)
				   ? names_nearest(&check->tenants, name->text).text
				   : "");
	return 0;
}

int check_tenant(struct check *check, const struct tree_node *document)
{
	const struct tree_node *pools = schema_find(document, SCHEMA_tenant_config_pools);
	const struct tree_node *services = schema_find(document, SCHEMA_tenant_config_services);
	struct state_tenant *nobody = calloc(1, sizeof(*nobody));
	struct state scratch = {.tenants = nobody, .tenant_count = 1};
	struct tenant_check in = {.check = check, .tenant = nobody};
	int r;

	if (!nobody)
		return -ENOMEM;
	r = find_tenant(check, document, &in.index);
	if (in.index != CHECK_NOBODY)
		in.tenant = &check->config->state.tenants[in.index];
	if (r == 0)
		r = check_pools(check, pools, &in.pools);
	if (r == 0)
		r = check_services(&in, services);
	check_pools_fini(&in.pools);
	names_fini(&in.services);
	names_fini(&in.listens);
	state_fini(&scratch);
	return r;
}
