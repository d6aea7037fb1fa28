// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../model/chain.h"
#include "report/report.h"
#include "store.h"

/* The last whole line of the file, without its newline, NUL-terminated; empty: there is none. A
 * line that a crash cut short is not whole: it is ended, so that it shows. */
static int read_last(int fd, char text[AUDIT_LINE_MAX + 1], bool *ret_cut)
{
	char buffer[2 * AUDIT_LINE_MAX + 2];
	off_t size = lseek(fd, 0, SEEK_END);
	off_t from = size > (off_t)sizeof(buffer) ? size - (off_t)sizeof(buffer) : 0;
	ssize_t length = size < 0 ? -1 : pread(fd, buffer, (size_t)(size - from), from);
	char *end, *begin;

	text[0] = 0;
	*ret_cut = false;
	if (length < 0)
		return -errno;
	end = memrchr(buffer, '\n', (size_t)length);
	*ret_cut = length && (!end || end != buffer + length - 1);
	if (!end)
		return 0;
	begin = memrchr(buffer, '\n', (size_t)(end - buffer));
	begin = begin ? begin + 1 : buffer;
	if (end - begin > AUDIT_LINE_MAX)
		return -EBADMSG;
	memcpy(text, begin, (size_t)(end - begin));
	text[end - begin] = 0;
	return 0;
}

static json_int_t sequence_of(const char *line)
{
	json_t *last = json_loads(line, 0, NULL);
	json_int_t sequence = json_integer_value(json_object_get(last, "sequence"));

	json_decref(last);
	return sequence;
}

static int write_line(int fd, const char *line, bool cut)
{
	char *text;
	int length = asprintf(&text, "%s%s\n", cut ? "\n" : "", line);
	ssize_t written;

	if (length < 0)
		return -ENOMEM;
	written = write(fd, text, (size_t)length);
	free(text);
	if (written < 0)
		return -errno;
	return written < length ? -ENOSPC : fdatasync(fd) < 0 ? -errno : 0;
}

static int append(int fd, json_t *record, json_int_t *ret_sequence)
{
	char last[AUDIT_LINE_MAX + 1], digest[DIGEST_TEXT_MAX], *line;
	off_t size = lseek(fd, 0, SEEK_END);
	json_int_t sequence;
	bool cut;
	int error = read_last(fd, last, &cut);

	if (error)
		return error;
	sequence = sequence_of(last) + 1;
	chain_digest(last, digest);
	json_object_set_new(record, "sequence", json_integer(sequence));
	if (json_object_set_new(record, "previous", json_string(digest)))
		return -ENOMEM;
	line = json_dumps(record, JSON_COMPACT | JSON_SORT_KEYS);
	if (!line)
		return -ENOMEM;
	error = strlen(line) > AUDIT_LINE_MAX ? -EMSGSIZE : write_line(fd, line, cut);
	free(line);
	/* half a line would break the chain for good */
	if (error && ftruncate(fd, size) < 0)
		error = -errno;
	*ret_sequence = sequence;
	return error;
}

int audit_append(const char *path, json_t *record, json_int_t *ret_sequence, struct err *err)
{
	json_int_t sequence = 0;
	struct timespec now;
	int fd = -1, error = record ? store_make_folder(path, err) : -ENOMEM;

	if (!error) {
		fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
		error = fd < 0 || flock(fd, LOCK_EX) < 0 ? -errno : 0;
	}
	if (!error) {
		clock_gettime(CLOCK_REALTIME, &now);
		json_object_set_new(record, "at",
				    report_time((uint64_t)now.tv_sec * 1000000000 + now.tv_nsec));
		error = append(fd, record, &sequence);
	}
	if (fd >= 0)
		close(fd);
	json_decref(record);
	if (ret_sequence)
		*ret_sequence = sequence;
	return error ? err_set(err, error,
			       "the audit log %s cannot be written (%s), so nothing may be changed "
			       "over the API; make room, or set api.auditFile and send SIGHUP",
			       path, strerror(-error))
		     : 0;
}
