// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "http_answer.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool decide(struct http_answer *answer, enum http_verdict verdict)
{
	answer->verdict = verdict;
	return false;
}

/* Of two header lines: the same name, in any case, and just the same value. */
static bool same_header(const char *line, size_t length, const char *wanted)
{
	size_t name = strcspn(wanted, ":"), wanted_length = strlen(wanted);

	while (length && isspace((unsigned char)line[length - 1]))
		length--;
	if (name == wanted_length || length <= name || strncasecmp(line, wanted, name + 1) != 0)
		return false;
	line += name + 1;
	length -= name + 1;
	wanted += name + 1;
	wanted_length -= name + 1;
	for (; length && isspace((unsigned char)*line); line++)
		length--;
	for (; wanted_length && isspace((unsigned char)*wanted); wanted++)
		wanted_length--;
	return length == wanted_length && memcmp(line, wanted, length) == 0;
}

/* The head is there. */
static bool judge_head(struct http_answer *answer, long status)
{
	const struct probe_question *question = answer->question;

	if (status < question->status_first || status > question->status_last) {
		char wanted[16];

		snprintf(wanted, sizeof(wanted),
			 question->status_first == question->status_last ? "%u" : "%u-%u",
			 question->status_first, question->status_last);
		snprintf(answer->why, sizeof(answer->why), "status %ld instead of %s", status,
			 wanted);
		return decide(answer, HTTP_BAD);
	}
	if (question->length[PROBE_TEXT_HEADER] && !answer->has_header) {
		snprintf(answer->why, sizeof(answer->why), "no header \"%.90s\" in the answer",
			 question->text[PROBE_TEXT_HEADER]);
		return decide(answer, HTTP_BAD);
	}
	if (!question->length[PROBE_TEXT_BODY])
		return decide(answer, HTTP_GOOD);
	return true;
}

bool http_answer_header(struct http_answer *answer, const char *line, size_t length, long status)
{
	const struct probe_question *question = answer->question;

	if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
		answer->has_header = false;
	else if (question->length[PROBE_TEXT_HEADER] &&
		 same_header(line, length, question->text[PROBE_TEXT_HEADER]))
		answer->has_header = true;
	if (length > 2 || status < 200) /* not its end, or another head follows */
		return true;
	return judge_head(answer, status);
}

int http_answer_body(struct http_answer *answer, const char *bytes, size_t length)
{
	const struct probe_question *question = answer->question;
	size_t room;

	if (!answer->body)
		answer->body = malloc(HTTP_ANSWER_BODY_MAX);
	if (!answer->body)
		return -ENOMEM;
	room = HTTP_ANSWER_BODY_MAX - answer->body_length;
	memcpy(answer->body + answer->body_length, bytes, length < room ? length : room);
	answer->body_length += length < room ? length : room;
	if (memmem(answer->body, answer->body_length, question->text[PROBE_TEXT_BODY],
		   question->length[PROBE_TEXT_BODY])) {
		decide(answer, HTTP_GOOD);
		return 1;
	}
	if (length < room)
		return 0;
	snprintf(answer->why, sizeof(answer->why),
		 "the first 64 KiB of the body are without what is expected");
	decide(answer, HTTP_BAD);
	return 1;
}

void http_answer_fini(struct http_answer *answer)
{
	free(answer->body);
	answer->body = NULL;
}
