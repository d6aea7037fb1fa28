/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which release of mtlb this is, such as "0.1.0". The Makefile decides. */
#ifndef MTLB_BASE_VERSION_H
#define MTLB_BASE_VERSION_H

extern const char version_text[];

#endif
