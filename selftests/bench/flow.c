// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What tracking costs a packet, in nanoseconds: just enough of it, a table for every flow, and an
 * LRU_HASH per tenant. All figures are net of the harness, measured in the same rounds, on one CPU
 * of this machine. Every run's verdict is checked, and so is what each design stored: a figure of
 * packets that were not forwarded, or of flows that were not found, fails the benchmark.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flow_maps.h"
#include "measure.h"

#define ROUNDS	       7
#define RUNS	       500000
#define RUNS_NEW_FLOWS 70000
#define MOST_FLOWS     1000000U

enum program {
	PROGRAM_HARNESS,
	PROGRAM_FLOOR,
	PROGRAM_MTLB,
	PROGRAM_LRU,
	PROGRAM_COUNT,
};

/* One figure: a program, the VIP record that tells it how to track, and what the frames are. */
struct figure {
	const char *name;
	const char *rival; /* the figure its ratio refers to */
	enum program program;
	enum flow_record record;
	unsigned stored; /* percent of the runs that may store a flow; 100: all must */
	double net[ROUNDS];
	double unstored; /* share of the runs that found no room */
	double median;
};

struct scenario {
	uint32_t flows;
	uint32_t flags;
	bool fresh;  /* flows nobody has seen, on top of those that are there */
	bool forget; /* empty the flow's bucket before each run */
	struct figure figure[4];
	double harness[ROUNDS];
};

#define ACK 0x10
#define SYN 0x02

#define ESTABLISHED(count, label)                                                                  \
	{                                                                                          \
		.flows = count, .flags = ACK,                                                      \
		.figure = {                                                                        \
			{"just_enough." label, "lru_hash." label, PROGRAM_MTLB, FLOW_JUST_ENOUGH}, \
			{"always." label, "lru_hash." label, PROGRAM_MTLB, FLOW_ALWAYS},           \
			{"lru_hash." label, NULL, PROGRAM_LRU, FLOW_JUST_ENOUGH},                  \
		},                                                                                 \
	}

/* In this order: each leaves its flows behind for the next. */
static struct scenario scenarios[] = {
	{.flows = 1, .flags = ACK, .figure = {{"floor", NULL, PROGRAM_FLOOR, FLOW_JUST_ENOUGH}}},
	ESTABLISHED(1, "1"),
	{.flows = 1,
	 .flags = SYN,
	 .figure = {{"syn_hash.1", "syn_lru_hash.1", PROGRAM_MTLB, FLOW_JUST_ENOUGH},
		    {"syn_lru_hash.1", NULL, PROGRAM_LRU, FLOW_JUST_ENOUGH, .stored = 100}}},
	{.flows = 1,
	 .flags = SYN,
	 .forget = true,
	 .figure = {{"syn_changed.1", "syn_lru_hash.1", PROGRAM_MTLB, FLOW_CHANGED_ONE,
		     .stored = 100},
		    {"syn_always.1", "syn_lru_hash.1", PROGRAM_MTLB, FLOW_ALWAYS_ONE,
		     .stored = 100}}},
	ESTABLISHED(1000, "1k"),
	ESTABLISHED(10000, "10k"),
	ESTABLISHED(100000, "100k"),
	ESTABLISHED(MOST_FLOWS, "1m"),
	{.flows = MOST_FLOWS,
	 .flags = ACK,
	 .figure = {{"changed.1m", "lru_hash.1m", PROGRAM_MTLB, FLOW_CHANGED}}},
	{.flows = MOST_FLOWS,
	 .flags = SYN,
	 .fresh = true,
	 .figure = {{"syn_hash.1m", "syn_lru_hash.1m", PROGRAM_MTLB, FLOW_JUST_ENOUGH},
		    {"syn_changed.1m", "syn_lru_hash.1m", PROGRAM_MTLB, FLOW_CHANGED,
		     .stored = 100},
		    {"syn_always.1m", "syn_lru_hash.1m", PROGRAM_MTLB, FLOW_ALWAYS, .stored = 100},
		    {"syn_lru_hash.1m", NULL, PROGRAM_LRU, FLOW_JUST_ENOUGH, .stored = 100}}},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct flow_maps maps;
static int programs[PROGRAM_COUNT];

static void progress(const char *name, int round)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%s, round %d of %d", name, round + 1, ROUNDS);
}

