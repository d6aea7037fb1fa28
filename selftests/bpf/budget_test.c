// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Each program stays within its budget of budget.def: what the verifier follows, and how deep its
 * stack gets. Measured on what really runs, with the knobs that the dataplane sets.
 */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "rig.h"
#include "bpf/l4_ingress.skel.h"

#define LOG_STATS    4 /* the verifier's log level for figures alone */
#define LOG_BYTES    65536
#define PROGRAMS     8
#define SUBPROGRAMS  64
#define STACK_ROUND  16 /* the verifier's, with a JIT */
#define MAPS	     64
#define RODATA_BYTES 4096

static const struct budget {
	const char *program;
	uint32_t instructions, stack;
} budgets[] = {
#define PROGRAM(name, instructions, stack) {#name, instructions, stack},
#include "budget.def"
#undef PROGRAM
};

static const struct budget *find_budget(const char *program)
{
	for (size_t i = 0; i < sizeof(budgets) / sizeof(*budgets); i++)
		if (!strcmp(budgets[i].program, program))
			return &budgets[i];
	return NULL;
}

/* The knobs as the dataplane set them: the read-only data of the program that it loaded. */
static size_t read_knobs(const struct rig *rig, uint8_t value[RODATA_BYTES])
{
	__u32 maps[MAPS], zero = 0, size;
	struct bpf_prog_info program = {.nr_map_ids = MAPS, .map_ids = (uintptr_t)maps};

	size = sizeof(program);
	assert_int_equal(
		bpf_obj_get_info_by_fd(dataplane_program_fd(rig->dataplane), &program, &size), 0);
	assert_in_range(program.nr_map_ids, 1, MAPS);
	for (__u32 i = 0; i < program.nr_map_ids; i++) {
		struct bpf_map_info map = {};
		int fd = bpf_map_get_fd_by_id(maps[i]);

		size = sizeof(map);
		assert_int_equal(bpf_obj_get_info_by_fd(fd, &map, &size), 0);
		if (strstr(map.name, ".rodata")) {
			assert_in_range(map.value_size, 1, RODATA_BYTES);
			assert_int_equal(bpf_map_lookup_elem(fd, &zero, value), 0);
			close(fd);
			return map.value_size;
		}
		close(fd);
	}
	fail_msg("the program that was loaded has no knobs");
	return 0;
}

static void set_knobs(struct bpf_object *object, const uint8_t *value, size_t size)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) if (strstr(bpf_map__name(map), ".rodata"))
	{
		assert_int_equal(bpf_map__set_initial_value(map, value, size), 0);
		return;
	}
	fail_msg("the object has no knobs");
}

struct graph {
	const struct bpf_insn *insns;
	size_t count;
	size_t begin[SUBPROGRAMS + 1]; /* sorted: instruction where each begins; the end */
	uint32_t depth[SUBPROGRAMS];
	size_t subprograms;
};

static bool is_call(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL;
}

static bool is_callback(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW) && insn->src_reg == BPF_PSEUDO_FUNC;
}

