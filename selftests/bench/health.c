// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What health checks cost with 10,000 backends that are asked every two seconds: the CPU time of
 * the prober and of mtlbd, and how even the checks are spread. A real mtlbd; the backends are
 * addresses of the namespace's own, behind which one server counts who comes. A line per figure and
 * kind; exits with 1 when one is over its goal.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/node.h"

#define TENANTS	  100
#define BACKENDS  100 /* of each */
#define INTERVAL  2   /* seconds */
#define PORT	  8000
#define SETTLE_S  6
#define MEASURE_S 10
#define WINDOW_NS 10000000ULL
#define WINDOWS	  ((SETTLE_S + MEASURE_S + 60) * 100)

static _Atomic uint32_t windows[WINDOWS]; /* connections in each, since the start */
static uint64_t started_ns;
static unsigned over;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* the server */

static void count_one(void)
{
	uint64_t window = (now_ns() - started_ns) / WINDOW_NS;

	if (window < WINDOWS)
		atomic_fetch_add(&windows[window], 1);
}

static void answer(int fd)
{
	static const char well[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell";
	char request[2048];

	if (read(fd, request, sizeof(request)) <= 0 || write(fd, well, sizeof(well) - 1) < 0)
		close(fd);
}

static void *serve(void *context)
{
	int listener = *(int *)context, epoll = epoll_create1(EPOLL_CLOEXEC), fd;
	struct epoll_event events[256], event = {.events = EPOLLIN, .data.fd = listener};

	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	for (;;) {
		int ready = epoll_wait(epoll, events, 256, -1);

		for (int i = 0; i < ready; i++) {
			if (events[i].data.fd != listener) {
				answer(events[i].data.fd);
				continue;
			}
			while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
			       0) {
				count_one();
				event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
				epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
			}
		}
	}
	return NULL;
}

static int start_server(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	static int listener;
	pthread_t thread;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&any, sizeof(any)) ||
	    listen(listener, 8192))
		return -errno;
	/* all backends are addresses of this namespace */
	if (system("ip route add local 10.64.0.0/16 dev lo"))
		return -EIO;
	return -pthread_create(&thread, NULL, serve, &listener);
}

/* the node */

static char *make_tenants(const char *health)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	for (uint32_t i = 0; file && i < TENANTS; i++) {
		fprintf(file,
			"---\napiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: t%u}\n"
			"pools:\n  - name: p\n"
			"    health: {type: %s, port: %d, interval: %ds, via: direct}\n"
			"    backends:\n",
			i, health, PORT, INTERVAL);
		for (uint32_t j = 0; j < BACKENDS; j++)
			fprintf(file, "      - {address: 10.64.%u.%u}\n", i, j + 1);
		fprintf(file,
			"services:\n  - {name: s, vips: [v%u], protocol: TCP, ports: [80], pool: "
			"p}\n",
			i);
	}
	if (file)
		fclose(file);
	return text;
}

static char *make_platform(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return NULL;
	fprintf(file,
		"  encapSource: {ipv4: 10.200.0.254}\n"
		"  capacity: {tenants: 128, vips: 1024, services: 256, members: 16384, slots: 4M}\n"
		"vips:\n");
	for (uint32_t i = 0; i < TENANTS; i++)
		fprintf(file, "  - {name: v%u, address: 10.65.%u.1}\n", i, i);
	fprintf(file, "tiers: [{name: one, l4: {flows: 1024}}]\ntenants:\n");
	for (uint32_t i = 0; i < TENANTS; i++)
		fprintf(file, "  - {name: t%u, tier: one, vips: [v%u]}\n", i, i);
	fclose(file);
	return text;
}

/* Its child, which makes the checks; 0: there is none. */
static int prober_pid(void)
{
	char path[64];
	FILE *file;
	int pid = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", node_pid(), node_pid());
	file = fopen(path, "r");
	if (file && fscanf(file, "%d", &pid) != 1)
		pid = 0;
	if (file)
		fclose(file);
	return pid;
}

/* In seconds, of all its threads. */
static double cpu_of(int pid)
{
	unsigned long long user = 0, kernel = 0;
	char path[64], line[1024] = "", *at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (file && !fgets(line, sizeof(line), file))
		line[0] = 0;
	if (file)
		fclose(file);
	at = strrchr(line, ')');
	if (!at || sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
			  &kernel) != 2)
		return 0;
	return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static void print(const char *kind, const char *name, double value, const char *unit, double goal)
{
	bool ok = !goal || value < goal;

	printf("bench health.%s_%s %.4g %s", kind, name, value, unit);
	if (goal)
		printf(" goal %g %s", goal, ok ? "ok" : "over");
	printf("\n");
	fflush(stdout);
	over += !ok;
}

static void sleep_s(unsigned seconds)
{
	struct timespec time = {.tv_sec = seconds};

	while (nanosleep(&time, &time) && errno == EINTR)
		;
}

static void print_spread(const char *kind, uint64_t first, uint64_t last)
{
	uint64_t sum = 0, most = 0;
	double mean;

	for (uint64_t i = first; i < last; i++) {
		uint32_t count = atomic_load(&windows[i]);

		sum += count;
		most = count > most ? count : most;
	}
	mean = (double)sum / (double)(last - first);
	print(kind, "checks", mean * 1e9 / WINDOW_NS, "/s", 0);
	if (mean * 1e9 / WINDOW_NS < TENANTS * BACKENDS / INTERVAL / 2) {
		fputs("health: not half of the checks that are due were made: the figures beside "
		      "say nothing\n",
		      stderr);
		over++;
	}
	print(kind, "burst", mean > 0 ? (double)most / mean : 0, "times the mean in 10 ms", 3);
}

static int measure(const char *kind, const char *health, double goal)
{
	char *platform = make_platform(), *tenants = make_tenants(health);
	int error = platform && tenants ? 0 : -ENOMEM, prober;
	uint64_t first, last;
	double agent_cpu, prober_cpu;

	memset((void *)windows, 0, sizeof(windows));
	started_ns = now_ns();
	error = error ?: node_start(platform, tenants);
	free(platform);
	free(tenants);
	if (error)
		return error;
	sleep_s(SETTLE_S);
	prober = prober_pid();
	if (!prober) {
		fputs("health: mtlbd has no prober\n", stderr);
		node_stop();
		return -ESRCH;
	}
	agent_cpu = cpu_of(node_pid());
	prober_cpu = cpu_of(prober);
	first = (now_ns() - started_ns) / WINDOW_NS;
	sleep_s(MEASURE_S);
	last = (now_ns() - started_ns) / WINDOW_NS;
	prober_cpu = cpu_of(prober) - prober_cpu;
	agent_cpu = cpu_of(node_pid()) - agent_cpu;
	print_spread(kind, first, last < WINDOWS ? last : WINDOWS);
	print(kind, "prober", 100 * prober_cpu / MEASURE_S, "% of a core", goal);
	print(kind, "agent", 100 * agent_cpu / MEASURE_S, "% of a core", 10);
	node_stop();
	return 0;
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(void)
{
	struct wire wire;
	int error = wire_open(&wire);

	raise_file_limit();
	error = error ?: node_open();
	error = error ?: start_server();
	error = error ?: measure("tcp", "tcp", 50);
	error = error ?: measure("http", "http, path: /health", 100);
	if (error)
		fprintf(stderr, "health: %s\n", strerror(-error));
	if (over)
		fprintf(stderr, "health: %u figures are over their goal\n", over);
	return error || over ? 1 : 0;
}
