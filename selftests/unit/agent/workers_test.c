// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/agent/l7/workers.c with the real mtlb-proxy: who serves what, who dies, hangs or cannot
 * be started, and what the kernel says of a worker's rights.
 */
#include "../proxy/proxy_fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include "prober_path.h"
#include "userspace/agent/l7/tallies.h"
#include "userspace/agent/l7/workers.h"

#define COUNT 2
#define MANY  1000

static struct workers *workers;
static struct workers_status status;
static char program[PATH_MAX + 16];

static int workers_begin(void **state)
{
	const struct workers_options options = {.path = program, .count = COUNT};

	snprintf(program, sizeof(program), "%s", prober_path());
	strcpy(strrchr(program, '/'), "/mtlb-proxy");
	return proxy_begin(state) || workers_new(loop, &options, &workers) ? -1 : 0;
}

static int workers_end(void **state)
{
	workers_free(workers);
	return proxy_end(state);
}

/* All of them have taken the image of this number. */
static bool all_use(void *context)
{
	const uint64_t *generation = context;

	for (unsigned i = 0; i < COUNT; i++) {
		workers_status(workers, i, &status);
		if (!status.answers || status.generation != *generation)
			return false;
	}
	return true;
}

static void use(uint64_t generation)
{
	int fd = make_image(NULL, NULL);

	workers_use(workers, fd, -1, generation);
	run_until(all_use, &generation);
}

/* On a port of its own for each worker, so that a test knows whom it asks. */
static void listen_for_all(uint32_t id, uint16_t ret_ports[COUNT])
{
	int sockets[COUNT];

	for (int i = 0; i < COUNT; i++)
		sockets[i] = listen_on_loopback(&ret_ports[i]);
	assert_int_equal(workers_listen(workers, id, "web", sockets), 0);
}

