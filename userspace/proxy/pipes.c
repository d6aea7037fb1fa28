// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pipes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void pipes_init(struct pipes *pipes, unsigned most, unsigned keep)
{
	*pipes = (struct pipes){.most = most, .keep = keep};
}

static void destroy(struct pipes *pipes, struct pipe_pair *pair)
{
	close(pair->out);
	close(pair->in);
	free(pair);
	pipes->count--;
}

void pipes_fini(struct pipes *pipes)
{
	while (pipes->free) {
		struct pipe_pair *pair = pipes->free;

		pipes->free = pair->next;
		destroy(pipes, pair);
	}
	pipes->free_count = 0;
}

static struct pipe_pair *make(struct pipes *pipes)
{
	struct pipe_pair *pair = calloc(1, sizeof(*pair));
	int ends[2];

	if (!pair)
		return NULL;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
		free(pair);
		return NULL;
	}
	pair->out = ends[0];
	pair->in = ends[1];
	pipes->count++;
	if (fcntl(pair->in, F_SETPIPE_SZ, PIPE_SIZE) < PIPE_SIZE) {
		destroy(pipes, pair);
		return NULL;
	}
	return pair;
}

struct pipe_pair *pipe_take(struct pipes *pipes)
{
	struct pipe_pair *pair = pipes->free;

	if (pair) {
		pipes->free = pair->next;
		pipes->free_count--;
		return pair;
	}
	return pipes->count < pipes->most ? make(pipes) : NULL;
}

void pipe_drop(struct pipes *pipes, struct pipe_pair *pair)
{
	if (pair->filled || pipes->free_count >= pipes->keep) {
		destroy(pipes, pair);
		return;
	}
	pair->next = pipes->free;
	pipes->free = pair;
	pipes->free_count++;
}
