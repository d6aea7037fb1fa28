/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * YAML text to tree, by libyaml's events. Refuses what makes YAML dangerous or ambiguous: anchors
 * and aliases (a few lines of them can stand for gigabytes), tags, duplicate keys, deep nesting.
 */
#ifndef MTLB_MODEL_PARSE_H
#define MTLB_MODEL_PARSE_H

#include "tree.h"

#define PARSE_DEPTH_MAX 32

/*
 * Adds the documents of text to tree; file (which must outlive it) names them in places. On an
 * error in the YAML the documents before it are kept. Returns 0, -EINVAL (an error was added) or
 * -ENOMEM.
 */
int parse_yaml(struct tree *tree, const char *file, const char *text, size_t length,
	       struct errors *errors);

#endif
