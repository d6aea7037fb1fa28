/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Numbers with units as people write them: durations (500ms, 2s, 5m, 1h), counts (64, 20k, 4M, 1G;
 * decimal, as rates on a wire are) and rates (a count and "/s"). Whole numbers only: no sign, no
 * fraction, no spaces.
 */
#ifndef MTLB_MODEL_UNITS_H
#define MTLB_MODEL_UNITS_H

#include <stdint.h>

#define UNITS_TEXT_MAX 32

/* All return 0, -EINVAL (not of this form) or -ERANGE (does not fit). */
int units_parse_number(const char *text, uint64_t *ret_number);
int units_parse_count(const char *text, uint64_t *ret_count);
int units_parse_duration(const char *text, uint64_t *ret_ms);	  /* the unit must be there */
int units_parse_rate(const char *text, uint64_t *ret_per_second); /* as must "/s" */

/* In the largest unit that divides evenly. All return text. */
char *units_format_duration(uint64_t ms, char text[UNITS_TEXT_MAX]);
char *units_format_count(uint64_t count, char text[UNITS_TEXT_MAX]);
char *units_format_rate(uint64_t per_second, char text[UNITS_TEXT_MAX]);

#endif
