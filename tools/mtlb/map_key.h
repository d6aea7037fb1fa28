/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words that name an element of a map, as the bytes of its key; a row per CPU as several keys.
 */
#ifndef MTLB_TOOLS_MAP_KEY_H
#define MTLB_TOOLS_MAP_KEY_H

#include "map_print.h"

struct map_keys {
	char *bytes;
	size_t size, count;
};

/* 0, or a negative errno and what was expected. */
int map_key_parse(const struct map_reading *reading, int argc, char **argv,
		  struct map_keys *ret_keys, struct err *err);
void map_keys_fini(struct map_keys *keys);

#endif
