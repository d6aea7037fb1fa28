// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "object.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/model/suggest.h"
#include "../lib/client.h"
#include "cell.h"
#include "command.h"
#include "list.h"
#include "output.h"

#define TARGET_MAX 1024
#define BODY_MAX   (1 << 20) /* bytes; the agent takes no more */

/* Puts the words typed into the path. Returns how many were used, or -1 after an error printed. */
static int make_target(const struct call *call, const char *end, char target[TARGET_MAX])
{
	const char *path = call->noun->object, *word = call->argc ? call->argv[0] : "";
	size_t used = 0;
	int argument = 0;

	while (*path && used < TARGET_MAX - 1) {
		char *part, *escaped;
		size_t length;

		if (*path != '{') {
			target[used++] = *path++;
			continue;
		}
		path += 2;
		/* an address may hold anything but a slash as well */
		length = strcspn(word, "/");
		part = strndup(word, length);
		escaped = part ? client_escape(part) : NULL;
		free(part);
		if (!length || !escaped) {
			free(escaped);
			command_misused(call, "which %s?", call->noun->name);
			return -1;
		}
		used += (size_t)snprintf(target + used, TARGET_MAX - used, "%s", escaped);
		free(escaped);
		word += length;
		if (*word == '/')
			word++;
		else if (++argument < call->argc)
			word = call->argv[argument];
		else
			word = "";
	}
	if (used + strlen(end) >= TARGET_MAX) {
		command_fail(call->options, "the name is too long");
		return -1;
	}
	strcpy(target + used, end);
	return argument;
}

static bool is_missing(const json_t *answer)
{
	return json_integer_value(json_object_get(answer, "status")) == 404;
}

/* Nothing has the name that was typed, of used words: says so, and names the nearest that exists.
 */
static int missing(const struct call *call, int used)
{
	const char *last = call->argv[used - 1], *whole = used > 1 ? call->argv[0] : NULL;
	struct suggest near;
	json_t *answer = NULL, *item;
	struct err err;
	size_t i;

	suggest_init(&near, last);
	if (call->noun->endpoint && call->noun->keys)
		client_ask(call->options->socket, call->noun->endpoint, NULL, &answer, &err);
	json_array_foreach (json_object_get(answer, "items"), i, item) {
		char *of = cell_join(item, "tenant/pool");
		char *name = cell_join(item, whole ? "address" : call->noun->keys[0]);

		if (name && (!whole || (of && !strcmp(of, whole))))
			suggest_offer(&near, name);
		free(name);
		free(of);
	}
	json_decref(answer);
	return command_fail(call->options, "there is no %s \"%s%s%s\"%s", call->noun->name,
			    whole ? whole : "", whole ? " " : "", last, suggest_tail(&near).text);
}

/* used: how many words name what is asked for. What is put there may lack what it is part of. */
static int refused(const struct call *call, int used, json_t *answer, const struct err *err)
{
	if (is_missing(answer) && strcmp(call->verb->name, "add") != 0 &&
	    strcmp(call->verb->name, "set") != 0) {
		json_decref(answer);
		return missing(call, used);
	}
	list_print_errors(answer);
	json_decref(answer);
	return command_fail(call->options, "%s", err->text);
}

/* Sends what changes something, and prints what that was. */
static int change(const struct call *call, int used, const struct client_request *request)
{
	json_t *answer;
	struct err err;

	if (client_send(call->options->socket, request, &answer, NULL, &err))
		return refused(call, used, answer, &err);
	if (call->options->json) {
		output_json(call->options, answer);
	} else {
		output_changes(call->options, json_object_get(answer, "changes"));
		printf("applied: generation %" JSON_INTEGER_FORMAT "\n",
		       json_integer_value(json_object_get(answer, "generation")));
	}
	json_decref(answer);
	return EXIT_OK;
}

static int simple(const struct call *call, const char *method, const char *end)
{
	struct client_request request = {.method = method};
	char target[TARGET_MAX];
	int used = make_target(call, end, target);

	if (used < 0 || command_expect_args(call, used))
		return EXIT_ERROR;
	request.target = target;
	return change(call, used, &request);
}

int object_del(const struct call *call)
{
	return simple(call, "DELETE", "");
}

int object_adopt(const struct call *call)
{
	return simple(call, "POST", "/adopt");
}

int object_release(const struct call *call)
{
	return simple(call, "POST", "/release");
}

