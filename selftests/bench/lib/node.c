// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "traffic.h"

#define READY_MS 60000
#define POLL_MS	 10

static char programs[PATH_MAX - 16]; /* the directory of mtlbd and mtlb */
static char directory[64], bpffs[64], socket_path[96];
static pid_t agent;

int node_open(void)
{
	char path[PATH_MAX] = "", command[512];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (length < 0)
		return -errno;
	/* build/bench/NAME: they lie beside its directory */
	snprintf(programs, sizeof(programs), "%s", dirname(dirname(path)));
	snprintf(directory, sizeof(directory), "/run/mtlb-bench-%d", getpid());
	snprintf(bpffs, sizeof(bpffs), "/sys/fs/bpf/mtlb-bench-%d", getpid());
	snprintf(socket_path, sizeof(socket_path), "%s/api.sock", directory);
	snprintf(command, sizeof(command),
		 "ip address add 10.200.0.254/24 dev wire\n"
		 "for i in $(seq 1 %d); do\n"
		 "  ip neighbour replace 10.200.0.$i lladdr 02:00:00:00:02:$(printf %%02x $i)"
		 " dev wire nud permanent || exit 1\n"
		 "done\n",
		 NODE_MEMBER(NODE_TENANTS, NODE_MEMBERS));
	return system(command) ? -EIO : 0;
}

/* files */

static int write_config(const char *platform, const char *tenants)
{
	char path[96], fresh[96];
	FILE *file;
	int error;

	snprintf(path, sizeof(path), "%s/node.yaml", directory);
	snprintf(fresh, sizeof(fresh), "%s/node.new", directory);
	file = fopen(fresh, "w");
	if (!file)
		return -errno;
	error = fprintf(file,
			"apiVersion: mtlb/v1\n"
			"kind: Platform\n"
			"metadata: {name: bench}\n"
			"node:\n"
			"  interfaces: [{name: wire, mode: native}]\n"
			"%s%s",
			platform, tenants) < 0;
	error |= fclose(file);
	return error || rename(fresh, path) ? -EIO : 0;
}

static void print_log(void)
{
	char command[128];

	snprintf(command, sizeof(command), "tail -n 5 %s/log >&2", directory);
	if (system(command))
		fputs("node: there is no log\n", stderr);
}

/* processes */

static int spawn(const char *name, char *const arguments[], pid_t *ret_pid)
{
	posix_spawn_file_actions_t files;
	char path[PATH_MAX], log[96];
	int error;

	snprintf(path, sizeof(path), "%s/%s", programs, name);
	snprintf(log, sizeof(log), "%s/log", directory);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	posix_spawn_file_actions_adddup2(&files, 1, 2);
	error = posix_spawn(ret_pid, path, &files, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&files);
	if (error)
		fprintf(stderr, "node: %s: %s\n", path, strerror(error));
	return -error;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EIO;
}

/* As `mtlb` does, without the time it takes to start it. 0 when the answer is one of success. */
int node_send(const char *method, const char *path, const char *sent, char *ret_body, uint32_t size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), code = 0;
	char text[4096], rest[4096], *body;
	size_t kept = 0;
	ssize_t length;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	snprintf(text, sizeof(text),
		 "%s /v1/%s HTTP/1.1\r\nHost: mtlb\r\nConnection: close\r\n"
		 "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		 method, path, strlen(sent), sent);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
	    write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		close(fd);
		return -ECONNREFUSED;
	}
	while ((length = read(fd, rest, sizeof(rest))) > 0) {
		size_t room = sizeof(text) - 1 - kept;

		room = room < (size_t)length ? room : (size_t)length;
		memcpy(text + kept, rest, room);
		kept += room;
	}
	text[kept] = 0;
	close(fd);
	sscanf(text, "HTTP/1.1 %d", &code);
	body = strstr(text, "\r\n\r\n");
	if (size)
		snprintf(ret_body, size, "%s", body ? body + 4 : "");
	return code / 100 == 2 ? 0 : -EIO;
}

