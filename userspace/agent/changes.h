/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What applying a configuration changes, as lines for a person: of the node, then the plan. */
#ifndef MTLB_AGENT_CHANGES_H
#define MTLB_AGENT_CHANGES_H

#include "../model/config.h"
#include "../model/diff.h"

/* now: what runs, next: what would. 0 or -ENOMEM; free with changes_free(). */
int changes_list(const struct config *now, const struct config *next, const struct plan *plan,
		 char ***ret_lines, size_t *ret_count);
void changes_free(char **lines, size_t count);

#endif
