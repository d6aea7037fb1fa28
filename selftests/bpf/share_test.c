// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The node's capacity, shared: what tenants get who all want more stands to each other as their
 * weights do; what is guaranteed cannot be taken away; what one does not use the others have until
 * it is back. And what counts for more than one packet.
 */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "../../userspace/agent/meters.h"
#include "rig.h"
#include "share_drive.h"
#include "selftests/bpf/share_drive.skel.h"

#define SECOND	 1000000000ULL
#define WINDOWS	 SHARE_WINDOWS
#define WINDOW_S 0.01
#define CAPACITY 200000 /* packets a second */
#define ROUND_NS 250	/* each tenant asks for twenty times that */
#define TENANTS	 SHARE_TENANTS
#define CHUNK	 20000

struct world {
	struct share_drive *program;
	int cpus;
};

/* A world of its own for each test: nothing is left of another one. */
static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct share_drive *program = share_drive__open();

	assert_non_null(world);
	assert_non_null(program);
	world->program = program;
	world->cpus = libbpf_num_possible_cpus();
	program->bss->clock_ns = SHARE_BEGIN_NS;
	program->bss->step_ns = ROUND_NS;
	program->rodata->knob_tenants = TENANTS;
	assert_int_equal(bpf_map__set_max_entries(program->maps.mtlb_meters, TENANTS), 0);
	assert_int_equal(bpf_map__set_max_entries(program->maps.mtlb_meter_times, TENANTS), 0);
	assert_int_equal(bpf_map__set_max_entries(program->maps.mtlb_leases,
						  TENANTS * (uint32_t)world->cpus),
			 0);
	assert_int_equal(share_drive__load(program), 0);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	share_drive__destroy(world->program);
	free(world);
	return 0;
}

static void capacity(const struct world *world, uint64_t packets)
{
	struct mtlb_share share = meters_share(&(struct state_node){.packets = packets});
	uint32_t zero = 0;

	share.fair = packets << MTLB_FAIR_SHIFT;
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(world->program->maps.mtlb_share), &zero,
					     &share, BPF_ANY),
			 0);
}

/* It asks in the windows from from to until, in each `every`th round. */
static void tenant(const struct world *world, uint32_t index, struct state_limits limits,
		   uint32_t from, uint32_t until, uint32_t every)
{
	struct mtlb_meter meter;

	limits.burst_ms = 50;
	meter = meters_make(&limits);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(world->program->maps.mtlb_meters), &index,
					     &meter, BPF_ANY),
			 0);
	world->program->bss->tenants[index].from = from;
	world->program->bss->tenants[index].until = until;
	world->program->bss->tenants[index].every = every;
}

static void run(const struct world *world)
{
	static uint8_t frame[64];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = CHUNK);

	do
		assert_int_equal(bpf_prog_test_run_opts(
					 bpf_program__fd(world->program->progs.share_drive), &run),
				 0);
	while (run.retval == XDP_PASS);
}

/* Packets a second that a tenant got in a range of windows. */
static double given(const struct world *world, uint32_t index, uint32_t from, uint32_t until)
{
	uint64_t sum = 0;

	for (uint32_t window = from; window < until; window++)
		sum += world->program->bss->tenants[index].given[window];
	return (double)sum / ((until - from) * WINDOW_S);
}

static double given_to_all(const struct world *world, uint32_t from, uint32_t until)
{
	double sum = 0;

	for (uint32_t i = 1; i < TENANTS; i++)
		sum += given(world, i, from, until);
	return sum;
}

static void assert_near(double is, double wanted, double part, const char *what)
{
	if (is < wanted * (1 - part) || is > wanted * (1 + part))
		fail_msg("%s: %.3f, not %.3f within %.1f %%", what, is, wanted, part * 100);
}

