/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Log lines for a person and for journald, on stderr, one format:
 *
 *	2026-01-31T12:00:00.123Z warn  health: pool acme/web: 10.1.0.21:80 is down: connection
 *refused
 *
 * time in UTC, level, the part that speaks, the sentence. Under systemd (JOURNAL_STREAM is set) the
 * time is left to journald and the level is its <N> prefix.
 */
#ifndef MTLB_BASE_LOG_H
#define MTLB_BASE_LOG_H

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Lines above this level are dropped; LOG_LEVEL_INFO at start. */
void log_set_level(enum log_level level);

void log_line(enum log_level level, const char *part, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(part, ...) log_line(LOG_LEVEL_ERROR, part, __VA_ARGS__)
#define log_warn(part, ...)  log_line(LOG_LEVEL_WARN, part, __VA_ARGS__)
#define log_info(part, ...)  log_line(LOG_LEVEL_INFO, part, __VA_ARGS__)
#define log_debug(part, ...) log_line(LOG_LEVEL_DEBUG, part, __VA_ARGS__)

#endif
