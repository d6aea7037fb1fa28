// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The agent's windows of active flows on the fake dataplane: what counts for how long, what is
 * thrown away because nobody knows how old it is, peaks, and indices that are used again.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "selftests/host/dice.h"
#include "userspace/agent/active.h"

#define ACME	1U
#define GLOBEX	2U
#define SECOND	1000000000ULL
#define WINDOW	60U
#define QUARTER (WINDOW / 4 * SECOND)

struct node {
	struct dataplane *dataplane;
	struct registry registry;
	struct loop *loop;
	struct active *active;
	struct dice dice;
	uint64_t now;
};

static struct registry_tenant *add_tenant(struct node *node, uint32_t index, const char *name)
{
	struct registry_tenant *tenant = registry_add_tenant(&node->registry, index, name);

	assert_non_null(tenant);
	assert_int_equal(dataplane_reset_tenant_counters(node->dataplane, index), 0);
	return tenant;
}

static int setup(void **state)
{
	struct dataplane_options options = {.capacity = {.tenants = 3,
							 .vips = 1,
							 .services = 1,
							 .members = 1,
							 .slots = 16,
							 .flow_buckets = 64}};
	struct node *node = calloc(1, sizeof(*node));

	assert_int_equal(dataplane_open_memory(&options, &node->dataplane), 0);
	assert_int_equal(registry_open(&node->registry, node->dataplane), 0);
	assert_int_equal(loop_new(&node->loop), 0);
	add_tenant(node, ACME, "acme");
	add_tenant(node, GLOBEX, "globex");
	assert_int_equal(active_new(&node->registry, node->loop, &node->active), 0);
	node->now = loop_now(node->loop);
	active_set_window(node->active, WINDOW, node->now);
	*state = node;
	return 0;
}

static int teardown(void **state)
{
	struct node *node = *state;

	active_free(node->active);
	loop_free(node->loop);
	registry_close(&node->registry);
	dataplane_close(node->dataplane);
	free(node);
	return 0;
}

/* Flows number first and so on of a tenant's, as packets would note them. */
static void see(const struct node *node, uint32_t tenant, uint32_t first, uint32_t count)
{
	struct mtlb_active *to = (struct mtlb_active *)dataplane_view(node->dataplane)->active;

	for (uint32_t i = first; i < first + count; i++) {
		struct dice dice = {(uint64_t)i << 20};
		uint64_t high = dice_throw(&dice, 0xffffffff), hash;
		uint32_t bit;

		hash = high << 32 | dice_throw(&dice, 0xffffffff);
		bit = mtlb_active_bit(hash);
		to[tenant].column[mtlb_active_column(hash)][bit / 64] |= 1ULL << (bit % 64);
	}
}

static void end_quarter(struct node *node)
{
	node->now += QUARTER;
	active_run(node->active, node->now);
}

static struct active_figure figure_of(const struct node *node, const char *tenant)
{
	return active_get(node->active, registry_tenant(&node->registry, tenant));
}

static void assert_flows(double is, double wanted)
{
	if (fabs(is - wanted) > wanted * 0.1)
		fail_msg("%.1f flows, not %.1f within 10 %%", is, wanted);
}

static void a_flow_counts_for_a_window(void **state)
{
	struct node *node = *state;

	see(node, ACME, 0, 1000);
	end_quarter(node);
	assert_flows(figure_of(node, "acme").flows, 1000);
	assert_true(figure_of(node, "acme").error > 0.02 && figure_of(node, "acme").error < 0.08);
	assert_true(figure_of(node, "globex").flows == 0);
	for (int i = 0; i < 3; i++) {
		end_quarter(node);
		assert_flows(figure_of(node, "acme").flows, 1000);
	}
	end_quarter(node);
	assert_true(figure_of(node, "acme").flows == 0);
	assert_true(figure_of(node, "acme").error == 0);
	assert_flows(figure_of(node, "acme").peak, 1000);
}

/* Those that go on count once; those that come and go all count. */
static void quarters_are_joined(void **state)
{
	struct node *node = *state;

	for (uint32_t i = 0; i < 6; i++) {
		see(node, ACME, 0, 5000);
		see(node, GLOBEX, i * 3000, 3000);
		end_quarter(node);
	}
	assert_flows(figure_of(node, "acme").flows, 5000);
	assert_flows(figure_of(node, "globex").flows, 4 * 3000);
}

