// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whether the backends of a pool can serve a service, the way it forwards to them. They are looked
 * at one by one only when one of them is known to be wrong: services times backends may be many.
 */
#include "check_tenant.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value.h"

static const char *family(bool ipv4)
{
	return ipv4 ? "IPv4" : "IPv6";
}

static void refuse_port(struct service_check *s, const struct check_backend *backend,
			const struct tree_node *ports)
{
	uint16_t first = check_listen_first(ports), last = check_listen_last(ports);
	struct check_listen_text text = check_listen_text(first, last);
	const char *these = first ? text.text : "every port";
	struct errors *errors = s->in->check->errors;
	struct place place = tree_place(backend->node);

	if (first == last)
		errors_add(errors, place,
			   "backend port %u differs from port %u of service \"%s\", and \"%s\" "
			   "does not translate ports; leave the backend's port out",
			   backend->port, first, s->name, s->forward);
	else if (s->service->forward == STATE_FORWARD_NAT)
		errors_add(errors, place,
			   "backend port %u cannot stand for %s of service \"%s\": \"nat\" does "
			   "not translate many ports to one; leave the backend's port out, which "
			   "keeps the port",
			   backend->port, these, s->name);
	else
		errors_add(errors, place,
			   "backend port %u cannot stand for %s of service \"%s\", and \"%s\" "
			   "does not translate ports; leave the backend's port out",
			   backend->port, these, s->name, s->forward);
}

/* Can the port of a backend stand for these of the service? Without translation only itself can. */
static bool fits(const struct service_check *s, const struct check_backend *backend,
		 const struct tree_node *ports)
{
	uint16_t first = check_listen_first(ports);

	return first == check_listen_last(ports) &&
	       (first == backend->port || s->service->forward == STATE_FORWARD_NAT);
}

static void check_port(struct service_check *s, const struct check_backend *backend)
{
	const struct tree_node *ports;

	if (!backend->port)
		return;
	for (ports = schema_first(s->ports); ports; ports = schema_next(ports)) {
		if (fits(s, backend, ports))
			continue;
		refuse_port(s, backend, ports);
		return;
	}
}

static void check_family(struct service_check *s, const struct check_backend *backend)
{
	bool ipv4 = addr_is_ipv4(&backend->address);
	const struct check_vip *vip = ipv4 ? s->ipv6_vip : s->ipv4_vip;

	if (!vip)
		return;
	errors_add(s->in->check->errors, tree_place(backend->node),
		   "an %s backend cannot serve %s VIP \"%s\" of service \"%s\" by %s, which %s; "
		   "use \"forward: ipip\"",
		   family(ipv4), family(!ipv4), vip->name, s->name, s->forward,
		   s->service->forward == STATE_FORWARD_DSR ? "changes MAC addresses only"
							    : "does not translate between the two");
}

static void check_encap(struct service_check *s, const struct check_backend *backend)
{
	bool ipv4 = addr_is_ipv4(&backend->address);
	struct check *check = s->in->check;

	if (ipv4 ? check->lacks_encap_ipv4 : check->lacks_encap_ipv6)
		errors_add(check->errors, tree_place(backend->node),
			   "an %s backend reached by %s needs node.encapSource.%s in the "
			   "Platform document",
			   family(ipv4), s->forward, ipv4 ? "ipv4" : "ipv6");
}

/* Whether the port of any backend may be wrong for the service. */
static bool ports_differ(const struct service_check *s, const struct check_pool *pool)
{
	const struct tree_node *ports = schema_first(s->ports);

	if (!pool->port)
		return false;
	if (s->service->forward != STATE_FORWARD_NAT && pool->other_port)
		return ports != NULL;
	for (; ports; ports = schema_next(ports))
		if (check_listen_first(ports) != check_listen_last(ports) ||
		    (s->service->forward != STATE_FORWARD_NAT &&
		     check_listen_first(ports) != pool->port))
			return true;
	return false;
}

