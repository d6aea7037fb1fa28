// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What it takes to list a full flow table: 4,194,304 flows of a tenant on a node whose other tenant
 * has traffic meanwhile. mtlb reads the pinned maps; its time, its memory, and what the traffic
 * lost are printed, a line per figure. Exits with 1 when one that has a goal is over it, or when
 * the list has not as many lines as there are flows.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <libgen.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "isolation/victim.h"
#include "lib/node.h"
#include "lib/traffic.h"
#include "measure.h"
#include "userspace/inspect/view.h"

#define FLOWS	 4194304U
#define BUCKETS	 (FLOWS / MTLB_FLOWS_PER_BUCKET)
#define TEXT	 8192
#define RSS_MB	 64.0
#define QUIET_MS 2000

#define PLATFORM                                                                          \
	"  capacity: {tenants: 8, vips: 64, services: 16, members: 256, slots: 256k,"     \
	" flows: 5M, natSources: 0}\n"                                                    \
	"vips: [{name: v1, address: 192.0.2.1}, {name: v2, address: 192.0.2.2}]\n"        \
	"tiers: [{name: large, l4: {flows: 4194304}}, {name: small, l4: {flows: 64k}}]\n" \
	"tenants:\n"                                                                      \
	"  - {name: full, tier: large, vips: [v1]}\n"                                     \
	"  - {name: victim, tier: small, vips: [v2]}\n"

static unsigned over;
static char bpffs[64], mtlb[PATH_MAX];

static void print(const char *name, double value, const char *unit, double goal)
{
	char whole[64];

	snprintf(whole, sizeof(whole), "inspect.%s", name);
	over += !measure_print(whole, value, unit, goal);
}

/* the table, filled as packets would have */

static void *map_writable(const char *name, size_t size)
{
	char path[128];
	void *memory;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", bpffs, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return NULL;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return memory == MAP_FAILED ? NULL : memory;
}

struct owner {
	uint32_t first, member, service;
};

/* Where the flows are to stand, and the member that they are with. */
static int find_owner(struct owner *ret)
{
	struct view view;
	struct err err;
	uint32_t tenant;

	if (view_open(&view, bpffs, &err)) {
		fprintf(stderr, "inspect: %s\n", err.text);
		return -EIO;
	}
	tenant = view_find_tenant(&view, "full");
	*ret = (struct owner){.first = view.tenants[tenant].flow_first};
	for (uint32_t i = 1; i < view.node->members && !ret->member; i++)
		if (view_tenant_of(&view, view.members[i].service) == tenant)
			*ret = (struct owner){ret->first, i, view.members[i].service};
	if (!tenant || !ret->member || view.tenants[tenant].flow_count != BUCKETS)
		ret->member = 0;
	view_close(&view);
	return ret->member ? 0 : -ENOENT;
}

static void fill_place(const struct owner *owner, struct mtlb_flow_bucket *bucket,
		       struct mtlb_flow_facts *facts, uint32_t b, uint32_t i)
{
	uint64_t ns = traffic_now(), hash;
	uint32_t number = b * MTLB_FLOWS_PER_BUCKET + i;

	hash = (uint64_t)(number * 2654435761U >> 4) << 24 | b;
	*facts = (struct mtlb_flow_facts){
		.hash = hash,
		.source.word = {0, 0, htonl(0xffff), htonl(0x0a000000U + (number >> 8))},
		.destination.word = {0, 0, htonl(0xffff), htonl(NODE_VIP(1))},
		.source_port = htons((uint16_t)(1024 + (number & 0xff))),
		.destination_port = htons(NODE_TCP),
		.service = owner->service,
		.first_seen = ns,
		.position = (owner->first + b) * MTLB_FLOWS_PER_BUCKET + i,
		.protocol = IPPROTO_TCP,
	};
	bucket->hash[i] = hash;
	bucket->word[i] =
		mtlb_flow_word(mtlb_flow_tag_of(hash), owner->member,
			       (uint32_t)(ns >> MTLB_FLOW_STAMP_SHIFT_NS), MTLB_FLOW_ESTABLISHED);
}

