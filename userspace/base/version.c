// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A file of its own, so that another version is one object file away. */
#include "version.h"

const char version_text[] = MTLB_VERSION;
