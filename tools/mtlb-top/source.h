/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where samples come from: the agent (source_api.c) or a recording (source_replay.c). */
#ifndef MTLB_TOP_SOURCE_H
#define MTLB_TOP_SOURCE_H

#include "../../userspace/base/err.h"
#include "sample.h"

/* What is wanted beside what is always asked: kinds SERVICE and MEMBER cost the agent more. */
struct source_wish {
	unsigned kinds;
	const char *tenant; /* a word: of this one alone; NULL: of all */
	/* The wish has changed between two looks: what is always asked is left for the next one, as
	 * rates over a moment say nothing.
	 */
	bool between;
};

struct source {
	/* Fills the sample. -ENODATA: there are no more; else a negative errno and a sentence. */
	int (*next)(struct source *source, const struct source_wish *wish, struct sample *sample,
		    struct err *err);
	void (*free)(struct source *source);
	bool paced; /* samples are there at once, and their times say when they are to be shown */
};

/* NULL, and a sentence. */
struct source *source_api_new(const char *socket, struct err *err);
struct source *source_replay_new(const char *path, struct err *err);

#endif