static int compare(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static size_t target(const struct graph *graph, size_t at)
{
	return (size_t)((long)at + graph->insns[at].imm + 1);
}

static size_t find_subprogram(const struct graph *graph, size_t begin)
{
	for (size_t i = 0; i < graph->subprograms; i++)
		if (graph->begin[i] == begin)
			return i;
	fail_msg("instruction %zu begins no subprogram", begin);
	return 0;
}

static void find_subprograms(struct graph *graph, const struct bpf_program *program)
{
	graph->insns = bpf_program__insns(program);
	graph->count = bpf_program__insn_cnt(program);
	graph->begin[0] = 0;
	graph->subprograms = 1;
	for (size_t i = 0; i < graph->count; i++) {
		bool known = false;

		if (!is_call(&graph->insns[i]) && !is_callback(&graph->insns[i]))
			continue;
		for (size_t j = 0; j < graph->subprograms; j++)
			known |= graph->begin[j] == target(graph, i);
		if (known)
			continue;
		assert_in_range(graph->subprograms, 1, SUBPROGRAMS - 1);
		graph->begin[graph->subprograms++] = target(graph, i);
	}
	qsort(graph->begin, graph->subprograms, sizeof(*graph->begin), compare);
	graph->begin[graph->subprograms] = graph->count;
}

/* "stack depth 160+8+0": one figure for each subprogram, in the order in which they lie. */
static void read_depths(struct graph *graph, const char *log)
{
	const char *at = strstr(log, "stack depth ");
	size_t count = 0;

	if (!at)
		fail_msg("the verifier says nothing of the stack:\n%s", log);
	at += strlen("stack depth ");
	do {
		char *end;

		assert_in_range(count, 0, SUBPROGRAMS - 1);
		graph->depth[count++] = (uint32_t)strtoul(at, &end, 10);
		at = end + 1;
	} while (at[-1] == '+');
	assert_int_equal(count, graph->subprograms);
}

/* Calls do not recurse: the verifier has seen to it. */
static uint32_t deepest(const struct graph *graph, size_t subprogram)
{
	uint32_t below = 0, own = graph->depth[subprogram] ?: 1;

	for (size_t i = graph->begin[subprogram]; i < graph->begin[subprogram + 1]; i++) {
		uint32_t there;

		if (!is_call(&graph->insns[i]) && !is_callback(&graph->insns[i]))
			continue;
		there = deepest(graph, find_subprogram(graph, target(graph, i)));
		below = there > below ? there : below;
	}
	return (own + STACK_ROUND - 1) / STACK_ROUND * STACK_ROUND + below;
}

struct cost {
	char program[64];
	uint32_t instructions, stack;
};

static struct cost measure(const struct bpf_program *program, const char *log)
{
	struct bpf_prog_info info = {};
	static struct graph graph;
	__u32 size = sizeof(info);
	struct cost cost;

	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size), 0);
	find_subprograms(&graph, program);
	read_depths(&graph, log);
	snprintf(cost.program, sizeof(cost.program), "%s", bpf_program__name(program));
	cost.instructions = info.verified_insns;
	cost.stack = deepest(&graph, 0);
	return cost;
}

static size_t measure_all(const struct rig *rig, char logs[PROGRAMS][LOG_BYTES],
			  struct cost costs[PROGRAMS])
{
	static uint8_t knobs[RODATA_BYTES];
	struct l4_ingress *skeleton = l4_ingress__open();
	struct bpf_program *program;
	size_t programs = 0;

	assert_non_null(skeleton);
	set_knobs(skeleton->obj, knobs, read_knobs(rig, knobs));
	bpf_object__for_each_program(program, skeleton->obj)
	{
		assert_in_range(programs, 0, PROGRAMS - 1);
		bpf_program__set_log_level(program, LOG_STATS);
		bpf_program__set_log_buf(program, logs[programs++], LOG_BYTES);
	}
	assert_int_equal(l4_ingress__load(skeleton), 0);
	programs = 0;
	bpf_object__for_each_program(program, skeleton->obj)
	{
		costs[programs] = measure(program, logs[programs]);
		programs++;
	}
	l4_ingress__destroy(skeleton);
	return programs;
}

static void programs_keep_their_budgets(void **state)
{
	static char logs[PROGRAMS][LOG_BYTES];
	struct cost costs[PROGRAMS];
	size_t programs = measure_all(*state, logs, costs);

	for (size_t i = 0; i < programs; i++) {
		const struct budget *budget = find_budget(costs[i].program);

		if (!budget)
			fail_msg("%s has no line in budget.def: it takes %u instructions, %u bytes",
				 costs[i].program, costs[i].instructions, costs[i].stack);
		print_message("%s: %u instructions of %u, %u bytes of stack of %u\n",
			      costs[i].program, costs[i].instructions, budget->instructions,
			      costs[i].stack, budget->stack);
		assert_int_not_equal(costs[i].instructions, 0);
		if (costs[i].instructions > budget->instructions || costs[i].stack > budget->stack)
			fail_msg("%s is over its budget in budget.def; the verifier's figures:\n%s",
				 costs[i].program, logs[i]);
	}
	/* nor is there a line without its program */
	assert_int_equal(programs, sizeof(budgets) / sizeof(*budgets));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_keep_their_budgets),
	};

	return cmocka_run_group_tests_name("budget", tests, rig_setup, rig_teardown);
}
