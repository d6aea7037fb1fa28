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
/* The same, but what it takes time to make of them is made when it is first wanted. path: of the
 * API's, has been written since. No files: all that was kept is still true but for that one.
 */
void kept_wrote(struct agent *agent, struct renew_files *files, const char *path);
/* Whether there is anything to go by. Asks the kernel which files changed since, which spares
 * looking at each: whoever asks must use renew_run() or renew_edit(), or else kept_drop().
 */
bool kept_take_hints(struct agent *agent);

/* The next load is from the ground up. */
void kept_drop(struct agent *agent);
void kept_fini(struct agent *agent);

#endif
