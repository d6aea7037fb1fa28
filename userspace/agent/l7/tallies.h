/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the workers count, as mtlbd has it (model/l7/tally.h): a region of memory for each worker,
 * which is there before it and after it, and the directory of whose row is which. Rows are found
 * again by name, so nothing that was counted is lost by a reload or a worker's death. A tenant that
 * goes and comes back begins anew, as it does in the dataplane.
 */
#ifndef MTLB_AGENT_L7_TALLIES_H
#define MTLB_AGENT_L7_TALLIES_H

#include <stdbool.h>

#include "../../model/l7/tally.h"

struct tallies;

int tallies_new(struct tallies **ret_tallies);
void tallies_free(struct tallies *tallies);

/* The region of this worker, made when it is first asked for: a descriptor that stays the callee's,
 * or a negative errno. */
int tallies_fd(struct tallies *tallies, unsigned worker);
/* It is gone: nothing of it is open or in flight. */
void tallies_settle(struct tallies *tallies, unsigned worker);

/* Gives each tenant, pool and route of an image that was just built its row. */
void tallies_assign(struct tallies *tallies, void *image);

/* Of usage: rows of tenants are 1 to below tallies_accounts(). id: of this row and this start of
 * mtlbd, never 0. False: nothing was counted of it. */
uint32_t tallies_accounts(const struct tallies *tallies);
bool tallies_account(const struct tallies *tallies, uint32_t row, uint64_t *ret_id,
		     const char **ret_tenant, struct tally_tenant *ret_sum);

/* Sums over all workers. False: there was never such a one; zeros then. tenant NULL: nobody, whom
 * requests without a tenant are counted for. */
bool tallies_tenant(const struct tallies *tallies, const char *tenant,
		    struct tally_tenant *ret_sum);
/* ret_sum is large. */
bool tallies_times(const struct tallies *tallies, const char *tenant, struct tally_times *ret_sum);
bool tallies_pool(const struct tallies *tallies, const char *tenant, const char *pool,
		  struct tally_pool *ret_sum);
bool tallies_route(const struct tallies *tallies, const char *tenant, const char *route,
		   struct tally_route *ret_sum);

#endif
