// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Durations in buckets, and the memory that workers count in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/model/l7/tally.h"

static void every_value_lies_in_its_bucket(void **state)
{
	(void)state;
	for (uint64_t ns = 0; ns < histogram_begin(HISTOGRAM_BUCKETS); ns += ns / 97 + 1) {
		size_t bucket = histogram_bucket(ns);

		assert_in_range(bucket, 0, HISTOGRAM_BUCKETS - 1);
		assert_true(histogram_begin(bucket) <= ns);
		assert_true(ns < histogram_begin(bucket + 1));
	}
}

static void buckets_are_as_narrow_as_they_say(void **state)
{
	(void)state;
	for (size_t i = 8; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t begin = histogram_begin(i), width = histogram_begin(i + 1) - begin;

		assert_true(width * 8 <= begin);
	}
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	assert_int_equal(histogram_bucket(histogram_begin(HISTOGRAM_BUCKETS)),
			 HISTOGRAM_BUCKETS - 1);
}

static void quantiles_are_within_their_error(void **state)
{
	const double parts[] = {0, 0.5, 0.9, 0.99, 1};
	struct histogram histogram = {};
	const uint64_t most = 10000;

	(void)state;
	assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
	for (uint64_t i = 1; i <= most; i++)
		tally_time(&histogram, i * 100000);
	assert_int_equal(histogram_count(&histogram), most);
	assert_int_equal(histogram.sum_ns, most * (most + 1) / 2 * 100000);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t is = (uint64_t)(parts[i] * (double)(most - 1)) * 100000 + 100000;
		uint64_t said = histogram_quantile(&histogram, parts[i]);
		uint64_t off = said > is ? said - is : is - said;

		assert_true(off * HISTOGRAM_ERROR <= is || off <= HISTOGRAM_UNIT_NS);
	}
}

static void what_took_no_longer_is_counted(void **state)
{
	struct histogram histogram = {};

	(void)state;
	tally_time(&histogram, 1);
	tally_time(&histogram, histogram_begin(20) - 1);
	tally_time(&histogram, histogram_begin(20));
	tally_time(&histogram, UINT64_MAX);
	assert_int_equal(histogram_below(&histogram, 0), 0);
	assert_int_equal(histogram_below(&histogram, histogram_begin(20)), 2);
	assert_int_equal(histogram_below(&histogram, histogram_begin(21)), 3);
	assert_int_equal(histogram_below(&histogram, UINT64_MAX), 4);
}

static void a_region_is_what_was_made(void **state)
{
	size_t size = tally_size(3, 4, 5);
	char *base = aligned_alloc(TALLY_LINE, size);
	struct tally tally;

	(void)state;
	memset(base, 0, size);
	assert_int_equal(tally_open(base, size, &tally), -EINVAL);
	tally_begin(base, 3, 4, 5);
	assert_int_equal(tally_open(base, size - 1, &tally), -EINVAL);
	assert_int_equal(tally_open(base, sizeof(struct tally_head), &tally), -EINVAL);
	assert_int_equal(tally_open(base, size, &tally), 0);
	assert_int_equal(tally.tenants_count, 3);
	assert_ptr_equal(&tally.routes[5], base + size);
	assert_ptr_equal(&tally.tenants[3], tally.times);
	assert_ptr_equal(&tally.times[3], tally.pools);
	assert_ptr_equal(&tally.pools[4], tally.routes);
	((struct tally_head *)(void *)base)->version++;
	assert_int_equal(tally_open(base, size, &tally), -EINVAL);
	free(base);
}

/* What one who is gone had in flight was not answered: requests are still the sum of answers. */
static void what_is_gone_is_settled(void **state)
{
	struct tally_tenant tenant = {.requests = 5, .requests_open = 2, .connections_open = 3},
			    sum;
	struct tally_pool pool = {.requests = 7, .connections_idle = 1, .requests_open = 2};

	(void)state;
	tenant.answers[2] = 3;
	tally_settle_tenant(&tenant);
	tally_settle_pool(&pool);
	assert_int_equal(tenant.requests, 5);
	assert_int_equal(tenant.answers[0], 2);
	assert_int_equal(tenant.requests_open + tenant.connections_open, 0);
	assert_int_equal(pool.requests, 7);
	assert_int_equal(pool.connections_idle + pool.requests_open, 0);
	memset(&sum, 0, sizeof(sum));
	tally_sum_tenant(&sum, &tenant);
	tally_sum_tenant(&sum, &tenant);
	assert_int_equal(sum.requests, 10);
	assert_int_equal(sum.answers[2], 6);
}

static void every_answer_has_a_reason(void **state)
{
	(void)state;
	assert_int_equal(refusal_of(404), REFUSAL_no_route);
	assert_int_equal(refusal_of(431), REFUSAL_bad_request);
	assert_int_equal(refusal_of(503), REFUSAL_no_backend);
	assert_int_equal(refusal_of(599), REFUSAL_internal);
	assert_int_equal(refusal_of(0), REFUSAL_internal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_lies_in_its_bucket),
		cmocka_unit_test(buckets_are_as_narrow_as_they_say),
		cmocka_unit_test(quantiles_are_within_their_error),
		cmocka_unit_test(what_took_no_longer_is_counted),
		cmocka_unit_test(a_region_is_what_was_made),
		cmocka_unit_test(what_is_gone_is_settled),
		cmocka_unit_test(every_answer_has_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
