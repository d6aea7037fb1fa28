// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "probe.h"

#define PROBE_KIND(divider, word, ID) [PROBE_##ID] = #word,
static const char *const names[PROBE_KINDS] = {
	[PROBE_NONE] = "none",
#include "probe.def"
};

const char *probe_kind_name(enum probe_kind kind)
{
	return kind < PROBE_KINDS ? names[kind] : "?";
}
