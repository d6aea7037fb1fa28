// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Preloaded into a process, it refuses a command of bpf(2) in the kernel's place: MTLB_REFUSE is
 * the number of the command and that of the error, such as "5 13" (BPF_PROG_LOAD, EACCES). What
 * libbpf loads and makes to find out what a kernel can do goes through.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define OF_A_QUESTION 100 /* instructions */

static int refusal(int command, const union bpf_attr *attr)
{
	static const char log[] =
		"0: (bf) r6 = r1\nR1 type=scalar expected=fp\nprocessed 1 insns\n";
	const char *text = getenv("MTLB_REFUSE");
	int which, error;

	if (!text || sscanf(text, "%d %d", &which, &error) != 2)
		abort();
	if (command != which || (command == BPF_PROG_LOAD && attr->insn_cnt < OF_A_QUESTION) ||
	    (command == BPF_MAP_CREATE && strncmp(attr->map_name, "mtlb_", 5) != 0))
		return 0;
	if (command == BPF_PROG_LOAD && attr->log_level && attr->log_size >= sizeof(log))
		memcpy((void *)(uintptr_t)attr->log_buf, log, sizeof(log));
	return error;
}

long syscall(long number, ...)
{
	static long (*next)(long number, ...);
	long value[6];
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		value[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_bpf) {
		errno = refusal((int)value[0], (const union bpf_attr *)(uintptr_t)value[1]);
		if (errno)
			return -1;
	}
	if (!next)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return next(number, value[0], value[1], value[2], value[3], value[4], value[5]);
}
