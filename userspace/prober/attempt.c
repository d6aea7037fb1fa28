// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "attempt.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kinds.h"

#define LATE_NS 20000000ULL /* this process, or the machine, stood still */

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void attempt_stop(struct attempt *attempt)
{
	if (!attempt->running)
		return;
	attempt->running = false;
	loop_timer_cancel(attempt->loop, &attempt->timer);
	attempt->kind->stop(attempt);
	attempt->own = NULL;
}

static void finish(struct attempt *attempt, enum probes_outcome outcome, const char *error)
{
	char copy[PROBES_ERROR_MAX]; /* error may lie in what stop frees */

	snprintf(copy, sizeof(copy), "%s", error);
	attempt->took_ns = clock_now() - attempt->started_ns;
	attempt_stop(attempt);
	attempt->done(attempt, outcome, copy);
}

void attempt_pass(struct attempt *attempt)
{
	finish(attempt, PROBES_GOOD, "");
}

static void finish_saying(struct attempt *attempt, enum probes_outcome outcome, const char *format,
			  va_list args)
{
	char text[PROBES_ERROR_MAX];

	vsnprintf(text, sizeof(text), format, args);
	finish(attempt, outcome, text);
}

void attempt_fail(struct attempt *attempt, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finish_saying(attempt, PROBES_BAD, format, args);
	va_end(args);
}

void attempt_fault(struct attempt *attempt, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	finish_saying(attempt, PROBES_FAULT, format, args);
	va_end(args);
}

/* True when it says something about this node and nothing about the backend. */
static bool is_ours(int error)
{
	switch (-error) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case ENOSPC: /* epoll's max_user_watches */
	case EAGAIN:
	case EADDRNOTAVAIL:
	case EADDRINUSE:
	case ENOTSUP:
		return true;
	}
	return false;
}

static const char *words(int error, char *text, size_t size)
{
	switch (-error) {
	case ENETUNREACH:
		return "network unreachable";
	case EMFILE:
	case ENFILE:
		return "out of file descriptors";
	case ENOMEM:
	case ENOBUFS:
		return "out of memory";
	case EAGAIN:
	case EADDRINUSE:
		return "out of local ports";
	case EADDRNOTAVAIL:
		return "out of local ports, or the address to ask from is no longer there";
	case ENOTSUP:
		return "there is no way through the dataplane";
	case EPERM:
	case EACCES:
		return "refused by this node's own firewall or routes";
	}
	/* The C library's words, as the middle of a sentence. */
	snprintf(text, size, "%s", strerror(-error));
	if (isupper((unsigned char)text[0]) && islower((unsigned char)text[1]))
		text[0] = (char)tolower((unsigned char)text[0]);
	return text;
}

void attempt_fail_errno(struct attempt *attempt, int error)
{
	char text[PROBES_ERROR_MAX];

	finish(attempt, is_ours(error) ? PROBES_FAULT : PROBES_BAD,
	       words(error, text, sizeof(text)));
}

static void time_out(struct attempt *attempt)
{
	uint32_t ms = attempt->probe->timeout_ms;
	const char *phase = attempt->phase;
	bool whole = ms % 1000 == 0;

	if (attempt->kind->excuse && attempt->kind->excuse(attempt))
		return;
	attempt_fail(attempt, "timeout after %u%s%s%s", whole ? ms / 1000 : ms, whole ? "s" : "ms",
		     phase ? " " : "", phase ? phase : "");
}

/*
 * The time is over. But an answer may have come while this process was busy elsewhere, and is seen
 * in the loop's next round; and time in which the process stood still is not the backend's.
 */
static void expire(struct loop_timer *timer)
{
	struct attempt *attempt = timer->context;
	uint64_t late = clock_now() - timer->due;
	uint32_t more_ms = 0;

	if (late > LATE_NS && attempt->extended_ms < attempt->probe->timeout_ms) {
		more_ms = (uint32_t)(late / 1000000);
		if (more_ms > attempt->probe->timeout_ms - attempt->extended_ms)
			more_ms = attempt->probe->timeout_ms - attempt->extended_ms;
		attempt->extended_ms += more_ms;
	} else if (attempt->second_look) {
		time_out(attempt);
		return;
	}
	attempt->second_look = true;
	if (loop_timer_set(attempt->loop, timer, (uint64_t)more_ms * 1000000))
		time_out(attempt);
}

void attempt_start(struct attempt *attempt, struct loop *loop, const struct probes_probe *probe)
{
	int error;

	attempt_stop(attempt);
	attempt->loop = loop;
	attempt->probe = probe;
	attempt->kind = kinds[probe->kind];
	attempt->timer = (struct loop_timer){.fire = expire, .context = attempt};
	attempt->started_ns = clock_now();
	attempt->extended_ms = 0;
	attempt->second_look = false;
	attempt->phase = NULL;
	attempt->own = NULL;
	attempt->running = true;
	error = attempt->kind ? 0 : -ENOTSUP;
	error = error
			?: loop_timer_set(loop, &attempt->timer,
					  (uint64_t)probe->timeout_ms * 1000000);
	error = error ?: attempt->kind->start(attempt);
	if (!error)
		return; /* it may be over by now */
	attempt->running = false;
	loop_timer_cancel(loop, &attempt->timer);
	attempt->took_ns = 0;
	{
		char text[PROBES_ERROR_MAX];

		attempt->done(attempt, PROBES_FAULT, words(error, text, sizeof(text)));
	}
}
