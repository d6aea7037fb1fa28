// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A bucket of fragments that tenants share: nobody gets more than his places of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "../../bpf/abi/fragment.h"
#include "selftests/bpf/fragment_share.skel.h"

#define SHARED 40 /* a bucket of no tenant's */

struct share {
	struct fragment_share *program;
	struct mtlb_fragment_bucket bucket;
};

static void store(struct share *share, uint32_t tag, uint32_t target, uint32_t stamp,
		  uint32_t own_first, uint32_t own_count)
{
	static uint8_t frame[64];
	uint32_t at = SHARED;
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame));

	share->program->bss->at = at;
	share->program->bss->word = mtlb_flow_word(tag, target, stamp, MTLB_FRAGMENT_REPLY);
	share->program->bss->own_first = own_first;
	share->program->bss->own_count = own_count;
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(share->program->progs.fragment_share), &run),
		0);
	assert_int_equal(run.retval, 1);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(share->program->maps.mtlb_fragments), &at,
					     &share->bucket),
			 0);
}

/* How many targets there are from first on, count of them. */
static uint32_t count_targets(const struct share *share, uint32_t first, uint32_t count)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
		found += share->bucket.word[i] &&
			 mtlb_flow_member(share->bucket.word[i]) - first < count;
	return found;
}

static void a_shared_bucket(void **state)
{
	struct share share = {.program = fragment_share__open()};

	(void)state;
	assert_non_null(share.program);
	assert_int_equal(bpf_map__set_max_entries(share.program->maps.mtlb_fragments, SHARED + 1),
			 0);
	assert_int_equal(fragment_share__load(share.program), 0);
	/* one tenant alone gets two places, and its own oldest goes */
	store(&share, 1, 1000, 100, 1000, 100);
	store(&share, 2, 1099, 101, 1000, 100);
	store(&share, 3, 1050, 102, 1000, 100);
	assert_int_equal(count_targets(&share, 0, 1U << 20), 2);
	assert_int_equal(count_targets(&share, 1000, 1), 0);
	/* neighbours on either side are others */
	store(&share, 4, 999, 102, 900, 100);
	store(&share, 5, 1100, 102, 1100, 100);
	assert_int_equal(count_targets(&share, 0, 1U << 20), 4);
	/* a full bucket: the oldest of all goes, as long as the newcomer has fewer than two */
	store(&share, 6, 900, 103, 900, 100);
	store(&share, 7, 1199, 103, 1100, 100);
	store(&share, 8, 1200, 103, 1200, 100);
	store(&share, 9, 1201, 103, 1200, 100);
	assert_int_equal(count_targets(&share, 0, 1U << 20), 8);
	store(&share, 10, 1300, 104, 1300, 100);
	assert_int_equal(count_targets(&share, 1000, 100), 1);
	assert_int_equal(count_targets(&share, 1300, 100), 1);
	/* a flood takes nothing more from anybody */
	for (uint32_t i = 0; i < 50; i++)
		store(&share, 100 + i, 1200 + i, 105, 1200, 100);
	assert_int_equal(count_targets(&share, 1200, 100), 2);
	assert_int_equal(count_targets(&share, 900, 100), 2);
	assert_int_equal(count_targets(&share, 1000, 100), 1);
	assert_int_equal(count_targets(&share, 1100, 100), 2);
	assert_int_equal(count_targets(&share, 1300, 100), 1);
	/* the same datagram keeps its place, to wherever it leads now */
	store(&share, 149, 1299, 106, 1200, 100);
	assert_int_equal(count_targets(&share, 1249, 1), 0);
	assert_int_equal(count_targets(&share, 1299, 1), 1);
	assert_int_equal(count_targets(&share, 1200, 100), 2);
	/* expired ones are nobody's any more */
	store(&share, 200, 1210, 106 + MTLB_FRAGMENT_LIFE + 1, 1200, 100);
	store(&share, 201, 1211, 106 + MTLB_FRAGMENT_LIFE + 1, 1200, 100);
	assert_int_equal(count_targets(&share, 1210, 2), 2);
	fragment_share__destroy(share.program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shared_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
