// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The event loop of one thread. It owns the epoll descriptor and the heap of timers; it owns
 * neither the descriptors nor the structures that callers embed. It never closes, never allocates
 * per event and has no locks: other threads stay away.
 */
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define BATCH	  128
#define BATCHES	  8  /* of a round that has tasks: they are to know of as many as there are */
#define HEAP_ROOM 64 /* the first allocation; doubled when full */

struct loop {
	int epoll;
	bool running;
	bool stop;
	bool told_all;
	uint64_t now, round;
	struct loop_timer **heap;
	size_t timers, room;
	struct loop_task *tasks; /* that are set */
	struct loop_task *due;	 /* of this round, still to be done */
	/* What epoll_wait told; [next, count) is still to be handed out. */
	struct epoll_event batch[BATCH];
	int next, count;
};

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int loop_new(struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int ret;

	if (!loop)
		return -ENOMEM;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0) {
		ret = -errno;
		free(loop);
		return ret;
	}
	*ret_loop = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	close(loop->epoll);
	free(loop->heap);
	free(loop);
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}

uint64_t loop_now(const struct loop *loop)
{
	return loop->running ? loop->now : clock_now();
}

uint64_t loop_round(const struct loop *loop)
{
	return loop->round;
}

bool loop_told_all(const struct loop *loop)
{
	return loop->told_all;
}

int loop_fd_set(struct loop *loop, struct loop_fd *fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = fd};

	if (epoll_ctl(loop->epoll, fd->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd->fd, &event))
		return -errno;
	fd->added = true;
	/* What is no longer asked for is not told either, not even from the batch in hand. */
	for (int i = loop->next; i < loop->count; i++)
		if (loop->batch[i].data.ptr == fd)
			loop->batch[i].events &= events | EPOLLERR | EPOLLHUP;
	return 0;
}

void loop_fd_remove(struct loop *loop, struct loop_fd *fd)
{
	if (!fd->added)
		return;
	/* Even of one that is closed next: whoever looks into /proc at that moment holds it, and
	 * epoll would go on telling of it.
	 */
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd->fd, NULL);
	fd->added = false;
	/* The caller may free fd now, and the batch may still point at it. */
	for (int i = loop->next; i < loop->count; i++)
		if (loop->batch[i].data.ptr == fd)
			loop->batch[i].data.ptr = NULL;
}

static void put(struct loop *loop, size_t index, struct loop_timer *timer)
{
	loop->heap[index] = timer;
	timer->place = index + 1;
}

/* Puts timer where it belongs, index being a hole in the heap. */
static void sift(struct loop *loop, size_t index, struct loop_timer *timer)
{
	while (index > 0) {
		size_t parent = (index - 1) / 2;

		if (loop->heap[parent]->due <= timer->due)
			break;
		put(loop, index, loop->heap[parent]);
		index = parent;
	}
	for (;;) {
		size_t child = 2 * index + 1;

		if (child >= loop->timers)
			break;
		if (child + 1 < loop->timers && loop->heap[child + 1]->due < loop->heap[child]->due)
			child++;
		if (timer->due <= loop->heap[child]->due)
			break;
		put(loop, index, loop->heap[child]);
		index = child;
	}
	put(loop, index, timer);
}

static int make_room(struct loop *loop)
{
	size_t room = loop->room ? 2 * loop->room : HEAP_ROOM;
	struct loop_timer **heap;

	if (loop->timers < loop->room)
		return 0;
	heap = realloc(loop->heap, room * sizeof(struct loop_timer *));
	if (!heap)
		return -ENOMEM;
	loop->heap = heap;
	loop->room = room;
	return 0;
}

int loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t delay_ns)
{
	/* Not loop->now: after a long handler it would cut every delay short, and a check would
	 * time out before its time.
	 */
	uint64_t now = clock_now();
	int ret;

	if (!timer->place) {
		ret = make_room(loop);
		if (ret)
			return ret;
	}
	/* Never due in the round that sets it: one that sets itself again with no delay would keep
	 * the loop from its descriptors.
	 */
	if (now <= loop->now)
		now = loop->now + 1;
	timer->due = delay_ns > UINT64_MAX - now ? UINT64_MAX : now + delay_ns;
	sift(loop, timer->place ? timer->place - 1 : loop->timers++, timer);
	return 0;
}

void loop_timer_cancel(struct loop *loop, struct loop_timer *timer)
{
	size_t hole = timer->place;
	struct loop_timer *last;

	if (!hole)
		return;
	last = loop->heap[--loop->timers];
	timer->place = 0;
	if (last != timer)
		sift(loop, hole - 1, last);
}

void loop_task_set(struct loop *loop, struct loop_task *task)
{
	if (task->set)
		return;
	task->set = true;
	task->next = loop->tasks;
	loop->tasks = task;
}

static void leave(struct loop_task **link, struct loop_task *task)
{
	while (*link && *link != task)
		link = &(*link)->next;
	if (*link)
		*link = task->next;
}

void loop_task_cancel(struct loop *loop, struct loop_task *task)
{
	if (!task->set)
		return;
	leave(&loop->tasks, task);
	leave(&loop->due, task);
	task->set = false;
}

/* Rounded up: a timer that fires early would have to wait once more. */
static int timeout_ms(const struct loop *loop)
{
	uint64_t now, ms;

	if (loop->tasks)
		return 0;
	if (!loop->timers)
		return -1;
	now = clock_now();
	if (loop->heap[0]->due <= now)
		return 0;
	ms = (loop->heap[0]->due - now - 1) / 1000000 + 1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

static void hand_out(struct loop *loop)
{
	while (!loop->stop && loop->next < loop->count) {
		const struct epoll_event *event = &loop->batch[loop->next++];
		struct loop_fd *fd = event->data.ptr;

		if (fd && event->events)
			fd->ready(fd, event->events);
	}
	loop->next = loop->count = 0;
}

static void fire(struct loop *loop)
{
	while (!loop->stop && loop->timers && loop->heap[0]->due <= loop->now) {
		struct loop_timer *timer = loop->heap[0];

		loop_timer_cancel(loop, timer);
		timer->fire(timer);
	}
}

/* Those that are set from here on wait for the next round. */
static void do_tasks(struct loop *loop)
{
	loop->due = loop->tasks;
	loop->tasks = NULL;
	while (!loop->stop && loop->due) {
		struct loop_task *task = loop->due;

		loop->due = task->next;
		task->set = false;
		task->run(task);
	}
	/* stopped in between: the next run does the rest */
	while (loop->due) {
		struct loop_task *task = loop->due;

		loop->due = task->next;
		task->next = loop->tasks;
		loop->tasks = task;
	}
}

/* Whoever has many descriptors that are ready may have one among them that matters most. */
static int all_batches(struct loop *loop, int count)
{
	for (int i = 1; i < BATCHES && count == BATCH && loop->tasks && !loop->stop; i++) {
		count = epoll_wait(loop->epoll, loop->batch, BATCH, 0);
		if (count < 0)
			return errno == EINTR ? 0 : -errno;
		loop->count = count;
		hand_out(loop);
	}
	loop->told_all = count < BATCH;
	return 0;
}

int loop_run(struct loop *loop)
{
	int ret = 0;

	loop->running = true;
	while (!loop->stop) {
		int count = epoll_wait(loop->epoll, loop->batch, BATCH, timeout_ms(loop));

		if (count < 0 && errno != EINTR) {
			ret = -errno;
			break;
		}
		loop->now = clock_now();
		loop->round++;
		loop->told_all = false;
		loop->count = count < 0 ? 0 : count;
		/* Descriptors first: an answer that is here beats the timer that waits for it. */
		hand_out(loop);
		ret = all_batches(loop, count);
		if (ret)
			break;
		do_tasks(loop);
		fire(loop);
	}
	loop->running = false;
	loop->stop = false;
	return ret;
}