static void progress_over(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static uint8_t frame_out[512];

static int run_program(enum program program, uint32_t runs, double *ret_ns)
{
	uint8_t frame[FLOW_FRAME_BYTES] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
		    .data_out = frame_out, .data_size_out = sizeof(frame_out), .repeat = (int)runs);
	double start;
	int error;

	maps.control->sent = 0;
	start = measure_ns();
	error = bpf_prog_test_run_opts(programs[program], &options);
	*ret_ns = (measure_ns() - start) / runs;
	if (error) {
		fprintf(stderr, "flow: BPF_PROG_TEST_RUN failed: %s\n", strerror(-error));
		return error;
	}
	if (maps.control->sent != runs) {
		fprintf(stderr, "flow: program %d sent %llu of %u packets\n", program,
			(unsigned long long)maps.control->sent, runs);
		return -EIO;
	}
	return 0;
}

/* The frame that left last: the harness alone returns it as it was, a pipeline in IPIP. */
static int check_frame(enum program program)
{
	const struct iphdr *outer = (const struct iphdr *)(frame_out + 14);
	const struct iphdr *inner = outer + 1;

	if (program == PROGRAM_HARNESS || program == PROGRAM_FLOOR)
		return 0;
	if (outer->protocol == IPPROTO_IPIP && inner->protocol == IPPROTO_TCP &&
	    ntohl(inner->daddr) == FLOW_VIP)
		return 0;
	fprintf(stderr, "flow: program %d did not encapsulate\n", program);
	return -EIO;
}

static void set_frames(uint32_t first, uint32_t count, uint32_t step, uint32_t flags)
{
	maps.control->first = first;
	maps.control->count = count;
	maps.control->step = step;
	maps.control->at = 0;
	maps.control->tcp_flags = flags;
	maps.control->port = htons(FLOW_PORT);
	maps.control->forget = FLOW_FORGET_NONE;
}

/* A SYN and an ACK of each flow, in another order than that in which they will be visited. */
static int establish(const struct figure *figure, uint32_t flows)
{
	double ns;
	int error;

	set_frames(0, flows, flows > 1, SYN);
	error = run_program(figure->program, flows, &ns);
	set_frames(0, flows, flows > 1, ACK);
	return error ?: run_program(figure->program, flows, &ns);
}

static int measure(struct scenario *scenario, struct figure *figure, int round, uint32_t runs,
		   double *ret_ns)
{
	uint32_t flows = scenario->flows, first = 0, step = measure_step(flows);
	uint64_t stored, unstored;
	double ns;
	int error;

	error = flow_maps_use(&maps, figure ? figure->record : FLOW_JUST_ENOUGH);
	if (error)
		return error;
	if (figure && !round && scenario->flags == ACK)
		error = establish(figure, flows);
	if (scenario->fresh) {
		first = MOST_FLOWS + (uint32_t)round * runs;
		flows = runs;
		step = 1;
	}
	/* Untimed: what the program before this one drove out of the caches comes back. */
	set_frames(0, scenario->flows, measure_step(scenario->flows), ACK);
	error = error
			?: run_program(figure ? figure->program : PROGRAM_HARNESS,
				       scenario->flows < RUNS ? RUNS / 10 : scenario->flows, &ns);

	set_frames(first, flows, step, scenario->flags);
	if (scenario->forget)
		maps.control->forget = FLOW_BUCKETS_ONE;
	stored = flow_maps_sum(&maps, MTLB_COUNTER_flows_stored);
	unstored = flow_maps_sum(&maps, MTLB_COUNTER_flows_unstored);
	error = error ?: run_program(figure ? figure->program : PROGRAM_HARNESS, runs, ret_ns);
	if (error || !figure)
		return error;

	stored = flow_maps_sum(&maps, MTLB_COUNTER_flows_stored) - stored;
	unstored = flow_maps_sum(&maps, MTLB_COUNTER_flows_unstored) - unstored;
	/* At half load a bucket of eight is full for one of 20 new flows, and less than one of 50
	 * old. */
	if (unstored > runs / (scenario->fresh ? 16 : 50) ||
	    stored + unstored < (uint64_t)runs * figure->stored / 100 ||
	    (!figure->stored && stored > runs / 50)) {
		fprintf(stderr, "flow: %s: %llu stored and %llu unstored flows in %u runs\n",
			figure->name, (unsigned long long)stored, (unsigned long long)unstored,
			runs);
		return -EIO;
	}
	figure->unstored = (double)unstored / runs;
	return check_frame(figure->program);
}

