/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which probe is made when. Each comes once in its interval, at random within the last part of it
 * (its jitter), so that probes that began together spread out, and never later, so that fall
 * failures take no longer than fall intervals. However many are due at once, no more begin in a
 * hundredth of a second than half again as many as the intervals ask for on average.
 */
#ifndef MTLB_PROBER_SCHEDULE_H
#define MTLB_PROBER_SCHEDULE_H

#include "../sys/loop.h"
#include "../wire/probes.h"

struct schedule;

/* told is called for each result; the texts of result are its own. */
int schedule_new(struct loop *loop, void (*told)(void *context, const struct probes_result *result),
		 void *context, struct schedule **ret_schedule);
void schedule_free(struct schedule *schedule);

/* A new probe, or new settings of one. 0 or -ENOMEM. */
int schedule_set(struct schedule *schedule, const struct probes_probe *probe);
void schedule_remove(struct schedule *schedule, uint32_t id);

/* No more attempts than that run at a time; 0: any number. */
void schedule_limit(struct schedule *schedule, uint32_t at_once);

/* While held, none begins: nobody takes the results. */
void schedule_hold(struct schedule *schedule, bool held);

#endif
