/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tenants' certificates: reads the files that changed, keeps what they said, and puts all of it
 * into a store for the workers. One whose files are wrong is told of, and the one that was read
 * before stays in use: a tenant's mistake is nobody else's business.
 */
#ifndef MTLB_AGENT_L7_CERTIFICATES_H
#define MTLB_AGENT_L7_CERTIFICATES_H

#include "../../model/config.h"
#include "../../model/l7/compile.h"

struct certificates;

int certificates_new(struct certificates **ret_certificates);
void certificates_free(struct certificates *certificates);

/* *ret_store: a sealed memfd, which is the caller's; -1: the last one holds all there is to know.
 * 0, or a negative errno and why. */
int certificates_set(struct certificates *certificates, const struct config *config, int *ret_store,
		     struct err *err);

/* Of what was set last. */
struct compile_digests certificates_digests(const struct certificates *certificates);

#endif
