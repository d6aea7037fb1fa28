/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A guard's trie into the maps: into a fresh block, then the switch, then the old block rests. */
#ifndef MTLB_AGENT_GUARD_H
#define MTLB_AGENT_GUARD_H

#include "../model/trie.h"
#include "registry.h"

/* Marks what packets may reach from a guard; for registry_open(). */
void guard_mark(struct registry *registry, uint32_t index);

/* Of guard only flags, ports and default_deny count. -ENOSPC: no block is large enough. */
int guard_switch(struct registry *registry, uint32_t index, struct trie *trie,
		 const struct mtlb_guard *settings);

/* A rule that nobody has; 0: there is none. */
uint32_t guard_take_rule(struct registry *registry);

#endif
