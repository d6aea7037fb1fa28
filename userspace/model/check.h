/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What ties the objects of a configuration together: names that must be unique or must exist, who
 * owns an address, what fits the node. Takes documents that schema_check() has seen and fills a
 * struct config; first the Platform document, then each TenantConfig. Errors go to one list, and a
 * value that is wrong is left out, so that it is reported once.
 */
#ifndef MTLB_MODEL_CHECK_H
#define MTLB_MODEL_CHECK_H

#include "config.h"
#include "names.h"
#include "schema.h"

#define CHECK_NOBODY SIZE_MAX

struct check_vip {
	const char *name;
	struct addr address;
	bool echo;
	size_t tenant; /* index into config->state.tenants, or CHECK_NOBODY */
	const struct tree_node *grant;
	uint64_t listed_by; /* number of the last service that listed it */
};

/* What a tier grants each of its tenants. */
struct check_tier {
	uint32_t flows, nat_ports; /* powers of two */
	uint32_t acl_prefixes;
	bool flows_shared;
	bool in_use;	  /* by a tenant that was looked at before */
	const char *name; /* NULL: the defaults, without a tier */
	struct state_limits limits;
	uint32_t http_connections, http_requests, http_handshakes; /* 0: any number */
	uint32_t http_stalled;
	struct state_cookies cookies;
};

/* A name that a tenant's hosts may have, or what its paths begin with: "/...". */
struct check_domain {
	const char *name; /* of a host in lower case */
	const struct tree_node *node;
	size_t tenant;
};

/* A listener on a VIP that is granted to a tenant, in whose name its packets are looked at. */
struct check_front {
	size_t tenant, listener;
	struct addr address;
	const struct tree_node *name, *port; /* of the listener */
};

/* What a tenant may take, of its tier. */
struct check_share {
	size_t first_domain, domain_count; /* of domain_list */
	uint32_t nat_ports;		   /* if it needs any */
	uint32_t acl_prefixes;
	const char *tier; /* NULL: none */
};

struct check {
	struct errors *errors;
	struct config *config;
	const struct tree_node *platform; /* NULL: there is none, or it cannot be read */
	struct names tiers, vips, addresses, nat_sources, tenants, ids, documents, scripts;
	struct names listeners, domains; /* domains: as in domain_list */
	struct check_front *fronts;	 /* by tenant, then listener */
	size_t front_count, front_room;
	struct check_domain *domain_list;
	size_t domain_count, domain_room;
	struct check_vip *vip_list;
	size_t vip_count;
	struct check_tier *tier_list; /* by index of the tier */
	struct check_share *shares;   /* by index of the tenant */
	/* What Platform says about these may be trusted: a typing error in one of its keys must not
	 * make each tenant complain.
	 */
	bool tenants_known, vips_known, scripts_known, listeners_known;
	bool capacity_known; /* it was left out, and node was not wrong */
	bool lacks_encap_ipv4, lacks_encap_ipv6;
	bool lacks_nat; /* there are no NAT sources; or else the first item without: */
	const struct tree_node *lacks_nat_ipv4, *lacks_nat_ipv6;
	/* what the dataplane must hold; 64 bits, since nothing is built beyond the capacity */
	uint64_t vip_entries, services, members, flows, acl_prefixes;
	uint64_t service_number; /* counts services as they are looked at */
};

/* All return 0 or -ENOMEM. */
int check_platform(struct check *check, const struct tree_node *document);
int check_tenant(struct check *check, const struct tree_node *document);
/* The parts of a document that have a file of their own: api, node.usage and node.health;
 * node.filters and denyFeeds; acl, index as in check_vip. */
int check_api(struct check *check, const struct tree_node *platform);
int check_usage(struct check *check, const struct tree_node *platform);
int check_access_log(struct check *check, const struct tree_node *platform);
int check_scripts(struct check *check, const struct tree_node *platform);
/* After check_api(). */
void check_metrics(struct check *check, const struct tree_node *platform);
int check_guard(struct check *check, const struct tree_node *platform);
int check_acl(struct check *check, const struct tree_node *acl, size_t index);
/* After the tenants, which VIPs are granted to. */
int check_listeners(struct check *check, const struct tree_node *platform);
/* Listeners on granted VIPs are services of the VIP's tenant: check_add_front() as they are looked
 * at, check_sort_fronts() after the last; check_idle_fronts() after the last document, for tenants
 * without one.
 */
int check_add_front(struct check *check, const struct check_front *front);
void check_sort_fronts(struct check *check);
/* The first of the tenant's; the others follow. */
const struct check_front *check_find_fronts(const struct check *check, size_t tenant,
					    size_t *ret_count);
int check_idle_fronts(struct check *check);
/* domains and paths of an item of tenants; after all of them check_domains() looks for what two
 * tenants have.
 */
int check_add_domains(struct check *check, const struct tree_node *item, size_t index);
void check_domains(struct check *check);
/* index may be CHECK_NOBODY. */
int check_take_domains(const struct check *check, size_t index, struct wanted *wanted);
/* After the last document: does it fit? */
void check_capacity(struct check *check);

void check_fini(struct check *check);

/* "TEXT; the first is at FILE:LINE:COLUMN", for what must be unique. */
void check_report_twice(struct check *check, const struct tree_node *node,
			const struct tree_node *first, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Adds a name that must be unique; what says which kind of thing it names. -EEXIST: reported. */
int check_add_name(struct check *check, struct names *names, const struct tree_node *node,
		   size_t index, const char *what);

/* `unknown WHAT "NAME"`, with the nearest of names, or else the list where it could be defined. */
void check_refuse_unknown(struct check *check, const struct tree_node *node,
			  const struct names *names, const char *what, const char *list);

/* Why packets cannot be sent to this address ("a multicast address"), or NULL. */
const char *check_unusable(const struct addr *addr);

/* Copies a name the schema has accepted. */
void check_copy_name(char to[STATE_NAME_MAX], const char *name);

#endif
