/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What verbs wrote, kept beside the maps: the agent is the only one who writes these, so whatever
 * differs was written by somebody else. Maps that packets write, too, have no such copy.
 */
#ifndef MTLB_DATAPLANE_KEPT_H
#define MTLB_DATAPLANE_KEPT_H

#include "internal.h"

struct dataplane_kept;

/* A verb has just written these bytes of one of the arrays. */
void kept_write(struct dataplane *dataplane, const void *at, size_t size);
/* It has just written a key, or deleted it. 0 or -ENOMEM. */
int kept_put_vip(struct dataplane *dataplane, const struct mtlb_vip_key *key, uint32_t index);
int kept_put_quic(struct dataplane *dataplane, const struct mtlb_quic_key *key, uint32_t member);
void kept_delete_vip(struct dataplane *dataplane, const struct mtlb_vip_key *key);
void kept_delete_quic(struct dataplane *dataplane, const struct mtlb_quic_key *key);
void kept_free(struct dataplane *dataplane);

#endif