static void check_backends(struct service_check *s, struct check_pool *pool)
{
	enum state_forward forward = s->service->forward;
	struct check *check = s->in->check;
	bool tunnel = forward == STATE_FORWARD_IPIP || forward == STATE_FORWARD_GUE;
	bool families =
		!tunnel && ((pool->has_ipv4 && s->ipv6_vip) || (pool->has_ipv6 && s->ipv4_vip));
	bool encap = tunnel && !pool->encap_reported && check->platform &&
		     ((pool->has_ipv4 && check->lacks_encap_ipv4) ||
		      (pool->has_ipv6 && check->lacks_encap_ipv6));
	bool ports = ports_differ(s, pool);

	if (!families && !encap && !ports)
		return;
	for (size_t i = 0; i < pool->count && !errors_full(check->errors); i++) {
		const struct check_backend *backend = &pool->backends[i];

		if (families)
			check_family(s, backend);
		if (encap)
			check_encap(s, backend);
		if (ports)
			check_port(s, backend);
	}
	pool->encap_reported |= encap;
}

/* The server ID of a backend: as given, or the last bytes of its address. 0: it has none. */
static size_t find_server_id(const struct check_backend *backend, size_t bytes,
			     uint8_t ret_id[VALUE_HEX_MAX])
{
	size_t length = addr_is_ipv4(&backend->address) ? 4 : 16;

	if (backend->server_id)
		return value_read_hex(backend->server_id->text, ret_id);
	if (backend->server_id_wrong || length < bytes)
		return 0;
	memcpy(ret_id, backend->address.byte + 16 - bytes, bytes);
	return bytes;
}

static void refuse_length(struct service_check *s, const struct check_backend *backend,
			  size_t length, size_t bytes)
{
	struct errors *errors = s->in->check->errors;
	char address[ADDR_TEXT_MAX];

	if (backend->server_id)
		errors_add(errors, tree_place(backend->server_id),
			   "\"serverId\" %s has %zu bytes, but quic.serverIdBytes of service "
			   "\"%s\" is %zu; make them the same",
			   backend->server_id->text, length, s->name, bytes);
	else if (!backend->server_id_wrong)
		errors_add(errors, tree_place(backend->node),
			   "backend %s needs a \"serverId\" of %zu bytes, as quic.serverIdBytes of "
			   "service \"%s\" says: its address has only 4",
			   addr_format_endpoint(&backend->address, backend->port, address), bytes,
			   s->name);
}

static int add_server_id(struct service_check *s, const struct check_pool *pool, size_t index,
			 size_t bytes, struct names *seen)
{
	const struct check_backend *backend = &pool->backends[index], *first;
	char text[2 * VALUE_HEX_MAX + 1] = "";
	char ours[ADDR_TEXT_MAX], theirs[ADDR_TEXT_MAX];
	uint8_t id[VALUE_HEX_MAX] = {};
	struct names_entry *entry;
	size_t length = find_server_id(backend, bytes, id);
	int r;

	if (length != bytes) {
		refuse_length(s, backend, length, bytes);
		return 0;
	}
	for (size_t i = 0; i < bytes; i++)
		sprintf(text + 2 * i, "%02x", id[i]);
	r = names_add(seen, text, backend->node, index, &entry);
	if (r != -EEXIST)
		return r;
	first = &pool->backends[entry->index];
	errors_add(s->in->check->errors,
		   tree_place(backend->server_id ? backend->server_id : backend->node),
		   "backends %s and %s both have server ID %s for service \"%s\"%s; give one of "
		   "them another \"serverId\"",
		   addr_format_endpoint(&first->address, first->port, theirs),
		   addr_format_endpoint(&backend->address, backend->port, ours), text, s->name,
		   backend->server_id && first->server_id ? "" : ", the last bytes of an address");
	return 0;
}

