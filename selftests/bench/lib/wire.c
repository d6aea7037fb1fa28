// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "wire.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#define PACKETS 1000000U /* of each CPU */
#define BATCH	64U

int wire_open(struct wire *wire)
{
	if (unshare(CLONE_NEWNET))
		return -errno;
	/* a queue for each CPU, so that none of them works for another */
	if (system("n=$(nproc --all)\n"
		   "ip link add wire numrxqueues $n numtxqueues $n type veth"
		   " peer name far numrxqueues $n numtxqueues $n\n"
		   "ip link set lo up && ip link set wire up && ip link set far up"))
		return -EIO;
	*wire = (struct wire){
		.ifindex = if_nametoindex("wire"),
		.far = if_nametoindex("far"),
	};
	return wire->ifindex && wire->far ? 0 : -ENODEV;
}

int wire_use(struct wire *wire, int generate, int sink, const volatile struct flow_cpu *cpus)
{
	wire->generate = generate;
	wire->sink = sink;
	wire->cpus = cpus;
	return bpf_xdp_attach((int)wire->far, sink, XDP_FLAGS_DRV_MODE, NULL);
}

struct sender {
	const struct wire *wire;
	pthread_barrier_t *start;
	uint32_t cpu;
	uint64_t began, ended;
	int error;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void *send_all(void *argument)
{
	struct sender *sender = argument;
	uint8_t frame[FLOW_FRAME_BYTES] = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = PACKETS, .batch_size = BATCH, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sender->cpu, &cpus);
	sender->error = -pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
	pthread_barrier_wait(sender->start);
	sender->began = now_ns();
	if (!sender->error)
		sender->error = bpf_prog_test_run_opts(sender->wire->generate, &options);
	sender->ended = now_ns();
	return NULL;
}

static uint64_t sunk(const struct wire *wire)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < FLOW_CPUS; i++)
		sum += wire->cpus[i].sunk;
	return sum;
}

int wire_measure(const struct wire *wire, int program, uint32_t cpus, double *ret_mpps)
{
	struct sender senders[FLOW_CPUS];
	pthread_t threads[FLOW_CPUS];
	pthread_barrier_t start;
	uint64_t before, began = UINT64_MAX, ended = 0;
	int error;

	if (cpus > FLOW_CPUS)
		return -E2BIG;
	error = bpf_xdp_attach((int)wire->ifindex, program, XDP_FLAGS_DRV_MODE, NULL);
	if (error)
		return error;
	pthread_barrier_init(&start, NULL, cpus);
	before = sunk(wire);
	for (uint32_t i = 0; i < cpus; i++) {
		senders[i] = (struct sender){.wire = wire, .start = &start, .cpu = i};
		if (pthread_create(&threads[i], NULL, send_all, &senders[i]))
			abort(); /* the others would wait for it for ever */
	}
	for (uint32_t i = 0; i < cpus; i++) {
		pthread_join(threads[i], NULL);
		error = error ?: senders[i].error;
		began = senders[i].began < began ? senders[i].began : began;
		ended = senders[i].ended > ended ? senders[i].ended : ended;
	}
	pthread_barrier_destroy(&start);
	*ret_mpps = (double)(sunk(wire) - before) * 1e3 / (double)(ended - began);
	return error;
}
