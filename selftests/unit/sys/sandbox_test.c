// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * userspace/sys/sandbox, with the prober's own list of calls: a child gives up its rights and tries
 * what it must no longer be able to. Each answers with its exit code, or with the signal that ends
 * it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "userspace/prober/calls.h"

#define FAILED_TO_DROP 200
#define CODE(error)    (100 + (error)) /* of no sanitizer, and no shell */

/* 0 when it works, else the errno. */
static int raw(long ret)
{
	return ret < 0 ? errno : 0;
}

static int open_a_file(void)
{
	return raw(syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY, 0));
}

static int unix_socket(void)
{
	return raw(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int packet_socket(void)
{
	return raw(socket(AF_PACKET, SOCK_RAW, 0));
}

static int raw_socket(void)
{
	return raw(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int tcp_socket(void)
{
	return raw(socket(AF_INET6, SOCK_STREAM, 0));
}

static int run_memory(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? errno : 0;
}

static int become_root(void)
{
	return raw(syscall(SYS_setuid, 0));
}

static int have_a_child(void)
{
	return raw(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int be_a_shell(void)
{
	char *argv[] = {"sh", "-c", "exit 0", NULL};

	return raw(syscall(SYS_execve, "/bin/sh", argv, NULL));
}

static int trace(void)
{
	return raw(syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0));
}

static int load_bpf(void)
{
	return raw(syscall(SYS_bpf, 0, 0, 0));
}

static int kill_parent(void)
{
	return raw(syscall(SYS_kill, getppid(), 0));
}

static int leave_namespace(void)
{
	return raw(syscall(SYS_unshare, 0));
}

static int set_the_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return raw(syscall(SYS_clock_settime, CLOCK_REALTIME, &now));
}

static int mount_something(void)
{
	return raw(syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, NULL));
}

static int change_roots(void)
{
	return raw(syscall(SYS_chroot, "/"));
}

static int reach_the_kernel_by_bpf(void)
{
	union {
		char bytes[64];
		struct {
			uint32_t type, key, value, entries;
		} map;
	} attributes = {.map = {2 /* an array */, 4, 8, 1}};

	return raw(syscall(SYS_bpf, 0 /* BPF_MAP_CREATE */, &attributes, sizeof(attributes)));
}

/* As a service: with these capabilities and no others. */
static const int kept[] = {CAP_BPF, CAP_NET_RAW};

static int is_limited(void)
{
	char line[256], expected[64];
	FILE *file = fopen("/proc/self/status", "r");
	uint64_t mask = 1ULL << CAP_BPF | 1ULL << CAP_NET_RAW;
	int right = 0;

	snprintf(expected, sizeof(expected), "%016llx\n", (unsigned long long)mask);
	while (file && fgets(line, sizeof(line), file)) {
		right += !strncmp(line, "CapPrm:\t", 8) && !strcmp(line + 8, expected);
		right += !strncmp(line, "CapEff:\t", 8) && !strcmp(line + 8, expected);
		right += !strncmp(line, "CapBnd:\t", 8) && !strcmp(line + 8, expected);
		right += !strcmp(line, "CapInh:\t0000000000000000\n");
		right += !strcmp(line, "CapAmb:\t0000000000000000\n");
		right += !strcmp(line, "NoNewPrivs:\t1\n");
		right += !strcmp(line, "Seccomp:\t2\n");
	}
	return right == 7 ? 0 : 50 + right;
}

static int have_a_child_of_its_own(void)
{
	return raw(syscall(SYS_clone, 0x10000000 /* CLONE_NEWUSER */ | SIGCHLD, 0, 0, 0, 0));
}

static void *do_nothing(void *context)
{
	return context;
}

static int have_a_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, do_nothing, NULL) ?: pthread_join(thread, NULL);
}

static int have_any_child(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		execl("/bin/true", "true", NULL);
		syscall(SYS_exit_group, 1);
	}
	return waitpid(child, &status, 0) == child && !status ? 0 : ECHILD;
}

static void expect_of_service(int (*act)(void), int code)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		int error = sandbox_keep(kept, sizeof(kept) / sizeof(kept[0]))
				    ?: sandbox_filter_service();

		syscall(SYS_exit_group, error ? FAILED_TO_DROP : CODE(act()));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CODE(code));
}

