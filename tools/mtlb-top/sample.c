// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sample.h"

#include <stdlib.h>
#include <string.h>

/* How many names a list has. */
#define LIST(...) (sizeof((const char *const[]){"", ##__VA_ARGS__}) / sizeof(const char *) - 1)

const struct record_shape record_shapes[RECORD_KINDS] = {
#define RECORD(kind, spelled, named, text_list, counter_list, gauge_list) \
	[RECORD_##kind] = {                                               \
		.word = spelled,                                          \
		.keys = named,                                            \
		.texts = text_list,                                       \
		.counters = counter_list,                                 \
		.values = counter_list + gauge_list,                      \
	},
#include "records.def"
#undef RECORD
};

#define RECORD(kind, spelled, named, text_list, counter_list, gauge_list)       \
	_Static_assert((text_list) <= RECORD_TEXTS && (named) <= (text_list) && \
			       (counter_list) + (gauge_list) <= RECORD_VALUES,  \
		       "struct row has no room for it");
#include "records.def"
#undef RECORD

struct row *sample_add(struct sample *sample, enum record_kind kind)
{
	struct rows *rows = &sample->rows[kind];

	if (rows->count == rows->room) {
		size_t room = rows->room ? 2 * rows->room : 16;
		struct row *larger = realloc(rows->row, room * sizeof(*larger));

		if (!larger)
			return NULL;
		rows->row = larger;
		rows->room = room;
	}
	memset(&rows->row[rows->count], 0, sizeof(*rows->row));
	return &rows->row[rows->count++];
}

void sample_clear(struct sample *sample)
{
	sample->at_ms = 0;
	sample->kinds = 0;
	for (int kind = 0; kind < RECORD_KINDS; kind++)
		sample->rows[kind].count = 0;
}

void sample_fini(struct sample *sample)
{
	for (int kind = 0; kind < RECORD_KINDS; kind++)
		free(sample->rows[kind].row);
	*sample = (struct sample){};
}
