/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which build this is. */
#ifndef MTLB_TOOLS_VERSION_H
#define MTLB_TOOLS_VERSION_H

#include "noun.h"

int version_print(const struct options *options);

#endif
