// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "script_calls.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../sys/sandbox.h"

#define ANY(name)                        \
	{                                \
		.number = SCMP_SYS(name) \
	}
#define ONLY(name, which, bits, wanted)                                                          \
	{                                                                                        \
		.number = SCMP_SYS(name), .argument = (which), .mask = (bits), .value = (wanted) \
	}
#define ALL 0xffffffffULL
#define NAMESPACES                                                                     \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWCGROUP | \
	 CLONE_NEWIPC | CLONE_NEWUTS)

static const struct sandbox_call calls[] = {
	/* files: what the user may open, it may use */
	ANY(open),
	ANY(openat),
	ANY(creat),
	ANY(close),
	ANY(close_range),
	ANY(read),
	ANY(readv),
	ANY(pread64),
	ANY(preadv),
	ANY(write),
	ANY(writev),
	ANY(pwrite64),
	ANY(pwritev),
	ANY(lseek),
	ANY(stat),
	ANY(fstat),
	ANY(lstat),
	ANY(newfstatat),
	ANY(statx),
	ANY(statfs),
	ANY(fstatfs),
	ANY(access),
	ANY(faccessat),
	ANY(faccessat2),
	ANY(readlink),
	ANY(readlinkat),
	ANY(getdents),
	ANY(getdents64),
	ANY(getcwd),
	ANY(chdir),
	ANY(fchdir),
	ANY(umask),
	ANY(unlink),
	ANY(unlinkat),
	ANY(rename),
	ANY(renameat),
	ANY(renameat2),
	ANY(mkdir),
	ANY(mkdirat),
	ANY(rmdir),
	ANY(ftruncate),
	ANY(fsync),
	ANY(flock),
	ANY(fadvise64),
	ANY(sendfile),
	ANY(splice),
	ANY(copy_file_range),
	ANY(dup),
	ANY(dup2),
	ANY(dup3),
	ANY(fcntl),
	ANY(pipe),
	ANY(pipe2),
	ONLY(ioctl, 1, ALL, FIONBIO),
	ONLY(ioctl, 1, ALL, FIONREAD),
	ONLY(ioctl, 1, ALL, FIOCLEX),
	ONLY(ioctl, 1, ALL, FIONCLEX),
	ONLY(ioctl, 1, ALL, TCGETS),
	ONLY(ioctl, 1, ALL, TIOCGWINSZ),
	ONLY(ioctl, 1, ALL, TIOCGPGRP),
	/* waiting */
	ANY(poll),
	ANY(ppoll),
	ANY(select),
	ANY(pselect6),
	ANY(epoll_create),
	ANY(epoll_create1),
	ANY(epoll_ctl),
	ANY(epoll_wait),
	ANY(epoll_pwait),
	ANY(epoll_pwait2),
	ANY(eventfd),
	ANY(eventfd2),
	ANY(timerfd_create),
	ANY(timerfd_settime),
	ANY(timerfd_gettime),
	ANY(nanosleep),
	ANY(clock_nanosleep),
	ANY(pause),
	ANY(alarm),
	ANY(getitimer),
	ANY(setitimer),
	ANY(clock_gettime),
	ANY(clock_getres),
	ANY(gettimeofday),
	ANY(time),
	ANY(times),
	/* sockets, to ask and not to be asked: nothing listens */
	ONLY(socket, 0, ALL, AF_INET),
	ONLY(socket, 0, ALL, AF_INET6),
	ONLY(socket, 0, ALL, AF_UNIX),
	ONLY(socket, 0, ALL, AF_NETLINK), /* of name resolution: which addresses are there */
	ANY(socketpair),
	ANY(bind),
	ANY(connect),
	ANY(getsockname),
	ANY(getpeername),
	ANY(getsockopt),
	ANY(setsockopt),
	ANY(shutdown),
	ANY(sendto),
	ANY(sendmsg),
	ANY(sendmmsg),
	ANY(recvfrom),
	ANY(recvmsg),
	ANY(recvmmsg),
	/* processes, in no namespaces of their own, where they would have capabilities */
	ONLY(clone, 0, NAMESPACES, 0),
	ANY(fork),
	ANY(vfork),
	ANY(execve),
	ANY(wait4),
	ANY(waitid),
	ANY(exit),
	ANY(exit_group),
	ANY(kill),
	ANY(tkill),
	ANY(tgkill),
	ANY(getpid),
	ANY(getppid),
	ANY(gettid),
	ANY(getpgrp),
	ANY(getpgid),
	ANY(getsid),
	ANY(getuid),
	ANY(geteuid),
	ANY(getgid),
	ANY(getegid),
	ANY(getresuid),
	ANY(getresgid),
	ANY(getgroups),
	ANY(getpriority),
	ANY(getrlimit),
	ANY(setrlimit),
	ANY(prlimit64),
	ANY(getrusage),
	ANY(uname),
	ANY(sysinfo),
	ANY(capget),
	ANY(sched_yield),
	ANY(sched_getaffinity),
	ANY(sched_getparam),
	ANY(sched_getscheduler),
	ANY(sched_get_priority_max),
	ANY(sched_get_priority_min),
	ONLY(prctl, 0, ALL, PR_SET_NAME),
	ONLY(prctl, 0, ALL, PR_GET_NAME),
	ONLY(prctl, 0, ALL, PR_SET_PDEATHSIG),
	ONLY(prctl, 0, ALL, PR_GET_DUMPABLE),
	ONLY(prctl, 0, ALL, PR_CAPBSET_READ),
	ONLY(prctl, 0, ALL, PR_SET_NO_NEW_PRIVS),
	ONLY(prctl, 0, ALL, PR_GET_NO_NEW_PRIVS),
	ANY(rt_sigaction),
	ANY(rt_sigprocmask),
	ANY(rt_sigreturn),
	ANY(rt_sigsuspend),
	ANY(rt_sigtimedwait),
	ANY(rt_sigpending),
	ANY(sigaltstack),
	ANY(restart_syscall),
	/* threads, memory, the C library; interpreters make code as they run */
	ANY(futex),
	ANY(set_tid_address),
	ANY(set_robust_list),
	ANY(get_robust_list),
	ANY(rseq),
	ANY(membarrier),
	ANY(arch_prctl),
	ANY(getcpu),
	ANY(getrandom),
	ANY(brk),
	ANY(mmap),
	ANY(mprotect),
	ANY(mremap),
	ANY(munmap),
	ANY(madvise),
	ANY(mincore),
	ANY(msync),
	/* for who starts scripts alone, see refuse_rest() */
	ANY(setpgid),
	ANY(setpriority),
	ANY(seccomp),
};

