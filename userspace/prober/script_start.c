// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "script_start.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TROUBLE_FD 16 /* at least; what the script itself gets are 0 to 2 */

static int limit(int which, rlim_t most)
{
	struct rlimit now;

	if (getrlimit((__rlimit_resource_t)which, &now))
		return -errno;
	if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most)
		most = now.rlim_max;
	now = (struct rlimit){.rlim_cur = most, .rlim_max = most};
	return setrlimit((__rlimit_resource_t)which, &now) ? -errno : 0;
}

static int limit_all(const struct script_launch *launch)
{
	const struct {
		int which;
		rlim_t most;
	} limits[] = {
		{RLIMIT_CORE, 0},
		{RLIMIT_FSIZE, 1 << 20},
		{RLIMIT_NOFILE, 256},
		{RLIMIT_AS, 1 << 30},
		{RLIMIT_MEMLOCK, 64 << 10},
		{RLIMIT_MSGQUEUE, 0},
		{RLIMIT_SIGPENDING, 256},
		{RLIMIT_NPROC, launch->processes},
		{RLIMIT_CPU, launch->cpu_s},
	};
	int error = 0;

	for (size_t i = 0; !error && i < sizeof(limits) / sizeof(limits[0]); i++)
		error = limit(limits[i].which, limits[i].most);
	return error;
}

/* As if nobody had ever set one. */
static int reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < SIGRTMAX; number++)
		signal(number, SIG_DFL); /* two of them cannot be set, and are as they are */
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) ? -errno : 0;
}

static int take_descriptors(const struct script_launch *launch, int *ret_trouble)
{
	int trouble = fcntl(launch->trouble, F_DUPFD_CLOEXEC, TROUBLE_FD);

	if (trouble < 0)
		return -errno;
	*ret_trouble = trouble;
	if (dup2(launch->in, 0) < 0 || dup2(launch->out, 1) < 0 || dup2(launch->error, 2) < 0)
		return -errno;
	/* what is told of trouble, until there can be none any more */
	return syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) ? -errno : 0;
}

static int confine(const struct script_launch *launch)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (launch->filter && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, launch->filter))
		return -errno;
	return 0;
}

static int become_script(const struct script_launch *launch, pid_t parent, int *trouble)
{
	char *argv[] = {(char *)(uintptr_t)launch->path, NULL};
	int error;

	if (setpgid(0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -errno;
	if (getppid() != parent)
		return -ESRCH;
	if (chdir("/") || setpriority(PRIO_PROCESS, 0, 5))
		return -errno;
	umask(077);
	error = reset_signals() ?: take_descriptors(launch, trouble);
	error = error ?: limit_all(launch) ?: confine(launch);
	if (error)
		return error;
	execve(launch->path, argv, launch->environment);
	return -errno;
}

int script_start(const struct script_launch *launch, pid_t *ret_pid)
{
	int error, trouble = launch->trouble;
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		error = become_script(launch, parent, &trouble);
		(void)!write(trouble, &error, sizeof(error));
		_exit(127);
	}
	/* Both do it, since neither can know who comes first. */
	setpgid(pid, pid);
	*ret_pid = pid;
	return 0;
}