static int fill(void)
{
	size_t flows_size, facts_size;
	struct mtlb_flow_bucket *flows;
	struct mtlb_flow_facts *facts;
	struct owner owner;
	int error = find_owner(&owner);

	if (error)
		return error;
	flows_size = (size_t)(owner.first + BUCKETS) * sizeof(*flows);
	facts_size = (size_t)(owner.first + BUCKETS) * MTLB_FLOWS_PER_BUCKET * sizeof(*facts);
	flows_size = (flows_size + 4095) & ~4095UL;
	facts_size = (facts_size + 4095) & ~4095UL;
	flows = map_writable("mtlb_flows", flows_size);
	facts = map_writable("mtlb_flow_facts", facts_size);
	if (!flows || !facts)
		return -EIO;
	for (uint32_t b = 0; b < BUCKETS; b++)
		for (uint32_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
			fill_place(&owner, &flows[owner.first + b],
				   &facts[(size_t)(owner.first + b) * MTLB_FLOWS_PER_BUCKET + i], b,
				   i);
	munmap(flows, flows_size);
	munmap(facts, facts_size);
	return 0;
}

/* By a child: memory that this process had, those it starts are said to have had as well. */
static int fill_apart(void)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid)
		_exit(fill() ? 1 : 0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

/* mtlb */

struct run {
	double seconds, cpu, rss_mb;
};

static int run_mtlb(const char *mode, struct run *ret)
{
	char *const arguments[] = {"mtlb", "--bpffs", bpffs,  (char *)mode, "flow",
				   "list", "tenant",  "full", NULL};
	posix_spawn_file_actions_t files;
	struct rusage usage;
	double began = measure_wall_s();
	int status = 0, error;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	error = posix_spawn(&pid, mtlb, &files, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&files);
	if (error)
		return -error;
	if (wait4(pid, &status, 0, &usage) < 0)
		return -errno;
	ret->seconds = measure_wall_s() - began;
	ret->cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 +
		   (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
	ret->rss_mb = (double)usage.ru_maxrss * 1024 / 1e6;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

/* All of them are there: lines of the table. */
static int check_count(void)
{
	unsigned long lines = 0;
	char command[PATH_MAX + 128];
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "%s --bpffs %s flow list tenant full 2>/dev/null | wc -l", mtlb, bpffs);
	pipe = popen(command, "r");
	if (!pipe || fscanf(pipe, "%lu", &lines) != 1)
		lines = 0;
	if (pipe)
		pclose(pipe);
	if (lines == FLOWS + 1)
		return 0;
	fprintf(stderr, "inspect: %lu lines for %u flows and a head\n", lines, FLOWS);
	return -EBADMSG;
}

/* The other tenant's traffic, while mode is listed; NULL: while nothing is. */
static int with_traffic(const char *name, const char *mode)
{
	struct traffic_result result;
	struct run run = {};
	char text[64];
	int error, ended;

	traffic_reset();
	victim_set();
	victim_on();
	error = traffic_start();
	if (error)
		return error;
	if (mode)
		error = run_mtlb(mode, &run);
	else
		traffic_wait_ms(QUIET_MS);
	ended = traffic_finish();
	if (error || ended)
		return error ? error : ended;
	result = victim_result();
	if (!result.offered)
		return -ENODATA;
	if (mode) {
		snprintf(text, sizeof(text), "%s_seconds", name);
		print(text, run.seconds, "s", 0);
		snprintf(text, sizeof(text), "%s_cpu", name);
		print(text, run.cpu, "s", 0);
		snprintf(text, sizeof(text), "%s_rss", name);
		print(text, run.rss_mb, "MB", RSS_MB);
	}
	snprintf(text, sizeof(text), "%s_traffic_lost", name);
	print(text, (double)result.lost, "packets", 1);
	snprintf(text, sizeof(text), "%s_traffic_sent", name);
	print(text, (double)result.offered, "packets", 0);
	return 0;
}

static int start(void)
{
	static char tenants[TEXT];
	const struct node_pool full = {.number = 1, .track = "changed"},
			       victim = {.number = VICTIM_POOL, .track = "changed"};

	strcpy(tenants,
	       "---\napiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: full}\npools:\n");
	node_print_pool(tenants, TEXT, &full);
	strcat(tenants, "services:\n");
	node_print_services(tenants, TEXT, &full);
	strcat(tenants, "---\napiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: "
			"victim}\npools:\n");
	node_print_pool(tenants, TEXT, &victim);
	strcat(tenants, "services:\n");
	node_print_services(tenants, TEXT, &victim);
	return node_start(PLATFORM, tenants);
}

static int measure(void)
{
	int error = start() ?: victim_wait();

	error = error ?: fill_apart();
	error = error ?: check_count();
	error = error ?: with_traffic("idle", NULL);
	error = error ?: with_traffic("table", "--wide");
	return error ?: with_traffic("json", "-j");
}

int main(void)
{
	char self[PATH_MAX - 16] = "";
	struct wire wire;
	int error;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return 1;
	snprintf(mtlb, sizeof(mtlb), "%s/mtlb", dirname(dirname(self)));
	snprintf(bpffs, sizeof(bpffs), "/sys/fs/bpf/mtlb-bench-%d", getpid());
	error = wire_open(&wire) ?: node_open();
	error = error ?: traffic_open(&wire);
	if (!error) {
		error = measure();
		node_stop();
		traffic_close();
	}
	if (error)
		fprintf(stderr, "inspect: %s\n", strerror(-error));
	return error || over;
}