int object_get(const struct call *call)
{
	struct client_request request = {.method = "GET"};
	char target[TARGET_MAX];
	json_t *answer;
	struct err err;
	int used = make_target(call, "", target);

	if (used < 0 || command_expect_args(call, used))
		return EXIT_ERROR;
	request.target = target;
	if (client_send(call->options->socket, &request, &answer, NULL, &err))
		return refused(call, used, answer, &err);
	if (call->options->json) {
		output_json(call->options, answer);
	} else {
		/* it is to be read, and to be sent back by `set` */
		json_dumpf(answer, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(answer);
	return EXIT_OK;
}

static char *read_all(FILE *file)
{
	char *text = malloc(BODY_MAX + 1);
	size_t length = text ? fread(text, 1, BODY_MAX + 1, file) : 0;

	if (!text || ferror(file) || length > BODY_MAX) {
		errno = !text ? ENOMEM : length > BODY_MAX ? EFBIG : errno;
		free(text);
		return NULL;
	}
	text[length] = 0;
	return text;
}

static char *read_file(const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *text = file ? read_all(file) : NULL;
	int error = errno;

	if (file && file != stdin)
		fclose(file);
	errno = error;
	return text;
}

/* KEY=VALUE words as YAML; of a change, with what else the object has. */
static char *join_words(const struct call *call, int first, const json_t *before)
{
	const char *key;
	json_t *value;
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	if (!file)
		return NULL;
	json_object_foreach ((json_t *)before, key, value) {
		bool given = false;

		for (int i = first; i < call->argc; i++)
			given |= !strncmp(call->argv[i], key, strlen(key)) &&
				 call->argv[i][strlen(key)] == '=';
		if (given)
			continue;
		fprintf(file, "%s: ", key);
		json_dumpf(value, file, JSON_ENCODE_ANY);
		fputc('\n', file);
	}
	for (int i = first; i < call->argc; i++) {
		const char *equals = strchr(call->argv[i], '=');

		fprintf(file, "%.*s: %s\n", (int)(equals - call->argv[i]), call->argv[i],
			equals + 1);
	}
	if (!ftell(file))
		fputs("{}", file);
	return fclose(file) ? NULL : text;
}

static bool is_assignment(const char *word)
{
	size_t length =
		strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

	return length && word[length] == '=';
}

/* What is there, and its ETag; NULL: nothing, or an error that was printed (ret_failed). */
static json_t *ask_before(const struct call *call, int used, const char *target,
			  char etag[CLIENT_ETAG_MAX], bool *ret_failed)
{
	struct client_request request = {.method = "GET", .target = target};
	json_t *answer;
	struct err err;

	*ret_failed = false;
	if (!client_send(call->options->socket, &request, &answer, etag, &err))
		return answer;
	etag[0] = 0;
	if (is_missing(answer)) {
		json_decref(answer);
		return NULL;
	}
	refused(call, used, answer, &err);
	*ret_failed = true;
	return NULL;
}

static int put(const struct call *call, int used, const char *target, bool add)
{
	struct client_request request = {.method = "PUT", .target = target, .if_none = add};
	char etag[CLIENT_ETAG_MAX] = "", *body;
	json_t *before = NULL;
	bool failed = false;
	int code;

	if (used < call->argc && !is_assignment(call->argv[used])) {
		if (command_expect_args(call, used + 1))
			return EXIT_ERROR;
		body = read_file(call->argv[used]);
		if (!body)
			return command_fail(call->options, "%s: %s", call->argv[used],
					    strerror(errno));
	} else {
		for (int i = used; i < call->argc; i++)
			if (!is_assignment(call->argv[i]))
				return command_misused(call, "\"%s\": expected KEY=VALUE",
						       call->argv[i]);
		if (!add)
			before = ask_before(call, used, target, etag, &failed);
		if (failed)
			return EXIT_ERROR;
		body = join_words(call, used, before);
		json_decref(before);
		if (!body)
			return command_fail(call->options, "no memory for the request");
		if (etag[0])
			request.if_match = etag;
	}
	request.body = body;
	code = change(call, used, &request);
	free(body);
	return code;
}

int object_add(const struct call *call)
{
	char target[TARGET_MAX];
	int used = make_target(call, "", target);

	return used < 0 ? EXIT_ERROR : put(call, used, target, true);
}

int object_set(const struct call *call)
{
	char target[TARGET_MAX];
	int used = make_target(call, "", target);

	return used < 0 ? EXIT_ERROR : put(call, used, target, false);
}

/* One key of what is there. */
static int set_state(const struct call *call, const char *state)
{
	char target[TARGET_MAX], etag[CLIENT_ETAG_MAX];
	struct client_request request = {.method = "PUT", .target = target, .if_match = etag};
	int used = make_target(call, "", target), code;
	bool failed;
	json_t *object;
	char *body;

	if (used < 0 || command_expect_args(call, used))
		return EXIT_ERROR;
	object = ask_before(call, used, target, etag, &failed);
	if (failed)
		return EXIT_ERROR;
	if (!object)
		return missing(call, used);
	json_object_set_new(object, "state", json_string(state));
	body = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (!body)
		return command_fail(call->options, "no memory for the request");
	request.body = body;
	code = change(call, used, &request);
	free(body);
	return code;
}

int object_drain(const struct call *call)
{
	return set_state(call, "drain");
}

int object_undrain(const struct call *call)
{
	return set_state(call, "active");
}
