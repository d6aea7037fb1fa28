/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What each CPU of this machine spends its time on, as /proc/stat has it. */
#ifndef MTLB_TOP_CPU_H
#define MTLB_TOP_CPU_H

#include "sample.h"

/* A line of it: 0, or -EINVAL when it is not of one CPU. ret_name: "cpu0". Pure. */
int cpu_parse(const char *line, char ret_name[16], uint64_t ret_value[3]);

/* Adds a row for each. 0 or a negative errno. */
int cpu_read(struct sample *sample);

#endif
