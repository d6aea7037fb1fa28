/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Clients of the API that watch: which lines each of them wants, and that there are not too many.
 * Owns their streams (api/stream.h) while they last.
 */
#ifndef MTLB_AGENT_WATCHERS_H
#define MTLB_AGENT_WATCHERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "../model/state.h"

#define WATCHERS_MAX 32

enum watchers_topic {
	WATCHERS_EVENTS,
	WATCHERS_DROPS,
	WATCHERS_TOPICS,
};

struct watchers;
struct stream;

int watchers_new(struct watchers **ret_watchers);
/* Ends what is watched; free it when the API's server is gone. */
void watchers_end(struct watchers *watchers);
void watchers_free(struct watchers *watchers);

/* tenant, reason: NULL for any. 0, -EBUSY when there are enough of them, or -ENOMEM. The stream is
 * the caller's to send.
 */
int watchers_add(struct watchers *watchers, enum watchers_topic topic, const char *tenant,
		 const char *reason, struct stream **ret_stream);

/* Would anybody be told? Then it is worth while to make a line. */
bool watchers_want(const struct watchers *watchers, enum watchers_topic topic, const char *tenant,
		   const char *reason);
/* Takes the reference. */
void watchers_tell(struct watchers *watchers, enum watchers_topic topic, const char *tenant,
		   const char *reason, json_t *line);

size_t watchers_count(const struct watchers *watchers);
/* Lines that clients did not take in time, of all there have been. */
uint64_t watchers_missed(const struct watchers *watchers);

#endif
