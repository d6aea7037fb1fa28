// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kept.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/log.h"
#include "../model/files.h"

void kept_drop(struct agent *agent)
{
	renew_free(agent->renew);
	agent->renew = NULL;
	renew_files_fini(&agent->later);
}

static void unwatch(struct agent *agent)
{
	folder_watch_free(agent->folder);
	agent->folder = NULL;
}

void kept_fini(struct agent *agent)
{
	kept_drop(agent);
	unwatch(agent);
}

void kept_watch(struct agent *agent)
{
	char *path;
	int error;

	unwatch(agent);
	if (asprintf(&path, "%s/" FILES_TENANTS, agent->options.config) < 0)
		return;
	error = folder_watch_new(path, &agent->folder);
	/* a configuration need not have such a folder */
	if (error && error != -ENOENT && error != -ENOTDIR)
		log_info("config",
			 "the kernel does not tell what changes in %s (%s): each change looks at "
			 "every file there",
			 path, strerror(-error));
	free(path);
}

void kept_keep(struct agent *agent, struct renew_files *files)
{
	kept_drop(agent);
	if (renew_new(files, &agent->config, &agent->renew))
		log_warn("config", "out of memory: changes will take longer");
}

void kept_wrote(struct agent *agent, struct renew_files *files, const char *path)
{
	if (!files->count && agent->renew) {
		renew_wrote(agent->renew, path);
		return;
	}
	renew_trust(files, agent->renew ? renew_files_of(agent->renew) : &agent->later);
	kept_drop(agent);
	renew_note_written(files, path);
	agent->later = *files;
	*files = (struct renew_files){};
}

bool kept_take_hints(struct agent *agent)
{
	struct renew_files later = agent->later;
	const char *folder;

	if (!agent->in_step)
		return false;
	if (later.count) {
		agent->later = (struct renew_files){};
		kept_keep(agent, &later);
		renew_files_fini(&later);
	}
	if (!agent->renew)
		return false;
	folder = agent->folder ? renew_folder(agent->renew) : NULL;
	if (!folder || !folder_watch_is(agent->folder, folder))
		return true;
	renew_expect_hints(agent->renew);
	if (folder_watch_read(agent->folder, renew_hint, agent->renew))
		return true;
	kept_drop(agent);
	return false;
}
