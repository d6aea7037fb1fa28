// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tenants.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "selftests/host/dice.h"

#define FEED_FIRST 0x0b000000U /* 11.0.0.0 and what follows: neither VIPs nor backends */
#define FEED_STEP  1801U       /* so that a million of them reach to 118.0.0.0 */

static void print_address(FILE *file, uint32_t address)
{
	fprintf(file, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
		address & 255);
}

/* Whoever reads it meanwhile sees the old one or the new one. */
static int finish(FILE *file, const char *fresh, const char *path)
{
	int error = ferror(file);

	error |= fclose(file);
	return error || rename(fresh, path) ? -EIO : 0;
}

int tenants_write_one(const struct tenants *tenants, uint32_t number, uint32_t variant)
{
	struct dice dice = {number};
	char path[128], fresh[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/tenants.d/t%u.yaml", tenants->directory, number);
	snprintf(fresh, sizeof(fresh), "%s/fresh", tenants->directory);
	file = fopen(fresh, "w");
	if (!file)
		return -errno;
	fprintf(file,
		"apiVersion: mtlb/v1\n"
		"kind: TenantConfig\n"
		"metadata: {tenant: t%u}\n",
		number);
	for (uint32_t i = 0; i < tenants->acl_prefixes; i++) {
		uint32_t bits = dice_throw(&dice, 3) ? 32 : 16 + dice_throw(&dice, 16);

		/* each in a /16 of its own: no two are the same */
		fprintf(file, "%s    - ", i ? "" : "acl:\n  deny:\n");
		print_address(file, (20U + i % 200) << 24 |
					    (((i / 200 << 16) | dice_throw(&dice, 1U << 16)) &
					     ~0U << (32 - bits)));
		fprintf(file, "/%u\n", bits);
	}
	fprintf(file,
		"pools:\n"
		"  - name: p\n"
		"    backends:\n"
		"      - {address: 10.%u.%u.1, weight: %u}\n"
		"      - {address: 10.%u.%u.2}\n"
		"services:\n"
		"  - {name: s, vips: [v%u], protocol: TCP, ports: [80], pool: p, forward: ipip}\n",
		128 + number / 256 % 64, number % 256, 1 + variant % 100, 128 + number / 256 % 64,
		number % 256, number);
	return finish(file, fresh, path);
}

static int write_platform(const struct tenants *tenants)
{
	uint32_t count = tenants->count;
	char path[128];
	FILE *file;
	int error;

	snprintf(path, sizeof(path), "%s/platform.yaml", tenants->directory);
	file = fopen(path, "w");
	if (!file)
		return -errno;
	fprintf(file,
		"apiVersion: mtlb/v1\n"
		"kind: Platform\n"
		"metadata: {name: bench}\n"
		"node:\n"
		"  interfaces: [{name: wire, mode: native}]\n"
		"  encapSource: {ipv4: 10.200.0.254}\n"
		"  capacity: {tenants: %u, vips: %u, services: %u, members: %u, slots: %u, "
		"flows: %u, natSources: 0, aclPrefixes: %u, feedPrefixes: %u}\n",
		count + 16, 2 * count + 1024, count + 16, 2 * count + 1024, count * 512 + 65536,
		count * 256 + 65536, count * tenants->acl_prefixes + 16384,
		tenants->feed_prefixes ? tenants->feed_prefixes + 1024 : 0);
	if (tenants->metrics_top)
		fprintf(file, "  metrics: {top: %u, members: %u}\n", tenants->metrics_top,
			3 * tenants->metrics_top);
	if (tenants->feed_prefixes)
		fprintf(file, "denyFeeds: [{name: feed, file: feed.txt}]\n");
	fprintf(file, "vips:\n");
	for (uint32_t i = 0; i < count; i++)
		fprintf(file, "  - {name: v%u, address: 10.%u.%u.1}\n", i, 64 + i / 256 % 64,
			i % 256);
	fprintf(file, "tiers:\n"
		      "  - {name: one, l4: {packets: 100k/s, bits: 1G/s, newFlows: 10k/s, "
		      "flows: 256}}\n"
		      "tenants:\n");
	for (uint32_t i = 0; i < count; i++)
		fprintf(file, "  - {name: t%u, tier: one, vips: [v%u]}\n", i, i);
	error = ferror(file);
	error |= fclose(file);
	return error ? -EIO : 0;
}

int tenants_write_feed(const struct tenants *tenants, uint32_t variant)
{
	char path[128], fresh[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/feed.txt", tenants->directory);
	snprintf(fresh, sizeof(fresh), "%s/fresh", tenants->directory);
	file = fopen(fresh, "w");
	if (!file)
		return -errno;
	for (uint32_t i = 0; i + 1 < tenants->feed_prefixes; i++) {
		/* every third is a network; the step is larger, so no two are the same */
		print_address(file, (FEED_FIRST + i * FEED_STEP) & (i % 3 ? ~0U : ~255U));
		fprintf(file, i % 3 ? "\n" : "/24\n");
	}
	print_address(file, FEED_FIRST + tenants->feed_prefixes * FEED_STEP + 1 + variant);
	fprintf(file, "\n");
	return finish(file, fresh, path);
}

int tenants_write(const struct tenants *tenants)
{
	char path[128];
	int error;

	snprintf(path, sizeof(path), "%s/tenants.d", tenants->directory);
	error = mkdir(path, 0700) && errno != EEXIST ? -errno : write_platform(tenants);
	for (uint32_t i = 0; !error && i < tenants->count; i++)
		error = tenants_write_one(tenants, i, 0);
	if (!error && tenants->feed_prefixes)
		error = tenants_write_feed(tenants, 0);
	return error;
}
