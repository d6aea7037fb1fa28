/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the prober is that belongs to this test: build/test/unit/agent/NAME, build/mtlb-prober. */
#ifndef MTLB_SELFTESTS_UNIT_AGENT_PROBER_PATH_H
#define MTLB_SELFTESTS_UNIT_AGENT_PROBER_PATH_H

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static inline const char *prober_path(void)
{
	static char path[PATH_MAX + 16];
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);

	path[n > 0 ? n : 0] = 0;
	for (int up = 0; up < 4 && strrchr(path, '/'); up++)
		*strrchr(path, '/') = 0;
	strcat(path, "/mtlb-prober");
	return path;
}

#endif
