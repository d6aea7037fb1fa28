/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The access lists of tenants in the maps: their rules, and the trie in which packets look for them
 * (bpf/abi/guard.h). A list is replaced as a whole, in one step for packets; rules that stay keep
 * their number, and with it what they have counted.
 */
#ifndef MTLB_AGENT_ACL_H
#define MTLB_AGENT_ACL_H

#include "../base/err.h"
#include "../model/diff.h"
#include "registry.h"

/* Of struct mtlb_rule. While a list changes, what comes and what goes is pending. */
enum acl_use {
	ACL_PENDING = 1,
	ACL_IN_FORCE = 2,
};

/* Rules and blocks of all guards; for registry_open(), after the tenants. */
int acl_open(struct registry *registry);

/* What runs; unfinished where a change of it was cut off. 0 or -ENOMEM. */
int acl_read(const struct registry *registry, const struct registry_tenant *tenant,
	     struct state_acl *ret_acl);

/* The flags that the tenant's records must carry: those of struct mtlb_vip. */
uint32_t acl_flags(const struct mtlb_guard *guard);

/* Is there room for every list that the plan sets, one after the other? -ENOSPC with words. */
int acl_check_room(const struct registry *registry, const struct plan *plan, struct err *err);

/* Before the records of the tenant get the flags that follow. -ENOSPC: rules or blocks. */
int acl_set(struct registry *registry, struct registry_tenant *tenant,
	    const struct state_acl *wanted);

#endif
