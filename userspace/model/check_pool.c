// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "check_pool.h"

#include <errno.h>
#include <stdlib.h>

#include "check_health.h"
#include "l7/image.h"

/*
 * Two backends may share an address if each has a port of its own, to which packets are translated;
 * where they are not, the ports differ from the service's. -EEXIST: reported.
 */
static int refuse_twice(struct check *check, const struct tree_node *node,
			const struct check_pool *pool, struct names *seen)
{
	const struct check_backend *backend = &pool->backends[pool->count];
	struct names_entry *entry;
	char text[ADDR_TEXT_MAX];
	int r;

	r = names_add(seen, addr_format(&backend->address, text), node, pool->count, &entry);
	if (r == -EEXIST && backend->port && pool->backends[entry->index].port) {
		addr_format_endpoint(&backend->address, backend->port, text);
		if (backend->port != pool->backends[entry->index].port)
			r = names_add(seen, text, node, pool->count, &entry);
	}
	if (r == -EEXIST)
		check_report_twice(check, node, entry->node, "duplicate backend %s", text);
	return r;
}

static int check_backend(struct check *check, const struct tree_node *item, struct names *seen,
			 struct check_pool *pool)
{
	const struct tree_node *node = schema_find(item, SCHEMA_backend_address);
	struct check_backend *backend = &pool->backends[pool->count];
	char text[ADDR_TEXT_MAX];
	const char *why;
	int r;

	if (!node || addr_parse_endpoint(node->text, &backend->address, &backend->port) < 0)
		return 0;
	addr_format(&backend->address, text);
	why = check_unusable(&backend->address);
	if (why) {
		errors_add(check->errors, tree_place(node),
			   "backend address %s is %s; use the server's own address", text, why);
		return 0;
	}
	if (names_find(&check->addresses, text) || names_find(&check->nat_sources, text)) {
		errors_add(check->errors, tree_place(node),
			   "backend address %s is a %s of this node: packets would come back to "
			   "it; use the server's own address",
			   text, names_find(&check->addresses, text) ? "VIP" : "NAT source");
		return 0;
	}
	r = refuse_twice(check, node, pool, seen);
	if (r < 0)
		return r;
	backend->node = node;
	backend->weight = (uint32_t)schema_number(item, SCHEMA_backend_weight);
	backend->drain = schema_number(item, SCHEMA_backend_state) == 1;
	backend->zone = schema_text(item, SCHEMA_backend_zone);
	backend->server_id = schema_find(item, SCHEMA_backend_serverId);
	backend->server_id_wrong =
		!backend->server_id && schema_written(item, SCHEMA_backend_serverId);
	if (addr_is_ipv4(&backend->address))
		pool->has_ipv4 = true;
	else
		pool->has_ipv6 = true;
	if (!pool->port)
		pool->port = backend->port;
	else if (backend->port && backend->port != pool->port)
		pool->other_port = backend->port;
	pool->count++;
	return 0;
}

const char *check_name_of(struct check *check, const struct tree_node *map, enum schema_key type,
			  enum schema_key name, bool wanted)
{
	const struct tree_node *word = schema_find(map, type), *given = schema_find(map, name);

	if (word && wanted && !schema_written(map, name))
		errors_add(check->errors, tree_place(word),
			   "missing key \"%s\", which type %s goes by; give the name of a %s",
			   schema_rows[name].key, word->text, word->text);
	if (word && !wanted && given)
		errors_add(check->errors, tree_key_place(given),
			   "\"%s\" has no meaning with type %s; leave it out",
			   schema_rows[name].key, word->text);
	return wanted && given ? given->text : NULL;
}

static void take_hash(struct check *check, const struct tree_node *item, struct check_pool *pool)
{
	const struct tree_node *hash = schema_find(item, SCHEMA_pool_hashBy);
	const struct tree_node *type = schema_find(hash, SCHEMA_hash_by_type);

	if (hash && pool->scheduler != IMAGE_MAGLEV &&
	    (schema_find(item, SCHEMA_pool_scheduler) ||
	     !schema_written(item, SCHEMA_pool_scheduler)))
		errors_add(check->errors, tree_key_place(hash),
			   "\"hashBy\" has a meaning with scheduler maglev only; leave it out, or "
			   "write \"scheduler: maglev\"");
	pool->hash_by = type ? (uint8_t)type->number : IMAGE_HASH_SOURCE;
	pool->hash_name = check_name_of(check, hash, SCHEMA_hash_by_type, SCHEMA_hash_by_name,
					pool->hash_by != IMAGE_HASH_SOURCE);
}

