/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pipes for splice(2), kept from use to use. They are as large as an unprivileged process may have
 * them: with the 64 KB a pipe begins with, splicing gains nothing over copying. When there is none,
 * bytes are copied; nobody waits for one.
 */
#ifndef MTLB_PROXY_PIPES_H
#define MTLB_PROXY_PIPES_H

#include <stdbool.h>
#include <stddef.h>

#define PIPE_SIZE (1 << 20)

struct pipe_pair {
	struct pipe_pair *next;
	int out, in; /* read from out what was written to in */
	size_t filled;
};

struct pipes {
	struct pipe_pair *free;
	unsigned count, most, keep; /* count: in use and free */
	unsigned free_count;
};

void pipes_init(struct pipes *pipes, unsigned most, unsigned keep);
void pipes_fini(struct pipes *pipes);

/* NULL: as many as allowed are in use, or the system gives none of that size. */
struct pipe_pair *pipe_take(struct pipes *pipes);
/* One with bytes in it is closed. */
void pipe_drop(struct pipes *pipes, struct pipe_pair *pair);

#endif
