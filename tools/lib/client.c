// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One handle is kept, so that a batch talks over one connection. */
#include "client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_TIMEOUT_S 3L
#define TIMEOUT_S	  30L
#define ANSWER_MAX	  ((size_t)256 << 20) /* an agent gone mad must not fill our memory */

static CURL *curl;

struct text {
	char *data;
	size_t length, room;
};

void client_fini(void)
{
	if (!curl)
		return;
	curl_easy_cleanup(curl);
	curl = NULL;
	curl_global_cleanup();
}

static int client_init(struct err *err)
{
	if (curl)
		return 0;
	if (!curl_global_init(CURL_GLOBAL_DEFAULT))
		curl = curl_easy_init();
	return curl ? 0 : err_set(err, -ENOMEM, "cannot start libcurl");
}

/* Can it be asked? */
static int begin(const char *socket, struct err *err)
{
	if (strlen(socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return err_set(err, -ENAMETOOLONG, "the socket's path %s is too long", socket);
	return client_init(err);
}

static size_t collect(char *data, size_t size, size_t count, void *context)
{
	struct text *text = context;
	size_t length = size * count, room = text->room ? text->room : 16384;

	if (length > ANSWER_MAX - text->length)
		return 0;
	while (room < text->length + length)
		room *= 2;
	if (room > text->room) {
		char *larger = realloc(text->data, room);

		if (!larger)
			return 0;
		text->data = larger;
		text->room = room;
	}
	memcpy(text->data + text->length, data, length);
	text->length += length;
	return length;
}

static int explain_transport(CURLcode code, const char *socket, struct err *err)
{
	long number = 0;

	switch (code) {
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
		if (number == EACCES || number == EPERM)
			return err_set(err, -EACCES,
				       "not allowed to talk to the agent on %s: %s; its socket is "
				       "its owner's alone (try sudo)",
				       socket, strerror(number));
		return err_set(err, -ECONNREFUSED,
			       "no agent answers on %s: %s; is mtlbd running? (-s PATH names "
			       "another socket)",
			       socket, number ? strerror(number) : curl_easy_strerror(code));
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(err, -ETIMEDOUT,
			       "the agent on %s does not answer: gave up after %lds", socket,
			       TIMEOUT_S);
	case CURLE_WRITE_ERROR:
		return err_set(err, -EMSGSIZE, "the answer of the agent on %s is too long", socket);
	default:
		return err_set(err, -EIO, "the talk with the agent on %s broke off: %s", socket,
			       curl_easy_strerror(code));
	}
}

static int explain_problem(const json_t *problem, long status, const char *socket, struct err *err)
{
	const char *title = json_string_value(json_object_get(problem, "title"));
	const char *detail = json_string_value(json_object_get(problem, "detail"));

	if (title && detail && *detail)
		return err_set(err, -EPROTO, "%s: %s", title, detail);
	if (title || (detail && *detail))
		return err_set(err, -EPROTO, "%s", title ? title : detail);
	return err_set(err, -EPROTO, "the agent on %s refuses with HTTP status %ld", socket,
		       status);
}

static void prepare(const char *socket, const char *target, const char *body,
		    struct curl_slist *headers)
{
	char url[2048];

	snprintf(url, sizeof(url), "http://localhost%s", target);
	curl_easy_reset(curl); /* keeps the connection */
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	}
}

static int understand(const struct text *text, const char *socket, json_t **ret, struct err *err)
{
	json_error_t error;
	long status = 0;
	json_t *answer;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	answer = json_loadb(text->data ? text->data : "", text->length, 0, &error);
	if (status < 200 || status > 299) {
		*ret = answer;
		return explain_problem(answer, status, socket, err);
	}
	if (!answer)
		return err_set(err, -EBADMSG,
			       "the agent on %s answers with something that is not JSON: line %d, "
			       "column %d: %s",
			       socket, error.line, error.column, error.text);
	*ret = answer;
	return 0;
}

/* Appends to the list; NULL, and the list is gone: no memory. */
static struct curl_slist *add_header(struct curl_slist *headers, const char *name,
				     const char *value)
{
	struct curl_slist *longer = NULL;
	char *line;

	if (asprintf(&line, "%s: %s", name, value) >= 0) {
		longer = curl_slist_append(headers, line);
		free(line);
	}
	if (!longer)
		curl_slist_free_all(headers);
	return longer;
}

/* Of this user, when it is not root that asks; NULL: none. */
static const char *token(void)
{
	const char *value = getenv("MTLB_TOKEN");

	return value && *value ? value : NULL;
}

static struct curl_slist *headers_of(const struct client_request *request)
{
	struct curl_slist *headers = add_header(NULL, "Accept", "application/json");
	char *bearer;

	if (headers && request->body)
		headers = add_header(headers, "Content-Type", "application/yaml");
	if (headers && request->if_match)
		headers = add_header(headers, "If-Match", request->if_match);
	if (headers && request->if_none)
		headers = add_header(headers, "If-None-Match", "*");
	if (!headers || !token())
		return headers;
	if (asprintf(&bearer, "Bearer %s", token()) < 0) {
		curl_slist_free_all(headers);
		return NULL;
	}
	headers = add_header(headers, "Authorization", bearer);
	free(bearer);
	return headers;
}

static void take_etag(char ret_etag[CLIENT_ETAG_MAX])
{
	struct curl_header *header;

	ret_etag[0] = 0;
	if (!curl_easy_header(curl, "ETag", 0, CURLH_HEADER, -1, &header))
		snprintf(ret_etag, CLIENT_ETAG_MAX, "%s", header->value);
}

/* The body of the answer to the text, to be freed in any case. */
static int perform(const char *socket, const struct client_request *request, struct text *text,
		   struct err *err)
{
	struct curl_slist *headers;
	CURLcode result;
	int code = begin(socket, err);

	if (code)
		return code;
	headers = headers_of(request);
	if (!headers)
		return err_set(err, -ENOMEM, "no memory for the request");
	prepare(socket, request->target, request->body, headers);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, text);
	result = curl_easy_perform(curl);
	code = result ? explain_transport(result, socket, err) : 0;
	curl_slist_free_all(headers);
	return code;
}