int script_calls_limit(void)
{
	return sandbox_filter_scripts(calls, sizeof(calls) / sizeof(calls[0]));
}

static int refuse(scmp_filter_ctx filter, int call)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0);
}

static int refuse_pid(scmp_filter_ctx filter, int call, pid_t pid)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 1,
				SCMP_A0(SCMP_CMP_MASKED_EQ, ALL, (scmp_datum_t)pid));
}

/*
 * None leaves its process group, which is what a time-out ends; signals go to single processes or
 * to one's own group, and none to who starts scripts, who has the same user; nor does anybody
 * change that one's limits, or its turn at the CPU.
 */
static int refuse_rest(scmp_filter_ctx filter)
{
	pid_t self = getpid();
	int error = refuse(filter, SCMP_SYS(setpgid)) ?: refuse(filter, SCMP_SYS(setsid));

	error = error ?: refuse(filter, SCMP_SYS(seccomp)) ?: refuse(filter, SCMP_SYS(setpriority));
	error = error ?: refuse_pid(filter, SCMP_SYS(kill), self);
	error = error ?: refuse_pid(filter, SCMP_SYS(tkill), self);
	error = error ?: refuse_pid(filter, SCMP_SYS(tgkill), self);
	error = error
			?: seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(kill), 1,
					    SCMP_A0(SCMP_CMP_MASKED_EQ, 0x80000000, 0x80000000));
	error = error
			?: seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1,
					    SCMP_A0(SCMP_CMP_NE, 0, 0));
	return error;
}

static int take_program(int fd, struct sock_fprog *program)
{
	off_t size = lseek(fd, 0, SEEK_END);
	ssize_t n;

	if (size <= 0 || size / (off_t)sizeof(struct sock_filter) > BPF_MAXINSNS)
		return -EINVAL;
	program->len = (unsigned short)((size_t)size / sizeof(struct sock_filter));
	program->filter = malloc((size_t)size);
	if (!program->filter)
		return -ENOMEM;
	n = pread(fd, program->filter, (size_t)size, 0);
	return n == size ? 0 : -EIO;
}

const struct sock_fprog *script_calls_filter(void)
{
	static struct sock_fprog program;
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int fd = memfd_create("filter", MFD_CLOEXEC);
	int error = filter && fd >= 0 ? refuse_rest(filter) : -ENOMEM;

	error = error ?: seccomp_export_bpf(filter, fd);
	error = error ?: take_program(fd, &program);
	if (filter)
		seccomp_release(filter);
	if (fd >= 0)
		close(fd);
	return error ? NULL : &program;
}
