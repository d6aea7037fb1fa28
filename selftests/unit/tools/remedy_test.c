// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* For whatever a packet may be dropped for, something is said that can be done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../../tools/mtlb/trace_tell.h"
#include "../../../userspace/inspect/meaning.h"

static void every_drop_has_one(void **state)
{
	(void)state;
	for (uint32_t reason = 0; reason < MTLB_REASON_COUNT; reason++) {
		const char *remedy = trace_remedy(reason);

		if (!strcmp(meaning_reason_verdict(reason), "drop") && !remedy)
			fail_msg("remedies.def has none for %s", meaning_reason_name(reason));
		if (remedy)
			assert_int_equal(remedy[strlen(remedy) - 1], '.');
	}
	assert_null(trace_remedy(MTLB_REASON_sent));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_drop_has_one),
	};

	return cmocka_run_group_tests_name("tools/remedy", tests, NULL, NULL);
}
