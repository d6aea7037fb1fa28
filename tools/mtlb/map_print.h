/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Elements of a map on their way to a person, or a program: one at a time, however many there are.
 */
#ifndef MTLB_TOOLS_MAP_PRINT_H
#define MTLB_TOOLS_MAP_PRINT_H

#include "../../userspace/inspect/meaning.h"
#include "../../userspace/inspect/pinned.h"
#include "stream.h"

struct map_reading {
	const struct options *options;
	struct pinned_map map;
	struct btf *btf; /* NULL: nothing is known of its types */
	struct view view;
	bool named; /* view is open */
	struct decode_reader reader;
	struct stream stream;
};

/* Bytes of a type of reading->btf; 0: of none. */
json_t *map_print_decode(const struct map_reading *reading, uint32_t type, const void *bytes,
			 size_t size);
/* " name=value" of what is not zero, with path "". */
void map_print_flat(const char *path, const json_t *value);

void map_print_begin(struct map_reading *reading);
void map_print_element(struct map_reading *reading, const void *key, const void *values);
void map_print_end(struct map_reading *reading);

#endif
