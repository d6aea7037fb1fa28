/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Certificates as mtlbd handed them over, mapped; and those of them that handshakes have asked for,
 * parsed. Of these there are so many at most: the one that was used longest ago goes first.
 */
#ifndef MTLB_PROXY_VAULT_H
#define MTLB_PROXY_VAULT_H

#include <uthash.h>

#include "../model/l7/store.h"

struct vault {
	unsigned refs;
	struct store store;
	void *base;
	size_t size;
};

/* fd: as for routing_open(). 0; or a negative errno and why. */
int vault_open(int fd, struct vault **ret_vault, struct err *err);
void vault_drop(struct vault *vault);

static inline struct vault *vault_hold(struct vault *vault)
{
	if (vault)
		vault->refs++;
	return vault;
}

struct parsed {
	uint8_t digest[IMAGE_DIGEST_SIZE];
	struct certificate certificate;
	UT_hash_handle hh; /* in the order of their last use */
};

struct parsed_list {
	struct parsed *list;
	unsigned most;
};

/* Until the next call; NULL: the vault has none with this digest, or there is no memory. vault may
 * be NULL. */
const struct certificate *parsed_find(struct parsed_list *list, const struct vault *vault,
				      const uint8_t digest[IMAGE_DIGEST_SIZE]);
void parsed_fini(struct parsed_list *list);

#endif
