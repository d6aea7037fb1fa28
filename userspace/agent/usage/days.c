// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "days.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../store.h"

#define SUFFIX ".usage"

static int path_of(const char *folder, uint64_t day, const char *more, char path[PATH_MAX])
{
	char text[USAGE_TIME_MAX];

	usage_format_time(day * USAGE_DAY, text);
	return snprintf(path, PATH_MAX, "%s/%.10s" SUFFIX "%s", folder, text, more) < PATH_MAX
		       ? 0
		       : -ENAMETOOLONG;
}

static bool day_of_name(const char *name, uint64_t *ret_day)
{
	char text[11];
	uint64_t seconds;

	if (strlen(name) != 10 + strlen(SUFFIX) || strcmp(name + 10, SUFFIX) != 0)
		return false;
	memcpy(text, name, 10);
	text[10] = 0;
	if (usage_parse_time(text, &seconds))
		return false;
	*ret_day = seconds / USAGE_DAY;
	return true;
}

static int compare_days(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int days_list(const char *folder, uint64_t **ret_days, size_t *ret_count)
{
	uint64_t *days = NULL, *more, day;
	size_t count = 0;
	DIR *list = opendir(folder);

	*ret_days = NULL;
	*ret_count = 0;
	if (!list)
		return -errno;
	for (const struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
		if (!day_of_name(entry->d_name, &day))
			continue;
		if (count % 64 == 0) {
			more = realloc(days, (count + 64) * sizeof(*days));
			if (!more) {
				free(days);
				closedir(list);
				return -ENOMEM;
			}
			days = more;
		}
		days[count++] = day;
	}
	closedir(list);
	if (count)
		qsort(days, count, sizeof(*days), compare_days);
	*ret_days = days;
	*ret_count = count;
	return 0;
}

/* reading */

struct day_file {
	int fd;
	struct usage_day day;
	size_t damaged;
};

static int read_block(const struct day_file *file, uint64_t number, uint8_t block[USAGE_BLOCK])
{
	ssize_t length = pread(file->fd, block, USAGE_BLOCK, (off_t)(number * USAGE_BLOCK));

	return length < 0 ? -errno : length < USAGE_BLOCK ? -EBADMSG : 0;
}

/* -ENOENT: there is none. -EBADMSG: it is not what its name says. */
static int open_day(const char *folder, uint64_t day, struct day_file *ret_file)
{
	uint8_t block[USAGE_BLOCK];
	char path[PATH_MAX];
	int error = path_of(folder, day, "", path);

	*ret_file = (struct day_file){.fd = -1};
	if (error)
		return error;
	ret_file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (ret_file->fd < 0)
		return -errno;
	error = read_block(ret_file, 0, block) ?: usage_read_day(block, &ret_file->day);
	if (!error && ret_file->day.day != day)
		error = -EBADMSG;
	if (error) {
		close(ret_file->fd);
		ret_file->fd = -1;
	}
	return error;
}

int days_merged(const char *folder, uint64_t day, uint64_t *ret_merged)
{
	struct day_file file;
	int error = open_day(folder, day, &file);

	*ret_merged = error ? 0 : file.day.merged;
	if (!error)
		close(file.fd);
	return error == -ENOENT ? 0 : error;
}

struct first {
	char tenant[STATE_NAME_MAX];
};

static int take_first(void *context, const struct usage_row *row)
{
	struct first *first = context;

	memcpy(first->tenant, row->key.tenant, sizeof(first->tenant));
	return 1;
}

/* The block that the tenant's first row is in, if it has any. */
static uint64_t find_block(const struct day_file *file, const char *tenant)
{
	uint64_t low = 1, high = file->day.blocks + 1;

	/* below low, all begin with an earlier tenant; from high on, none does */
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		uint8_t block[USAGE_BLOCK];
		struct first first;

		if (read_block(file, middle, block) ||
		    usage_read_block(block, file->day.day, take_first, &first) != 1)
			return 1; /* damaged: all of them are looked through */
		if (strcmp(first.tenant, tenant) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 1 ? low - 1 : 1;
}

static int read_rows(struct day_file *file, const char *from,
		     int (*each)(void *context, const struct usage_row *row), void *context)
{
	uint64_t number = from ? find_block(file, from) : 1;
	int stop = 0;

	for (; !stop && number <= file->day.blocks; number++) {
		uint8_t block[USAGE_BLOCK];

		stop = read_block(file, number, block)
			       ?: usage_read_block(block, file->day.day, each, context);
		if (stop == -EBADMSG) {
			file->damaged++;
			stop = 0;
		}
	}
	return stop;
}

int days_read(const char *folder, uint64_t day, const char *from,
	      int (*each)(void *context, const struct usage_row *row), void *context,
	      size_t *ret_damaged)
{
	struct day_file file;
	int stop, error = open_day(folder, day, &file);

	*ret_damaged = error == -EBADMSG;
	if (error)
		return error == -ENOENT || error == -EBADMSG ? 0 : error;
	stop = read_rows(&file, from, each, context);
	*ret_damaged = file.damaged;
	close(file.fd);
	return stop;
}

/* merging */

struct merge {
	int fd;
	const struct usage_row *rows;
	size_t count, at; /* of the new ones */
	struct usage_day day;
	struct usage_block block;
};

static int write_block(int fd, const uint8_t block[USAGE_BLOCK], uint64_t number)
{
	size_t done = 0;

	while (done < USAGE_BLOCK) {
		ssize_t n = pwrite(fd, block + done, USAGE_BLOCK - done,
				   (off_t)(number * USAGE_BLOCK + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		done += (size_t)n;
	}
	return 0;
}

static int end_block(struct merge *merge)
{
	int error;

	usage_block_end(&merge->block);
	error = write_block(merge->fd, merge->block.data, ++merge->day.blocks);
	usage_block_begin(&merge->block);
	return error;
}

static int put_row(struct merge *merge, const struct usage_row *row)
{
	int error;

	if (!usage_block_put(&merge->block, row))
		return 0;
	error = end_block(merge);
	return error ?: usage_block_put(&merge->block, row);
}

static int merge_row(void *context, const struct usage_row *old)
{
	struct merge *merge = context;
	struct usage_row row = *old;
	int order = -1, error = 0;

	while (!error && merge->at < merge->count) {
		const struct usage_row *fresh = &merge->rows[merge->at];

		order = usage_compare(&fresh->key, &row.key);
		if (order > 0)
			break;
		merge->at++;
		if (order == 0) {
			usage_add(&row.usage, &fresh->usage);
			row.approximate |= fresh->approximate;
			break;
		}
		error = put_row(merge, fresh);
	}
	return error ?: put_row(merge, &row);
}

static int write_day(struct merge *merge, struct day_file *old)
{
	uint8_t head[USAGE_BLOCK];
	int error = 0;

	usage_block_begin(&merge->block);
	if (old->fd >= 0)
		error = read_rows(old, NULL, merge_row, merge);
	while (!error && merge->at < merge->count)
		error = put_row(merge, &merge->rows[merge->at++]);
	error = error ?: end_block(merge);
	usage_write_day(&merge->day, head);
	error = error ?: write_block(merge->fd, head, 0);
	return error ?: fsync(merge->fd) < 0 ? -errno : 0;
}

/* What is damaged is not thrown away. */
static int replace_day(const char *folder, uint64_t day, const char *draft, bool damaged)
{
	char path[PATH_MAX], aside[PATH_MAX];
	int error = path_of(folder, day, "", path) ?: path_of(folder, day, ".damaged", aside);

	if (!error && damaged && link(path, aside) < 0 && errno != EEXIST)
		error = -errno;
	if (!error && rename(draft, path) < 0)
		error = -errno;
	return error ?: store_sync_folder(path);
}

static int merge_day(const char *folder, struct merge *merge, struct day_file *old, bool damaged,
		     bool *ret_damaged)
{
	char draft[PATH_MAX];
	int error = path_of(folder, merge->day.day, ".new", draft);

	if (error)
		return error;
	merge->fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (merge->fd < 0)
		return -errno;
	error = write_day(merge, old);
	close(merge->fd);
	*ret_damaged = damaged || old->damaged;
	error = error ?: replace_day(folder, merge->day.day, draft, *ret_damaged);
	if (error)
		unlink(draft);
	return error;
}

int days_merge(const char *folder, uint64_t journal, const struct usage_row *rows, size_t count,
	       bool *ret_damaged, struct err *err)
{
	uint64_t day = rows[0].key.hour / 24;
	struct merge merge = {.rows = rows, .count = count, .day = {.day = day, .merged = journal}};
	struct day_file old;
	int error = open_day(folder, day, &old);
	bool damaged = error == -EBADMSG;
	char text[USAGE_TIME_MAX];

	*ret_damaged = false;
	if (!error && old.day.merged >= journal) {
		close(old.fd);
		return 0;
	}
	if (!error || error == -ENOENT || damaged)
		error = merge_day(folder, &merge, &old, damaged, ret_damaged);
	if (old.fd >= 0)
		close(old.fd);
	return error ? err_set(err, error, "cannot write the usage of %.10s in %s: %s",
			       usage_format_time(day * USAGE_DAY, text), folder, strerror(-error))
		     : 0;
}

int days_keep(const char *folder, size_t keep, struct err *err)
{
	uint64_t *days;
	char path[PATH_MAX];
	size_t count;
	int error = days_list(folder, &days, &count);

	for (size_t i = 0; !error && i + keep < count; i++) {
		error = path_of(folder, days[i], "", path);
		if (!error && unlink(path) < 0 && errno != ENOENT)
			error = -errno;
	}
	free(days);
	return error ? err_set(err, error, "cannot remove old usage from %s: %s", folder,
			       strerror(-error))
		     : 0;
}
