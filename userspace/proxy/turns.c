// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "turns.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum {
	NOWHERE,
	FRESH,
	ROTA
};

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int64_t quantum_of(const struct turn_queue *queue)
{
	return TURNS_QUANTUM_NS * (queue->weight ?: 1);
}

static void append(struct turns *turns, struct turn_queue *queue, uint8_t where)
{
	struct turns_list *list = where == FRESH ? &turns->fresh : &turns->rota;

	queue->list = where;
	queue->next = NULL;
	if (list->last)
		list->last->next = queue;
	else
		list->first = queue;
	list->last = queue;
}

static void remove_first(struct turns_list *list)
{
	struct turn_queue *queue = list->first;

	list->first = queue->next;
	if (!list->first)
		list->last = NULL;
	queue->list = NOWHERE;
}

/* Whoever owes some waits like those that have work all the time. */
static void enlist(struct turns *turns, struct turn_queue *queue)
{
	queue->credit += (int64_t)(loop_now(turns->loop) - queue->empty_at);
	if (queue->credit >= 0) {
		queue->credit = quantum_of(queue);
		if (queue->credit > TURNS_FIRST_NS)
			queue->credit = TURNS_FIRST_NS;
		append(turns, queue, FRESH);
	} else {
		append(turns, queue, ROTA);
	}
	loop_task_set(turns->loop, &turns->task);
}

void turns_wait(struct turns *turns, struct turn *turn, uint32_t number, uint32_t weight)
{
	struct turn_queue *queue = &turns->queues[number];

	if (turn->queue)
		return;
	turn->queue = number + 1;
	turn->next = NULL;
	turn->previous = queue->last;
	if (queue->last)
		queue->last->next = turn;
	else
		queue->first = turn;
	queue->last = turn;
	queue->weight = weight ?: queue->weight;
	if (queue->list == NOWHERE)
		enlist(turns, queue);
}

void turns_leave(struct turns *turns, struct turn *turn)
{
	struct turn_queue *queue;

	if (!turn->queue)
		return;
	queue = &turns->queues[turn->queue - 1];
	if (turn->previous)
		turn->previous->next = turn->next;
	else
		queue->first = turn->next;
	if (turn->next)
		turn->next->previous = turn->previous;
	else
		queue->last = turn->previous;
	turn->queue = 0;
}

static bool is_empty(const struct turns *turns)
{
	return !turns->fresh.first && !turns->rota.first;
}

/* The queue whose turn it is, with somebody in it; NULL: nobody waits. */
static struct turn_queue *next_queue(struct turns *turns)
{
	for (;;) {
		bool fresh = turns->fresh.first;
		struct turns_list *list = fresh ? &turns->fresh : &turns->rota;
		struct turn_queue *queue = list->first;

		if (!queue)
			return NULL;
		if (queue->first && queue->credit > 0)
			return queue;
		remove_first(list);
		if (queue->first) {
			/* nobody else wants the time that it owes */
			if (is_empty(turns))
				queue->credit = 0;
			queue->credit += quantum_of(queue);
			append(turns, queue, ROTA);
		} else if (fresh && turns->rota.first) {
			/* or it would go first each time that it has a little to do */
			append(turns, queue, ROTA);
		} else {
			queue->empty_at = loop_now(turns->loop);
		}
	}
}

static void charge(struct turn_queue *queue, uint64_t took)
{
	queue->credit -= (int64_t)took;
	if (queue->credit < -TURNS_OWED_MOST)
		queue->credit = -TURNS_OWED_MOST;
}

static void take_turns(struct loop_task *task)
{
	struct turns *turns = task->context;
	uint64_t began = turns->clock(), now = began;
	struct turn_queue *queue;

	while (now - began < TURNS_SPAN_NS && (queue = next_queue(turns))) {
		struct turn *turn = queue->first;
		uint64_t before = now;
		uint32_t whose;

		turns_leave(turns, turn);
		whose = turns->take(turn);
		now = turns->clock();
		charge(&turns->queues[whose], now - before);
	}
	if (!is_empty(turns))
		loop_task_set(turns->loop, task);
}

int turns_init(struct turns *turns, struct loop *loop, uint32_t count,
	       uint32_t (*take)(struct turn *turn))
{
	*turns = (struct turns){
		.loop = loop,
		.queues = calloc(count, sizeof(struct turn_queue)),
		.take = take,
		.clock = clock_now,
	};
	turns->task = (struct loop_task){.run = take_turns, .context = turns};
	return turns->queues ? 0 : -ENOMEM;
}

void turns_fini(struct turns *turns)
{
	if (turns->loop)
		loop_task_cancel(turns->loop, &turns->task);
	free(turns->queues);
	*turns = (struct turns){};
}
