// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "active.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../model/estimate.h"

#define SECOND	   1000000000ULL
#define DEVIATIONS 2 /* 95 times of 100 */

/* Of a tenant that had flows: the other indices cost a pointer. */
struct past {
	char name[STATE_NAME_MAX]; /* whose it is: indices are used again */
	struct mtlb_active quarter[ACTIVE_QUARTERS];
	struct active_figure figure;
	double most; /* since it was last taken */
};

struct active {
	struct registry *registry;
	struct loop *loop;
	struct loop_timer timer;
	uint64_t quarter_ns;
	uint64_t began[ACTIVE_QUARTERS]; /* of the quarters that past holds */
	uint64_t ended;			 /* the last of them; 0: nothing was looked at yet */
	uint32_t count, turn;		 /* quarters there are, and the one that is next */
	struct past **past;		 /* by tenant */
};

static struct past *past_of(const struct active *active, const struct registry_tenant *tenant)
{
	struct past *past = active->past[tenant->index];

	return past && strcmp(past->name, tenant->name) == 0 ? past : NULL;
}

static struct past *add_past(struct active *active, const struct registry_tenant *tenant)
{
	struct past *past = calloc(1, sizeof(*past));

	if (!past)
		return NULL; /* its figure stays what it was: the next quarter tries again */
	memcpy(past->name, tenant->name, sizeof(past->name));
	free(active->past[tenant->index]);
	active->past[tenant->index] = past;
	return past;
}

/* Returns whether any bit is set. */
static bool add_bits(struct mtlb_active *to, const struct mtlb_active *from)
{
	uint64_t any = 0;

	for (size_t i = 0; i < MTLB_ACTIVE_COLUMNS; i++)
		for (size_t j = 0; j < MTLB_ACTIVE_WORDS; j++)
			any |= to->column[i][j] |= from->column[i][j];
	return any;
}

static void count_bits(const struct mtlb_active *active, uint32_t ret_set[MTLB_ACTIVE_COLUMNS])
{
	for (uint32_t i = 0; i < MTLB_ACTIVE_COLUMNS; i++) {
		const __u64 *column = active->column[mtlb_active_column_of_power(1U << i)];

		ret_set[i] = 0;
		for (size_t j = 0; j < MTLB_ACTIVE_WORDS; j++)
			ret_set[i] += (uint32_t)__builtin_popcountll(column[j]);
	}
}

static uint64_t realtime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static void estimate(struct past *past, uint32_t turn)
{
	struct mtlb_active window = past->quarter[turn];
	uint32_t set[MTLB_ACTIVE_COLUMNS];
	struct estimate flows;

	for (size_t i = 0; i < ACTIVE_QUARTERS; i++)
		add_bits(&window, &past->quarter[i]);
	count_bits(&window, set);
	flows = estimate_flows(set, MTLB_ACTIVE_COLUMNS, MTLB_ACTIVE_BITS);
	past->figure.flows = flows.flows;
	past->figure.error = flows.error * DEVIATIONS;
	if (flows.flows > past->most)
		past->most = flows.flows;
	if (flows.flows > past->figure.peak) {
		past->figure.peak = flows.flows;
		past->figure.peak_at = realtime();
	}
}

static void take(struct active *active, const struct registry_tenant *tenant, bool stale)
{
	struct past *past = past_of(active, tenant);
	struct mtlb_active taken, any = {};

	dataplane_take_active(active->registry->dataplane, tenant->index, &taken);
	if (stale)
		memset(&taken, 0, sizeof(taken));
	if (!past && add_bits(&any, &taken))
		past = add_past(active, tenant);
	if (!past)
		return;
	if (stale)
		memset(past->quarter, 0, sizeof(past->quarter));
	past->quarter[active->turn] = taken;
	estimate(past, active->turn);
}

void active_run(struct active *active, uint64_t now)
{
	/* nobody looked for so long that the window would be longer than it ought to be */
	bool stale = !active->ended || now - active->ended > 2 * active->quarter_ns;
	struct registry_tenant *tenant, *next;

	HASH_ITER (by_name, active->registry->tenants, tenant, next)
		take(active, tenant, stale);
	if (stale) {
		active->count = 0;
	} else {
		active->began[active->turn] = active->ended;
		active->turn = (active->turn + 1) % ACTIVE_QUARTERS;
		active->count += active->count < ACTIVE_QUARTERS;
	}
	active->ended = now;
}

static void quarter_over(struct loop_timer *timer)
{
	struct active *active = timer->context;

	active_run(active, loop_now(active->loop));
	loop_timer_set(active->loop, timer, active->quarter_ns);
}

uint64_t active_ns(const struct active *active)
{
	uint32_t first = (active->turn + ACTIVE_QUARTERS - active->count) % ACTIVE_QUARTERS;

	return active->count ? active->ended - active->began[first] : 0;
}

struct active_figure active_get(const struct active *active, const struct registry_tenant *tenant)
{
	const struct past *past = past_of(active, tenant);

	return past ? past->figure : (struct active_figure){};
}

double active_take_most(struct active *active, const struct registry_tenant *tenant)
{
	struct past *past = past_of(active, tenant);
	double most = past ? past->most : 0;

	if (past)
		past->most = 0;
	return most;
}

void active_set_window(struct active *active, uint32_t seconds, uint64_t now)
{
	uint64_t quarter_ns = seconds * SECOND / ACTIVE_QUARTERS;

	if (quarter_ns == active->quarter_ns)
		return;
	active->quarter_ns = quarter_ns;
	active->ended = 0; /* quarters of two lengths make no window */
	active_run(active, now);
	loop_timer_set(active->loop, &active->timer, quarter_ns);
}

int active_new(struct registry *registry, struct loop *loop, struct active **ret_active)
{
	struct active *active = calloc(1, sizeof(*active));

	if (!active)
		return -ENOMEM;
	active->registry = registry;
	active->loop = loop;
	active->timer = (struct loop_timer){.fire = quarter_over, .context = active};
	active->past =
		calloc(dataplane_view(registry->dataplane)->node->tenants, sizeof(struct past *));
	if (!active->past) {
		free(active);
		return -ENOMEM;
	}
	*ret_active = active;
	return 0;
}

void active_free(struct active *active)
{
	uint32_t tenants = dataplane_view(active->registry->dataplane)->node->tenants;

	loop_timer_cancel(active->loop, &active->timer);
	for (uint32_t i = 0; i < tenants; i++)
		free(active->past[i]);
	free(active->past);
	free(active);
}
