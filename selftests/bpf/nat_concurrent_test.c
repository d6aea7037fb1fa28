// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One CPU opens flows that take the same few ports from each other, another one lets replies in at
 * these ports: whatever a reply finds, it is one client's, whole: address, port and way.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "translated.h"

#define CLIENTS	  64 /* 198.51.100.N, from port 1000 + N, and with N in the MAC address */
#define PORTS	  8
#define ENOUGH	  100000 /* flows opened, and replies that found one */
#define PORT_BASE 1000U

struct run {
	int program;
	struct frame opens[CLIENTS], replies[PORTS];
	_Atomic uint64_t opened, returned, mixed;
	struct frame wrong;
};

static bool enough(const struct run *run)
{
	return run->opened >= ENOUGH && run->returned >= ENOUGH;
}

static int test_run(int program, const struct frame *in, struct frame *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->byte,
		    .data_size_in = (uint32_t)in->length, .data_out = out->byte,
		    .data_size_out = sizeof(out->byte));

	if (bpf_prog_test_run_opts(program, &opts))
		return -errno;
	out->length = opts.data_size_out;
	return (int)opts.retval;
}

static void stay(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *open_flows(void *context)
{
	static struct frame out;
	struct run *run = context;

	stay(0);
	while (!enough(run))
		for (size_t i = 0; i < CLIENTS; i++)
			run->opened += test_run(run->program, &run->opens[i], &out) == XDP_TX;
	return NULL;
}

static bool is_whole(const struct frame *frame)
{
	uint8_t client = frame->byte[33]; /* the last byte of the IPv4 destination */
	unsigned int port = (unsigned int)frame->byte[36] << 8 | frame->byte[37];

	return client < CLIENTS && port == PORT_BASE + client && frame->byte[5] == client;
}

static void *let_replies_in(void *context)
{
	static struct frame out;
	struct run *run = context;

	stay(1);
	while (!enough(run))
		for (size_t i = 0; i < PORTS; i++) {
			if (test_run(run->program, &run->replies[i], &out) != XDP_TX)
				continue;
			run->returned++;
			if (!is_whole(&out)) {
				run->mixed++;
				run->wrong = out;
			}
		}
	return NULL;
}

static void replies_are_one_clients(void **state)
{
	static struct run run;
	struct rig *rig = *state;
	pthread_t opener, replier;
	char text[128];

	translated_set(rig, 1);
	run.program = dataplane_program_fd(rig->dataplane);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		snprintf(text, sizeof(text), "eth / ip4 198.51.100.%u > acme / tcp %u > 100 SYN", i,
			 PORT_BASE + i);
		frame_build(&run.opens[i], text, NULL);
		run.opens[i].byte[11] = (uint8_t)i;
	}
	for (unsigned int i = 0; i < PORTS; i++) {
		snprintf(text, sizeof(text),
			 "eth hop > lb / ip4 member > lb / tcp 100 > %u SYN ACK",
			 TRANSLATED_PORT - i);
		frame_build(&run.replies[i], text, &(struct frame_words){.member = KEPT4_TCP});
	}
	assert_int_equal(pthread_create(&opener, NULL, open_flows, &run), 0);
	assert_int_equal(pthread_create(&replier, NULL, let_replies_in, &run), 0);
	pthread_join(opener, NULL);
	pthread_join(replier, NULL);
	print_message("# %llu flows opened, %llu replies returned\n",
		      (unsigned long long)run.opened, (unsigned long long)run.returned);
	if (run.mixed)
		fail_msg("%llu of %llu replies mix clients: MAC ..%02x, address ..%u, port %u",
			 (unsigned long long)run.mixed, (unsigned long long)run.returned,
			 run.wrong.byte[5], run.wrong.byte[33],
			 run.wrong.byte[36] << 8 | run.wrong.byte[37]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_are_one_clients),
	};

	return cmocka_run_group_tests_name("nat_concurrent", tests, rig_setup, rig_teardown);
}
