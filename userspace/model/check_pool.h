/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pools of one TenantConfig: backends and how they are checked, before a service uses them.
 */
#ifndef MTLB_MODEL_CHECK_POOL_H
#define MTLB_MODEL_CHECK_POOL_H

#include "check.h"

struct check_backend {
	const struct tree_node *node; /* its address */
	struct addr address;
	uint16_t port; /* 0: none given */
	uint32_t weight;
	bool drain;
	const char *zone;		   /* NULL: none */
	const struct tree_node *server_id; /* NULL: not given, or wrong */
	bool server_id_wrong;
};

struct check_pool {
	const char *name;
	const struct tree_node *item;
	struct check_backend *backends;
	size_t count;
	bool has_ipv4, has_ipv6;
	uint16_t port, other_port; /* the first two different ports of backends; 0: none */
	bool encap_reported;
	unsigned int quic_checked; /* a bit for each length of server ID */
	struct state_health health;
	const struct tree_node *via; /* of its health; NULL: not given, or an error was told */
	uint32_t drain_deadline_s, stick_s, slow_start_s;
	uint8_t scheduler;		    /* enum image_scheduler */
	uint8_t hash_by;		    /* enum image_hash_by */
	const char *hash_name;		    /* NULL: none */
	uint32_t max_requests, max_pending; /* 0: any number; none */
	uint32_t eject_after;		    /* 0: never */
	uint8_t proxy_protocol;		    /* version; 0: none */
	size_t routed; /* 1 and its index among the pools of routes; 0: none uses it */
};

struct check_pools {
	struct check_pool *list;
	size_t count;
	struct names names;
};

/* 0 or -ENOMEM. list may be NULL. */
int check_pools(struct check *check, const struct tree_node *list, struct check_pools *ret_pools);
/* tls of a pool; may be NULL. */
void check_pool_tls(struct check *check, const struct tree_node *tls);
/* A name that goes with some types and not with others: NULL when there is none, or it was
 * reported. */
const char *check_name_of(struct check *check, const struct tree_node *map, enum schema_key type,
			  enum schema_key name, bool wanted);
void check_pools_fini(struct check_pools *pools);

#endif
