// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The checks as they are told to whoever asks. */
#include <string.h>

#include "set.h"

static int check_order(const struct check *a, const struct check *b)
{
	int order = strcmp(a->key.tenant, b->key.tenant);

	order = order ?: strcmp(a->key.pool, b->key.pool);
	order = order ?: addr_compare(&a->key.address, &b->key.address);
	return order ?: (a->key.port > b->key.port) - (a->key.port < b->key.port);
}

void checks_each(struct checks *checks,
		 void (*each)(void *context, const struct check_status *status), void *context)
{
	struct check *check, *next;

	HASH_SORT(checks->table, check_order);
	HASH_ITER (hh, checks->table, check, next) {
		const struct check_status status = {
			.tenant = check->key.tenant,
			.pool = check->key.pool,
			.address = check->key.address,
			.port = check->key.port,
			.asked = check->port,
			.settings = &check->settings,
			.result = &check->result,
			.way = &check->way,
			.streak = check->health.streak,
			.held_ns = health_held_ns(&check->health, loop_now(checks->loop)),
			.panic = check->pool->panics,
		};

		each(context, &status);
	}
}

void checks_totals(const struct checks *checks, struct checks_totals *ret_totals)
{
	*ret_totals = (struct checks_totals){
		.checks = HASH_COUNT(checks->table),
		.good = checks->good,
		.failed = checks->failed,
	};
}
