// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "confine.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define ANY(name)                        \
	{                                \
		.number = SCMP_SYS(name) \
	}
/* Only when these bits of an argument are just so. */
#define ONLY(name, which, bits, wanted)                                                          \
	{                                                                                        \
		.number = SCMP_SYS(name), .argument = (which), .mask = (bits), .value = (wanted) \
	}
#define ALL 0xffffffffULL

const struct sandbox_call confine_calls[] = {
	/* the loop */
	ANY(epoll_wait),
	ANY(epoll_pwait),
	ANY(epoll_pwait2),
	ANY(epoll_ctl),
	ANY(poll),
	ANY(ppoll),
	ANY(clock_gettime),
	ANY(gettimeofday),
	ANY(time),
	/* sockets, of IP alone; those it listens on are handed to it */
	ONLY(socket, 0, ALL, AF_INET),
	ONLY(socket, 0, ALL, AF_INET6),
	ANY(accept4),
	ANY(connect),
	ANY(getsockopt),
	ANY(getsockname), /* of a client's connection, for a header of the PROXY protocol */
	ONLY(setsockopt, 1, ALL, SOL_SOCKET),
	ONLY(setsockopt, 1, ALL, IPPROTO_TCP),
	ANY(shutdown),
	ANY(recvfrom),
	ANY(recvmsg),
	ANY(sendto),
	ANY(sendmsg),
	ANY(splice),
	ANY(pipe2),
	ANY(write), /* the log */
	ANY(close),
	ANY(fcntl),
	/* memory, which is never both written and run */
	ANY(brk),
	ONLY(mmap, 2, PROT_EXEC, 0),
	ONLY(mprotect, 2, PROT_EXEC, 0),
	ANY(mremap),
	ANY(munmap),
	ANY(madvise),
	/* the C library, and its end */
	ANY(futex),
	ANY(getrandom),
	ANY(getpid),
	ANY(gettid),
	ANY(getuid),
	ANY(geteuid),
	ANY(getgid),
	ANY(getegid),
	ANY(fstat),
	ANY(newfstatat), /* of the log; a path in it leads nowhere that may be opened */
	ANY(rt_sigaction),
	ANY(rt_sigprocmask),
	ANY(rt_sigreturn),
	ANY(restart_syscall),
	ANY(tgkill), /* abort() */
	ANY(exit),
	ANY(exit_group),
};

const size_t confine_count = sizeof(confine_calls) / sizeof(confine_calls[0]);
