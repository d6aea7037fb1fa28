// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kinds.h"

const struct attempt_kind *const kinds[PROBE_KINDS] = {
	[PROBE_TCP] = &tcp_kind,
};
