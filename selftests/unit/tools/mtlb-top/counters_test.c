// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "selftests/unit/tools/mtlb-top/top.h"

#include <errno.h>
#include <string.h>

#include "tools/mtlb-top/counters.h"
#include "tools/mtlb-top/words.h"

#define HEAD(generation)                                                                  \
	"{\"generation\":" generation                                                     \
	",\"columns\":[\"packets\",\"bytes\",\"newFlows\",\"activeFlows\"],\"reasons\":[" \
	"\"go_on\",\"no_member\"]"
#define LIMITS ",\"limits\":{\"acme\":[256,1000,2000,3000],\"bulk\":[512,0,0,0]}"
#define TENANTS                                                                  \
	",\"tenants\":{\"-\":[0,0,0,0],\"acme\":[1,2,3,4,1,99],\"bulk\":[5,6,7," \
	"18446744073709551615]}}"

static int parse(struct counters *counters, const char *text, struct sample *sample)
{
	return counters_parse(counters, text, strlen(text), sample);
}

static void limits_are_kept_until_the_next_generation(void **state)
{
	struct counters counters = {};
	struct sample sample = {};
	const struct row *acme;

	(void)state;
	assert_int_equal(parse(&counters, HEAD("4") TENANTS, &sample), -ESTALE);
	assert_int_equal(parse(&counters, HEAD("4") LIMITS TENANTS, &sample), 0);
	sample_clear(&sample);
	assert_int_equal(parse(&counters, HEAD("4") TENANTS, &sample), 0);
	assert_int_equal(sample.rows[RECORD_TENANT].count, 3);
	assert_int_equal(sample.rows[RECORD_DROP].count, 1);
	assert_string_equal(sample.rows[RECORD_DROP].row[0].text[0], "acme");
	assert_string_equal(sample.rows[RECORD_DROP].row[0].text[1], "no_member");
	assert_int_equal(sample.rows[RECORD_DROP].row[0].value[0], 99);
	acme = &sample.rows[RECORD_TENANT].row[1];
	assert_int_equal(acme->value[VALUE_NEW_FLOWS], 3);
	assert_int_equal(acme->value[TENANT_ACTIVE], 4);
	assert_int_equal(acme->value[TENANT_QUOTA], 256);
	assert_int_equal(acme->value[TENANT_LIMITS + 2], 3000);
	assert_true(sample.rows[RECORD_TENANT].row[2].value[TENANT_ACTIVE] == UINT64_MAX);
	assert_true(sample_has(&sample, RECORD_TENANT) && sample_has(&sample, RECORD_DROP));
	assert_int_equal(parse(&counters, HEAD("5") TENANTS, &sample), -ESTALE);
	counters_forget(&counters);
	assert_int_equal(parse(&counters, HEAD("4") TENANTS, &sample), -ESTALE);
	sample_fini(&sample);
}

static void what_is_not_just_so_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"{}",
		"{\"generation\":-1",
		HEAD("x"),
		HEAD("4") LIMITS,
		HEAD("4") LIMITS ",\"tenants\":{}",
		HEAD("4") LIMITS ",\"tenants\":{}} ",
		HEAD("4") LIMITS ",\"tenants\":{\"a\":[1,2,3]}}",
		HEAD("4") LIMITS ",\"tenants\":{\"a\":[1,2,3,4,5]}}",
		HEAD("4") LIMITS ",\"tenants\":{\"a\":[1,2,3,4,2,5]}}",
		HEAD("4") LIMITS ",\"tenants\":{\"a\":[1,2,3,4,300,5]}}",
		HEAD("4") LIMITS ",\"tenants\":{\"a\":[1,2,3,-4]}}",
		HEAD("4") LIMITS ",\"tenants\":{\"a\":[1,2,3,18446744073709551616]}}",
		HEAD("4") LIMITS ",\"tenants\":{\"a b\":[1,2,3,4]}}",
		HEAD("4") LIMITS ",\"tenants\":{\"a\\u0062\":[1,2,3,4]}}",
		HEAD("4") LIMITS ",\"tenants\":{\"a\":[1,2,3,4]\"b\":[1,2,3,4]}}",
		HEAD("4") LIMITS ",\"tenants\":{\"a",
		HEAD("4") ",\"limits\":{\"a\":[1,2,3]},\"tenants\":{}}",
		HEAD("4") ",\"limits\":{\"a\":[1,2,3,4],\"a\":[1,2,3,4]},\"tenants\":{}}",
		HEAD("4") ",\"limits\":{",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct counters counters = {};
		struct sample sample = {};

		if (parse(&counters, cases[i], &sample) != -EPROTO)
			fail_msg("case %zu was taken", i);
		assert_int_equal(sample.kinds, 0);
		counters_forget(&counters);
		sample_fini(&sample);
	}
}

static void a_node_without_tenants(void **state)
{
	struct counters counters = {};
	struct sample sample = {};

	(void)state;
	assert_int_equal(parse(&counters, HEAD("1") ",\"limits\":{},\"tenants\":{\"-\":[0,0,0,0]}}",
			       &sample),
			 0);
	sample_clear(&sample);
	/* a tenant that looks at itself, and is not there any more */
	assert_int_equal(parse(&counters, HEAD("1") ",\"tenants\":{}}", &sample), 0);
	assert_int_equal(sample.rows[RECORD_TENANT].count, 0);
	sample_fini(&sample);
}

static int forget(void **state)
{
	(void)state;
	words_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_are_kept_until_the_next_generation),
		cmocka_unit_test(what_is_not_just_so_is_refused),
		cmocka_unit_test(a_node_without_tenants),
	};

	return cmocka_run_group_tests_name("counters", tests, NULL, forget);
}