/* Told once for a pool and a length. */
static int check_server_ids(struct service_check *s, struct check_pool *pool)
{
	size_t bytes = s->service->quic_server_id_bytes;
	struct names seen = {};
	int r = 0;

	if (!bytes || pool->quic_checked & 1U << bytes)
		return 0;
	pool->quic_checked |= 1U << bytes;
	for (size_t i = 0; i < pool->count && r == 0 && !errors_full(s->in->check->errors); i++)
		r = add_server_id(s, pool, i, bytes, &seen);
	names_fini(&seen);
	return r;
}

/* The port is part of what is wanted only where it says more than the VIP's. */
static uint16_t member_port(const struct service_check *s, const struct check_backend *backend)
{
	const struct tree_node *ports = schema_first(s->ports);

	if (s->service->forward != STATE_FORWARD_NAT || !ports)
		return 0;
	return !schema_next(ports) && check_listen_first(ports) == backend->port ? 0
										 : backend->port;
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
		const struct check_backend *backend = &pool->backends[i];
		struct state_member *member = &service->members[i];

		*member = (struct state_member){
			.address = backend->address,
			.port = member_port(s, backend),
			.weight = backend->weight,
			.drain = backend->drain,
		};
		if (service->quic_server_id_bytes)
			member->server_id_bytes = (uint8_t)find_server_id(
				backend, service->quic_server_id_bytes, member->server_id);
	}
	service->member_count = pool->count;
	return 0;
}

/* A check of "any" port has no first port to fall back to. */
static void check_health_port(struct service_check *s, const struct check_pool *pool)
{
	const struct tree_node *ports = schema_first(s->ports);

	if (pool->health.type == PROBE_NONE || pool->health.type == PROBE_ICMP ||
	    pool->health.type == PROBE_SCRIPT || pool->health.port || !ports ||
	    check_listen_first(ports))
		return;
	errors_add(s->in->check->errors, tree_place(ports),
		   "\"any\" leaves no port to check pool \"%s\" on; give its \"health\" a \"port\"",
		   pool->name);
}

/* With NAT a backend has no VIP that could be asked; said once, of the first such service. */
static void check_health_via(struct service_check *s, struct check_pool *pool)
{
	if (!pool->via || s->service->forward != STATE_FORWARD_NAT)
		return;
	errors_add(s->in->check->errors, tree_place(pool->via),
		   "\"via: vip\" cannot be with service \"%s\", which is \"forward: nat\": its "
		   "backends "
		   "have no VIP that answers; use \"auto\" or \"direct\"",
		   s->name);
	pool->via = NULL;
}

static void check_without_pool(struct service_check *s, const struct tree_node *pool)
{
	struct errors *errors = s->in->check->errors;

	if (pool)
		errors_add(
			errors, tree_key_place(pool),
			"\"forward: local\" hands the packets of service \"%s\" to this node's own "
			"stack and has no \"pool\"; leave it out",
			s->name);
	else if (s->service->forward != STATE_FORWARD_LOCAL)
		errors_add(errors, tree_place(s->item),
			   "missing key \"pool\" in service; it must name the pool that serves it, "
			   "and "
			   "may be left out with \"forward: local\" only");
}

int check_serve(struct service_check *s)
{
	const struct tree_node *name = schema_find(s->item, SCHEMA_service_pool);
	struct check_pools *pools = &s->in->pools;
	const struct names_entry *entry;
	struct check_pool *pool;
	int r;

	if (!name || s->service->forward == STATE_FORWARD_LOCAL) {
		check_without_pool(s, name);
		return 0;
	}
	entry = names_find(&pools->names, name->text);
	if (!entry) {
		check_refuse_unknown(s->in->check, name, &pools->names, "pool", "pools");
		return 0;
	}
	pool = &pools->list[entry->index];
	check_copy_name(s->service->pool, name->text);
	if (state_copy_health(&pool->health, &s->service->health))
		return -ENOMEM;
	s->service->drain_deadline_s = pool->drain_deadline_s;
	s->service->stick_s = pool->stick_s;
	s->service->slow_start_s = pool->slow_start_s;
	check_backends(s, pool);
	check_health_port(s, pool);
	check_health_via(s, pool);
	r = check_server_ids(s, pool);
	return r ?: build_members(s, pool);
}