/* CPUs stand still so long now and then: nobody gets more of it than his share, nor less. */
static void hold_weights(const struct world *world, uint64_t stall_ns)
{
	double one, two, seven;

	world->program->bss->stall_every = 5000000 / ROUND_NS;
	world->program->bss->stall_ns = stall_ns;
	capacity(world, CAPACITY);
	tenant(world, 1, (struct state_limits){.weight = 1}, 0, WINDOWS, 1);
	tenant(world, 2, (struct state_limits){.weight = 2}, 0, WINDOWS, 1);
	tenant(world, 3, (struct state_limits){.weight = 7}, 0, WINDOWS, 1);
	run(world);
	one = given(world, 1, 10, WINDOWS);
	two = given(world, 2, 10, WINDOWS);
	seven = given(world, 3, 10, WINDOWS);
	assert_near(two / one, 2, 0.02, "two of one");
	assert_near(seven / one, 7, 0.02, "seven of one");
	assert_true(one + two + seven < CAPACITY * 1.01);
}

static void weights(void **state)
{
	const struct world *world = *state;

	hold_weights(world, 0);
	assert_near(given_to_all(world, 10, WINDOWS), CAPACITY, 0.03, "all together");
	assert_int_equal(world->program->bss->tenants[1].reason[WINDOWS / 2],
			 MTLB_REASON_over_share);
}

static void short_stalls(void **state)
{
	const struct world *world = *state;

	hold_weights(world, 2000000);
	/* what was missed is made up for */
	assert_true(given_to_all(world, 10, WINDOWS) > CAPACITY * 0.97);
}

static void long_stalls(void **state)
{
	const struct world *world = *state;

	hold_weights(world, 12000000);
	/* five of seventeen milliseconds, and a burst of four */
	assert_true(given_to_all(world, 10, WINDOWS) > CAPACITY * 0.4);
}

/* Without a capacity nobody is refused anything. */
static void nothing_is_shared(void **state)
{
	const struct world *world = *state;

	capacity(world, 0);
	tenant(world, 1, (struct state_limits){.weight = 1}, 0, WINDOWS, 1);
	run(world);
	for (uint32_t window = 0; window < WINDOWS; window++)
		assert_int_equal(world->program->bss->tenants[1].given[window],
				 world->program->bss->tenants[1].asked[window]);
}

/* A guarantee is one however heavy the others are, and what is left is theirs. */
static void guarantee(void **state)
{
	const struct world *world = *state;

	capacity(world, CAPACITY);
	tenant(world, 1, (struct state_limits){.weight = 1, .guaranteed = CAPACITY / 2}, 0, WINDOWS,
	       1);
	tenant(world, 2, (struct state_limits){.weight = 500}, 0, WINDOWS, 1);
	tenant(world, 3, (struct state_limits){.weight = 500}, 0, WINDOWS, 1);
	run(world);
	assert_near(given(world, 1, 20, WINDOWS), CAPACITY / 2, 0.02, "guaranteed");
	assert_near(given(world, 2, 20, WINDOWS), CAPACITY / 4, 0.03, "half of the rest");
	assert_near(given_to_all(world, 20, WINDOWS), CAPACITY, 0.03, "all together");
}

/* Who asks for less than it is guaranteed is never refused, from its first packet on. */
static void below_the_guarantee(void **state)
{
	const struct world *world = *state;
	const struct share_drive__bss *bss = world->program->bss;

	capacity(world, CAPACITY);
	tenant(world, 1, (struct state_limits){.weight = 1, .guaranteed = CAPACITY / 2}, 30,
	       WINDOWS, SECOND / ROUND_NS / (CAPACITY / 2) + 1);
	tenant(world, 2, (struct state_limits){.weight = 1000}, 0, WINDOWS, 1);
	tenant(world, 3, (struct state_limits){.weight = 1000}, 0, WINDOWS, 1);
	run(world);
	for (uint32_t window = 0; window < WINDOWS; window++)
		assert_int_equal(bss->tenants[1].given[window], bss->tenants[1].asked[window]);
	assert_true(given(world, 1, 40, WINDOWS) > CAPACITY * 0.45);
}

/* A ceiling holds, and what it leaves goes to the others. */
static void ceiling(void **state)
{
	const struct world *world = *state;

	capacity(world, CAPACITY);
	tenant(world, 1, (struct state_limits){.weight = 900, .packets = CAPACITY / 4}, 0, WINDOWS,
	       1);
	tenant(world, 2, (struct state_limits){.weight = 1}, 0, WINDOWS, 1);
	run(world);
	assert_near(given(world, 1, 20, WINDOWS), CAPACITY / 4, 0.02, "the ceiling");
	assert_near(given(world, 2, 20, WINDOWS), CAPACITY * 3 / 4, 0.04, "the rest");
}