static int measure_scenario(struct scenario *scenario)
{
	uint32_t runs = scenario->fresh		 ? RUNS_NEW_FLOWS
			: scenario->flows > RUNS ? scenario->flows
						 : RUNS;
	size_t figures = 0;

	while (figures < COUNT_OF(scenario->figure) && scenario->figure[figures].name)
		figures++;
	for (int round = 0; round < ROUNDS; round++) {
		double gross[COUNT_OF(scenario->figure) + 1];

		progress(scenario->figure[0].name, round);
		/* the harness takes its turn among the figures, and every round begins elsewhere */
		for (size_t turn = 0; turn <= figures; turn++) {
			size_t i = (turn + (size_t)round) % (figures + 1);
			struct figure *figure = i < figures ? &scenario->figure[i] : NULL;
			int error = measure(scenario, figure, round, runs, &gross[i]);

			if (error)
				return error;
		}
		scenario->harness[round] = gross[figures];
		for (size_t i = 0; i < figures; i++)
			scenario->figure[i].net[round] = gross[i] - gross[figures];
	}
	return 0;
}

static const struct figure *find_figure(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
		for (size_t j = 0; j < COUNT_OF(scenarios[i].figure); j++) {
			const struct figure *figure = &scenarios[i].figure[j];

			if (figure->name && !strcmp(figure->name, name))
				return figure;
		}
	}
	return NULL;
}

static void print_figures(void)
{
	double floor;

	for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
		struct scenario *scenario = &scenarios[i];

		measure_median(scenario->harness, ROUNDS);
		for (size_t j = 0; j < COUNT_OF(scenario->figure); j++) {
			struct figure *figure = &scenario->figure[j];

			figure->median = measure_median(figure->net, ROUNDS);
		}
	}
	floor = find_figure("floor")->median;
	printf("# net nanoseconds per packet; below each: the spread over %d rounds, the "
	       "harness's\n"
	       "# own cost, which is subtracted, and how much more than the floor program it is\n",
	       ROUNDS);
	for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
		for (size_t j = 0; j < COUNT_OF(scenarios[i].figure); j++) {
			const struct figure *figure = &scenarios[i].figure[j], *rival = NULL;

			if (!figure->name)
				continue;
			if (figure->rival)
				rival = find_figure(figure->rival);
			printf("bench flow.%s %.1f ns", figure->name, figure->median);
			if (rival)
				printf(" ratio %.2f vs flow.%s", rival->median / figure->median,
				       rival->name);
			printf("\n#   %.1f..%.1f ns, harness %.1f ns, floor + %.1f ns",
			       figure->net[0], figure->net[ROUNDS - 1],
			       scenarios[i].harness[ROUNDS / 2], figure->median - floor);
			if (figure->unstored > 0)
				printf(", %.1f %% found no room", 100 * figure->unstored);
			putchar('\n');
		}
	}
}

int main(void)
{
	int error;

	measure_pin();
	error = flow_maps_open(&maps);
	if (error) {
		fprintf(stderr, "flow: cannot set the programs up: %s\n", strerror(-error));
		return 1;
	}
	programs[PROGRAM_HARNESS] = maps.harness_fd;
	programs[PROGRAM_FLOOR] = maps.floor_fd;
	programs[PROGRAM_MTLB] = maps.mtlb_fd;
	programs[PROGRAM_LRU] = maps.lru_fd;
	for (size_t i = 0; i < COUNT_OF(scenarios) && !error; i++)
		error = measure_scenario(&scenarios[i]);
	progress_over();
	if (!error)
		print_figures();
	flow_maps_close(&maps);
	return error ? 1 : 0;
}
