// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What it costs to look at a node with 10,000 tenants once a second: the CPU time of mtlb-top on a
 * terminal of 120x40, and that of mtlbd, which answers it; and to scrape its metrics, with 100
 * tenants that have series of their own and with all of them. All tenants are busy: their counters
 * are raised all the time in the maps, as packets would, and two reasons to drop with them. A line
 * per figure; exits with 1 when one is over its goal.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "agent/tenants.h"
#include "bpf/abi/counter.h"
#include "bpf/abi/reason.h"
#include "lib/node.h"
#include "measure.h"

#define TENANTS	  10000
#define SETTLE_S  5
#define MEASURE_S 20
#define ASKED	  21 /* times */
#define RAISE_MS  100
#define SCRAPES	  11
#define SCRAPE_S  15 /* between two of them, as Prometheus has it by itself */

static unsigned over;

static void print(const char *name, double value, const char *unit, double goal)
{
	char whole[64];

	snprintf(whole, sizeof(whole), "tools.%s", name);
	over += !measure_print(whole, value, unit, goal);
}

/* CPU seconds of a process, all its threads; the scheduler's own count, to the nanosecond. */
static double cpu_of(pid_t pid)
{
	struct timespec spent;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &spent))
		return 0;
	return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

/* traffic: counters that grow */

struct counters {
	struct mtlb_member_counter *members;
	struct mtlb_reason_counter *reasons;
	size_t member_count, reason_count;
	_Atomic bool stop;
};

/* All of a pinned array, to be written; NULL: it is not to be had. */
static void *map_array(const char *name, size_t *ret_count)
{
	struct bpf_map_info info = {};
	unsigned size = sizeof(info);
	char path[PATH_MAX];
	void *memory;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", node_bpffs(), name);
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size)) {
		fprintf(stderr, "tools: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	memory = mmap(NULL, (size_t)info.max_entries * info.value_size, PROT_READ | PROT_WRITE,
		      MAP_SHARED, fd, 0);
	close(fd);
	*ret_count = info.max_entries;
	return memory == MAP_FAILED ? NULL : memory;
}

static void raise_once(struct counters *counters, uint64_t by)
{
	for (size_t i = 0; i < counters->member_count; i++) {
		counters->members[i].packets += by * (1000 + i % 977);
		counters->members[i].bytes += by * (1000000 + i % 977);
		counters->members[i].new_flows += by * (10 + i % 7);
	}
	for (size_t i = MTLB_REASONS_PER_TENANT; i < counters->reason_count;
	     i += MTLB_REASONS_PER_TENANT) {
		counters->reasons[i + MTLB_REASON_over_packets].packets += by * (10 + i % 31);
		counters->reasons[i + MTLB_REASON_over_new_flows].packets += by;
	}
}

static void *raise_counters(void *context)
{
	struct counters *counters = context;

	/* as of a node that has been up for weeks: numbers have as many digits as they then have */
	raise_once(counters, 10000000);
	while (!counters->stop) {
		raise_once(counters, 1);
		usleep(RAISE_MS * 1000);
	}
	return NULL;
}

/* mtlb-top */

