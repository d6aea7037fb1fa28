/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The API's server in a child process with a few routes, and clients by libcurl and raw sockets.
 */
#ifndef MTLB_SELFTESTS_HTTP_FIXTURE_H
#define MTLB_SELFTESTS_HTTP_FIXTURE_H

#include "../../../userspace/agent/api/http.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "leash.h"

#define ITEMS 1000

static char directory[64], path[96];

/* The routes. */

static inline int get_echo(void *context, const struct http_request *request,
			   struct http_reply *reply)
{
	const char *tenant = http_query(request, "tenant");
	const char *limit = http_query(request, "limit");

	reply->body = json_pack("{s:s*, s:s*, s:s, s:b, s:s}", "tenant", tenant, "limit", limit,
				"method", request->method, "body", request->body != NULL, "context",
				(const char *)context);
	return 0;
}

static inline int post_echo(void *context, const struct http_request *request,
			    struct http_reply *reply)
{
	(void)context;
	reply->body = request->body ? json_incref(request->body) : NULL;
	return 0;
}

static inline int get_large(void *context, const struct http_request *request,
			    struct http_reply *reply)
{
	json_t *items = json_array();
	int i;

	(void)context;
	(void)request;
	for (i = 0; i < ITEMS; i++)
		json_array_append_new(items, json_string("a line that fills the socket's buffer, "
							 "again and again, until it has to wait"));
	reply->body = json_pack("{s:o}", "items", items);
	return 0;
}

static inline int get_failing(void *context, const struct http_request *request,
			      struct http_reply *reply)
{
	(void)context;
	(void)request;
	(void)reply;
	return -ENOSPC;
}

static inline int get_refusing(void *context, const struct http_request *request,
			       struct http_reply *reply)
{
	(void)context;
	(void)request;
	reply->body = json_object(); /* must not leak */
	http_problem(reply, 400, "Invalid configuration", "bytes: \xff\xfe");
	json_object_set_new(reply->body, "errors", json_array());
	return -EINVAL;
}

/* Streams: lines that are posted go to whoever watches. */

#define STREAMS 8

static struct stream *streams[STREAMS];
static int stream_count;

static inline void stream_closed(void *context, struct stream *stream)
{
	int i;

	(void)context;
	for (i = 0; streams[i] != stream;)
		i++;
	streams[i] = streams[--stream_count];
}

static inline int get_stream(void *context, const struct http_request *request,
			     struct http_reply *reply)
{
	(void)context;
	(void)request;
	if (stream_count == STREAMS)
		return -EBUSY;
	reply->stream = stream_new(stream_closed, NULL);
	if (!reply->stream)
		return -ENOMEM;
	streams[stream_count++] = reply->stream;
	return 0;
}

/* Tells how many watch, and how many lines they have missed. */
static inline int post_line(void *context, const struct http_request *request,
			    struct http_reply *reply)
{
	json_int_t missed = 0;
	int i;

	(void)context;
	for (i = 0; i < stream_count; i++) {
		if (request->body)
			stream_write(streams[i], json_incref(request->body));
		missed += (json_int_t)stream_missed(streams[i]);
	}
	reply->body = json_pack("{s:i, s:I}", "streams", stream_count, "missed", missed);
	return 0;
}

static inline int post_end(void *context, const struct http_request *request,
			   struct http_reply *reply)
{
	int i;

	(void)context;
	(void)request;
	(void)reply;
	for (i = 0; i < stream_count; i++)
		stream_end(streams[i]);
	return 0;
}

#define ROUTE(verb, where, handler)                              \
	{                                                        \
		.method = verb, .path = where, .handle = handler \
	}

static const struct http_route routes[] = {
	ROUTE("GET", "/v1/echo", get_echo),	    ROUTE("POST", "/v1/echo", post_echo),
	ROUTE("GET", "/v1/large", get_large),	    ROUTE("GET", "/v1/failing", get_failing),
	ROUTE("GET", "/v1/refusing", get_refusing), ROUTE("GET", "/v1/stream", get_stream),
	ROUTE("POST", "/v1/line", post_line),	    ROUTE("POST", "/v1/end", post_end),
};

/* The child. */