/* While one is silent the others have it all. Once it is back, what is its own is so in 100 ms. */
static void lent(void **state)
{
	const struct world *world = *state;
	const uint32_t back = 60, settled = back + 10;

	capacity(world, CAPACITY);
	tenant(world, 1, (struct state_limits){.weight = 5}, 0, WINDOWS, 1);
	tenant(world, 2, (struct state_limits){.weight = 5}, back, WINDOWS, 1);
	run(world);
	assert_near(given(world, 1, 10, back), CAPACITY, 0.03, "alone");
	for (uint32_t window = settled; window + 5 <= WINDOWS; window += 5)
		assert_near(given(world, 2, window, window + 5) /
				    given_to_all(world, window, window + 5),
			    0.5, 0.05, "its half");
	assert_near(given(world, 1, settled, WINDOWS), CAPACITY / 2, 0.03, "the other half");
}

/* One of a thousand gets its share as fast as it had to give it up. */
static void lent_to_a_small_one(void **state)
{
	const struct world *world = *state;
	const uint32_t gone = 60, settled = gone + 10;

	capacity(world, CAPACITY);
	tenant(world, 1, (struct state_limits){.weight = 1}, 0, WINDOWS, 1);
	tenant(world, 2, (struct state_limits){.weight = 1000}, 0, gone, 1);
	run(world);
	assert_true(given(world, 1, 10, gone) < CAPACITY / 500);
	assert_near(given(world, 1, settled, WINDOWS), CAPACITY, 0.03, "all of it");
}

/* charges: nothing falls due in a test, so packets are counted off a burst */

#define TO_ACME "eth / ip4 client > acme / tcp 1 > 97 "
#define PASSES	SENT(METERED, DIRECT)

static void charges(void **state)
{
	const struct mtlb_meter none = {};
	struct mtlb_share share = meters_share(
		&(struct state_node){.charge_new_flow = 3, .charge_fragment = 4, .charge_icmp = 2});
	struct mtlb_meter meter = {};
	struct rig rig = {};

	(void)state;
	rig_open(&rig, 0);
	assert_int_equal(dataplane_put_share(rig.dataplane, &share), 0);
	meter.rate[MTLB_METER_PACKETS] = (struct mtlb_meter_rate){
		.interval = 1000 * SECOND << MTLB_METER_INTERVAL_SHIFT,
		.burst = (10 * 1000 * SECOND) << MTLB_METER_TICK_SHIFT,
		.batch = 1,
	};
	assert_int_equal(dataplane_put_meter(rig.dataplane, ACME, &none), 0);
	assert_int_equal(dataplane_put_meter(rig.dataplane, ACME, &meter), 0);
	RIG_CHECK(&rig, TO_ACME "SYN", PASSES, NEW_FLOW);			       /* 3 */
	RIG_CHECK(&rig, TO_ACME "ACK", PASSES);					       /* 4 */
	RIG_CHECK(&rig, "eth / ip4 client > acme id 1 more / tcp 1 > 97 ACK", PASSES); /* 8 */
	RIG_CHECK(&rig, TO_ACME "SYN", DROPPED(ACME, over_packets));
	RIG_CHECK(&rig, TO_ACME "ACK", PASSES); /* 9 */
	RIG_CHECK(&rig, TO_ACME "ACK", PASSES); /* 10 */
	RIG_CHECK(&rig, TO_ACME "ACK", DROPPED(ACME, over_packets));
	rig_close(&rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(weights),
		TEST(short_stalls),
		TEST(long_stalls),
		TEST(nothing_is_shared),
		TEST(guarantee),
		TEST(below_the_guarantee),
		TEST(ceiling),
		TEST(lent),
		TEST(lent_to_a_small_one),
		cmocka_unit_test(charges),
	};

	return cmocka_run_group_tests_name("share", tests, NULL, NULL);
}
