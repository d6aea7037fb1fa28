// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Meters in units that people count in, whatever the clock says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/agent/meters.h"
#include "userspace/model/level.h"

#define SECOND 1000000000ULL

static const struct mtlb_share none;

static size_t read_at(const struct state_limits *limits, const struct mtlb_meter_time *time,
		      uint64_t now, struct level levels[LEVELS_MAX])
{
	const struct mtlb_meter meter = meters_make(limits);

	return level_read(&meter, time, &none, now, levels);
}

static void no_limits(void **state)
{
	const struct state_limits limits = {.burst_ms = 100};
	const struct mtlb_meter_time time = {};
	struct level levels[LEVELS_MAX];

	(void)state;
	assert_int_equal(read_at(&limits, &time, SECOND, levels), 0);
}

static void rates_and_bursts(void **state)
{
	const struct state_limits limits = {.packets = 10000,
					    .bits = 80000000,
					    .new_flows = 500,
					    .guaranteed = 1000,
					    .burst_ms = 100};
	const struct mtlb_meter_time time = {};
	struct level levels[LEVELS_MAX];

	(void)state;
	assert_int_equal(read_at(&limits, &time, SECOND, levels), 4);
	assert_string_equal(levels[0].meter, "packets");
	assert_int_equal(levels[0].rate, 10000);
	assert_int_equal(levels[0].burst, 1000);
	assert_int_equal(levels[0].reason, MTLB_REASON_over_packets);
	assert_string_equal(levels[1].meter, "bits");
	assert_int_equal(levels[1].rate, 80000000);
	assert_int_equal(levels[1].burst, 8000000);
	assert_string_equal(levels[2].meter, "newFlows");
	assert_int_equal(levels[2].burst, 50);
	assert_string_equal(levels[3].meter, "guaranteed");
	assert_int_equal(levels[3].rate, 1000);
	assert_int_equal(levels[3].reason, MTLB_REASON_go_on);
	for (int i = 0; i < 4; i++)
		assert_true(levels[i].fill == 0);
}

/* What was configured comes back, though the meter has it rounded. */
static void odd_rates(void **state)
{
	static const uint64_t rates[] = {30, 999, 12345, 1000003, 14880952, 999999937};
	const struct mtlb_meter_time time = {};
	struct level levels[LEVELS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
		const struct state_limits limits = {.packets = rates[i], .burst_ms = 1000};

		assert_int_equal(read_at(&limits, &time, SECOND, levels), 1);
		assert_int_equal(levels[0].burst, rates[i]);
	}
}

/* The time of a meter that is ahead of the clock by a part of the burst; at any time of the day,
 * also where ticks wrap. */
static void fill(void **state)
{
	const struct state_limits limits = {.packets = 1000, .burst_ms = 1000};
	const uint64_t nows[] = {SECOND, 1ULL << 56, (1ULL << 56) - SECOND / 4, 86400 * SECOND};
	struct level levels[LEVELS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(nows) / sizeof(*nows); i++) {
		struct mtlb_meter_time time = {};

		time.due[MTLB_METER_PACKETS] = (nows[i] + SECOND / 2) << MTLB_METER_TICK_SHIFT;
		assert_int_equal(read_at(&limits, &time, nows[i], levels), 1);
		assert_true(levels[0].fill > 0.499 && levels[0].fill < 0.501);
		time.due[MTLB_METER_PACKETS] = (nows[i] - SECOND / 2) << MTLB_METER_TICK_SHIFT;
		read_at(&limits, &time, nows[i], levels);
		assert_true(levels[0].fill == 0);
		time.due[MTLB_METER_PACKETS] = (nows[i] + 3 * SECOND) << MTLB_METER_TICK_SHIFT;
		read_at(&limits, &time, nows[i], levels);
		assert_true(levels[0].fill == 1);
	}
}

/* Each has one of its own: as many at once as a second, whatever the burst, and no fill. */
static void each_client(void **state)
{
	const struct state_limits limits = {.client_flows = 20, .burst_ms = 100};
	const struct mtlb_meter_time time = {};
	struct level levels[LEVELS_MAX];
	json_t *json;

	(void)state;
	assert_int_equal(read_at(&limits, &time, SECOND, levels), 1);
	assert_string_equal(levels[0].meter, "newFlowsPerClient");
	assert_int_equal(levels[0].rate, 20);
	assert_int_equal(levels[0].burst, 20);
	assert_int_equal(levels[0].reason, MTLB_REASON_over_client_flows);
	json = level_json(&levels[0], "acme", 7);
	assert_true(json_is_null(json_object_get(json, "fill")));
	assert_int_equal(json_integer_value(json_object_get(json, "dropped")), 7);
	json_decref(json);
}

/* There is room for all that one tenant may have. */
static void all_of_them(void **state)
{
	const struct state_limits limits = {.packets = 1000,
					    .bits = 1000000,
					    .new_flows = 500,
					    .client_flows = 20,
					    .guaranteed = 100,
					    .weight = 1,
					    .burst_ms = 100};
	const struct mtlb_share shared = {.capacity = 1000000};
	const struct mtlb_meter meter = meters_make(&limits);
	const struct mtlb_meter_time time = {};
	struct level levels[LEVELS_MAX];

	(void)state;
	assert_int_equal(level_read(&meter, &time, &shared, SECOND, levels), LEVELS_MAX);
}

static void share(void **state)
{
	const struct state_limits limits = {.weight = 4, .burst_ms = 100};
	const struct mtlb_share shared = {.capacity = 1000000,
					  .fair = 250000ULL << MTLB_FAIR_SHIFT};
	const struct mtlb_meter meter = meters_make(&limits);
	const struct mtlb_meter_time time = {};
	struct level levels[LEVELS_MAX];

	(void)state;
	assert_int_equal(level_read(&meter, &time, &shared, SECOND, levels), 1);
	assert_string_equal(levels[0].meter, "share");
	assert_int_equal(levels[0].rate, 1000000);
	assert_int_equal(levels[0].reason, MTLB_REASON_over_share);
	/* a node without a capacity shares nothing */
	assert_int_equal(level_read(&meter, &time, &none, SECOND, levels), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_limits),   cmocka_unit_test(rates_and_bursts),
		cmocka_unit_test(odd_rates),   cmocka_unit_test(fill),
		cmocka_unit_test(share),       cmocka_unit_test(each_client),
		cmocka_unit_test(all_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
