// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Active flows, estimated from what the real program notes of real packets: which packets count,
 * and how far the estimate is off, measured on a million flows: ten thousand times a hundred of
 * them, a hundred times ten thousand, and all.
 */
#include <linux/bpf.h>
#include <math.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../userspace/model/estimate.h"
#include "rig.h"

#define SMALL	 100U
#define MIDDLE	 10000U
#define LARGE	 1000000U
#define ERROR	 0.029 /* of one estimate, standard deviation: what abi/active.h says */
#define WILD	 5     /* deviations: once in two million estimates */
#define IP6_FROM 8     /* bytes into the IPv6 header */

static void add(struct mtlb_active *to, const struct mtlb_active *from)
{
	for (size_t i = 0; i < MTLB_ACTIVE_COLUMNS; i++)
		for (size_t j = 0; j < MTLB_ACTIVE_WORDS; j++)
			to->column[i][j] |= from->column[i][j];
}

static double estimate(const struct mtlb_active *active)
{
	uint32_t set[MTLB_ACTIVE_COLUMNS] = {};

	for (uint32_t i = 0; i < MTLB_ACTIVE_COLUMNS; i++)
		for (size_t j = 0; j < MTLB_ACTIVE_WORDS; j++)
			set[i] += (uint32_t)__builtin_popcountll(
				active->column[mtlb_active_column_of_power(1U << i)][j]);
	return estimate_flows(set, MTLB_ACTIVE_COLUMNS, MTLB_ACTIVE_BITS).flows;
}

static uint32_t take(const struct rig *rig, enum rig_tenant tenant)
{
	struct mtlb_active active;

	dataplane_take_active(rig->dataplane, tenant, &active);
	return (uint32_t)(estimate(&active) + 0.5);
}

/* Of a few flows some may have set the same bit: two of six are one once in a hundred times. */
static void assert_counted(const struct rig *rig, enum rig_tenant tenant, uint32_t flows)
{
	uint32_t is = take(rig, tenant);

	if (is > flows + 1 || is + (flows + 1) / 3 < flows)
		fail_msg("%u flows are estimated as %u", flows, is);
}

