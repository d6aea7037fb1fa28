/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Asks a source again and again in a thread of its own, so that keys are answered while an agent is
 * not. Owns the source's time: at the pace that was asked for, or at a recording's own.
 */
#ifndef MTLB_TOP_FEED_H
#define MTLB_TOP_FEED_H

#include "record.h"
#include "source.h"

struct feed;

/* fd: becomes readable when there is something to take. */
int feed_new(struct source *source, struct record *record, double every,
	     const struct source_wish *wish, struct feed **ret, int *ret_fd, struct err *err);
/* False: it waits for an answer still. Then nothing of it may be freed, not even the source. */
bool feed_free(struct feed *feed);

/* What is wanted from now on; asks at once when that is something else. */
void feed_want(struct feed *feed, const struct source_wish *wish);

enum feed_news {
	FEED_NOTHING,
	FEED_SAMPLE, /* into the sample that was given */
	FEED_OVER,   /* the recording is at its end */
	FEED_LOST,   /* err says why; it is tried again, but for a recording */
	FEED_BROKEN, /* err says why; that was all */
};

enum feed_news feed_take(struct feed *feed, struct sample *sample, struct err *err);

#endif
