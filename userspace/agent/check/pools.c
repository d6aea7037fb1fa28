// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Pools as their checks see them: how much of each is up, and whether that is believed. */
#include "set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* key: of a pool, or of one of its checks. */
static struct pool *find_pool(const struct checks *checks, const void *key)
{
	struct pool *pool;

	HASH_FIND(hh, checks->pools, key, sizeof(pool->key), pool);
	return pool;
}

void pools_leave(struct check *check)
{
	struct checks *checks = check->checks;
	struct pool *pool = check->pool;

	pool->down -= check->health.state == HEALTH_DOWN;
	if (--pool->total)
		return;
	HASH_DEL(checks->pools, pool);
	free(pool);
}

int pools_join(struct check *check)
{
	struct checks *checks = check->checks;
	struct pool *pool = find_pool(checks, &check->key);

	if (!pool) {
		pool = calloc(1, sizeof(*pool));
		if (!pool)
			return -ENOMEM;
		memcpy(&pool->key, &check->key, sizeof(pool->key));
		HASH_ADD(hh, checks->pools, key, sizeof(pool->key), pool);
		if (!pool->hh.tbl) {
			free(pool);
			return -ENOMEM;
		}
	}
	pool->total++;
	pool->down += check->health.state == HEALTH_DOWN;
	check->pool = pool;
	return 0;
}

void pools_judge(struct checks *checks, struct pool *pool)
{
	bool panics = health_panics(pool->total, pool->down, pool->threshold);
	struct pool_key key = pool->key;
	size_t total = pool->total, up = total - pool->down;

	if (pool->panics == panics)
		return;
	pool->panics = panics;
	if (checks->events.panic)
		checks->events.panic(checks->events.context, key.tenant, key.pool, panics, up,
				     total);
}

bool checks_panics(const struct checks *checks, const char *tenant, const char *name)
{
	struct pool_key key = {};
	const struct pool *pool;

	snprintf(key.tenant, sizeof(key.tenant), "%s", tenant);
	snprintf(key.pool, sizeof(key.pool), "%s", name);
	pool = find_pool(checks, &key);
	return pool && pool->panics;
}

void checks_judge(struct checks *checks)
{
	struct pool *pool, *next;

	HASH_ITER (hh, checks->pools, pool, next)
		pools_judge(checks, pool);
}
