// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cpu.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

/* proc(5): user, nice, system, idle, iowait, irq, softirq, steal. */
int cpu_parse(const char *line, char ret_name[16], uint64_t ret_value[3])
{
	uint64_t spent[8];
	int length = 0;

	if (strncmp(line, "cpu", 3) != 0 || !isdigit((unsigned char)line[3]) ||
	    sscanf(line,
		   "%15s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64 "%n",
		   ret_name, &spent[0], &spent[1], &spent[2], &spent[3], &spent[4], &spent[5],
		   &spent[6], &spent[7], &length) != 9)
		return -EINVAL;
	ret_value[CPU_TICKS] = 0;
	for (int i = 0; i < 8; i++)
		ret_value[CPU_TICKS] += spent[i];
	ret_value[CPU_BUSY] = ret_value[CPU_TICKS] - spent[3] - spent[4];
	ret_value[CPU_SOFTIRQ] = spent[6];
	return 0;
}

int cpu_read(struct sample *sample)
{
	FILE *file = fopen("/proc/stat", "re");
	char *line = NULL;
	size_t room = 0;
	int error = 0;

	if (!file)
		return -errno;
	/* one line of it, the interrupts, is very long */
	while (!error && getline(&line, &room, file) > 0) {
		uint64_t value[3];
		struct row *row;
		char name[16];

		if (cpu_parse(line, name, value))
			continue;
		row = sample_add(sample, RECORD_CPU);
		if (row)
			row->text[0] = word_force(name);
		if (row)
			memcpy(row->value, value, sizeof(value));
		error = row && row->text[0] ? 0 : -ENOMEM;
	}
	free(line);
	fclose(file);
	return error;
}
