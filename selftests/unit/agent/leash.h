/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A server in a child process, for as long as the test holds its leash. It ends cleanly, so that
 * the sanitizers see its leaks as well.
 */
#ifndef MTLB_SELFTESTS_LEASH_H
#define MTLB_SELFTESTS_LEASH_H

#include "../../../userspace/sys/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static pid_t child;
static int leash = -1; /* closed: the child ends */
static struct loop *child_loop;

static inline void leash_ready(struct loop_fd *self, uint32_t events)
{
	(void)self;
	(void)events;
	loop_stop(child_loop);
}

/* In the child: runs its loop until the leash is let go. ready is closed: it listens. */
static inline void leash_run(struct loop_fd *fd, int ready)
{
	close(ready);
	loop_run(child_loop);
	loop_fd_remove(child_loop, fd);
}

/* Makes its loop, which fd ends. */
static inline int leash_loop(struct loop_fd *fd, int leash_end)
{
	*fd = (struct loop_fd){.fd = leash_end, .ready = leash_ready};
	return loop_new(&child_loop) || loop_fd_set(child_loop, fd, EPOLLIN);
}

/* serve is the child's, its result the exit status; it listens, or is dead, when this returns. */
static inline void leash_start(int (*serve)(int leash_end, int ready))
{
	int leash_pair[2], ready[2];
	char byte;

	assert_int_equal(pipe(leash_pair), 0);
	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(leash_pair[1]);
		close(ready[0]);
		exit(serve(leash_pair[0], ready[1]));
	}
	close(leash_pair[0]);
	close(ready[1]);
	leash = leash_pair[1];
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
}

static inline void leash_stop(void)
{
	int status;

	close(leash);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	child = 0;
}

#endif
