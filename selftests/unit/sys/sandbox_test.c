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
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

/* What waitpid() says of a child that does it without its rights. */
static int outcome(int (*act)(void), bool scripts)
{
	int status, error;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		error = sandbox_drop(65534, 65534);
		error = error
				?: scripts ? sandbox_filter_scripts()
					   : sandbox_filter(calls, calls_count);
		/* not _exit(), before which the sanitizers would call what is denied */
		syscall(SYS_exit_group, error ? FAILED_TO_DROP : CODE(act()));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void expect_code(int (*act)(void), int code)
{
	int status = outcome(act, false);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CODE(code));
}

static void expect_death(int (*act)(void))
{
	int status = outcome(act, false);

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

/* Scripts are run, but change nothing of the system. */
static void test_scripts(void **state)
{
	int status;

	(void)state;
	status = outcome(be_a_shell, true);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	status = outcome(load_bpf, true);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CODE(EPERM));
	status = outcome(trace, true);
	assert_int_equal(WEXITSTATUS(status), CODE(EPERM));
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
			if (sandbox_drop(65534, 65534))
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
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_deadly),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_scripts),
		cmocka_unit_test(test_dies_with_its_parent),
		cmocka_unit_test(test_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
