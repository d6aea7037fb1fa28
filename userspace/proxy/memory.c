// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "memory.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define KEPT  (64 << 20) /* bytes that are free at the end of the heap */
#define PART  (64 << 10) /* less than what the library gets by mmap(2), and gives back */
#define PARTS 64	 /* 1,000 connections, each with one to a backend */

int memory_prepare(void)
{
	char *parts[PARTS];
	int count, error = 0;

	mallopt(M_TRIM_THRESHOLD, KEPT);
	for (count = 0; count < PARTS; count++) {
		parts[count] = malloc(PART);
		if (!parts[count]) {
			error = -ENOMEM;
			break;
		}
		memset(parts[count], 1, PART);
	}
	while (count)
		free(parts[--count]);
	return error;
}
