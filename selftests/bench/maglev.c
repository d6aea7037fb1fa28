// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a Maglev table costs to build, how even it is, and how many slots change owner for nothing
 * when members fail. The sizes are those of the paper (Eisenbud et al., NSDI 2016, section 5.3);
 * its tables of 65,537 slots are no size that maglev_size() picks, but are comparable.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../userspace/model/maglev.h"

#define ROUNDS	   15
#define MEMBER_MAX 20000
#define PAPER	   65537U

/* Member i of a pool is 10.0.x.y, and writes i + 1 into its slots. */
static void name_members(struct maglev_member *members, size_t count, uint32_t weight)
{
	for (size_t i = 0; i < count; i++) {
		struct addr address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0,
					(uint8_t)(i >> 8), (uint8_t)i}};

		members[i] = (struct maglev_member){.weight = weight, .owner = (uint32_t)i + 1};
		maglev_identify(&members[i], &address, 0);
	}
}

/* Of this thread alone: another one that takes the CPU is no cost of the table. */
static double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median of ROUNDS builds, in ms of CPU time; negative: failed. */
static double build(struct maglev_member *members, size_t count, uint32_t size, uint32_t *slots)
{
	double times[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_ms();
		int error = maglev_fill(members, count, size, slots);

		if (error) {
			fprintf(stderr, "maglev: %zu members, %u slots: %s\n", count, size,
				strerror(-error));
			return -1;
		}
		times[round] = now_ms() - start;
	}
	qsort(times, ROUNDS, sizeof(*times), by_value);
	return times[ROUNDS / 2];
}

static void spread(const uint32_t *slots, uint32_t size, size_t count, uint32_t *ret_least,
		   uint32_t *ret_most)
{
	static uint32_t shares[MEMBER_MAX];

	memset(shares, 0, sizeof(shares));
	for (uint32_t i = 0; i < size; i++)
		shares[slots[i] - 1]++;
	*ret_least = *ret_most = shares[0];
	for (size_t i = 1; i < count; i++) {
		*ret_least = shares[i] < *ret_least ? shares[i] : *ret_least;
		*ret_most = shares[i] > *ret_most ? shares[i] : *ret_most;
	}
}

/* one: the weight of a single member, all others have 1 (scaled by weight). */
static int bench_build(const char *name, size_t count, uint32_t size, uint32_t weight, uint32_t one)
{
	struct maglev_member *members = calloc(count, sizeof(*members));
	uint32_t *slots = calloc(size, sizeof(*slots)), least, most;
	double ms = -1;

	if (!members || !slots)
		goto done;
	name_members(members, count, weight);
	members[0].weight = one;
	ms = build(members, count, size, slots);
	if (ms < 0)
		goto done;
	spread(slots, size, count, &least, &most);
	printf("bench maglev.build_%s %.3f ms\n", name, ms);
	printf("#   %zu members, %u slots; least and most loaded: %u and %u slots\n", count, size,
	       least, most);
done:
	free(members);
	free(slots);
	return ms < 0 ? -1 : 0;
}

/* Members failed..count - 1 are left of a pool of count, in the order of their addresses. */
static int bench_failures(size_t count)
{
	static const size_t percents[] = {1, 2, 5, 10, 25, 50, 75, 90};
	struct maglev_member *members = calloc(count, sizeof(*members));
	uint32_t *before = calloc(PAPER, sizeof(*before)), *after = calloc(PAPER, sizeof(*after));
	int error = members && before && after ? 0 : -ENOMEM;

	if (error)
		goto done;
	name_members(members, count, 1);
	error = maglev_fill(members, count, PAPER, before);
	printf("# %zu members, %u slots: slots of members that stay, but change owner\n", count,
	       PAPER);
	for (size_t i = 0; i < sizeof(percents) / sizeof(*percents) && !error; i++) {
		size_t failed = percents[i] * count / 100, left = 0;
		uint32_t kept = 0, moved = 0;

		failed = failed ? failed : 1;
		name_members(members, count, 1); /* filling sorted them */
		for (size_t j = failed; j < count; j++)
			members[left++] = members[j];
		error = maglev_fill(members, left, PAPER, after);
		for (uint32_t slot = 0; slot < PAPER && !error; slot++) {
			kept += before[slot] > failed;
			moved += before[slot] > failed && before[slot] != after[slot];
		}
		printf("#   %2zu %% failed (%zu): %.2f %%\n", percents[i], failed,
		       100.0 * moved / kept);
		if (percents[i] == 1)
			printf("bench maglev.moved_by_one_percent_failing_of_%zu %.2f %%\n", count,
			       100.0 * moved / kept);
	}
done:
	free(members);
	free(before);
	free(after);
	return error;
}

int main(void)
{
	int error = 0;

	error |= bench_build("paper", 1000, PAPER, 1, 1);
	error |= bench_build("paper_scaled", 1000, PAPER, MAGLEV_WEIGHT_SCALE, MAGLEV_WEIGHT_SCALE);
	error |= bench_build("slow_start", 1000, PAPER, MAGLEV_WEIGHT_SCALE, 1);
	error |= bench_build("skewed", 1000, PAPER, 1, MAGLEV_WEIGHT_MAX);
	error |= bench_build("ten", 10, 2039, 1, 1);
	error |= bench_build("largest", 20000, 2097143, 1, 1);
	error |= bench_build("largest_skewed", 20000, 2097143, 1, MAGLEV_WEIGHT_MAX);
	error |= bench_failures(100);
	error |= bench_failures(1000);
	return error ? 1 : 0;
}
