// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../base/log.h"
#include "attempt.h"

#define WINDOW_NS     10000000ULL /* of the limit of those that begin */
#define WINDOW_LEAST  8
#define LATE_QUIET_NS 60000000000ULL /* it is told once a minute at most */
#define IDS_MAX	      (1U << 24)

struct entry {
	struct schedule *schedule;
	struct probes_probe probe;
	struct probe_question *question; /* whose texts the probe has */
	struct loop_timer timer;
	struct attempt attempt;
	uint64_t due_ns; /* the instant of the next attempt, or of the one that runs */
	struct entry *next_waiting;
	bool waiting; /* it is due, but others were first */
};

struct schedule {
	struct loop *loop;
	void (*told)(void *context, const struct probes_result *result);
	void *context;
	struct entry **entries; /* by id */
	uint32_t room;
	uint64_t random;
	double rate; /* attempts a nanosecond, of all together */
	uint64_t window_ns;
	uint32_t begun;		   /* in this window */
	uint32_t running, at_once; /* attempts; and how many may run, 0: any number */
	uint64_t late_told_ns;
	struct loop_timer window_timer;
	struct entry *first, *last; /* those that wait */
	bool held;
};

/* Uniform enough in [0, below) for spreading load (xorshift64); 0 when below is 0. */
static uint64_t pick(struct schedule *schedule, uint64_t below)
{
	schedule->random ^= schedule->random << 13;
	schedule->random ^= schedule->random >> 7;
	schedule->random ^= schedule->random << 17;
	return below ? schedule->random % below : 0;
}

static uint64_t interval_ns(const struct entry *entry)
{
	return (uint64_t)entry->probe.interval_ms * 1000000;
}

static void count(struct schedule *schedule, const struct entry *entry, int sign)
{
	schedule->rate += sign / (double)interval_ns(entry);
}

/* Who is due begins now, if the limit lets it; else in its turn. */

static uint32_t limit(const struct schedule *schedule)
{
	uint32_t fair = (uint32_t)(1.5 * schedule->rate * WINDOW_NS);

	return fair > WINDOW_LEAST ? fair : WINDOW_LEAST;
}

static void begin(struct entry *entry)
{
	entry->schedule->begun++;
	entry->schedule->running++;
	attempt_start(&entry->attempt, entry->schedule->loop, &entry->probe);
}

static bool may_begin(struct schedule *schedule)
{
	uint64_t now = loop_now(schedule->loop);

	if (now - schedule->window_ns >= WINDOW_NS) {
		schedule->window_ns = now;
		schedule->begun = 0;
	}
	if (schedule->at_once && schedule->running >= schedule->at_once)
		return false;
	return !schedule->held && schedule->begun < limit(schedule);
}

static void wait(struct entry *entry)
{
	struct schedule *schedule = entry->schedule;

	entry->waiting = true;
	entry->next_waiting = NULL;
	if (schedule->last)
		schedule->last->next_waiting = entry;
	else
		schedule->first = entry;
	schedule->last = entry;
	if (!schedule->window_timer.place && !schedule->held)
		loop_timer_set(schedule->loop, &schedule->window_timer, WINDOW_NS);
}

static void stop_waiting(struct entry *entry)
{
	struct schedule *schedule = entry->schedule;
	struct entry **link = &schedule->first, *before = NULL;

	if (!entry->waiting)
		return;
	while (*link != entry) {
		before = *link;
		link = &before->next_waiting;
	}
	*link = entry->next_waiting;
	if (schedule->last == entry)
		schedule->last = before;
	entry->waiting = false;
}

/* More are due than may run. Each then comes less often than it should. */
static void tell_late(const struct entry *entry)
{
	struct schedule *schedule = entry->schedule;
	uint64_t now = loop_now(schedule->loop);

	if (!schedule->at_once || now - entry->due_ns < interval_ns(entry) ||
	    (schedule->late_told_ns && now - schedule->late_told_ns < LATE_QUIET_NS))
		return;
	schedule->late_told_ns = now;
	log_warn("health",
		 "scripts come later than their intervals say, since %u run at a time: raise "
		 "node.health.scriptsAtOnce, or the intervals",
		 schedule->at_once);
}

static void next_window(struct loop_timer *timer)
{
	struct schedule *schedule = timer->context;

	while (schedule->first && may_begin(schedule)) {
		struct entry *entry = schedule->first;

		stop_waiting(entry);
		tell_late(entry);
		begin(entry);
	}
	if (schedule->first && !schedule->held)
		loop_timer_set(schedule->loop, timer, WINDOW_NS);
}

static void due(struct loop_timer *timer)
{
	struct entry *entry = timer->context;

	if (!entry->schedule->first && may_begin(entry->schedule))
		begin(entry);
	else
		wait(entry);
}

void schedule_hold(struct schedule *schedule, bool held)
{
	schedule->held = held;
	if (!held && schedule->first && !schedule->window_timer.place)
		loop_timer_set(schedule->loop, &schedule->window_timer, 0);
}

/* when */

/* Can fail for a new entry only: each holds one place in the loop's heap, either for its own timer
 * or, while an attempt runs, for the attempt's; the one that starts takes the place of the one that
 * ended.
 */
static int schedule_first(struct entry *entry)
{
	uint64_t delay = pick(entry->schedule, interval_ns(entry) / 10);

	entry->due_ns = loop_now(entry->schedule->loop) + delay;
	return loop_timer_set(entry->schedule->loop, &entry->timer, delay);
}

