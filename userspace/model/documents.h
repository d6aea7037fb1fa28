/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the documents of a configuration make together: every PlatformPart adds to the Platform, and
 * what the API keeps stands before what files say. Owns that rule: of a VIP, a tier, a tenant or a
 * TenantConfig that both have, the file's is left out, and a note says so.
 */
#ifndef MTLB_MODEL_DOCUMENTS_H
#define MTLB_MODEL_DOCUMENTS_H

#include "load.h"

bool documents_is(const struct tree_node *document, const char *kind);

/* An item of a list ("vips", "tiers", "tenants") by its name, in the documents that the API keeps
 * or in the others; ret_document may be NULL. NULL: there is none.
 */
struct tree_node *documents_find(const struct load *load, const char *list, const char *name,
				 bool api, struct tree_node **ret_document);
/* A tenant's TenantConfig. */
struct tree_node *documents_find_config(const struct load *load, const char *tenant, bool api);

/* After each has been checked by itself: the lists of all parts go into those of platform (NULL:
 * none). 0 or -ENOMEM.
 */
int documents_merge(struct load *load, struct tree_node *platform);

#endif
