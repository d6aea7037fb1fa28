/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From words to a noun, a verb and its run: options, prefixes, and errors as a person reads them.
 */
#ifndef MTLB_TOOLS_COMMAND_H
#define MTLB_TOOLS_COMMAND_H

#include "noun.h"

/* Runs argv[1..] on top of the options given; returns an enum exit_code. */
int command_run(const struct options *base, int argc, char **argv);

/* NULL after an error that was printed. */
const struct noun *command_find_noun(const struct options *options, const char *typed);

/* Prints "mtlb: [PLACE: ]sentence" on stderr and returns EXIT_ERROR. */
int command_fail(const struct options *options, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same, with how the command is used. */
int command_misused(const struct call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* 0, or EXIT_ERROR and a sentence when more than max words follow. */
int command_expect_args(const struct call *call, int max);

#endif