static inline int serve(int leash_end, int ready)
{
	char context[] = "mine";
	struct loop_fd fd;
	struct http *http;
	struct err err;

	if (leash_loop(&fd, leash_end))
		return 2;
	if (http_new(child_loop, path, routes, sizeof(routes) / sizeof(*routes), context, &http,
		     &err)) {
		fprintf(stderr, "# %s\n", err.text);
		return 3;
	}
	leash_run(&fd, ready);
	for (int i = 0; i < stream_count; i++)
		stream_end(streams[i]);
	http_free(http);
	loop_free(child_loop);
	return 0;
}

static inline int setup(void **state)
{
	(void)state;
	leash_start(serve);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	leash_stop();
	assert_int_equal(access(path, F_OK), -1);
	return 0;
}

static inline int group_setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/mtlb-http-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	/* A directory of its own that the server has to make. */
	snprintf(path, sizeof(path), "%s/run/api.sock", directory);
	return curl_global_init(CURL_GLOBAL_DEFAULT);
}

static inline int group_teardown(void **state)
{
	char run[80];

	(void)state;
	curl_global_cleanup();
	snprintf(run, sizeof(run), "%s/run", directory);
	return rmdir(run) || rmdir(directory);
}

/* The client. */

struct answer {
	long status;
	char type[64], allow[64];
	json_t *body;
	char *text;
	size_t length;
};

static inline size_t collect(char *data, size_t size, size_t count, void *context)
{
	struct answer *answer = context;
	char *larger = realloc(answer->text, answer->length + size * count + 1);

	assert_non_null(larger);
	answer->text = larger;
	memcpy(answer->text + answer->length, data, size * count);
	answer->length += size * count;
	answer->text[answer->length] = 0;
	return size * count;
}

static inline size_t head_line(char *data, size_t size, size_t count, void *context)
{
	struct answer *answer = context;

	if (size * count > 7 && !strncasecmp(data, "Allow: ", 7))
		snprintf(answer->allow, sizeof(answer->allow), "%.*s", (int)(size * count - 9),
			 data + 7);
	return size * count;
}

/* body_length 0: without a body. Returns curl's code. */
static inline CURLcode try_ask(struct answer *ret, const char *method, const char *target,
			       const char *body, size_t body_length, const char *header)
{
	struct curl_slist *headers = header ? curl_slist_append(NULL, header) : NULL;
	CURL *curl = curl_easy_init();
	const char *type = NULL;
	char url[256];
	CURLcode code;

	memset(ret, 0, sizeof(*ret));
	snprintf(url, sizeof(url), "http://localhost%s", target);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 8L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, head_line);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, ret);
	if (!strcmp(method, "HEAD"))
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	if (body_length) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body_length);
	}
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret->status);
	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
	snprintf(ret->type, sizeof(ret->type), "%s", type ? type : "");
	if (ret->text)
		ret->body = json_loads(ret->text, 0, NULL);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	return code;
}

static inline void ask(struct answer *ret, const char *method, const char *target, const char *body)
{
	assert_int_equal(try_ask(ret, method, target, body, body ? strlen(body) : 0, NULL),
			 CURLE_OK);
}

static inline void done(struct answer *answer)
{
	json_decref(answer->body);
	free(answer->text);
}

static inline const char *text_of(const struct answer *answer, const char *key)
{
	const char *text = json_string_value(json_object_get(answer->body, key));

	return text ? text : "(none)";
}

static inline void assert_problem(struct answer *answer, int status, const char *detail)
{
	assert_int_equal(answer->status, status);
	assert_string_equal(answer->type, "application/problem+json");
	assert_int_equal(json_integer_value(json_object_get(answer->body, "status")), status);
	assert_string_equal(text_of(answer, "type"), "about:blank");
	if (!strstr(text_of(answer, "detail"), detail))
		fail_msg("detail is: %s", text_of(answer, "detail"));
}

static inline int raw_connect(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 20};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static inline void raw_send(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline void assert_alive(void)
{
	struct answer answer;

	ask(&answer, "GET", "/v1/echo", NULL);
	assert_int_equal(answer.status, 200);
	done(&answer);
}

#endif