static int try_connect(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				      .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

static void ask(uint16_t port)
{
	struct peer *client = peer_new(try_connect(port)), *backend;

	say(client, "GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	expect_text(client, "\r\n\r\nok");
	peer_free(client);
	peer_free(backend);
}

static void test_all_serve(void **state)
{
	uint16_t at[COUNT];

	(void)state;
	listen_for_all(1, at); /* whoever begins later learns of it as well */
	use(1);
	for (int i = 0; i < COUNT; i++)
		ask(at[i]);
	use(2);
	for (int i = 0; i < COUNT; i++)
		ask(at[i]);
}

static bool is_closed(void *context)
{
	int fd = try_connect(*(const uint16_t *)context);

	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static void test_listeners_come_and_go(void **state)
{
	uint16_t at[COUNT], others[COUNT];

	(void)state;
	use(1);
	listen_for_all(1, at);
	listen_for_all(2, others);
	ask(at[0]);
	workers_unlisten(workers, 1);
	run_until(is_closed, &at[0]);
	run_until(is_closed, &at[1]);
	ask(others[1]);
}

/* More than the socket between them has room for: none is left out, and none is lost for it. */
static void test_many_listeners(void **state)
{
	uint16_t at[COUNT], last[COUNT];
	int sockets[COUNT];

	(void)state;
	listen_for_all(1, at);
	for (int i = 0; i < COUNT; i++)
		sockets[i] = try_connect(at[i]); /* any socket will do to be handed over */
	for (uint32_t id = 2; id < MANY; id++) {
		int copies[COUNT];

		for (int i = 0; i < COUNT; i++)
			copies[i] = fcntl(sockets[i], F_DUPFD_CLOEXEC, 0);
		assert_int_equal(workers_listen(workers, id, "web", copies), 0);
	}
	listen_for_all(MANY, last);
	use(1);
	for (uint32_t id = 1; id < MANY; id++)
		workers_unlisten(workers, id);
	run_until(is_closed, &at[0]);
	run_until(is_closed, &at[1]);
	for (int i = 0; i < COUNT; i++) {
		ask(last[i]);
		workers_status(workers, (unsigned)i, &status);
		assert_int_equal(status.starts, 1);
		close(sockets[i]);
	}
}

static bool is_anew(void *context)
{
	const pid_t *before = context;

	workers_status(workers, 0, &status);
	return status.pid && status.pid != *before && status.answers;
}

/* Who connects while there is nobody waits in the socket, which mtlbd keeps. */
static void test_worker_dies(void **state)
{
	uint16_t at[COUNT];
	pid_t first;
	int early;

	(void)state;
	use(1);
	listen_for_all(1, at);
	ask(at[0]);
	workers_status(workers, 0, &status);
	first = status.pid;
	assert_int_equal(kill(first, SIGKILL), 0);
	early = try_connect(at[0]);
	assert_true(early >= 0);
	run_until(is_anew, &first);
	assert_int_equal(status.starts, 2);
	assert_string_equal(status.reason, "was ended by signal 9 (Killed)");
	ask(at[0]);
	workers_status(workers, 1, &status);
	assert_int_equal(status.starts, 1);
	close(early);
}

/* Who was served by one that is killed is served by the next one, on the same connection; whose
 * worker crashed is cut. */
static void test_connections_outlive(void **state)
{
	struct peer *client, *backend;
	uint16_t at[COUNT];
	pid_t first;

	(void)state;
	use(1);
	listen_for_all(1, at);
	client = peer_new(try_connect(at[0]));
	say(client, "GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	for (int signal = SIGKILL;; signal = SIGSEGV) {
		backend = backend_accept(0);
		expect_text(backend, "\r\n\r\n");
		workers_status(workers, 0, &status);
		first = status.pid;
		assert_int_equal(kill(first, signal), 0);
		run_until(is_anew, &first);
		expect_end(backend);
		peer_free(backend);
		if (signal != SIGKILL)
			break;
		backend = backend_accept(0);
		expect_text(backend, "\r\n\r\n");
		say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
		expect_text(client, "\r\n\r\nok");
		peer_clear(client);
		peer_free(backend);
		say(client, "GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	}
	expect_end(client);
	assert_int_equal(client->length, 0);
	assert_true(nobody_waits(0));
	peer_free(client);
}

static bool has_begun(void *context)
{
	const pid_t *before = context;

	workers_status(workers, 0, &status);
	return status.pid && status.pid != *before;
}

/* Whoever is to have them is killed as well, before it could say a word. */
static void test_connections_outlive_two(void **state)
{
	struct peer *client, *backend;
	uint16_t at[COUNT];
	pid_t first, second;

	(void)state;
	use(1);
	listen_for_all(1, at);
	client = peer_new(try_connect(at[0]));
	say(client, "GET / HTTP/1.1\r\nHost: acme.example\r\n\r\n");
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	workers_status(workers, 0, &status);
	first = status.pid;
	assert_int_equal(kill(first, SIGKILL), 0);
	run_until(has_begun, &first);
	second = status.pid;
	assert_int_equal(kill(second, SIGKILL), 0);
	run_until(is_anew, &second);
	peer_free(backend);
	backend = backend_accept(0);
	expect_text(backend, "\r\n\r\n");
	say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	expect_text(client, "\r\n\r\nok");
	peer_free(backend);
	peer_free(client);
}

static void test_worker_hangs(void **state)
{
	pid_t first;

	(void)state;
	use(1);
	workers_status(workers, 0, &status);
	first = status.pid;
	assert_int_equal(kill(first, SIGSTOP), 0);
	run_until(is_anew, &first);
	assert_string_equal(status.reason, "gave no sign of life and was ended");
}

static bool has_reason(void *context)
{
	(void)context;
	workers_status(workers, 0, &status);
	return status.reason[0];
}

static void test_program_that_is_none(void **state)
{
	const struct workers_options absent = {.path = "/nonexistent/mtlb-proxy", .count = 1},
				     other = {.path = "/bin/true", .count = 1};

	(void)state;
	workers_free(workers);
	assert_int_equal(workers_new(loop, &absent, &workers), 0);
	run_until(has_reason, NULL);
	assert_non_null(strstr(status.reason, "cannot be started: /nonexistent/mtlb-proxy"));
	workers_free(workers);
	assert_int_equal(workers_new(loop, &other, &workers), 0);
	run_until(has_reason, NULL);
	assert_string_equal(status.reason, "ended with exit code 0");
}

static struct tallies *tallies;
static struct tally_tenant counted;

static bool is_open(void *context)
{
	const uint64_t *wanted = context;

	tallies_tenant(tallies, NULL, &counted);
	return counted.connections_open == *wanted;
}

/* What is open in those that go on is theirs to count: limits go by it. */
static void test_left_workers_count_on(void **state)
{
	struct workers_options options = {.path = program, .count = COUNT};
	uint64_t one = 1, none = 0;
	struct peer *client;
	pid_t pids[COUNT];
	uint16_t at[COUNT];
	int end;

	(void)state;
	workers_free(workers);
	assert_int_equal(tallies_new(&tallies), 0);
	options.tallies = tallies;
	assert_int_equal(workers_new(loop, &options, &workers), 0);
	use(1);
	listen_for_all(1, at);
	client = peer_new(try_connect(at[0]));
	say(client, "GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n");
	expect_text(client, "HTTP/1.1 404 ");
	run_until(is_open, &one);
	for (unsigned i = 0; i < COUNT; i++) {
		workers_status(workers, i, &status);
		pids[i] = status.pid;
	}
	workers_leave(workers); /* without a term they end, each by itself */
	workers = NULL;
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(waitpid(pids[i], &end, 0), pids[i]);
	assert_true(is_open(&none));
	peer_free(client);
	tallies_free(tallies);
}

static void expect_status(pid_t pid, const char *key, const char *wanted)
{
	char path[64], line[256], found[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			sscanf(line + strlen(key), "%255s", found);
	fclose(file);
	assert_string_equal(found, wanted);
}

static void expect_no_rights(pid_t pid)
{
	expect_status(pid, "CapEff:", "0000000000000000");
	expect_status(pid, "CapPrm:", "0000000000000000");
	expect_status(pid, "CapBnd:", "0000000000000000");
	expect_status(pid, "NoNewPrivs:", "1");
	expect_status(pid, "Seccomp:", "2");
}

/* What the worker has started: the keeper of its connections. */
static pid_t only_child_of(pid_t pid)
{
	char path[64];
	FILE *file;
	int child = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &child), 1);
	fclose(file);
	return child;
}

/* It gives up its rights by itself, in its own time. */
static bool is_filtered(void *context)
{
	char path[64], line[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", *(const pid_t *)context);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		found |= !strcmp(line, "Seccomp:\t2\n");
	fclose(file);
	return found;
}

static void test_rights(void **state)
{
	pid_t keeper;

	(void)state;
	use(1);
	workers_status(workers, 0, &status);
	expect_no_rights(status.pid);
	keeper = only_child_of(status.pid);
	run_until(is_filtered, &keeper);
	expect_status(keeper, "Name:", "mtlb-keeper");
	expect_no_rights(keeper);
}

#define workers_case(name) cmocka_unit_test_setup_teardown(name, workers_begin, workers_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		workers_case(test_all_serve),
		workers_case(test_listeners_come_and_go),
		workers_case(test_many_listeners),
		workers_case(test_worker_dies),
		workers_case(test_connections_outlive),
		workers_case(test_connections_outlive_two),
		workers_case(test_worker_hangs),
		workers_case(test_program_that_is_none),
		workers_case(test_left_workers_count_on),
		workers_case(test_rights),
	};

	return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
