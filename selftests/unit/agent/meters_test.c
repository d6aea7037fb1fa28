// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From what a tier sells to what a packet meets: exact rates, useful bursts, and no overflow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/agent/meters.h"

#define SECOND	     1000000000ULL
#define LARGEST	     66000U /* bytes of an IP packet */
#define TICKS_SECOND (SECOND << MTLB_METER_TICK_SHIFT)

static uint64_t ticks(const struct mtlb_meter_rate *rate, uint64_t units)
{
	return (uint64_t)((unsigned __int128)units * rate->interval >>
			  (MTLB_METER_INTERVAL_SHIFT - MTLB_METER_TICK_SHIFT));
}

static void check_rate(const struct mtlb_meter_rate *rate, uint64_t per_second, uint32_t largest)
{
	uint64_t need = rate->batch > largest ? rate->batch : largest;

	/* a second's worth takes a second, to 0.01 % */
	assert_in_range(ticks(rate, per_second), TICKS_SECOND - TICKS_SECOND / 10000, TICKS_SECOND);
	assert_true(rate->batch >= 1);
	/* what is taken at once can be had */
	assert_true(ticks(rate, need) <= rate->burst);
	/* as the program computes it, in 64 bits */
	assert_true(need <= UINT64_MAX / rate->interval);
	/* the burst is far from where times wrap */
	assert_true(rate->burst < (uint64_t)INT64_MAX / 4);
}

static void rates(void **state)
{
	static const uint64_t values[] = {1,	 3,	  10,	    999,       1000,	  12345,
					  50000, 1000000, 14880952, 100000000, 1000000000};
	static const uint32_t bursts[] = {1, 100, 10000};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		for (size_t j = 0; j < sizeof(bursts) / sizeof(bursts[0]); j++) {
			/* from the least to the most that the configuration allows */
			uint64_t bytes = values[i] < 125000000 ? values[i] * 1000 : 125000000000;
			struct state_limits limits = {.packets = values[i],
						      .bits = bytes * 8,
						      .new_flows = values[i],
						      .burst_ms = bursts[j]};
			struct mtlb_meter meter = meters_make(&limits);

			check_rate(&meter.rate[MTLB_METER_PACKETS], values[i], 1);
			check_rate(&meter.rate[MTLB_METER_BYTES], bytes, LARGEST);
			check_rate(&meter.rate[MTLB_METER_FLOWS], values[i], 1);
			assert_int_equal(meter.per_second[MTLB_METER_BYTES], limits.bits);
			assert_int_equal(meters_flags(&meter), MTLB_VIP_METERED);
		}
}

static void bursts(void **state)
{
	struct state_limits limits = {.packets = 100000, .new_flows = 50, .burst_ms = 200};
	struct mtlb_meter meter = meters_make(&limits);
	uint64_t one = ticks(&meter.rate[MTLB_METER_PACKETS], 1);

	(void)state;
	assert_int_equal(meter.rate[MTLB_METER_PACKETS].burst / one, 20000);
	assert_int_equal(meter.rate[MTLB_METER_PACKETS].batch, 10);
	one = ticks(&meter.rate[MTLB_METER_FLOWS], 1);
	assert_int_equal(meter.rate[MTLB_METER_FLOWS].burst / one, 10);
	assert_int_equal(meter.rate[MTLB_METER_FLOWS].batch, 1);
	assert_int_equal(meters_flags(&meter), MTLB_VIP_METER_PACKETS | MTLB_VIP_METER_FLOWS);
	assert_int_equal(meter.rate[MTLB_METER_BYTES].interval, 0);
}

/* As many in a second as were sold, within one of a hundred, and never one more at once. */
static void clients(void **state)
{
	static const uint64_t values[] = {1, 3, 20, 300, 777, 989, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct state_limits limits = {.client_flows = values[i]};
		struct mtlb_meter meter = meters_make(&limits);

		assert_int_equal(MTLB_CLIENT_SECOND / meter.client_interval, values[i]);
		assert_in_range(meter.client_interval * values[i], MTLB_CLIENT_SECOND * 99 / 100,
				MTLB_CLIENT_SECOND);
		assert_int_equal(meter.client_per_second, values[i]);
		assert_int_equal(meters_flags(&meter), MTLB_VIP_METER_FLOWS);
		assert_int_equal(meter.rate[MTLB_METER_FLOWS].interval, 0);
	}
}

/* What is guaranteed can be had in the batches that are taken, of whatever size. */
static void shares(void **state)
{
	static const uint64_t values[] = {1, 10, 1000, 50000, 10000000};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		for (size_t j = i; j < sizeof(values) / sizeof(values[0]); j++) {
			struct state_limits limits = {.guaranteed = values[i],
						      .packets = values[j],
						      .weight = 3,
						      .burst_ms = 1};
			struct mtlb_meter meter = meters_make(&limits);

			check_rate(&meter.guarantee, values[i], 1);
			check_rate(&meter.rate[MTLB_METER_PACKETS], values[j], 1);
			assert_true(ticks(&meter.guarantee, meter.rate[MTLB_METER_PACKETS].batch) <=
				    meter.guarantee.burst);
			limits.packets = 0;
			meter = meters_make(&limits);
			assert_true(meter.rate[MTLB_METER_PACKETS].batch >= 1);
			assert_true(ticks(&meter.guarantee, meter.rate[MTLB_METER_PACKETS].batch) <=
				    meter.guarantee.burst);
			assert_int_equal(meters_flags(&meter), MTLB_VIP_METER_PACKETS);
		}
}

static void none(void **state)
{
	struct state_limits limits = {};
	struct mtlb_meter meter = meters_make(&limits), zero = {};

	(void)state;
	assert_memory_equal(&meter, &zero, sizeof(meter));
	assert_int_equal(meters_flags(&meter), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates), cmocka_unit_test(bursts), cmocka_unit_test(clients),
		cmocka_unit_test(none),	 cmocka_unit_test(shares),
	};

	return cmocka_run_group_tests_name("meters", tests, NULL, NULL);
}
