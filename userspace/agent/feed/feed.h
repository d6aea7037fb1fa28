/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The node's own guard: deny feeds and filters. Looks at the files of the feeds once a second,
 * loads those that changed (reload.h), and puts the result where packets meet it: they see the old
 * lists or the new ones. A list that cannot be had leaves the one of before in force.
 */
#ifndef MTLB_AGENT_FEED_H
#define MTLB_AGENT_FEED_H

#include "../../model/config.h"
#include "../../sys/loop.h"
#include "../registry.h"

struct feeds;

/* What tools are told of a feed. */
struct feeds_status {
	const char *name, *path, *state, *error; /* error: empty when there is none */
	bool udp_ports;
	size_t entries, bad_lines;
	uint64_t loaded_at; /* CLOCK_REALTIME ns; 0: never */
	uint32_t rule;	    /* whose counters are its hits */
};

int feeds_new(struct loop *loop, struct registry *registry, struct feeds **ret_feeds);
/* Waits for the thread, if one is reading. */
void feeds_free(struct feeds *feeds);

/* A configuration that was applied: what it names is loaded at once. 0 or a negative errno. */
int feeds_set(struct feeds *feeds, const struct config *config);

size_t feeds_count(const struct feeds *feeds);
void feeds_get(const struct feeds *feeds, size_t number, struct feeds_status *ret_status);

#endif
