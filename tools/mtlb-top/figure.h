/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers as short texts, and rows of numbers as little pictures. Pure. */
#ifndef MTLB_TOP_FIGURE_H
#define MTLB_TOP_FIGURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIGURE_MAX 16

/* At most five characters: 0, 7.5, 999, 1.25k, 12.5M, 125G; "-" for what is not known. */
const char *figure_number(char text[FIGURE_MAX], double value);
/* Of a share from 0 to 1, at most four: 0%, <.1%, 0.5%, 12%, 100%, 250%, 9k%; "-". */
const char *figure_share(char text[FIGURE_MAX], double share);

/*
 * A picture of `width` characters, which are of up to three bytes each; always ends with 0.
 * utf8: blocks of an eighth; else signs of ASCII.
 */
#define FIGURE_PICTURE(width) (3 * (width) + 1)
/* Each value a character, the newest to the right, by the largest of them. */
void figure_spark(char *text, const float *values, unsigned count, unsigned width, bool utf8);
/* As much of the width as the share. */
void figure_bar(char *text, double share, unsigned width, bool utf8);

/* HH:MM:SS, UTC. */
const char *figure_clock(char text[FIGURE_MAX], uint64_t at_ms);

#endif
