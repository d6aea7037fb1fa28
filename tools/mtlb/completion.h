/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Completion for bash. The script that is printed holds all words that the tables know; for names
 * of objects it asks mtlb, which asks the agent.
 */
#ifndef MTLB_TOOLS_COMPLETION_H
#define MTLB_TOOLS_COMPLETION_H

#include "noun.h"

/* `help completion bash`, and what the script asks: `help completion names NOUN [KEYWORD]`, what
 * such a thing may be called, a word a line. Without an agent that is nothing.
 */
int completion_run(const struct call *call);

#endif
