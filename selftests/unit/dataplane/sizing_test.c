// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The table of memory in docs/operations.md against the layout of the maps: what one more of each
 * capacity takes, once and for each CPU, and what is there anyway. Hashes are counted as the kernel
 * makes them; that all of it together is what a real node takes, selftests/lab/docs.sh shows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/dataplane/internal.h"

#define MANY 1024 /* of one more of them: roundings go */

/* An element that the kernel allocates beforehand, and at most two places for each. */
#define HASH_ELEMENT  48
#define HASH_PLACES   32
#define EIGHTS(bytes) (((bytes) + 7) / 8 * 8)

static double hash(size_t key, size_t value, double count)
{
	return count * (double)(HASH_ELEMENT + EIGHTS(key) + EIGHTS(value) + HASH_PLACES);
}

static double bytes(const struct dataplane_capacity *capacity, uint32_t cpus)
{
	double sum = hash(sizeof(struct mtlb_vip_key), sizeof(struct mtlb_vip_index),
			  dataplane_keys(capacity->vips, capacity->nat_sources));

	sum += hash(sizeof(struct mtlb_quic_key), sizeof(struct mtlb_quic_value),
		    capacity->members);
	for (int i = 0; i < DATAPLANE_ARRAY_COUNT; i++)
		sum += (double)dataplane_array_length(i, capacity, cpus) *
		       (double)dataplane_array_size(i);
	return sum;
}

/* The least there is, with one address to translate to: without any, its buckets are not there. */
static const struct dataplane_capacity LEAST = {.flow_buckets = MTLB_NAT_BUCKETS, .nat_sources = 1};

static struct dataplane_capacity more(const char *key)
{
	struct dataplane_capacity capacity = LEAST;

	if (!strcmp(key, "tenants"))
		capacity.tenants += MANY;
	else if (!strcmp(key, "vips"))
		capacity.vips += MANY;
	else if (!strcmp(key, "services"))
		capacity.services += MANY;
	else if (!strcmp(key, "members"))
		capacity.members += MANY;
	else if (!strcmp(key, "slots"))
		capacity.slots += MANY * MTLB_SLOTS_PER_LINE;
	else if (!strcmp(key, "flows"))
		capacity.flow_buckets += MANY * MTLB_NAT_BUCKETS;
	else if (!strcmp(key, "natSources"))
		capacity.nat_sources += MANY;
	else if (!strcmp(key, "aclPrefixes"))
		capacity.acl_prefixes += MANY;
	else if (!strcmp(key, "feedPrefixes"))
		capacity.feed_prefixes += MANY;
	else
		fail_msg("docs/operations.md has a capacity that nobody knows: %s", key);
	return capacity;
}

/* How many of a key more() adds. */
static double added(const char *key)
{
	if (!strcmp(key, "slots"))
		return MANY * MTLB_SLOTS_PER_LINE;
	if (!strcmp(key, "flows"))
		return (double)MANY * MTLB_NAT_BUCKETS * MTLB_FLOWS_PER_BUCKET;
	return MANY;
}

static double each(const char *key, uint32_t cpus)
{
	struct dataplane_capacity capacity = more(key);

	return (bytes(&capacity, cpus) - bytes(&LEAST, cpus)) / added(key);
}

/* Of a row: within a percent, as people round. */
static void expect(const char *key, const char *what, double wanted, double written)
{
	if (written < wanted * 0.99 - 0.01 || written > wanted * 1.01 + 0.01)
		fail_msg("docs/operations.md, %s: %s are %.1f bytes, not %.1f", key, what, wanted,
			 written);
}

/* "| `key` | bytes | for each CPU |" */
static bool read_row(const char *line, char ret_key[32], double *ret_bytes, double *ret_cpu)
{
	return sscanf(line, "| `%31[a-zA-Z]` | %lf | %lf |", ret_key, ret_bytes, ret_cpu) == 3;
}

static void table(void **state)
{
	FILE *file = fopen("docs/operations.md", "r");
	char line[1024], key[32];
	double written, cpu;
	int rows = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (!read_row(line, key, &written, &cpu))
			continue;
		rows++;
		expect(key, "one", each(key, 1) - (each(key, 2) - each(key, 1)), written);
		expect(key, "of each CPU", each(key, 2) - each(key, 1), cpu);
	}
	fclose(file);
	assert_int_equal(rows, 9);
}

/* "| whatever there is | bytes | for each CPU |": arrays without any capacity, and two rings. */
static void fixed(void **state)
{
	const double rings = (1 << 20) + (1 << 21);
	struct dataplane_capacity none = {};
	FILE *file = fopen("docs/operations.md", "r");
	char line[1024];
	double written, cpu;
	int rows = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		double once = 2 * bytes(&none, 1) - bytes(&none, 2);

		if (sscanf(line, "| in any case | %lf | %lf |", &written, &cpu) != 2)
			continue;
		rows++;
		expect("in any case", "they", rings + once, written);
		expect("in any case", "of each CPU", bytes(&none, 2) - bytes(&none, 1), cpu);
	}
	fclose(file);
	assert_int_equal(rows, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(fixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
