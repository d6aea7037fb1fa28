/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The pinned program, where it is attached, and how long it takes. */
#ifndef MTLB_INSPECT_PROGRAM_H
#define MTLB_INSPECT_PROGRAM_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"

#define PROGRAM_LINKS_MAX 256

struct program_link {
	uint32_t id, ifindex; /* ifindex 0: its interface is gone */
	uint32_t program;     /* the id of what it runs */
	char interface[16];   /* empty: the interface is of another network namespace */
	const char *mode;     /* "native", "generic", "offload"; NULL: the same */
};

struct program {
	int fd;
	struct bpf_prog_info info;
	uint64_t memlock, created_at; /* CLOCK_REALTIME ns */
	struct program_link links[PROGRAM_LINKS_MAX];
	size_t link_count;
};

int program_open(const char *directory, struct program *ret_program, struct err *err);
void program_close(struct program *program);

struct program_times {
	uint64_t runs, ns;    /* of the time in which the kernel measured, */
	double seconds;	      /* so long */
	bool always_measured; /* kernel.bpf_stats_enabled was on before */
};

/* Has the kernel measure the program for so long. It costs each packet some 20 ns meanwhile. */
int program_measure(const struct program *program, double seconds, struct program_times *ret_times,
		    struct err *err);

#endif
