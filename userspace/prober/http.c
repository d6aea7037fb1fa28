// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * http, https: a request, and what is wanted of its answer. libcurl speaks the protocol; what is
 * decided in http_answer.c is when enough of the answer is there: a good one is not read to its
 * end, and of a body no more than HTTP_ANSWER_BODY_MAX, however much a server has to say.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "certificate.h"
#include "connection.h"
#include "http_answer.h"
#include "kinds.h"

#define URL_MAX (PROBE_TEXT_MAX + 320)

struct request {
	struct attempt *attempt;
	struct connection connection; /* until libcurl has it */
	CURL *easy;
	struct curl_slist *connect_to;
	struct http_answer answer;
	long status;
	char error[CURL_ERROR_SIZE];
};

static CURLM *multi;
static struct loop *loop;
static struct loop_timer timer;

/* the multi handle's sockets and its timer are the loop's */

static void settle(void);

static void socket_ready(struct loop_fd *fd, uint32_t events)
{
	int running, what = 0;

	if (events & EPOLLIN)
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & (EPOLLERR | EPOLLHUP))
		what |= CURL_CSELECT_ERR;
	curl_multi_socket_action(multi, fd->fd, what, &running);
	settle();
}

static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *context, void *own)
{
	struct loop_fd *fd = own;
	uint32_t events = 0;

	(void)easy;
	(void)context;
	if (what == CURL_POLL_REMOVE) {
		if (fd)
			loop_fd_remove(loop, fd);
		free(fd);
		return 0;
	}
	if (!fd) {
		fd = calloc(1, sizeof(*fd));
		if (!fd)
			return -1;
		*fd = (struct loop_fd){.fd = socket, .ready = socket_ready};
		curl_multi_assign(multi, socket, fd);
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	return loop_fd_set(loop, fd, events) ? -1 : 0;
}

static void timer_due(struct loop_timer *self)
{
	int running;

	(void)self;
	curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
	settle();
}

static int set_timer(CURLM *of, long delay_ms, void *context)
{
	(void)of;
	(void)context;
	if (delay_ms < 0)
		loop_timer_cancel(loop, &timer);
	else if (loop_timer_set(loop, &timer, (uint64_t)delay_ms * 1000000))
		return -1;
	return 0;
}

int http_prepare(struct loop *in)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return -ENOMEM;
	multi = curl_multi_init();
	if (!multi)
		return -ENOMEM;
	loop = in;
	timer = (struct loop_timer){.fire = timer_due};
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 1L); /* none is kept: FORBID_REUSE */
	return 0;
}

/* What the answer says. To take nothing ends the transfer: libcurl lets nothing else be done there.
 */

static const struct probe_question *question_of(const struct request *request)
{
	return &request->attempt->probe->question;
}

static size_t take_header(char *line, size_t size, size_t count, void *context)
{
	struct request *request = context;
	size_t length = size * count;

	if (length >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &request->status);
		request->attempt->phase = "in the middle of the answer";
	}
	return http_answer_header(&request->answer, line, length, request->status) ? length : 0;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct request *request = context;

	/* without memory: CURLE_WRITE_ERROR, and no verdict */
	return http_answer_body(&request->answer, bytes, size * count) ? 0 : size * count;
}

/* how it ended */

static void tell_certificate(struct attempt *attempt, const struct request *request)
{
	char why[PROBES_ERROR_MAX];
	long found = 0;

	curl_easy_getinfo(request->easy, CURLINFO_SSL_VERIFYRESULT, &found);
	certificate_tell(attempt->probe, found, why, sizeof(why));
	attempt_fail(attempt, "%s", why);
}

static void tell_failure(struct attempt *attempt, const struct request *request, CURLcode code)
{
	const char *text = request->error[0] ? request->error : curl_easy_strerror(code);
	char first = text[0];

	if (code == CURLE_PEER_FAILED_VERIFICATION) {
		tell_certificate(attempt, request);
		return;
	}
	if (code == CURLE_SSL_CACERT_BADFILE) {
		attempt_fault(attempt, "health.ca is no certificate in PEM, or a broken one");
		return;
	}
	if (code == CURLE_OUT_OF_MEMORY || code == CURLE_WRITE_ERROR)
		attempt_fail_errno(attempt, -ENOMEM);
	else if (isupper((unsigned char)first) && islower((unsigned char)text[1]))
		attempt_fail(attempt, "%c%s", tolower((unsigned char)first), text + 1);
	else
		attempt_fail(attempt, "%s", text);
}

