/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the isolation benchmark prints: a line for each figure with its bound, and which failed. */
#ifndef MTLB_BENCH_ISOLATION_LINES_H
#define MTLB_BENCH_ISOLATION_LINES_H

#include <stdbool.h>
#include <stdint.h>

/* All experiments, or those whose names begin with one of these. */
void lines_choose(int count, char **names);
bool lines_chosen(const char *name);
/* By an argument, and not since there is none. */
bool lines_asked_for(const char *name);

/* On a terminal; gone with the next line. */
void lines_progress(const char *what);
void lines_print(const char *name, double value, const char *unit, const char *bound, bool ok);
/* NAME_WHAT, which must be nothing; or must not, where a defence is switched off. */
void lines_none(const char *name, const char *what, uint64_t value, const char *unit);
void lines_some(const char *name, const char *what, uint64_t value, const char *unit);

/* How many figures did not hold; says so. */
unsigned lines_over(void);

#endif
