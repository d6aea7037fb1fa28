// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the agent itself takes with 10,000 tenants: to load them, to change one of them, to be
 * killed and adopt what it left; once more when each tenant has an access list and the node a feed
 * of a million prefixes. A real mtlbd on a real interface, with a directory of files. A line per
 * figure; exits with 1 when one that has a goal is over it. `agent plain` does the first half
 * alone.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/tenants.h"
#include "lib/node.h"
#include "measure.h"

#define TENANTS	      10000
#define ACL_PREFIXES  100
#define FEED_PREFIXES 1000000
#define CHANGES	      20
#define FEED_WAIT_S   120
/* More than mtlbd and its maps take. */
/* A map's memory is given back a grace period after its last descriptor is closed. */
#define FREED_US   300000
#define WARM_BYTES (600UL << 20)
/* A file that is younger when it is read is read again: it could change unseen (model/renew.h). */
#define SETTLED_S 3

static unsigned over;

static void print(const char *set, const char *name, double value, const char *unit, double goal)
{
	char whole[64];

	snprintf(whole, sizeof(whole), "agent.%s_%s", set, name);
	over += !measure_print(whole, value, unit, goal);
}

/* memory */

/* A line of a file of /proc, in units of its own; 0: it has none. */
static unsigned long long read_line(const char *path, const char *key)
{
	unsigned long long value = 0;
	FILE *file = fopen(path, "r");
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			sscanf(line + strlen(key), ": %llu", &value);
	if (file)
		fclose(file);
	return value;
}

/* Of all maps that the agent holds, each once. */
static double map_megabytes(void)
{
	static bool seen[1 << 20];
	char path[300];
	double bytes = 0;
	struct dirent *entry;
	DIR *folder;

	memset(seen, 0, sizeof(seen));
	snprintf(path, sizeof(path), "/proc/%d/fdinfo", node_pid());
	folder = opendir(path);
	while (folder && (entry = readdir(folder))) {
		unsigned long long map;

		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", node_pid(), entry->d_name);
		map = read_line(path, "map_id");
		if (!map || map >= sizeof(seen) || seen[map])
			continue;
		seen[map] = true;
		bytes += (double)read_line(path, "memlock");
	}
	if (folder)
		closedir(folder);
	return bytes / 1e6;
}

/* The maps are mapped as well: only what is the agent's own is its own. */
static void print_memory(const char *set)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", node_pid());
	print(set, "memory", (double)read_line(path, "RssAnon") * 1024 / 1e6, "MB", 0);
	print(set, "maps", map_megabytes(), "MB", 0);
}

/* Seconds that the kernel takes to make a map of that size. */
static double take_memory(void)
{
	double began = measure_wall_s();
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "warm", sizeof(uint32_t), 4096,
				 WARM_BYTES / 4096, NULL);

	if (map < 0)
		return 0;
	close(map);
	return measure_wall_s() - began;
}

/*
 * A virtual machine may get its memory from the host page by page, when it first touches it: that
 * can take longer than all that is timed here, and only once. It is taken before, and told.
 */
static void warm_memory(void)
{
	double first = take_memory();

	usleep(FREED_US);
	printf("#   to make a map of %lu MB: %.2f s, and %.2f s once more\n", WARM_BYTES / 1000000,
	       first, take_memory());
	usleep(FREED_US);
}

/* experiments */

static int load(const char *set, double goal)
{
	double began = measure_wall_s();
	int error = node_restart(NODE_THIS);

	if (error)
		return error;
	print(set, "load", measure_wall_s() - began, "s", goal);
	print_memory(set);
	return 0;
}

static int adopt(const char *set)
{
	double began;
	int error = node_kill();

	began = measure_wall_s();
	error = error ?: node_restart(NODE_THIS);
	if (!error)
		print(set, "adopt", measure_wall_s() - began, "s", 0);
	return error;
}