int node_ask(const char *method, const char *path, char *ret_body, uint32_t size)
{
	return node_send(method, path, "{}", ret_body, size);
}

static int ask(const char *method, const char *path)
{
	return node_ask(method, path, NULL, 0);
}

int node_restart(enum node_version version)
{
	char config[96];
	char *arguments[] = {"mtlbd",	 "-c",	      "",	  "--bpffs", bpffs,
			     "--socket", socket_path, "--detach", NULL};
	int error;

	snprintf(config, sizeof(config), "%s", directory);
	arguments[2] = config;
	error = spawn(version == NODE_NEXT ? "next/mtlbd" : "mtlbd", arguments, &agent);
	if (error)
		return error;
	for (int ms = 0; ms < READY_MS; ms += POLL_MS) {
		int status;

		if (waitpid(agent, &status, WNOHANG) == agent) {
			agent = 0;
			break;
		}
		if (!access(socket_path, F_OK) && !ask("GET", "node"))
			return 0;
		traffic_wait_ms(POLL_MS);
	}
	fputs("node: mtlbd does not get ready:\n", stderr);
	print_log();
	return -ETIMEDOUT;
}

int node_start(const char *platform, const char *tenants)
{
	int error = mkdir(directory, 0700) ? -errno : 0;

	error = error ?: write_config(platform, tenants);
	return error ?: node_restart(NODE_THIS);
}

int node_apply(const char *platform, const char *tenants)
{
	int error = write_config(platform, tenants);

	error = error ?: ask("POST", "config/apply");
	if (error) {
		fputs("node: the configuration was not applied:\n", stderr);
		print_log();
	}
	return error;
}

static int end(int signal)
{
	pid_t pid = agent;

	agent = 0;
	if (kill(pid, signal))
		return -errno;
	wait_for(pid);
	return 0;
}

int node_kill(void)
{
	int error = end(SIGKILL);

	unlink(socket_path); /* so that its successor is waited for */
	return error;
}

void node_stop(void)
{
	char command[160];

	if (agent)
		end(SIGTERM);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	if (system(command))
		fprintf(stderr, "node: %s is left behind\n", directory);
}

const char *node_directory(void)
{
	char command[160];

	snprintf(command, sizeof(command), "rm -rf %s && mkdir -m 700 %s", directory, directory);
	return system(command) ? NULL : directory;
}

const char *node_bpffs(void)
{
	return bpffs;
}

const char *node_socket(void)
{
	return socket_path;
}

int node_pid(void)
{
	return (int)agent;
}

/* configuration */

static void append(char *to, uint32_t size, const char *format, ...)
{
	size_t at = strlen(to);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(to + at, size - at, format, arguments);
	va_end(arguments);
}

void node_print_pool(char *to, uint32_t size, const struct node_pool *pool)
{
	uint32_t drained = pool->variant % (NODE_MEMBERS + 1);

	append(to, size, "  - name: p%u\n    backends:\n", pool->number);
	for (uint32_t i = 1; i <= NODE_MEMBERS; i++)
		append(to, size, "      - {address: 10.200.0.%u, weight: %u, state: %s}\n",
		       NODE_MEMBER(pool->number, i), 1 + (pool->variant + i) % 3,
		       i == drained ? "drain" : "active");
}

void node_print_services(char *to, uint32_t size, const struct node_pool *pool)
{
	append(to, size,
	       "  - {name: t%u, vips: [v%u], protocol: TCP, ports: [%u], pool: p%u,"
	       " forward: dsr, track: %s}\n"
	       "  - {name: u%u, vips: [v%u], protocol: UDP, ports: [%u], pool: p%u,"
	       " forward: dsr, track: %s, learn: 1s}\n",
	       pool->number, pool->number, NODE_TCP, pool->number, pool->track, pool->number,
	       pool->number, NODE_UDP, pool->number, pool->track);
}
