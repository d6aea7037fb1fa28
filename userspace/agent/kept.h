/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the agent keeps of its configuration's files between two loads, so that the second one need
 * not look at all of them (model/renew.h, sys/folder_watch.h). Nothing depends on it but time.
 */
#ifndef MTLB_AGENT_KEPT_H
#define MTLB_AGENT_KEPT_H

#include "agent.h"

/* Before the files are read, so that no change falls between. */
void kept_watch(struct agent *agent);
/* After: files is emptied. */
void kept_keep(struct agent *agent, struct renew_files *files);
/* What the kernel saw change since; spares looking at each file. */
void kept_take_hints(struct agent *agent);

/* The next load is from the ground up. */
void kept_drop(struct agent *agent);
void kept_fini(struct agent *agent);

#endif
