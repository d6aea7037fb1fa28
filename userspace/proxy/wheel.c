// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "wheel.h"

static void link_in(struct wheel_link *head, struct wheel_link *link)
{
	link->next = head->next;
	link->previous = head;
	head->next->previous = link;
	head->next = link;
}

static void link_out(struct wheel_link *link)
{
	link->next->previous = link->previous;
	link->previous->next = link->next;
	link->next = link->previous = NULL;
}

/* The first tick at which it is certainly due. */
static uint64_t tick_of(uint64_t due)
{
	return due / WHEEL_TICK_NS + 1;
}

static void put(struct wheel *wheel, struct wheel_timer *timer)
{
	uint64_t tick = tick_of(timer->due);

	if (tick <= wheel->at) /* its slot has been looked at in this turn */
		tick = wheel->at + 1;
	link_in(&wheel->slots[tick % WHEEL_SLOTS], &timer->link);
}

/* Handlers set and cancel any timer, so the slot is emptied into a list of its own first: what is
 * cancelled leaves that one, what is set comes to a later slot.
 */
static void look_at(struct wheel *wheel, struct wheel_link *slot)
{
	struct wheel_link due = {&due, &due};

	if (slot->next == slot)
		return;
	due = *slot;
	due.next->previous = due.previous->next = &due;
	slot->next = slot->previous = slot;
	while (due.next != &due) {
		struct wheel_timer *timer = (struct wheel_timer *)due.next;

		link_out(&timer->link);
		if (tick_of(timer->due) > wheel->at) {
			put(wheel, timer);
			continue;
		}
		wheel->count--;
		timer->fire(timer);
	}
}

static void ticked(struct loop_timer *tick)
{
	struct wheel *wheel = tick->context;
	uint64_t now = loop_now(wheel->loop) / WHEEL_TICK_NS;

	/* after a long stop each slot is looked at once */
	if (now - wheel->at > WHEEL_SLOTS)
		wheel->at = now - WHEEL_SLOTS;
	while (wheel->at < now) {
		wheel->at++;
		look_at(wheel, &wheel->slots[wheel->at % WHEEL_SLOTS]);
	}
	if (wheel->count)
		loop_timer_set(wheel->loop, tick, WHEEL_TICK_NS);
}

void wheel_init(struct wheel *wheel, struct loop *loop)
{
	*wheel = (struct wheel){.loop = loop, .tick = {.fire = ticked, .context = wheel}};
	for (unsigned i = 0; i < WHEEL_SLOTS; i++)
		wheel->slots[i].next = wheel->slots[i].previous = &wheel->slots[i];
}

void wheel_fini(struct wheel *wheel)
{
	loop_timer_cancel(wheel->loop, &wheel->tick);
}

void wheel_set(struct wheel *wheel, struct wheel_timer *timer, uint64_t due)
{
	if (timer->link.next)
		link_out(&timer->link);
	else
		wheel->count++;
	if (!wheel->tick.place) {
		/* nothing was set: whatever passed since concerns nobody */
		uint64_t now = loop_now(wheel->loop) / WHEEL_TICK_NS;

		if (wheel->count == 1 && now > wheel->at)
			wheel->at = now;
		loop_timer_set(wheel->loop, &wheel->tick, WHEEL_TICK_NS);
	}
	timer->due = due;
	put(wheel, timer);
}

void wheel_cancel(struct wheel *wheel, struct wheel_timer *timer)
{
	if (!timer->link.next)
		return;
	link_out(&timer->link);
	wheel->count--;
}
