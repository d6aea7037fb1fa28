/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who may use the API besides root: api.tokensFile. One of them a line, "NAME ROLE KEY":
 *
 *	NAME	for people, and for the audit log
 *	ROLE	operator, viewer, or tenant:NAME
 *	KEY	sha256:HEX, the digest of a bearer token; or cn:NAME, the common name of a client's
 *		certificate
 *
 * Empty lines and what follows # do not count. The tokens themselves are stored nowhere.
 */
#ifndef MTLB_MODEL_TOKENS_H
#define MTLB_MODEL_TOKENS_H

#include "errors.h"

enum token_role {
	TOKEN_TENANT,
	TOKEN_VIEWER,
	TOKEN_OPERATOR,
};

struct token {
	char name[STATE_NAME_MAX];
	enum token_role role;
	char tenant[STATE_NAME_MAX]; /* of TOKEN_TENANT */
	char *digest;		     /* of a bearer token, 64 hexadecimal digits; or NULL, and: */
	char *common_name;
};

struct tokens {
	struct token *list;
	size_t count;
};

/* Errors name file and line. 0, -EINVAL or -ENOMEM; on failure *ret is empty. */
int tokens_parse(const char *file, const char *text, size_t length, struct errors *errors,
		 struct tokens *ret);
void tokens_fini(struct tokens *tokens);

/* By a bearer token, or by a common name (the other is NULL). NULL: nobody. */
const struct token *tokens_find(const struct tokens *tokens, const char *bearer,
				const char *common_name);

#endif