static void schedule_next(struct entry *entry)
{
	struct schedule *schedule = entry->schedule;
	uint64_t interval = interval_ns(entry), now = loop_now(schedule->loop);

	entry->due_ns += interval - pick(schedule, interval / 100 * entry->probe.jitter);
	if (entry->due_ns < now)
		entry->due_ns = now; /* a slow attempt took longer than the interval */
	loop_timer_set(schedule->loop, &entry->timer, entry->due_ns - now);
}

static void done(struct attempt *attempt, enum probes_outcome outcome, const char *error)
{
	struct entry *entry = attempt->context;
	struct schedule *schedule = entry->schedule;
	struct probes_result result = {
		.id = entry->probe.id,
		.generation = entry->probe.generation,
		.outcome = outcome,
		.took_ns = attempt->took_ns,
	};

	schedule->running--;
	schedule_next(entry);
	result.next_ns = entry->due_ns;
	strncpy(result.error, error, sizeof(result.error) - 1);
	schedule->told(schedule->context, &result);
}

/* the set */

static int make_room(struct schedule *schedule, uint32_t id)
{
	uint32_t room = schedule->room ? schedule->room : 64;
	struct entry **entries;

	if (id < schedule->room)
		return 0;
	if (id >= IDS_MAX)
		return -EINVAL;
	while (room <= id)
		room *= 2;
	entries = realloc(schedule->entries, room * sizeof(struct entry *));
	if (!entries)
		return -ENOMEM;
	memset(entries + schedule->room, 0, (room - schedule->room) * sizeof(struct entry *));
	schedule->entries = entries;
	schedule->room = room;
	return 0;
}

static void halt(struct entry *entry)
{
	entry->schedule->running -= entry->attempt.running;
	attempt_stop(&entry->attempt);
}

static void entry_free(struct entry *entry)
{
	struct schedule *schedule = entry->schedule;

	halt(entry);
	stop_waiting(entry);
	loop_timer_cancel(schedule->loop, &entry->timer);
	count(schedule, entry, -1);
	schedule->entries[entry->probe.id] = NULL;
	free(entry->question);
	free(entry);
}

/* Its texts lie in a message that is gone soon. */
static void take_probe(struct entry *entry, const struct probes_probe *probe,
		       struct probe_question *question)
{
	free(entry->question);
	entry->question = question;
	entry->probe = *probe;
	entry->probe.question = *question;
}

/* An attempt under way is dropped: it asks what is no longer asked. When only its mark is new it
 * keeps its time, so that one who changes its settings often is asked all the same.
 */
static int change(struct entry *entry, const struct probes_probe *probe,
		  struct probe_question *question)
{
	bool other_interval = entry->probe.interval_ms != probe->interval_ms;
	bool ran = entry->attempt.running;

	halt(entry);
	count(entry->schedule, entry, -1);
	take_probe(entry, probe, question);
	count(entry->schedule, entry, 1);
	if (entry->waiting || (!ran && !other_interval))
		return 0;
	return schedule_first(entry);
}

int schedule_set(struct schedule *schedule, const struct probes_probe *probe)
{
	struct probe_question *question;
	struct entry *entry;
	int error = make_room(schedule, probe->id);

	if (error)
		return error;
	entry = schedule->entries[probe->id];
	question = probe_copy_question(&probe->question);
	if (!question)
		return -ENOMEM;
	if (entry)
		return change(entry, probe, question);
	entry = calloc(1, sizeof(*entry));
	if (!entry) {
		free(question);
		return -ENOMEM;
	}
	entry->schedule = schedule;
	take_probe(entry, probe, question);
	entry->timer = (struct loop_timer){.fire = due, .context = entry};
	entry->attempt.done = done;
	entry->attempt.context = entry;
	schedule->entries[probe->id] = entry;
	count(schedule, entry, 1);
	error = schedule_first(entry);
	if (error)
		entry_free(entry);
	return error;
}

void schedule_limit(struct schedule *schedule, uint32_t at_once)
{
	schedule->at_once = at_once;
}

void schedule_remove(struct schedule *schedule, uint32_t id)
{
	if (id < schedule->room && schedule->entries[id])
		entry_free(schedule->entries[id]);
}

int schedule_new(struct loop *loop, void (*told)(void *context, const struct probes_result *result),
		 void *context, struct schedule **ret_schedule)
{
	struct schedule *schedule = calloc(1, sizeof(*schedule));

	if (!schedule)
		return -ENOMEM;
	schedule->loop = loop;
	schedule->told = told;
	schedule->context = context;
	schedule->window_timer = (struct loop_timer){.fire = next_window, .context = schedule};
	if (getrandom(&schedule->random, sizeof(schedule->random), GRND_NONBLOCK) < 0)
		schedule->random = loop_now(loop);
	schedule->random |= 1; /* xorshift never leaves 0 */
	*ret_schedule = schedule;
	return 0;
}

void schedule_free(struct schedule *schedule)
{
	if (!schedule)
		return;
	for (uint32_t id = 0; id < schedule->room; id++)
		if (schedule->entries[id])
			entry_free(schedule->entries[id]);
	loop_timer_cancel(schedule->loop, &schedule->window_timer);
	free(schedule->entries);
	free(schedule);
}