static void run(const struct rig *rig, const char *text, int verdict)
{
	struct frame frame;

	frame_build(&frame, text, NULL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(rig_repeat(rig, &frame, 1), verdict);
}

static void what_counts(void **state)
{
	static const char *const count[] = {
		"eth / ip4 client > acme / tcp 1 > 80 ACK",
		"eth / ip6 client > acme / tcp 1 > 80 ACK",
		"eth / ip4 client > acme / tcp 2 > 84 FIN ACK",
		"eth / ip4 client > acme / udp 1 > 80 / 9 bytes",
		"eth / ip6 client > acme / udp 1 > 86 / 9 bytes",
		"eth / ip4 client > acme / sctp 1 > 80 DATA",
	};
	struct rig *rig = *state;

	for (uint32_t i = 0; i < sizeof(count) / sizeof(count[0]); i++)
		run(rig, count[i], XDP_TX);
	assert_counted(rig, GLOBEX, 0);
	assert_counted(rig, ACME, sizeof(count) / sizeof(count[0]));
	/* taken is taken, until the next packet */
	assert_int_equal(take(rig, ACME), 0);
	run(rig, count[0], XDP_TX);
	assert_counted(rig, ACME, 1);
	/* what this node's own stack gets */
	run(rig, "eth / ip4 client > globex / udp 1 > 500 / 9 bytes", XDP_PASS);
	run(rig, "eth / ip4 client > globex / tcp 1 > 80 ACK", XDP_TX);
	assert_counted(rig, ACME, 0);
	assert_counted(rig, GLOBEX, 2);
}

static void what_does_not(void **state)
{
	static const struct {
		const char *frame;
		int verdict;
	} rows[] = {
		{"eth / ip4 client > acme / tcp 1 > 80 SYN", XDP_TX},
		{"eth / ip4 client > acme / tcp 1 > 500 SYN", XDP_PASS},
		{"eth / ip4 client > acme / sctp 1 > 80 INIT", XDP_TX},
		{"eth / ip4 host > acme / icmp 3 code 1 / ip4 acme > client / tcp 80 > 1 ACK",
		 XDP_TX},
		{"eth / ip4 client > acme / tcp 1 > 70 ACK", XDP_DROP}, /* no next hop */
		{"eth / ip4 client > acme / tcp 1 > 61 ACK", XDP_DROP}, /* no member */
		{"eth / ip4 client > acme / tcp 1 > 9 ACK", XDP_DROP},	/* no service */
		{"eth / ip4 client > host / tcp 1 > 80 ACK", XDP_PASS},
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		run(rig, rows[i].frame, rows[i].verdict);
		if (take(rig, ACME) || take(rig, GLOBEX) || take(rig, NODE))
			fail_msg("it counts: %s", rows[i].frame);
	}
}

/* A flood with forged sources, of SYN alone. */
static void a_flood_of_syn(void **state)
{
	struct rig *rig = *state;
	struct frame frame;

	frame_build(&frame, "eth / ip6 client > acme / tcp 1 > 80 SYN", NULL);
	for (uint32_t i = 0; i < MIDDLE; i++) {
		memcpy(&frame.byte[frame.l3 + IP6_FROM + 4], &i, sizeof(i));
		assert_int_equal(rig_repeat(rig, &frame, 1), XDP_TX);
	}
	assert_int_equal(take(rig, ACME), 0);
}

struct error {
	double squares, most;
	uint32_t count;
};

static void note(struct error *error, const struct mtlb_active *active, uint32_t flows)
{
	double off = fabs(estimate(active) / flows - 1);

	error->squares += off * off;
	error->most = off > error->most ? off : error->most;
	error->count++;
}

static double tell(const struct error *error, uint32_t flows)
{
	double deviation = sqrt(error->squares / error->count);

	print_message("%7u flows, %5u times: off by %.2f %% (standard deviation), %.2f %% at "
		      "most\n",
		      flows, error->count, deviation * 100, error->most * 100);
	return deviation;
}

static void how_far_off(void **state)
{
	struct mtlb_active now, middle = {}, large = {};
	struct error of_small = {}, of_middle = {}, of_large = {};
	struct rig *rig = *state;
	struct frame frame;

	take(rig, ACME);
	frame_build(&frame, "eth / ip6 client > acme / tcp 1 > 80 ACK", NULL);
	for (uint32_t i = 1; i <= LARGE; i++) {
		memcpy(&frame.byte[frame.l3 + IP6_FROM + 4], &i, sizeof(i));
		if (rig_repeat(rig, &frame, 1) != XDP_TX)
			fail_msg("packet %u is not forwarded", i);
		if (i % SMALL)
			continue;
		dataplane_take_active(rig->dataplane, ACME, &now);
		note(&of_small, &now, SMALL);
		add(&middle, &now);
		if (i % MIDDLE)
			continue;
		note(&of_middle, &middle, MIDDLE);
		add(&large, &middle);
		middle = (struct mtlb_active){};
	}
	note(&of_large, &large, LARGE);
	print_message("a sketch takes %zu bytes: %.1f MB for 10,000 tenants\n", sizeof(large),
		      sizeof(large) * 1e4 / 1e6);
	assert_true(tell(&of_small, SMALL) < 0.022);
	assert_true(tell(&of_middle, MIDDLE) < ERROR * 1.3); /* of a hundred: four deviations */
	tell(&of_large, LARGE);
	assert_true(of_small.most < WILD * ERROR);
	assert_true(of_middle.most < WILD * ERROR);
	assert_true(of_large.most < WILD * ERROR);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_counts),
		cmocka_unit_test(what_does_not),
		cmocka_unit_test(a_flood_of_syn),
		cmocka_unit_test(how_far_off),
	};

	return cmocka_run_group_tests_name("active", tests, rig_setup, rig_teardown);
}