static void peaks_stay(void **state)
{
	struct node *node = *state;
	uint64_t at;

	see(node, ACME, 0, 2000);
	end_quarter(node);
	at = figure_of(node, "acme").peak_at;
	assert_true(at != 0);
	for (uint32_t i = 0; i < 9; i++) {
		see(node, ACME, 0, 100);
		end_quarter(node);
	}
	assert_flows(figure_of(node, "acme").flows, 100);
	assert_flows(figure_of(node, "acme").peak, 2000);
	assert_true(figure_of(node, "acme").peak_at == at);
	assert_true(figure_of(node, "globex").peak_at == 0);
}

/* What was noted before the first quarter began may be as old as the dataplane. */
static void what_nobody_saw_is_thrown_away(void **state)
{
	struct node *node = *state;

	assert_int_equal(active_ns(node->active), 0);
	active_free(node->active);
	see(node, ACME, 0, 7000);
	assert_int_equal(active_new(&node->registry, node->loop, &node->active), 0);
	node->now = loop_now(node->loop);
	active_set_window(node->active, WINDOW, node->now);
	assert_int_equal(active_ns(node->active), 0);
	see(node, ACME, 9000, 50);
	end_quarter(node);
	assert_flows(figure_of(node, "acme").flows, 50);
	assert_int_equal(active_ns(node->active), QUARTER);
	end_quarter(node);
	assert_int_equal(active_ns(node->active), 2 * QUARTER);
	for (int i = 0; i < 5; i++)
		end_quarter(node);
	assert_int_equal(active_ns(node->active), 4 * QUARTER);

	/* an agent that stood still */
	see(node, ACME, 20000, 4000);
	node->now += 3 * QUARTER;
	active_run(node->active, node->now);
	assert_int_equal(active_ns(node->active), 0);
	assert_true(figure_of(node, "acme").flows == 0);
	see(node, ACME, 30000, 60);
	end_quarter(node);
	assert_flows(figure_of(node, "acme").flows, 60);
	assert_int_equal(active_ns(node->active), QUARTER);
}

/* A quarter that is a little late is one all the same. */
static void late_is_not_lost(void **state)
{
	struct node *node = *state;

	end_quarter(node);
	see(node, ACME, 0, 500);
	node->now += QUARTER / 2;
	end_quarter(node);
	assert_flows(figure_of(node, "acme").flows, 500);
	assert_int_equal(active_ns(node->active), 2 * QUARTER + QUARTER / 2);
}

static void another_window(void **state)
{
	struct node *node = *state;

	see(node, ACME, 0, 500);
	end_quarter(node);
	active_set_window(node->active, WINDOW, node->now); /* the same: nothing begins anew */
	assert_flows(figure_of(node, "acme").flows, 500);
	active_set_window(node->active, 4, node->now);
	assert_int_equal(active_ns(node->active), 0);
	see(node, ACME, 0, 200);
	for (int i = 0; i < 4; i++) {
		node->now += SECOND;
		active_run(node->active, node->now);
		assert_flows(figure_of(node, "acme").flows, 200);
	}
	assert_int_equal(active_ns(node->active), 4 * SECOND);
	node->now += SECOND;
	active_run(node->active, node->now);
	assert_true(figure_of(node, "acme").flows == 0);
}

/* Another tenant with the index of one that is gone begins with nothing, and has no peak. */
static void an_index_is_used_again(void **state)
{
	struct node *node = *state;

	see(node, ACME, 0, 3000);
	end_quarter(node);
	see(node, ACME, 0, 3000);
	registry_remove_tenant(&node->registry, registry_tenant(&node->registry, "acme"));
	add_tenant(node, ACME, "initech");
	assert_true(figure_of(node, "initech").flows == 0);
	assert_true(figure_of(node, "initech").peak == 0);
	end_quarter(node);
	assert_true(figure_of(node, "initech").flows == 0);
	see(node, ACME, 0, 10);
	end_quarter(node);
	assert_flows(figure_of(node, "initech").flows, 10);
	assert_flows(figure_of(node, "initech").peak, 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_flow_counts_for_a_window),
		TEST(quarters_are_joined),
		TEST(peaks_stay),
		TEST(what_nobody_saw_is_thrown_away),
		TEST(late_is_not_lost),
		TEST(another_window),
		TEST(an_index_is_used_again),
	};

	return cmocka_run_group_tests_name("active", tests, NULL, NULL);
}