/* For routes. */
static void take_balance(struct check *check, const struct tree_node *item, struct check_pool *pool)
{
	static const uint8_t schedulers[] = {IMAGE_ROUND_ROBIN, IMAGE_LEAST_REQUEST, IMAGE_RANDOM2,
					     IMAGE_EWMA, IMAGE_MAGLEV};
	const struct tree_node *breaker = schema_find(item, SCHEMA_pool_circuitBreaker);

	pool->item = item;
	pool->scheduler = schedulers[schema_number(item, SCHEMA_pool_scheduler)];
	if (breaker && !breaker->count)
		errors_add(check->errors, tree_place(breaker),
			   "this \"circuitBreaker\" limits nothing; give it \"maxRequests\" or "
			   "\"ejectAfter\", or leave it out");
	if (schema_written(breaker, SCHEMA_circuit_breaker_maxPending) &&
	    !schema_written(breaker, SCHEMA_circuit_breaker_maxRequests))
		errors_add(
			check->errors, tree_place(breaker),
			"\"maxPending\" has a meaning with \"maxRequests\" only, which is missing");
	pool->max_requests = (uint32_t)schema_number(breaker, SCHEMA_circuit_breaker_maxRequests);
	pool->max_pending = (uint32_t)schema_number(breaker, SCHEMA_circuit_breaker_maxPending);
	pool->eject_after = (uint32_t)schema_number(breaker, SCHEMA_circuit_breaker_ejectAfter);
	if (schema_find(item, SCHEMA_pool_proxyProtocol))
		pool->proxy_protocol =
			(uint8_t)(1 + schema_number(item, SCHEMA_pool_proxyProtocol));
	check_health_header(&pool->health, pool->proxy_protocol);
	take_hash(check, item, pool);
	check_pool_tls(check, schema_find(item, SCHEMA_pool_tls));
}

static int check_pool(struct check *check, const struct tree_node *item, struct check_pool *pool)
{
	const struct tree_node *backends = schema_find(item, SCHEMA_pool_backends), *backend;
	struct names seen = {};
	const struct tree_node *health = schema_find(item, SCHEMA_pool_health);
	int r = check_health(check, health, &pool->health);

	if (r)
		return r;
	pool->via =
		pool->health.via == STATE_VIA_VIP ? schema_find(health, SCHEMA_health_via) : NULL;
	take_balance(check, item, pool);
	pool->drain_deadline_s = (uint32_t)schema_number(item, SCHEMA_pool_drainDeadline);
	pool->slow_start_s = (uint32_t)schema_number(item, SCHEMA_pool_slowStart);
	pool->stick_s = (uint32_t)schema_number(item, SCHEMA_pool_stickWhenDown);
	if (!backends || !backends->count)
		return 0;
	pool->backends = calloc(backends->count, sizeof(*pool->backends));
	if (!pool->backends)
		return -ENOMEM;
	for (backend = schema_first(backends); backend && r != -ENOMEM;
	     backend = schema_next(backend))
		r = check_backend(check, backend, &seen, pool);
	names_fini(&seen);
	return r == -ENOMEM ? r : 0;
}

int check_pools(struct check *check, const struct tree_node *list, struct check_pools *ret_pools)
{
	struct check_pools pools = {};
	const struct tree_node *item;
	int r = 0;

	*ret_pools = pools;
	if (!list || !list->count)
		return 0;
	pools.list = calloc(list->count, sizeof(*pools.list));
	if (!pools.list)
		return -ENOMEM;
	for (item = schema_first(list); item && r != -ENOMEM; item = schema_next(item)) {
		const struct tree_node *name = schema_find(item, SCHEMA_pool_name);

		r = name ? check_add_name(check, &pools.names, name, pools.count, "pool") : 0;
		if (r == -ENOMEM)
			break;
		if (name)
			pools.list[pools.count].name = name->text;
		r = check_pool(check, item, &pools.list[pools.count++]);
	}
	if (r == -ENOMEM)
		check_pools_fini(&pools);
	else
		*ret_pools = pools;
	return r == -ENOMEM ? r : 0;
}

void check_pools_fini(struct check_pools *pools)
{
	for (size_t i = 0; i < pools->count; i++) {
		free(pools->list[i].backends);
		free(pools->list[i].health.question);
	}
	free(pools->list);
	names_fini(&pools->names);
	*pools = (struct check_pools){};
}
