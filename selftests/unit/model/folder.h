/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A directory with a configuration, a fresh one for each test. */
#ifndef MTLB_SELFTESTS_FOLDER_H
#define MTLB_SELFTESTS_FOLDER_H

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[256];

/* Two of its results may be used at a time. */
static inline const char *in_folder(const char *name)
{
	static char path[2][512];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static inline void make_folder(const char *name)
{
	assert_int_equal(mkdir(in_folder(name), 0700), 0);
}

static inline void write_file(const char *name, const char *text)
{
	int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* For cmocka: a set-up begins with the one, a tear-down is the other. */
static inline int folder_make(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/mtlb-config.XXXXXX", base ? base : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static inline int folder_remove_entry(const char *path, const struct stat *stat, int type,
				      struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int folder_remove(void **state)
{
	(void)state;
	return nftw(folder, folder_remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* Until platform.yaml is older than that: younger files may change without another time stamp. */
static inline void folder_grow_old(int seconds)
{
	struct timespec now, pause = {.tv_nsec = 20000000};
	struct stat stat_;

	assert_int_equal(stat(in_folder("platform.yaml"), &stat_), 0);
	do {
		nanosleep(&pause, NULL);
		clock_gettime(CLOCK_REALTIME, &now);
	} while (now.tv_sec <= stat_.st_ctim.tv_sec + seconds);
}

#endif
