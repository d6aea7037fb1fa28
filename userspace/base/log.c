// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Log lines on stderr. It owns their form and the level; it keeps no file open and no line back.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static enum log_level log_level = LOG_LEVEL_INFO;

static const struct {
	const char *name;
	int syslog;
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", 3},
	[LOG_LEVEL_WARN] = {"warn", 4},
	[LOG_LEVEL_INFO] = {"info", 6},
	[LOG_LEVEL_DEBUG] = {"debug", 7},
};

void log_set_level(enum log_level level)
{
	log_level = level;
}

/* JOURNAL_STREAM alone does not tell: children inherit it with their stderr sent elsewhere. It
 * names the journal's socket as "device:inode".
 */
static bool to_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat err;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &err) == 0 && err.st_dev == device && err.st_ino == inode;
}

static int print_head(char *line, size_t size, enum log_level level, const char *part)
{
	struct timespec now;
	struct tm utc;
	char stamp[32];

	if (to_journal())
		return snprintf(line, size, "<%d>%s: ", levels[level].syslog, part);
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
	return snprintf(line, size, "%s.%03ldZ %-5s %s: ", stamp, now.tv_nsec / 1000000,
			levels[level].name, part);
}

/* What snprintf returned, as the length of what is there. */
static size_t length(int printed, size_t size)
{
	if (printed < 0)
		return 0;
	return (size_t)printed < size ? (size_t)printed : size - 1;
}

/* One write(2) per line, so that lines of several processes on one stderr do not mix. errno stays
 * as it was: those who log a failure go on to return it.
 */
void log_line(enum log_level level, const char *part, const char *format, ...)
{
	int saved = errno;
	char line[2048];
	const size_t room = sizeof(line) - 1; /* for all but the newline */
	va_list args;
	size_t used;

	if (level > log_level)
		return;
	used = length(print_head(line, room, level, part), room);
	va_start(args, format);
	errno = saved; /* for %m */
	used += length(vsnprintf(line + used, room - used, format, args), room - used);
	va_end(args);
	/* Names come from outside: none of them shall forge a line or steer the terminal. */
	for (size_t i = 0; i < used; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = ' ';
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0) {
		/* Nowhere left to complain to. */
	}
	errno = saved;
}
