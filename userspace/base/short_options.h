/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The letters that getopt is told, made of the long options: they are written in one table. */
#ifndef MTLB_BASE_SHORT_OPTIONS_H
#define MTLB_BASE_SHORT_OPTIONS_H

#include <getopt.h>

#define SHORT_OPTIONS_MAX 64

/* Of those whose value is a letter. flags: what the text begins with, as getopt has it: "+:". */
const char *short_options(const struct option *options, const char *flags,
			  char text[SHORT_OPTIONS_MAX]);

#endif
