// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "traffic.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "selftests/bench/lib/traffic.skel.h"

#define CPUS  2U
#define RUNS  20000 /* of the sender, until it is asked whether to go on */
#define BATCH 64U

static struct traffic *skeleton;
static struct sender {
	pthread_t thread;
	uint32_t cpu;
	bool runs;
	int error;
} senders[CPUS];

int traffic_open(const struct wire *wire)
{
	int error;

	skeleton = traffic__open();
	if (!skeleton)
		return -errno;
	skeleton->rodata->traffic_wire = wire->far;
	error = traffic__load(skeleton);
	return error
		       ?: bpf_xdp_attach((int)wire->far,
					 bpf_program__fd(skeleton->progs.traffic_sink),
					 XDP_FLAGS_DRV_MODE, NULL);
}

void traffic_close(void)
{
	traffic__destroy(skeleton);
	skeleton = NULL;
}

uint64_t traffic_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void traffic_wait_ms(uint32_t ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&time, NULL);
}

/* streams */

static uint64_t interval_of(double rate)
{
	return rate > 0 ? (uint64_t)(1e9 * (1 << TRAFFIC_TIME_SHIFT) / rate) : 0;
}

void traffic_set(uint32_t stream, const struct traffic_stream *settings, double rate)
{
	struct traffic_stream *s = &skeleton->bss->traffic_streams[stream];

	*s = *settings;
	s->on = 0;
	s->interval = interval_of(rate);
	s->least = s->least ?: TRAFFIC_FRAME;
}

void traffic_on(uint32_t stream)
{
	struct traffic_stream *s = &skeleton->bss->traffic_streams[stream];

	s->due = traffic_now() << TRAFFIC_TIME_SHIFT;
	__atomic_store_n(&s->on, 1, __ATOMIC_RELEASE);
}

void traffic_off(uint32_t stream)
{
	__atomic_store_n(&skeleton->bss->traffic_streams[stream].on, 0, __ATOMIC_RELEASE);
}

void traffic_rate(uint32_t stream, double rate)
{
	__atomic_store_n(&skeleton->bss->traffic_streams[stream].interval, interval_of(rate),
			 __ATOMIC_RELEASE);
}

void traffic_reset(void)
{
	memset(skeleton->bss->traffic_streams, 0, sizeof(skeleton->bss->traffic_streams));
	memset(skeleton->bss->traffic_came, 0, sizeof(skeleton->bss->traffic_came));
	memset(skeleton->bss->traffic_flows, 0, sizeof(skeleton->bss->traffic_flows));
}

void traffic_reset_delays(void)
{
	for (uint32_t i = 0; i < TRAFFIC_STREAMS; i++)
		memset(skeleton->bss->traffic_came[i].delay, 0,
		       sizeof(skeleton->bss->traffic_came[i].delay));
}

/* sending */

static void *send_streams(void *context)
{
	struct sender *sender = context;
	uint8_t frame[TRAFFIC_FRAME] = {};
	int program = bpf_program__fd(skeleton->progs.traffic_send);
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sender->cpu, &cpus);
	sender->error = -pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	while (!sender->error && !__atomic_load_n(&skeleton->bss->traffic_stop, __ATOMIC_ACQUIRE)) {
		LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame,
			    .data_size_in = sizeof(frame), .repeat = RUNS, .batch_size = BATCH,
			    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

		sender->error = bpf_prog_test_run_opts(program, &options);
	}
	return NULL;
}

static bool sends(uint32_t cpu)
{
	for (uint32_t i = 0; i < TRAFFIC_STREAMS; i++)
		if (skeleton->bss->traffic_streams[i].least &&
		    skeleton->bss->traffic_streams[i].cpu == cpu)
			return true;
	return false;
}

int traffic_start(void)
{
	int error = 0;

	__atomic_store_n(&skeleton->bss->traffic_stop, 0, __ATOMIC_RELEASE);
	for (uint32_t i = 0; !error && i < CPUS; i++) {
		senders[i] = (struct sender){.cpu = i};
		if (!sends(i))
			continue;
		error = -pthread_create(&senders[i].thread, NULL, send_streams, &senders[i]);
		senders[i].runs = !error;
	}
	return error ? traffic_finish(), error : 0;
}

int traffic_finish(void)
{
	int error = 0;

	__atomic_store_n(&skeleton->bss->traffic_stop, 1, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < CPUS; i++) {
		if (senders[i].runs)
			pthread_join(senders[i].thread, NULL);
		senders[i].runs = false;
		error = error ?: senders[i].error;
	}
	return error;
}

/* results */

struct traffic_sample traffic_take(uint32_t stream)
{
	const volatile struct traffic_stream *s = &skeleton->bss->traffic_streams[stream];
	const volatile struct traffic_came *came = &skeleton->bss->traffic_came[stream];
	struct traffic_sample sample;

	do {
		sample.packets = came->packets;
		sample.bytes = came->bytes;
		sample.last = came->last;
		sample.offered = s->offered;
		sample.offered_bytes = s->offered_bytes;
	} while (sample.packets != came->packets);
	return sample;
}

struct traffic_sample traffic_take_refused(uint32_t stream)
{
	uint64_t until = traffic_now() + 1000000000;
	struct traffic_sample sample, before, after;

	do {
		before = traffic_take(stream);
		traffic_wait_ms(1);
		sample = traffic_take(stream);
		traffic_wait_ms(1);
		after = traffic_take(stream);
		/* more than what may be under way */
	} while ((sample.offered - sample.packets < before.offered - before.packets + 2 * BATCH ||
		  after.offered - after.packets < sample.offered - sample.packets + 2 * BATCH) &&
		 traffic_now() < until);
	return sample;
}

void traffic_add_result(uint32_t stream, struct traffic_result *result)
{
	const struct traffic_stream *s = &skeleton->bss->traffic_streams[stream];
	uint32_t count = s->rounds ? s->flows : s->window;

	result->offered += s->offered;
	result->lost += s->offered - skeleton->bss->traffic_came[stream].packets;
	for (uint32_t i = s->first; i < s->first + count; i++) {
		const struct traffic_flow *flow = &skeleton->bss->traffic_flows[i];

		result->flows += flow->sent > 0;
		result->flows_lost += flow->came != flow->sent;
		result->flows_moved += flow->moved > 0;
	}
}

void traffic_delays(uint32_t first, uint32_t last, double *ret_p50_us, double *ret_p99_us)
{
	uint64_t sum[TRAFFIC_DELAYS] = {}, all = 0, seen = 0;
	double *wanted[] = {ret_p50_us, ret_p99_us};
	const double parts[] = {0.5, 0.99};

	for (uint32_t i = 0; i < TRAFFIC_DELAYS; i++) {
		for (uint32_t stream = first; stream <= last; stream++)
			sum[i] += skeleton->bss->traffic_came[stream].delay[i];
		all += sum[i];
	}
	*ret_p50_us = *ret_p99_us = 0;
	for (uint32_t i = 0; i < TRAFFIC_DELAYS; i++) {
		seen += sum[i];
		for (int j = 0; j < 2; j++)
			if (!*wanted[j] && all && (double)seen >= parts[j] * (double)all)
				*wanted[j] = (double)((i + 1) << TRAFFIC_DELAY_SHIFT) / 1000;
	}
}
