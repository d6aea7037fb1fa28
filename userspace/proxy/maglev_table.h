/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Members of a pool by the hash of a request (model/maglev.h): a table for each pool that needs
 * one, made for the first request that does. */
#ifndef MTLB_PROXY_MAGLEV_TABLE_H
#define MTLB_PROXY_MAGLEV_TABLE_H

#include "routing.h"

/*
 * The member of this hash that is accepted: who is not gives its hashes to all others, and they
 * keep theirs. An index into image->members, or IMAGE_NONE: nobody is accepted.
 */
uint32_t maglev_table_find(struct routing *routing, const struct image_pool *pool, uint64_t hash,
			   bool (*accepts)(void *context, uint32_t index), void *context);
void maglev_table_free(struct maglev_table *table);

#endif