static void end(struct request *request, CURLcode code)
{
	struct attempt *attempt = request->attempt;

	if (request->answer.verdict == HTTP_GOOD)
		attempt_pass(attempt);
	else if (request->answer.verdict == HTTP_BAD)
		attempt_fail(attempt, "%s", request->answer.why);
	else if (code == CURLE_OK)
		attempt_fail(attempt, "the body is without what is expected");
	else
		tell_failure(attempt, request, code);
}

/* Those that are over. Attempts may begin and end meanwhile. */
static void settle(void)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi, &left))) {
		struct request *request = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&request);
		end(request, message->data.result);
	}
}

/* what is asked */

/* The connection is there before libcurl is asked: it could not write a header that is not its own.
 */
static curl_socket_t give_socket(void *context, curlsocktype purpose, struct curl_sockaddr *there)
{
	struct request *request = context;

	(void)purpose;
	(void)there;
	return request->connection.fd.fd < 0 ? CURL_SOCKET_BAD
					     : connection_hand_over(&request->connection);
}

static int is_connected(void *context, curl_socket_t fd, curlsocktype purpose)
{
	(void)context;
	(void)fd;
	(void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static int connected(void *context, char *there, char *here, int there_port, int here_port)
{
	struct request *request = context;

	(void)there;
	(void)here;
	(void)there_port;
	(void)here_port;
	request->attempt->phase = "without an answer";
	return CURL_PREREQFUNC_OK;
}

static int set_target(struct request *request)
{
	const struct probes_probe *probe = request->attempt->probe;
	const char *host = probe->question.text[PROBE_TEXT_HOST];
	char url[URL_MAX], address[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX + 8];
	const char *scheme = probe->kind == PROBE_HTTPS ? "https" : "http";
	const char *path = probe->question.text[PROBE_TEXT_PATH];

	addr_format_endpoint(&probe->address, probe->port, address);
	if (!probe->question.length[PROBE_TEXT_HOST]) {
		snprintf(url, sizeof(url), "%s://%s%s", scheme, address, path);
	} else {
		snprintf(url, sizeof(url), "%s://%s:%u%s", scheme, host, probe->port, path);
		snprintf(to, sizeof(to), "::%s", address);
		request->connect_to = curl_slist_append(NULL, to);
		if (!request->connect_to)
			return -ENOMEM;
		curl_easy_setopt(request->easy, CURLOPT_CONNECT_TO, request->connect_to);
	}
	return curl_easy_setopt(request->easy, CURLOPT_URL, url) ? -ENOMEM : 0;
}

/* By nobody of this node's own, whatever it has. */
static void set_verification(struct request *request)
{
	const struct probe_question *question = question_of(request);
	struct curl_blob ca = {.data = (void *)(uintptr_t)question->text[PROBE_TEXT_CA],
			       .len = question->length[PROBE_TEXT_CA],
			       .flags = CURL_BLOB_NOCOPY};

	curl_easy_setopt(request->easy, CURLOPT_SSL_VERIFYPEER, ca.len ? 1L : 0L);
	curl_easy_setopt(request->easy, CURLOPT_SSL_VERIFYHOST, ca.len ? 2L : 0L);
	if (ca.len)
		curl_easy_setopt(request->easy, CURLOPT_CAINFO_BLOB, &ca);
}

static void set_options(struct request *request)
{
	CURL *easy = request->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* whatever the environment says */
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	/* addresses need none, and with ten thousand of them each request would walk the cache */
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	set_verification(request);
	curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "mtlb-health");
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, give_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, request);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, is_connected);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, connected);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, request);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	curl_easy_setopt(easy, CURLOPT_NOBODY, (long)question_of(request)->head);
}

static void made(struct attempt *attempt, int error)
{
	struct request *request = attempt->own;

	loop_fd_remove(attempt->loop, &request->connection.fd);
	request->easy = error ? NULL : curl_easy_init();
	if (!error && !request->easy)
		error = -ENOMEM;
	if (!error) {
		set_options(request);
		error = set_target(request);
	}
	if (!error && curl_multi_add_handle(multi, request->easy))
		error = -ENOMEM;
	if (error)
		attempt_fail_errno(attempt, error);
}

static int start(struct attempt *attempt)
{
	struct request *request = calloc(1, sizeof(*request));

	if (!request)
		return -ENOMEM;
	request->attempt = attempt;
	request->answer.question = &attempt->probe->question;
	attempt->own = request;
	connection_open(&request->connection, attempt, made);
	return 0;
}

static void stop(struct attempt *attempt)
{
	struct request *request = attempt->own;

	if (request->easy)
		curl_multi_remove_handle(multi, request->easy);
	curl_easy_cleanup(request->easy);
	connection_close(&request->connection);
	curl_slist_free_all(request->connect_to);
	http_answer_fini(&request->answer);
	free(request);
}

const struct attempt_kind http_kind = {.start = start, .stop = stop};
