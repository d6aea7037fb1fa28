// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A TenantConfig document: services, what they listen on, and whether their pool can serve them.
 * Names resolve inside the tenant only.
 */
#include "check_tenant.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

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

static int build_vips(struct service_check *s)
{
	struct check *check = s->in->check;
	struct state_service *service = s->service;
	const struct tree_node *ports;
	uint64_t count = s->ports ? (uint64_t)s->vip_count * s->ports->count : 0;
	int r = 0;

	if (count == 0 || !s->protocol)
		return 0;
	check->vip_entries += count;
	if (check->vip_entries > check->config->capacity.vips)
		return 0; /* check_capacity() will tell */
	service->vips = calloc(count, sizeof(*service->vips));
	if (!service->vips)
		return -ENOMEM;
	for (ports = schema_first(s->ports); ports; ports = schema_next(ports))
		for (size_t i = 0; i < s->vip_count && r == 0; i++) {
			struct state_vip *vip = &service->vips[service->vip_count++];

			*vip = (struct state_vip){s->vips[i]->address, check_listen_first(ports),
						  check_listen_last(ports)};
			r = check_listen_add(&s->in->listens, service, s->protocol, vip, ports);
		}
	return r;
}

/* The settings that one protocol alone has. */
static void refuse_elsewhere(struct service_check *s, enum schema_key key, const char *protocol)
{
	const struct tree_node *given = schema_find(s->item, key);

	if (given && s->protocol && strcmp(s->protocol, protocol) != 0)
		errors_add(s->in->check->errors, tree_key_place(given),
			   "\"%s\" is for %s services only; leave it out", schema_rows[key].key,
			   protocol);
}

static void take_protocol(struct service_check *s)
{
	static const uint8_t numbers[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};
	const struct tree_node *protocol = schema_find(s->item, SCHEMA_service_protocol);

	s->protocol = protocol ? protocol->text : NULL;
	s->service->protocol = numbers[protocol ? protocol->number : 0];
	refuse_elsewhere(s, SCHEMA_service_learn, "UDP");
	refuse_elsewhere(s, SCHEMA_service_quic, "UDP");
	refuse_elsewhere(s, SCHEMA_service_mss, "TCP");
}

/* What says how members are chosen, or what is done to packets, is for services that have a pool.
 */
static void check_local(struct service_check *s)
{
	static const enum schema_key keys[] = {
		SCHEMA_service_affinity, SCHEMA_service_track, SCHEMA_service_idleTimeout,
		SCHEMA_service_learn,	 SCHEMA_service_mss,   SCHEMA_service_quic,
	};

	if (s->service->forward != STATE_FORWARD_LOCAL)
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct tree_node *given = schema_find(s->item, keys[i]);

		if (given)
			errors_add(s->in->check->errors, tree_key_place(given),
				   "\"%s\" has no meaning with \"forward: local\", which hands "
				   "packets to this node as they are; leave it out",
				   schema_rows[keys[i]].key);
	}
}

/* What needs the packets of a flow to stay together; NULL: nothing. */
static const char *needs_affinity(const struct service_check *s)
{
	if (s->service->forward == STATE_FORWARD_NAT)
		return "nat";
	if (s->service->protocol != IPPROTO_UDP)
		return s->protocol;
	return s->service->quic_server_id_bytes ? "quic" : NULL;
}

static void check_affinity(struct service_check *s)
{
	const struct tree_node *affinity = schema_find(s->item, SCHEMA_service_affinity);
	const struct tree_node *track = schema_find(s->item, SCHEMA_service_track);
	const char *what = needs_affinity(s);

	if (s->service->affinity != STATE_AFFINITY_NONE)
		return;
	if (what)
		errors_add(s->in->check->errors, tree_place(affinity),
			   "\"affinity: none\" sends each packet to any backend, and %s needs all "
			   "of a flow at one; use \"client-port\" or \"client\"",
			   what);
	if (track && s->service->track_always)
		errors_add(s->in->check->errors, tree_place(track),
			   "\"track: always\" has no meaning with \"affinity: none\", which "
			   "remembers no flow; leave it out");
}

