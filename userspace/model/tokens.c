// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tokens.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "quote.h"

#define DIGITS (DIGEST_TEXT_MAX - 1)

static int take_role(struct token *token, const char *word)
{
	if (!strcmp(word, "operator"))
		token->role = TOKEN_OPERATOR;
	else if (!strcmp(word, "viewer"))
		token->role = TOKEN_VIEWER;
	else if (!strncmp(word, "tenant:", 7) && word[7] && strlen(word + 7) < STATE_NAME_MAX)
		strcpy(token->tenant, word + 7);
	else
		return -EINVAL;
	return 0;
}

static int take_key(struct token *token, const char *word)
{
	if (!strncmp(word, "sha256:", 7)) {
		word += 7;
		if (strlen(word) != DIGITS || strspn(word, "0123456789abcdef") != DIGITS)
			return -EINVAL;
		token->digest = strdup(word);
		return token->digest ? 0 : -ENOMEM;
	}
	if (strncmp(word, "cn:", 3) || !word[3])
		return -EINVAL;
	token->common_name = strdup(word + 3);
	return token->common_name ? 0 : -ENOMEM;
}

/* line: NUL-terminated, and taken to pieces. */
static int take_line(struct tokens *tokens, char *line, struct place place, struct errors *errors)
{
	struct token *list = realloc(tokens->list, (tokens->count + 1) * sizeof(*list)), *token;
	char *rest, *words[3] = {}, *word;
	size_t count = 0;
	int r;

	if (!list)
		return -ENOMEM;
	tokens->list = list;
	token = &list[tokens->count++];
	*token = (struct token){};
	for (word = strtok_r(line, " \t\r", &rest); word; word = strtok_r(NULL, " \t\r", &rest)) {
		if (count < 3)
			words[count] = word;
		count++;
	}
	if (count != 3) {
		errors_add(errors, place,
			   "expected \"NAME ROLE KEY\", such as \"ci operator sha256:...\"");
		return 0;
	}
	if (strlen(words[0]) >= STATE_NAME_MAX) {
		errors_add(errors, place, "the name %s is too long: at most %d characters",
			   quote(words[0]).text, STATE_NAME_MAX - 1);
		return 0;
	}
	strcpy(token->name, words[0]);
	if (take_role(token, words[1]) < 0)
		errors_add(errors, place,
			   "unknown role %s; it must be operator, viewer or tenant:NAME",
			   quote(words[1]).text);
	r = take_key(token, words[2]);
	if (r == -EINVAL)
		errors_add(errors, place,
			   "the key of \"%s\" must be sha256: and 64 digits of 0-9 and a-f (printf "
			   "%%s TOKEN | sha256sum), or cn: and the common name of a certificate",
			   token->name);
	return r == -ENOMEM ? r : 0;
}

static void refuse_twice(const struct tokens *tokens, struct place place, struct errors *errors)
{
	const struct token *last = &tokens->list[tokens->count - 1];

	for (const struct token *token = tokens->list; token < last; token++)
		if ((token->digest && last->digest && !strcmp(token->digest, last->digest)) ||
		    (token->common_name && last->common_name &&
		     !strcmp(token->common_name, last->common_name)))
			errors_add(errors, place, "\"%s\" has the key of \"%s\"; give each its own",
				   last->name, token->name);
}

int tokens_parse(const char *file, const char *text, size_t length, struct errors *errors,
		 struct tokens *ret)
{
	struct place place = {file, 0, 0};
	size_t before = errors->count;
	const char *end = text + length;
	int r = 0;

	*ret = (struct tokens){};
	while (text < end && r == 0) {
		const char *stop = memchr(text, '\n', (size_t)(end - text)) ?: end;
		char *line = strndup(text, (size_t)(stop - text));

		place.line++;
		if (!line)
			r = -ENOMEM;
		else
			line[strcspn(line, "#")] = 0;
		if (r == 0 && line[strspn(line, " \t\r")]) {
			r = take_line(ret, line, place, errors);
			if (r == 0)
				refuse_twice(ret, place, errors);
		}
		free(line);
		text = stop + 1;
	}
	if (r == 0 && errors->count > before)
		r = -EINVAL;
	if (r < 0)
		tokens_fini(ret);
	return r;
}

void tokens_fini(struct tokens *tokens)
{
	for (size_t i = 0; i < tokens->count; i++) {
		free(tokens->list[i].digest);
		free(tokens->list[i].common_name);
	}
	free(tokens->list);
	*tokens = (struct tokens){};
}

/* Digests are compared in constant time, though they tell nothing of the token. */
const struct token *tokens_find(const struct tokens *tokens, const char *bearer,
				const char *common_name)
{
	char digest[DIGEST_TEXT_MAX] = "";

	if (bearer)
		digest_text(bearer, strlen(bearer), digest);
	for (size_t i = 0; i < tokens->count; i++) {
		const struct token *token = &tokens->list[i];

		if (bearer && token->digest && !CRYPTO_memcmp(token->digest, digest, DIGITS))
			return token;
		if (common_name && token->common_name && !strcmp(token->common_name, common_name))
			return token;
	}
	return NULL;
}
