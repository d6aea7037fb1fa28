// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "script_crowd.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct script_crowd script_crowd_count(pid_t group)
{
	struct script_crowd crowd = {};
	uid_t user = geteuid();
	DIR *processes = user ? opendir("/proc") : NULL; /* root is not limited */
	struct dirent *entry;
	struct stat stat;

	while (processes && (entry = readdir(processes))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (pid <= 0 || fstatat(dirfd(processes), entry->d_name, &stat, 0) ||
		    stat.st_uid != user)
			continue;
		crowd.all++;
		crowd.group += getpgid(pid) == group;
	}
	if (processes)
		closedir(processes);
	return crowd;
}
