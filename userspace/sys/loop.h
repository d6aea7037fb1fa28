/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One thread's event loop: file descriptors by epoll, timers by a binary heap and one timerfd-less
 * epoll timeout (CLOCK_MONOTONIC, nanoseconds). Callers embed struct loop_fd and struct loop_timer.
 * A handler may add, change and delete any of them, itself included.
 */
#ifndef MTLB_SYS_LOOP_H
#define MTLB_SYS_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop_fd {
	int fd;
	void (*ready)(struct loop_fd *self, uint32_t events); /* EPOLLIN | EPOLLOUT | ... */
	void *context;
	bool added; /* the loop's */
};

struct loop_timer {
	void (*fire)(struct loop_timer *self);
	void *context;
	uint64_t due; /* the loop's */
	size_t place; /* the loop's: 1 + index in the heap, 0 when not set */
};

/* What is done once in a round, between its descriptors and its timers. */
struct loop_task {
	void (*run)(struct loop_task *self);
	void *context;
	struct loop_task *next; /* the loop's */
	bool set;		/* the loop's */
};

struct loop;

int loop_new(struct loop **ret_loop);
void loop_free(struct loop *loop);

/* Runs until loop_stop(). 0 or a negative errno. */
int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* CLOCK_MONOTONIC in ns, read once per round. */
uint64_t loop_now(const struct loop *loop);

/* Which round this is, counted from the loop's first. */
uint64_t loop_round(const struct loop *loop);

/* All that had become ready when this round began has been told of. */
bool loop_told_all(const struct loop *loop);

/* Adds fd, or changes the events of one that was added. */
int loop_fd_set(struct loop *loop, struct loop_fd *fd, uint32_t events);
void loop_fd_remove(struct loop *loop, struct loop_fd *fd); /* does not close it */

/* Fires once, delay_ns from now; a timer that is set already is moved. */
int loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t delay_ns);
void loop_timer_cancel(struct loop *loop, struct loop_timer *timer);

/* Runs once: in the round at hand, unless that has come to its tasks already; then in the next one,
 * which does not wait for anything. */
void loop_task_set(struct loop *loop, struct loop_task *task);
void loop_task_cancel(struct loop *loop, struct loop_task *task);

#endif
