/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Asks the agent over its Unix socket, by libcurl. Whatever goes wrong becomes a sentence; prints
 * nothing.
 */
#ifndef MTLB_TOOLS_LIB_CLIENT_H
#define MTLB_TOOLS_LIB_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#include "../../userspace/base/err.h"

#define CLIENT_ETAG_MAX 64

/*
 * body NULL: GET, else POST. On success 0 and *ret the answer's JSON. When the agent refuses,
 * -EPROTO, a sentence, and *ret its problem document if it sent one; else another negative errno
 * and *ret NULL.
 */
int client_ask(const char *socket, const char *target, const json_t *body, json_t **ret,
	       struct err *err);

/* GET; the answer as it is, to be freed, for whoever reads so much of it that a tree of JSON values
 * would take too long. A refusal as above, without its document.
 */
int client_get_text(const char *socket, const char *target, char **ret, size_t *ret_length,
		    struct err *err);

struct client_request {
	const char *method, *target;
	const char *body; /* JSON or YAML; NULL: none */
	const char *if_match;
	bool if_none; /* only if there is none yet */
};

/* The same for any method. ret_etag may be NULL; empty when the answer had none. */
int client_send(const char *socket, const struct client_request *request, json_t **ret,
		char ret_etag[CLIENT_ETAG_MAX], struct err *err);

/*
 * Asks for what does not end, and calls line with each line's JSON until that returns false: 0.
 * Otherwise a negative errno and a sentence: the agent refused, or went away.
 */
int client_watch(const char *socket, const char *target,
		 bool (*line)(void *context, const json_t *item), void *context, struct err *err);

/* Does anybody listen there? */
bool client_reaches(const char *socket);

/* One step of a path, escaped; to be freed. NULL: no memory. */
char *client_escape(const char *text);

/* Appends "?name=value" or "&name=value", escaped. 0 or a negative errno. */
int client_add_query(char *target, size_t size, const char *name, const char *value);

/* Ends what the requests shared. */
void client_fini(void);

#endif
