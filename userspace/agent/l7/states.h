/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which members of one image are down, as health checks have it: a byte for each, in a memfd that
 * the workers map beside the image. A write is all that it takes to tell them.
 */
#ifndef MTLB_AGENT_L7_STATES_H
#define MTLB_AGENT_L7_STATES_H

#include "../../model/config.h"

struct states;

struct states_member {
	const char *tenant, *pool;
	const struct addr *address;
	uint16_t port;
};

/* Of the image that compile_image() makes of this configuration with this secret. 0 or a negative
 * errno. */
int states_new(const struct config *config, const uint8_t secret[16], struct states **ret_states);
void states_free(struct states *states);

/* Nobody but this process can write to it. */
int states_fd(const struct states *states);

/* By its key in the image (image.h). False: there is none. */
bool states_find(const struct states *states, uint64_t key, struct states_member *ret_member);
/* 1: it was down before; 0: it was not; -ENOENT: the image has no such member. */
int states_set(struct states *states, const struct states_member *member, bool down);
/* Of this pool; pool NULL: of all. */
void states_each(struct states *states, const char *tenant, const char *pool,
		 bool (*is_down)(void *context, const struct states_member *member), void *context);

#endif
