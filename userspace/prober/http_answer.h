/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether an answer of HTTP is what was wanted, as its lines and its body come in: as soon as that
 * is known, no more is read. Pure; what is a line is libcurl's to say.
 */
#ifndef MTLB_PROBER_HTTP_ANSWER_H
#define MTLB_PROBER_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "../wire/probes.h"

#define HTTP_ANSWER_BODY_MAX 65536 /* more of it is not looked at */

enum http_verdict {
	HTTP_OPEN,
	HTTP_GOOD,
	HTTP_BAD, /* why says it */
};

struct http_answer {
	const struct probe_question *question;
	enum http_verdict verdict;
	bool has_header; /* the wanted one came */
	char *body;
	size_t body_length;
	char why[PROBES_ERROR_MAX];
};

/* A line of a head, its first and the empty one at its end too; status is the last first line's.
 * False: there is a verdict.
 */
bool http_answer_header(struct http_answer *answer, const char *line, size_t length, long status);
/* 0, 1: there is a verdict, -ENOMEM. */
int http_answer_body(struct http_answer *answer, const char *bytes, size_t length);
void http_answer_fini(struct http_answer *answer);

#endif