static int run_tool(char *const arguments[], double *ret_took)
{
	posix_spawn_file_actions_t files;
	char path[PATH_MAX] = "", tool[PATH_MAX + 8];
	double began = measure_wall_s();
	int error, status = 0;
	pid_t pid;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return -errno;
	snprintf(tool, sizeof(tool), "%s/mtlb", dirname(dirname(path)));
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	error = posix_spawn(&pid, tool, &files, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&files);
	if (error)
		return -error;
	waitpid(pid, &status, 0);
	*ret_took = measure_wall_s() - began;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

/* Alternating: asked by the API, and by `mtlb config apply`. */
static int change(const char *set, const struct tenants *tenants, double goal)
{
	char *apply[] = {"mtlb", "-s", (char *)node_socket(), "config", "apply", NULL};
	char *nothing[] = {"mtlb", "version", NULL};
	double agent[CHANGES], tool[CHANGES], start[CHANGES], took;
	int error = 0;

	/* the first one after a start looks at all of it */
	error = node_ask("POST", "config/apply", NULL, 0);
	for (uint32_t i = 0; !error && i < CHANGES; i++) {
		char answer[512];
		double began;

		error = tenants_write_one(tenants, 17 + 31 * i, 1 + i);
		began = measure_wall_s();
		error = error ?: node_ask("POST", "config/apply", answer, sizeof(answer));
		agent[i] = (measure_wall_s() - began) * 1e3;
		if (!error && !strstr(answer, "weight"))
			error = -ENOMSG; /* it was not noticed */
		error = error ?: tenants_write_one(tenants, 17 + 31 * i, 2 + i);
		error = error ?: run_tool(apply, &took);
		tool[i] = took * 1e3;
		error = error ?: run_tool(nothing, &took);
		start[i] = took * 1e3;
	}
	if (error)
		return error;
	print(set, "change", measure_median(agent, CHANGES), "ms", goal);
	printf("#   of the agent, %.1f..%.1f; by `mtlb config apply` %.1f, of which the start of "
	       "mtlb %.1f\n",
	       agent[0], agent[CHANGES - 1], measure_median(tool, CHANGES),
	       measure_median(start, CHANGES));
	return 0;
}

/* Of a tenant that the API keeps, one backend's weight: written to disk, checked, in the maps. */
static int write_by_api(const char *set, double goal)
{
	const char *backend = "tenants/t%u/pools/p/backends/10.128.%u.1";
	const uint32_t tenant = 5;
	double took[CHANGES];
	char path[128];
	int error;

	snprintf(path, sizeof(path), "tenants/t%u/adopt", tenant);
	error = node_ask("POST", path, NULL, 0);
	snprintf(path, sizeof(path), backend, tenant, tenant);
	/* the first one after another kind of change makes what the others go by */
	error = error ?: node_send("PUT", path, "{\"weight\":50}", NULL, 0);
	for (uint32_t i = 0; !error && i < CHANGES; i++) {
		char body[32], answer[512];
		double began = measure_wall_s();

		snprintf(body, sizeof(body), "{\"weight\":%u}", 60 + i);
		error = node_send("PUT", path, body, answer, sizeof(answer));
		took[i] = (measure_wall_s() - began) * 1e3;
		if (!error && !strstr(answer, "weight"))
			error = -ENOMSG;
	}
	if (error)
		return error;
	print(set, "api_change", measure_median(took, CHANGES), "ms", goal);
	printf("#   %.1f..%.1f\n", took[0], took[CHANGES - 1]);
	snprintf(path, sizeof(path), "tenants/t%u/release", tenant);
	return node_ask("POST", path, NULL, 0);
}

/* Until the feed was loaded at another time than before; the longest silence of the API. */
static int await_feed(char *loaded, uint32_t size, double *ret_silent)
{
	double until = measure_wall_s() + FEED_WAIT_S;

	*ret_silent = 0;
	while (measure_wall_s() < until) {
		char body[2048], *at, *end;
		double began = measure_wall_s();

		if (node_ask("GET", "feeds", body, sizeof(body)))
			return -EIO;
		if (measure_wall_s() - began > *ret_silent)
			*ret_silent = measure_wall_s() - began;
		at = strstr(body, "\"loadedAt\"");
		end = at ? strchr(at, ',') : NULL;
		if (end && strstr(body, "\"loaded\""))
			*end = 0;
		if (end && !strstr(at, "null") && strncmp(at, loaded, size - 1) != 0) {
			snprintf(loaded, size, "%s", at);
			return 0;
		}
		usleep(2000);
	}
	fputs("agent: the feed is not loaded\n", stderr);
	return -ETIMEDOUT;
}

static int measure_feed(const struct tenants *tenants, double began)
{
	char loaded[256] = "";
	double silent;
	int error = await_feed(loaded, sizeof(loaded), &silent);

	if (error)
		return error;
	print("lists", "feed_load", measure_wall_s() - began, "s", 0);
	error = tenants_write_feed(tenants, 1);
	began = measure_wall_s();
	error = error ?: await_feed(loaded, sizeof(loaded), &silent);
	if (error)
		return error;
	print("lists", "feed_reload", measure_wall_s() - began, "s", 0);
	print("lists", "feed_silence", silent * 1e3, "ms", 0);
	print_memory("lists_feed");
	return 0;
}

static int measure(const char *set, struct tenants *tenants, double load_goal, double change_goal)
{
	double began;
	int error;

	tenants->directory = node_directory();
	error = tenants->directory ? tenants_write(tenants) : -EIO;
	if (error)
		return error;
	sleep(SETTLED_S);
	warm_memory();
	began = measure_wall_s();
	error = load(set, load_goal);
	if (!error && tenants->feed_prefixes)
		error = measure_feed(tenants, began);
	error = error ?: change(set, tenants, change_goal);
	error = error ?: write_by_api(set, change_goal);
	error = error ?: adopt(set);
	node_stop();
	return error;
}

int main(int argc, char **argv)
{
	struct tenants plain = {.count = TENANTS};
	struct tenants lists = {
		.count = TENANTS,
		.acl_prefixes = ACL_PREFIXES,
		.feed_prefixes = FEED_PREFIXES,
	};
	struct wire wire;
	int error = wire_open(&wire);

	error = error ?: node_open();
	if (!error && system("ip route add default via 10.200.0.1"))
		error = -EIO;
	if (!error && (argc < 2 || !strcmp(argv[1], "plain")))
		error = measure("plain", &plain, 2, 20);
	if (!error && (argc < 2 || !strcmp(argv[1], "lists")))
		error = measure("lists", &lists, 0, 0);
	if (error)
		fprintf(stderr, "agent: %s\n", strerror(-error));
	if (over)
		fprintf(stderr, "agent: %u figures are over their goal\n", over);
	return over || error ? 1 : 0;
}
