// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reads the logs in which packets tell of the flows they stored (abi/flow.h), and writes the facts
 * where they belong. Packets do not wait for this: an entry that was overwritten is counted as
 * lost, and its flow stays without facts.
 */
#include "internal.h"

#define AHEAD                                                                              \
	8 /* entries between the first touch of a line and its use: a miss takes that long \
	   */

static uint64_t load(const __u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/*
 * Packets count an entry by a plain store after those that fill it. A machine that keeps stores in
 * order shows them so; on any other, wait until no packet is in the middle of it.
 */
static bool wait_for_entries(struct dataplane *dataplane)
{
#if defined(__x86_64__) || defined(__i386__) || defined(__s390x__)
	(void)dataplane;
	return true;
#else
	return !dataplane->ops->grace(dataplane);
#endif
}

static void touch(const struct dataplane *dataplane, const struct mtlb_flow_log *log, uint64_t at)
{
	uint32_t position = log->entry[at % MTLB_FLOW_LOG_ENTRIES].position;

	if (position / MTLB_FLOWS_PER_BUCKET >= dataplane->view.node->flow_buckets)
		return;
	__builtin_prefetch(dataplane->arrays.flows[position / MTLB_FLOWS_PER_BUCKET].hash);
	__builtin_prefetch(&dataplane->arrays.facts[position], 1);
}

static void carry(struct dataplane *dataplane, const struct mtlb_flow_facts *entry)
{
	uint32_t bucket = entry->position / MTLB_FLOWS_PER_BUCKET;
	const __u64 *hash;

	if (bucket >= dataplane->view.node->flow_buckets)
		return;
	/* the place may be another flow's by now, and that one's entry may have been read before */
	hash = &dataplane->arrays.flows[bucket].hash[entry->position % MTLB_FLOWS_PER_BUCKET];
	if (__atomic_load_n(hash, __ATOMIC_RELAXED) == entry->hash)
		dataplane->arrays.facts[entry->position] = *entry;
}

static void read_log(struct dataplane *dataplane, struct mtlb_flow_log *log, uint64_t until)
{
	uint64_t at = log->read;

	if (until - at >= MTLB_FLOW_LOG_ENTRIES) {
		log->lost += until - at - (MTLB_FLOW_LOG_ENTRIES - 1);
		at = until - (MTLB_FLOW_LOG_ENTRIES - 1);
	}
	for (; at != until; at++) {
		struct mtlb_flow_facts entry = log->entry[at % MTLB_FLOW_LOG_ENTRIES];

		/* what has been copied is good unless a packet came round to it meanwhile */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (load(&log->written) - at >= MTLB_FLOW_LOG_ENTRIES) {
			log->lost++;
			continue;
		}
		if (until - at > AHEAD)
			touch(dataplane, log, at + AHEAD);
		carry(dataplane, &entry);
	}
	log->read = until;
}

void dataplane_read_flow_logs(struct dataplane *dataplane)
{
	uint32_t cpus = dataplane->view.node->cpus;
	uint64_t until[cpus];
	bool any = false;

	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		until[cpu] = load(&dataplane->arrays.flow_logs[cpu].written);
		any |= until[cpu] != dataplane->arrays.flow_logs[cpu].read;
	}
	if (!any || !wait_for_entries(dataplane))
		return;
	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		if (until[cpu] != dataplane->arrays.flow_logs[cpu].read)
			read_log(dataplane, &dataplane->arrays.flow_logs[cpu], until[cpu]);
}

uint64_t dataplane_sum_lost_facts(const struct dataplane *dataplane)
{
	uint64_t sum = 0;

	for (uint32_t cpu = 0; cpu < dataplane->view.node->cpus; cpu++)
		sum += dataplane->view.flow_logs[cpu].lost;
	return sum;
}
