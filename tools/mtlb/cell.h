/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A value of the API as the text of a cell: units, durations, ages, joined names. Harmless text
 * only. */
#ifndef MTLB_TOOLS_CELL_H
#define MTLB_TOOLS_CELL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "noun.h"

/* The value at a path with dots, NULL when there is none. */
json_t *cell_value(const json_t *item, const char *path);

/* The cell's text, escaped, to be freed; NULL when there is no memory. raw: numbers, durations and
 * times as the API has them.
 */
char *cell_format(const json_t *item, const struct column *column, bool raw);

/* The text of a path made of several, as struct column has it; not escaped; to be freed. */
char *cell_join(const json_t *item, const char *path);

#define CELL_DURATION_MAX 32

/* "5m12s"; returns text. */
char *cell_duration(uint64_t seconds, char text[CELL_DURATION_MAX]);

/* Values of this kind stand to the right. */
bool cell_is_number(enum value_kind kind);

#endif
