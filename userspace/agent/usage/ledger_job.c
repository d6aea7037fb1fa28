// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ledger_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../base/log.h"
#include "../store.h"
#include "days.h"

#define DRAFT	     "." LEDGER_JOURNAL ".new"
#define JOURNAL_LONG ((size_t)16 << 20) /* beyond what it began with: it is merged at once */

struct ledger_job {
	const char *folder; /* the ledger's */
	/* to be appended */
	int fd;
	size_t at;
	struct usage_writer writer;
	/* a merge */
	bool merge;
	uint64_t number, hour; /* of the journal that is merged; of the new one's beginning */
	struct usage_row *rows;
	size_t count, keep;
	int fresh; /* the new journal's descriptor */
	bool damaged;
	/* the result */
	int error;
	struct err err;
};

int ledger_open_file(const struct ledger *ledger, const char *name, int flags)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", ledger->folder, name) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* A file that ends in half a frame is cut back, so that what follows is found. */
static int append(int fd, size_t at, const struct usage_writer *writer)
{
	size_t done = 0;
	int error = 0;

	while (!error && done < writer->length) {
		ssize_t n = write(fd, writer->data + done, writer->length - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			error = n < 0 ? -errno : -ENOSPC;
		else
			done += (size_t)n;
	}
	if (error && ftruncate(fd, (off_t)at) < 0)
		return -errno;
	return error;
}

/* new journals */

static int put_head(struct usage_writer *writer, uint64_t number, uint64_t now,
		    const struct usage_place *place)
{
	struct usage_item head = {.kind = USAGE_ITEM_HEAD, .number = number};
	struct usage_item time = {.kind = USAGE_ITEM_TIME, .at = now, .hour = place->hour};

	usage_frame_begin(writer);
	usage_frame_put(writer, &head);
	if (now)
		usage_frame_put(writer, &time);
	return usage_frame_end(writer);
}

/* Accounts are numbered anew, so that the numbers stay small. */
static int put_accounts(struct ledger *ledger, struct usage_writer *writer)
{
	struct ledger_account *account = ledger->accounts;
	uint64_t number = 0;
	int error = 0;

	while (!error && account) {
		usage_frame_begin(writer);
		for (; account && usage_frame_size(writer) < 32768; account = account->hh.next) {
			struct usage_item item = {
				.kind = USAGE_ITEM_ACCOUNT,
				.number = number + 1,
				.id = account->id,
				.usage = account->booked,
			};

			memcpy(item.tenant, account->tenant, sizeof(item.tenant));
			usage_frame_put(writer, &item);
			number++;
		}
		error = usage_frame_end(writer);
	}
	return error;
}

/* Written beside, synced, renamed. Returns its descriptor or a negative errno. */
static int make_journal(const char *folder, const struct usage_writer *writer)
{
	char draft[PATH_MAX], path[PATH_MAX];
	int fd, error;

	if (snprintf(draft, sizeof(draft), "%s/" DRAFT, folder) >= PATH_MAX)
		return -ENAMETOOLONG;
	snprintf(path, sizeof(path), "%s/" LEDGER_JOURNAL, folder);
	fd = open(draft, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	error = append(fd, 0, writer);
	if (!error && (fsync(fd) < 0 || rename(draft, path) < 0))
		error = -errno;
	error = error ?: store_sync_folder(path);
	if (error) {
		unlink(draft);
		close(fd);
	}
	return error ?: fd;
}

int ledger_make_journal(struct ledger *ledger, struct err *err)
{
	struct usage_writer writer = {};
	struct usage_place place = {};
	int fd, error = put_head(&writer, 1, 0, &place);

	fd = error ?: make_journal(ledger->folder, &writer);
	ledger->number = 1;
	ledger->size = ledger->base = writer.length;
	usage_writer_fini(&writer);
	if (fd < 0)
		return err_set(err, fd, "cannot write %s/" LEDGER_JOURNAL ": %s", ledger->folder,
			       strerror(-fd));
	ledger->fd = fd;
	return 0;
}

/* jobs */

static bool wants_merge(const struct ledger *ledger, uint64_t hour)
{
	/* what was booked is written first, so that a merge has all of it */
	if (ledger->merging)
		return true;
	if (ledger->writer.length)
		return false;
	return (ledger->hour != hour && ledger->size > ledger->base) ||
	       ledger->size > ledger->base + JOURNAL_LONG;
}

static int copy_rows(const struct ledger *ledger, struct ledger_job *job)
{
	const struct usage_row **sorted;
	int error = usage_book_sort(&ledger->book, NULL, NULL, &sorted, &job->count);

	if (error)
		return error;
	job->rows = calloc(job->count + 1, sizeof(*job->rows));
	for (size_t i = 0; job->rows && i < job->count; i++)
		job->rows[i] = *sorted[i];
	free(sorted);
	return job->rows ? 0 : -ENOMEM;
}

static int prepare_merge(struct ledger *ledger, struct ledger_job *job, uint64_t hour)
{
	struct usage_place place = {.hour = hour};

	job->merge = true;
	job->number = ledger->number;
	job->hour = hour;
	return put_head(&job->writer, ledger->number + 1, ledger->state.read_at, &place)
		       ?: put_accounts(ledger, &job->writer)
		       ?: copy_rows(ledger, job);
}

static void free_job(struct ledger_job *job)
{
	usage_writer_fini(&job->writer);
	free(job->rows);
	free(job);
}

struct ledger_job *ledger_job(struct ledger *ledger, uint64_t hour, size_t keep, struct err *err)
{
	bool merge = wants_merge(ledger, hour);
	struct ledger_job *job;
	int error = 0;

	if (!merge && !ledger->writer.length)
		return NULL;
	job = calloc(1, sizeof(*job));
	if (!job) {
		err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	*job = (struct ledger_job){
		.folder = ledger->folder, .fd = ledger->fd, .at = ledger->size, .keep = keep};
	if (merge) {
		error = prepare_merge(ledger, job, hour);
	} else {
		job->writer = ledger->writer;
		ledger->writer = (struct usage_writer){};
	}
	if (error) {
		err_set(err, error, "%s", strerror(-error));
		free_job(job);
		return NULL;
	}
	ledger->merging |= merge;
	return job;
}

static int merge_days(struct ledger_job *job)
{
	int error = 0;

	for (size_t i = 0, next; !error && i < job->count; i = next) {
		uint64_t day = job->rows[i].key.hour / 24;
		bool damaged;

		for (next = i; next < job->count && job->rows[next].key.hour / 24 == day; next++)
			;
		error = days_merge(job->folder, job->number, &job->rows[i], next - i, &damaged,
				   &job->err);
		job->damaged |= damaged;
	}
	return error;
}

static void run_merge(struct ledger_job *job)
{
	job->error = merge_days(job);
	if (job->error)
		return;
	job->fresh = make_journal(job->folder, &job->writer);
	if (job->fresh < 0)
		job->error =
			err_set(&job->err, job->fresh, "cannot write %s/" LEDGER_JOURNAL ": %s",
				job->folder, strerror(-job->fresh));
	else
		days_keep(job->folder, job->keep, &job->err);
}

void ledger_run(struct ledger_job *job)
{
	if (job->merge) {
		run_merge(job);
		return;
	}
	job->error = append(job->fd, job->at, &job->writer);
	/* what the kernel has, but not the disk, a kill does not take */
	if (!job->error && fdatasync(job->fd) < 0)
		err_set(&job->err, -errno, "cannot sync %s/" LEDGER_JOURNAL ": %s", job->folder,
			strerror(errno));
	if (job->error)
		err_set(&job->err, job->error, "cannot write %s/" LEDGER_JOURNAL ": %s",
			job->folder, strerror(-job->error));
}

/* taking them back */

static void begin_anew(struct ledger *ledger, struct ledger_job *job)
{
	struct ledger_account *account;

	close(ledger->fd);
	ledger->fd = job->fresh;
	ledger->number = job->number + 1;
	ledger->size = ledger->base = job->writer.length;
	ledger->hour = job->hour;
	ledger->merging = false;
	ledger->numbers = 0;
	for (account = ledger->accounts; account; account = account->hh.next)
		account->number = ++ledger->numbers;
	usage_book_fini(&ledger->book);
	if (job->damaged)
		log_error("usage",
			  "%s: a day's file was damaged and is kept as *.damaged: what could be "
			  "read of it goes on",
			  ledger->folder);
}

/* What was booked meanwhile comes behind it. */
static void keep_for_later(struct ledger *ledger, struct ledger_job *job)
{
	struct usage_writer *writer = &job->writer;

	if (ledger->writer.length) {
		uint8_t *more = realloc(writer->data, writer->length + ledger->writer.length);

		if (!more) {
			log_error("usage",
				  "out of memory: %zu bytes of records that could not be written "
				  "are lost",
				  writer->length);
			return;
		}
		memcpy(more + writer->length, ledger->writer.data, ledger->writer.length);
		writer->data = more;
		writer->length += ledger->writer.length;
		writer->room = writer->length;
	}
	usage_writer_fini(&ledger->writer);
	ledger->writer = *writer;
	*writer = (struct usage_writer){};
}

int ledger_done(struct ledger *ledger, struct ledger_job *job, struct err *err)
{
	int error = job->error;

	if (!error && job->merge) {
		begin_anew(ledger, job);
	} else if (!error) {
		ledger->size += job->writer.length;
		ledger->state.written += job->writer.length;
	} else if (!job->merge) {
		keep_for_later(ledger, job);
	}
	ledger->state.retry = error;
	*err = job->err;
	free_job(job);
	return error ?: err->text[0] ? -EIO : 0;
}

int ledger_hand_over(struct ledger *ledger, struct err *err)
{
	int error;

	if (!ledger->writer.length)
		return 0;
	if (ledger->merging)
		return err_set(err, -EAGAIN, "a merge is not finished");
	error = append(ledger->fd, ledger->size, &ledger->writer);
	if (error)
		return err_set(err, error, "cannot write %s/" LEDGER_JOURNAL ": %s", ledger->folder,
			       strerror(-error));
	ledger->size += ledger->writer.length;
	ledger->state.written += ledger->writer.length;
	usage_writer_fini(&ledger->writer);
	return 0;
}
