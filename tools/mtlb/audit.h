/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Follows the chain of an audit log, without an agent: `mtlb node audit verify`. */
#ifndef MTLB_TOOLS_AUDIT_H
#define MTLB_TOOLS_AUDIT_H

#include "noun.h"

int audit_run(const struct call *call);

#endif