static void take_settings(struct service_check *s)
{
	const struct tree_node *quic = schema_find(s->item, SCHEMA_service_quic);
	struct state_service *service = s->service;
	bool udp;

	take_protocol(s);
	udp = service->protocol == IPPROTO_UDP;
	service->forward = (enum state_forward)schema_number(s->item, SCHEMA_service_forward);
	service->affinity = (enum state_affinity)schema_number(s->item, SCHEMA_service_affinity);
	service->track_always = schema_number(s->item, SCHEMA_service_track) == 1;
	service->idle_s = (uint32_t)schema_number_for(s->item, SCHEMA_service_idleTimeout,
						      s->protocol ? s->protocol : "TCP");
	if (udp)
		service->learn_s = (uint32_t)schema_number(s->item, SCHEMA_service_learn);
	if (udp)
		service->quic_server_id_bytes =
			(uint8_t)schema_number(quic, SCHEMA_quic_serverIdBytes);
	service->mss = (uint16_t)schema_number(s->item, SCHEMA_service_mss);
	s->forward = schema_text(s->item, SCHEMA_service_forward);
	check_local(s);
	if (service->forward != STATE_FORWARD_LOCAL)
		check_affinity(s);
	service->track_always |= service->forward == STATE_FORWARD_NAT;
}

static void refuse_nat_vip(struct service_check *s, const struct check_vip *vip, const char *family,
			   const struct tree_node **lacks)
{
	const struct tree_node *item = *lacks;

	if (!vip || !item)
		return;
	*lacks = NULL; /* told once: it is one thing to mend */
	errors_add(s->in->check->errors, tree_place(schema_find(s->item, SCHEMA_service_forward)),
		   "\"forward: nat\" for VIP \"%s\" needs \"%s\" in each item of node.natSources "
		   "in the Platform document; the one at %s:%d:%d has none",
		   vip->name, family, item->file, item->line, item->column);
}

static void check_nat(struct service_check *s)
{
	const struct tree_node *forward = schema_find(s->item, SCHEMA_service_forward);
	struct check *check = s->in->check;

	if (s->service->forward != STATE_FORWARD_NAT)
		return;
	if (s->service->protocol == IPPROTO_SCTP)
		errors_add(check->errors, tree_place(forward),
			   "\"forward: nat\" is not for SCTP, whose CRC32c would have to be made "
			   "anew; use \"dsr\", \"ipip\" or \"gue\"");
	if (check->lacks_nat) {
		errors_add(check->errors, tree_place(forward),
			   "\"forward: nat\" needs node.natSources in the Platform document");
		check->lacks_nat = false;
	}
	refuse_nat_vip(s, s->ipv4_vip, "ipv4", &check->lacks_nat_ipv4);
	refuse_nat_vip(s, s->ipv6_vip, "ipv6", &check->lacks_nat_ipv6);
	if (s->in->index != CHECK_NOBODY)
		s->in->tenant->nat_ports = check->shares[s->in->index].nat_ports;
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
	r = check_listen_ports(in->check, s.ports);
	if (r == 0)
		r = resolve_vips(&s);
	if (r == 0)
		r = build_vips(&s);
	if (r == 0) {
		check_nat(&s);
		r = check_serve(&s);
	}
	free(s.vips);
	return r;
}

static int check_services(struct tenant_check *in, const struct tree_node *list)
{
	size_t count = list ? list->count : 0, front_count;
	const struct tree_node *item;
	int r;

	check_find_fronts(in->check, in->index, &front_count);
	if (!count && !front_count)
		return 0;
	in->tenant->services = calloc(count + front_count, sizeof(*in->tenant->services));
	if (!in->tenant->services)
		return -ENOMEM;
	r = check_fronts(in);
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
		r = check_acl(check, schema_find(document, SCHEMA_tenant_config_acl), in.index);
	if (r == 0)
		r = check_pools(check, pools, &in.pools);
	if (r == 0)
		r = check_services(&in, services);
	if (r == 0)
		check_listens(check, &in.listens);
	if (r == 0)
		r = check_routes(&in, schema_find(document, SCHEMA_tenant_config_routes));
	if (r == 0)
		r = check_certificates(&in,
				       schema_find(document, SCHEMA_tenant_config_certificates));
	check_pools_fini(&in.pools);
	names_fini(&in.services);
	check_listens_fini(&in.listens);
	state_fini(&scratch);
	return r;
}
