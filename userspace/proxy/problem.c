// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "problem.h"

#include <stdio.h>

#define BODY_MAX 512

/* Sentences are this program's own, so they need no escapes but these. */
static size_t quote(const char *text, char *at, size_t room)
{
	size_t used = 0;

	for (; *text && used + 2 < room; text++) {
		if (*text == '"' || *text == '\\')
			at[used++] = '\\';
		at[used++] = *text;
	}
	at[used] = 0;
	return used;
}

static size_t body_of(const struct problem *problem, char body[BODY_MAX])
{
	char detail[BODY_MAX / 2] = "";
	int n;

	if (problem->detail)
		quote(problem->detail, detail, sizeof(detail));
	n = snprintf(body, BODY_MAX,
		     "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u%s%s%s}\n",
		     h1_reason(problem->status), problem->status,
		     problem->detail ? ",\"detail\":\"" : "", detail, problem->detail ? "\"" : "");
	return (size_t)n;
}

int problem_write(struct h1_writer *writer, const struct problem *problem)
{
	char body[BODY_MAX];
	size_t length = body_of(problem, body);

	h1_write_status_line(writer, problem->status, (struct h1_text){0});
	h1_write_string(writer, "Content-Type: application/problem+json\r\n"
				"Cache-Control: no-store\r\n");
	h1_write_number(writer, "Content-Length", length);
	if (problem->retry_after_s)
		h1_write_number(writer, "Retry-After", problem->retry_after_s);
	if (problem->close)
		h1_write_string(writer, "Connection: close\r\n");
	else if (problem->keep_alive)
		h1_write_string(writer, "Connection: keep-alive\r\n");
	h1_write_end(writer);
	if (!problem->head)
		h1_write(writer, body, length);
	return writer->full ? -ENOBUFS : (int)writer->used;
}