static pid_t start_top(int *ret_terminal)
{
	struct winsize size = {.ws_row = 40, .ws_col = 120};
	char path[PATH_MAX] = "", tool[PATH_MAX + 16];
	pid_t pid;

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return -1;
	snprintf(tool, sizeof(tool), "%s/mtlb-top", dirname(dirname(path)));
	pid = forkpty(ret_terminal, NULL, NULL, &size);
	if (pid)
		return pid;
	setenv("TERM", "xterm-256color", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	execl(tool, "mtlb-top", "-s", node_socket(), NULL);
	_exit(127);
}

/* What is drawn is read, as a terminal would; how many bytes that was. */
static size_t watch_terminal(int terminal, double seconds)
{
	double until = measure_wall_s() + seconds;
	char text[65536];
	size_t bytes = 0;

	fcntl(terminal, F_SETFL, O_NONBLOCK);
	while (measure_wall_s() < until) {
		ssize_t length = read(terminal, text, sizeof(text));

		if (length > 0)
			bytes += (size_t)length;
		else
			usleep(10000);
	}
	return bytes;
}

static int measure_top(void)
{
	int terminal, status;
	double began, top;
	size_t bytes;
	pid_t pid;

	pid = start_top(&terminal);
	if (pid < 0)
		return -errno;
	bytes = watch_terminal(terminal, SETTLE_S);
	if (!bytes || waitpid(pid, &status, WNOHANG)) {
		fputs("tools: mtlb-top did not start\n", stderr);
		return -EIO;
	}
	began = measure_wall_s();
	top = -cpu_of(pid);
	bytes = watch_terminal(terminal, MEASURE_S);
	top += cpu_of(pid);
	print("top", 100 * top / (measure_wall_s() - began), "% of a core", 2);
	print("top_terminal", (double)bytes / MEASURE_S, "bytes a second", 0);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	close(terminal);
	return bytes ? 0 : -EIO;
}

/* Median CPU time that an answer takes the agent, in ms: what else it does meanwhile is left out.
 */
static int measure_answer(const char *path, int times, double *ret_ms)
{
	double took[ASKED];

	for (int i = 0; i < times; i++) {
		usleep(RAISE_MS * 1000);
		took[i] = -cpu_of(node_pid());
		if (node_ask("GET", path, NULL, 0))
			return -EIO;
		took[i] += cpu_of(node_pid());
	}
	*ret_ms = 1e3 * measure_median(took, (unsigned)times);
	return 0;
}

/* What mtlb-top asks each second, and what it would have to ask without the short answer. */
static int measure_agent(void)
{
	double counters, node, tenants;
	int error = measure_answer("counters", ASKED, &counters);

	error = error ?: measure_answer("node", ASKED, &node);
	error = error ?: measure_answer("tenants", 3, &tenants);
	if (error)
		return error;
	print("top_agent", (counters + node) / 10, "% of a core", 2);
	print("answer_counters", counters, "ms of the agent", 0);
	print("answer_node", node, "ms of the agent", 0);
	print("answer_tenants", tenants, "ms of the agent", 0);
	return 0;
}

/* metrics */

struct scrape {
	double seconds, cpu, slice; /* slice: the longest of the scrape before */
	size_t bytes;
};

static int connect_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", node_socket());
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The answer to its end. */
static int read_answer(int fd, char **ret_text, size_t *ret_length)
{
	size_t room = 1 << 25, length = 0;
	char *text = malloc(room);
	ssize_t got = -1;

	while (text && length < room - 1 && (got = read(fd, text + length, room - 1 - length)) > 0)
		length += (size_t)got;
	if (!text || got)
		return -EIO;
	text[length] = 0;
	*ret_text = text;
	*ret_length = length;
	return 0;
}

static int scrape_once(struct scrape *ret)
{
	static const char request[] = "GET /metrics HTTP/1.0\r\n\r\n";
	static const char slice[] = "\nmtlb_metrics_slice_seconds ";
	int fd = connect_socket();
	const char *at = NULL;
	char *text = NULL;
	int error = fd < 0 ? -errno : 0;

	ret->seconds = -measure_wall_s();
	ret->cpu = -cpu_of(node_pid());
	if (!error && write(fd, request, sizeof(request) - 1) != sizeof(request) - 1)
		error = -EIO;
	error = error ?: read_answer(fd, &text, &ret->bytes);
	ret->seconds += measure_wall_s();
	ret->cpu += cpu_of(node_pid());
	if (fd >= 0)
		close(fd);
	at = error ? NULL : strstr(text, slice);
	if (!at || strncmp(text, "HTTP/1.1 200", 12) != 0)
		error = error ?: -EBADMSG;
	else
		ret->slice = strtod(at + strlen(slice), NULL);
	free(text);
	return error;
}

/* Medians. What is younger than a second would be served once more, and cost nothing. */
static int measure_scrapes(const char *name, double cpu_goal)
{
	double seconds[SCRAPES], cpu[SCRAPES], slices[SCRAPES];
	struct scrape scrape = {};
	char figure[64];

	for (int i = -1; i < SCRAPES; i++) {
		int error = scrape_once(&scrape);

		if (error)
			return error;
		if (i >= 0) {
			seconds[i] = scrape.seconds;
			cpu[i] = scrape.cpu;
			slices[i] = scrape.slice;
		}
		usleep(1100000);
	}
#define FIGURE(what, value, unit, goal)                             \
	do {                                                        \
		snprintf(figure, sizeof(figure), "%s_" what, name); \
		print(figure, value, unit, goal);                   \
	} while (0)
	FIGURE("time", 1e3 * measure_median(seconds, SCRAPES), "ms", 0);
	FIGURE("cpu", 1e3 * measure_median(cpu, SCRAPES), "ms of the agent", 0);
	FIGURE("share", 100 * measure_median(cpu, SCRAPES) / SCRAPE_S, "% of a core", cpu_goal);
	FIGURE("bytes", (double)scrape.bytes, "bytes", 0);
	FIGURE("slice", 1e3 * measure_median(slices, SCRAPES), "ms without a turn for others", 0);
	return 0;
}

/* As usual, and with series for all tenants. */
static int measure_metrics(struct tenants *tenants)
{
	int error = measure_scrapes("scrape_100", 1);

	tenants->metrics_top = tenants->count;
	error = error ?: tenants_write(tenants);
	error = error ?: node_ask("POST", "config/apply", NULL, 0);
	error = error ?: measure_scrapes("scrape_all", 0);
	return error;
}

int main(void)
{
	struct tenants tenants = {.count = TENANTS};
	struct counters counters = {};
	pthread_t thread;
	struct wire wire;
	int error = wire_open(&wire);

	error = error ?: node_open();
	if (!error && system("ip route add default via 10.200.0.1"))
		error = -EIO;
	tenants.directory = error ? NULL : node_directory();
	error = error ?: tenants.directory ? tenants_write(&tenants) : -EIO;
	error = error ?: node_restart(NODE_THIS);
	if (!error) {
		counters.members = map_array("mtlb_member_counters", &counters.member_count);
		counters.reasons = map_array("mtlb_reason_counters", &counters.reason_count);
		error = counters.members && counters.reasons ? 0 : -EIO;
	}
	if (!error && pthread_create(&thread, NULL, raise_counters, &counters))
		error = -EAGAIN;
	if (!error) {
		sleep(SETTLE_S);
		error = measure_agent();
		error = error ?: measure_top();
		error = error ?: measure_metrics(&tenants);
		counters.stop = true;
		pthread_join(thread, NULL);
	}
	node_stop();
	if (error)
		fprintf(stderr, "tools: %s\n", strerror(-error));
	if (over)
		fprintf(stderr, "tools: %u figures are over their goal\n", over);
	return over || error ? 1 : 0;
}
