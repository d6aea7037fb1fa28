/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How the benchmarks measure: one CPU, this thread's own time, medians. */
#ifndef MTLB_BENCH_MEASURE_H
#define MTLB_BENCH_MEASURE_H

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Of this thread: what another task took on this CPU is not counted. */
static inline double measure_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Seconds of the clock on the wall, for what several processes do. */
static inline double measure_wall_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A figure's line. goal 0: there is none. Returns whether it is held: below. */
static inline bool measure_print(const char *name, double value, const char *unit, double goal)
{
	bool held = !goal || value < goal;

	printf("bench %s %.4g %s", name, value, unit);
	if (goal)
		printf(" goal %g %s", goal, held ? "ok" : "over");
	printf("\n");
	fflush(stdout);
	return held;
}

/* The last CPU: the first one has more interrupts to serve. */
static inline void measure_pin(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((size_t)sysconf(_SC_NPROCESSORS_ONLN) - 1, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		fprintf(stderr, "cannot pin to a CPU: %s\n", strerror(errno));
	setpriority(PRIO_PROCESS, 0, -20);
}

static inline int measure_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts them: the spread is from the first to the last. */
static inline double measure_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), measure_compare);
	return values[count / 2];
}

/* Steps of about the golden section: every flow once a round, and no neighbours in a row. */
static inline uint32_t measure_step(uint32_t count)
{
	uint32_t step = (uint32_t)(count * 0.618034);

	if (count < 3)
		return count - 1;
	for (;; step++) {
		uint32_t a = step, b = count;

		while (b) {
			uint32_t rest = a % b;

			a = b;
			b = rest;
		}
		if (a == 1)
			return step;
	}
}

#endif
