// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "estates.h"

#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../base/log.h"

#define PATIENCE_NS 5000000000ULL /* of clients, for somebody who serves them */

static void drop(struct estate *estate)
{
	if (estate->socket >= 0)
		close(estate->socket);
	estate->socket = -1;
}

void estates_drop(struct estates *estates)
{
	for (int i = 0; i < ESTATES_MOST; i++)
		drop(&estates->each[i]);
	loop_timer_cancel(estates->loop, &estates->patience);
}

static void wait_for_oldest(struct estates *estates)
{
	uint64_t now = loop_now(estates->loop), oldest = now;
	bool some = false;

	for (int i = 0; i < ESTATES_MOST; i++) {
		const struct estate *estate = &estates->each[i];

		if (estate->socket < 0)
			continue;
		some = true;
		if (estate->since < oldest)
			oldest = estate->since;
	}
	if (some)
		loop_timer_set(estates->loop, &estates->patience,
			       now - oldest < PATIENCE_NS ? oldest + PATIENCE_NS - now : 0);
}

static void impatient(struct loop_timer *timer)
{
	struct estates *estates = timer->context;

	for (int i = 0; i < ESTATES_MOST; i++) {
		struct estate *estate = &estates->each[i];

		if (loop_now(estates->loop) - estate->since < PATIENCE_NS)
			continue;
		if (estate->socket >= 0 && !estate->told)
			log_warn("l7", "connections of a worker that was killed end: for 5 s there "
				       "was no other one to take them");
		drop(estate);
	}
	wait_for_oldest(estates);
}

void estates_init(struct estates *estates, struct loop *loop)
{
	*estates = (struct estates){
		.loop = loop,
		.patience = {.fire = impatient, .context = estates},
	};
	for (int i = 0; i < ESTATES_MOST; i++)
		estates->each[i].socket = -1;
}

static bool was_killed(int status)
{
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	return signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGHUP;
}

/* Who was killed did nothing wrong, and what it had in hand is as good as it ever was. Of one that
 * crashed nothing is believed, and a request may have been the reason. */
bool estates_add(struct estates *estates, int socket, int status)
{
	struct estate left = {
		.socket = socket, .id = estates->next_id++, .since = loop_now(estates->loop)};

	for (int i = 0; i < ESTATES_MOST && was_killed(status); i++)
		if (estates->each[i].socket < 0) {
			estates->each[i] = left;
			wait_for_oldest(estates);
			return true;
		}
	if (was_killed(status))
		log_warn("l7",
			 "connections of a worker that was killed end: those of %d others "
			 "wait already",
			 ESTATES_MOST);
	drop(&left);
	return was_killed(status);
}

void estates_untell(struct estates *estates)
{
	for (int i = 0; i < ESTATES_MOST; i++)
		estates->each[i].told = false;
}

struct estate *estates_next(struct estates *estates)
{
	for (int i = 0; i < ESTATES_MOST; i++)
		if (estates->each[i].socket >= 0 && !estates->each[i].told)
			return &estates->each[i];
	return NULL;
}

void estates_settle(struct estates *estates, uint32_t id)
{
	for (int i = 0; i < ESTATES_MOST; i++)
		if (estates->each[i].id == id)
			drop(&estates->each[i]);
}