/* It goes on to do its work, and cannot do more than that, even as root. */
static void test_service(void **state)
{
	(void)state;
	expect_of_service(is_limited, 0);
	expect_of_service(open_a_file, 0);
	expect_of_service(unix_socket, 0);
	expect_of_service(raw_socket, 0);
	expect_of_service(reach_the_kernel_by_bpf, 0);
	expect_of_service(have_any_child, 0);
	expect_of_service(have_a_thread, 0);
	expect_of_service(have_a_child_of_its_own, EPERM);
	expect_of_service(trace, EPERM);
	expect_of_service(leave_namespace, EPERM);
	expect_of_service(set_the_clock, EPERM);
	expect_of_service(mount_something, EPERM);
	expect_of_service(change_roots, EPERM);
}

static void test_missing(void **state)
{
	static const int wanted[] = {CAP_BPF, CAP_SYS_TIME};
	int missing[2], status;
	pid_t child;

	(void)state;
	assert_int_equal(sandbox_missing(wanted, 2, missing), 0);
	child = fork();
	if (child == 0) {
		int error = sandbox_keep(kept, sizeof(kept) / sizeof(kept[0]));
		size_t count = sandbox_missing(wanted, 2, missing);

		syscall(SYS_exit_group, error || count != 1 || missing[0] != CAP_SYS_TIME);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* What waitpid() says of a child that does it without its rights. */
static int outcome(int (*act)(void))
{
	int status, error;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		error = sandbox_drop(65534, 65534);
		error = error ?: sandbox_filter(calls, calls_count);
		/* not _exit(), before which the sanitizers would call what is denied */
		syscall(SYS_exit_group, error ? FAILED_TO_DROP : CODE(act()));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void expect_code(int (*act)(void), int code)
{
	int status = outcome(act);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CODE(code));
}

static void expect_death(int (*act)(void))
{
	int status = outcome(act);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void test_denied(void **state)
{
	(void)state;
	expect_code(open_a_file, EPERM);
	expect_code(unix_socket, EPERM);
	expect_code(packet_socket, EPERM);
	expect_code(raw_socket, EPERM);
	expect_code(run_memory, EPERM);
	expect_code(become_root, EPERM);
	expect_code(have_a_child, EPERM);
}

static void test_deadly(void **state)
{
	(void)state;
	expect_death(be_a_shell);
	expect_death(trace);
	expect_death(load_bpf);
	expect_death(kill_parent);
	expect_death(leave_namespace);
}

static void test_allowed(void **state)
{
	(void)state;
	expect_code(tcp_socket, 0);
}

/* The one that started it is killed: so is it. */
static void test_dies_with_its_parent(void **state)
{
	int pair[2], status;
	pid_t parent;
	char byte;

	(void)state;
	assert_int_equal(pipe(pair), 0);
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		if (fork() == 0) {
			close(pair[0]);
			if (sandbox_drop_tied(65534, 65534))
				_exit(FAILED_TO_DROP);
			if (write(pair[1], "r", 1) != 1)
				_exit(1);
			for (;;)
				pause();
		}
		for (;;)
			pause();
	}
	close(pair[1]);
	assert_int_equal(read(pair[0], &byte, 1), 1);
	assert_int_equal(byte, 'r');
	kill(parent, SIGKILL);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	assert_int_equal(read(pair[0], &byte, 1), 0); /* the last one to hold it is gone */
	close(pair[0]);
}

static void test_users(void **state)
{
	uid_t uid;
	gid_t gid;

	(void)state;
	assert_int_equal(sandbox_find_user(NULL, &uid, &gid), 0);
	assert_true(uid > 0 && gid > 0);
	assert_int_equal(sandbox_find_user("nobody", &uid, &gid), 0);
	assert_int_equal(sandbox_find_user("root", &uid, &gid), -EPERM);
	assert_int_equal(sandbox_find_user("no-such-user-here", &uid, &gid), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_denied),	cmocka_unit_test(test_deadly),
		cmocka_unit_test(test_allowed), cmocka_unit_test(test_service),
		cmocka_unit_test(test_missing), cmocka_unit_test(test_dies_with_its_parent),
		cmocka_unit_test(test_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