int client_send(const char *socket, const struct client_request *request, json_t **ret,
		char ret_etag[CLIENT_ETAG_MAX], struct err *err)
{
	struct text text = {};
	int code;

	*ret = NULL;
	if (ret_etag)
		ret_etag[0] = 0;
	code = perform(socket, request, &text, err);
	code = code ?: understand(&text, socket, ret, err);
	if (ret_etag && curl)
		take_etag(ret_etag);
	free(text.data);
	return code;
}

int client_get_text(const char *socket, const char *target, char **ret, size_t *ret_length,
		    struct err *err)
{
	struct client_request request = {.method = "GET", .target = target};
	json_t *problem = NULL;
	struct text text = {};
	long status = 0;
	int code = perform(socket, &request, &text, err);

	if (!code)
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (!code && (status != 200 || !text.length)) {
		code = understand(&text, socket, &problem, err);
		json_decref(problem);
		code = code ?: err_set(err, -EBADMSG, "the agent on %s answers nothing", socket);
	}
	if (code) {
		free(text.data);
		return code;
	}
	*ret = text.data;
	*ret_length = text.length;
	return 0;
}

int client_ask(const char *socket, const char *target, const json_t *body, json_t **ret,
	       struct err *err)
{
	struct client_request request = {.method = body ? "POST" : "GET", .target = target};
	char *encoded = body ? json_dumps(body, JSON_COMPACT) : NULL;
	int code;

	*ret = NULL;
	if (body && !encoded)
		return err_set(err, -ENOMEM, "no memory for the request");
	request.body = encoded;
	code = client_send(socket, &request, ret, NULL, err);
	free(encoded);
	return code;
}

char *client_escape(const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, 0), *copy = escaped ? strdup(escaped) : NULL;

	curl_free(escaped);
	return copy;
}

bool client_reaches(const char *socket_path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool reached = false;

	if (fd >= 0 && strlen(socket_path) < sizeof(address.sun_path)) {
		strcpy(address.sun_path, socket_path);
		reached = !connect(fd, (struct sockaddr *)&address, sizeof(address));
	}
	if (fd >= 0)
		close(fd);
	return reached;
}

struct watch {
	struct text text; /* the line that is coming in; of a refusal, all of it */
	bool (*line)(void *context, const json_t *item);
	void *context;
	bool enough;
};

/* Gives away the whole lines that are there; false when no more is wanted. */
static bool take_lines(struct watch *watch)
{
	char *begin = watch->text.data, *rest = begin + watch->text.length, *end;

	while (!watch->enough && (end = memchr(begin, '\n', rest - begin))) {
		json_t *item = json_loadb(begin, end - begin, 0, NULL);

		if (item)
			watch->enough = !watch->line(watch->context, item);
		json_decref(item);
		begin = end + 1;
	}
	memmove(watch->text.data, begin, rest - begin);
	watch->text.length = rest - begin;
	return !watch->enough;
}

static size_t collect_lines(char *data, size_t size, size_t count, void *context)
{
	struct watch *watch = context;
	long status = 0;

	if (collect(data, size, count, &watch->text) != size * count)
		return 0;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	return status != 200 || take_lines(watch) ? size * count : 0;
}

static int explain_watch(CURLcode result, const struct watch *watch, const char *socket,
			 struct err *err)
{
	json_t *answer = NULL;
	long status = 0;
	int code;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (watch->enough)
		return 0;
	if (!status)
		return explain_transport(result, socket, err);
	if (status == 200)
		return err_set(err, -EPIPE, "the agent on %s went away", socket);
	code = understand(&watch->text, socket, &answer, err);
	json_decref(answer);
	return code ? code : err_set(err, -EPROTO, "the agent on %s is of another version", socket);
}

int client_watch(const char *socket, const char *target,
		 bool (*line)(void *context, const json_t *item), void *context, struct err *err)
{
	struct client_request request = {.method = "GET", .target = target};
	struct watch watch = {.line = line, .context = context};
	struct curl_slist *headers;
	CURLcode result;
	int code;

	code = begin(socket, err);
	if (code)
		return code;
	headers = headers_of(&request);
	if (!headers)
		return err_set(err, -ENOMEM, "no memory for the request");
	prepare(socket, target, NULL, headers);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 0L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect_lines);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &watch);
	result = curl_easy_perform(curl);
	code = explain_watch(result, &watch, socket, err);
	curl_slist_free_all(headers);
	free(watch.text.data);
	return code;
}

int client_add_query(char *target, size_t size, const char *name, const char *value)
{
	char *escaped = curl_easy_escape(NULL, value, 0);
	size_t length = strlen(target);
	int added;

	if (!escaped)
		return -ENOMEM;
	added = snprintf(target + length, size - length, "%c%s=%s", strchr(target, '?') ? '&' : '?',
			 name, escaped);
	curl_free(escaped);
	return added < 0 || (size_t)added >= size - length ? -ENAMETOOLONG : 0;
}
