// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "scrape.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "../../base/log.h"
#include "../../wire/accept.h"
#include "../metrics/page.h"
#include "listen.h"

#define TIMEOUT_S 10 /* a connection on which nothing moves is closed */

struct scrape {
	struct loop *loop;
	struct text *(*ask)(void *context, int format);
	void *context;
	struct MHD_Daemon *daemon; /* NULL: closed */
	struct loop_fd fd;	   /* libmicrohttpd's epoll descriptor */
	struct loop_timer timer;
	struct addr address;
	uint16_t port;
};

static const struct accept_offer offers[] = {
	{"text/plain", "0.0.4"},
	{"application/openmetrics-text", "1.0.0"},
	{"application/openmetrics-text", "0.0.1"},
};

static const struct scrape_form forms[] = {
	{PAGE_TEXT, "text/plain; version=0.0.4; charset=utf-8"},
	{PAGE_OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"},
	/* of what mtlbd has to say both versions are the same */
	{PAGE_OPENMETRICS, "application/openmetrics-text; version=0.0.1; charset=utf-8"},
};

const struct scrape_form *scrape_choose(const char *accept)
{
	int chosen = accept_choose(accept, offers, sizeof(offers) / sizeof(offers[0]));

	return chosen < 0 ? NULL : &forms[chosen];
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned int status,
			      const char *why)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(why), (char *)why, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result = MHD_NO;

	if (!response)
		return MHD_NO;
	if (MHD_add_response_header(response, "Content-Type", "text/plain") == MHD_YES &&
	    (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
	     MHD_add_response_header(response, "Allow", "GET, HEAD") == MHD_YES))
		result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result send_text(struct scrape *scrape, struct MHD_Connection *connection)
{
	const struct scrape_form *form =
		scrape_choose(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept"));
	struct text *text = form ? scrape->ask(scrape->context, form->format) : NULL;
	struct MHD_Response *response =
		text ? text_respond(text, scrape->loop, &scrape->timer, connection) : NULL;
	enum MHD_Result result = MHD_NO;

	if (!form)
		return refuse(connection, MHD_HTTP_NOT_ACCEPTABLE, SCRAPE_FORMS "\n");
	if (!response)
		return MHD_NO;
	if (MHD_add_response_header(response, "Content-Type", form->type) == MHD_YES &&
	    MHD_add_response_header(response, "Vary", "Accept") == MHD_YES)
		result = MHD_queue_response(connection, MHD_HTTP_OK, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *piece,
			      size_t *piece_size, void **state)
{
	static char seen; /* the head was */

	(void)version;
	(void)piece;
	/* at once, with the head alone: whoever sends a body is not read */
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
			      "only GET " SCRAPE_PATH " is answered here\n");
	if (strcmp(url, SCRAPE_PATH) != 0)
		return refuse(connection, MHD_HTTP_NOT_FOUND, "metrics are at " SCRAPE_PATH "\n");
	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	if (*piece_size) {
		*piece_size = 0;
		return MHD_YES;
	}
	return send_text(context, connection);
}

static void pump(struct scrape *scrape)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(scrape->daemon);
	if (MHD_get_timeout(scrape->daemon, &ms) != MHD_YES)
		loop_timer_cancel(scrape->loop, &scrape->timer);
	else if (loop_timer_set(scrape->loop, &scrape->timer, ms * UINT64_C(1000000)))
		log_error("metrics", "no memory for a timer: a dead client may keep its place");
}

static void on_ready(struct loop_fd *self, uint32_t events)
{
	(void)events;
	pump(self->context);
}

static void on_timer(struct loop_timer *self)
{
	pump(self->context);
}

static void shut(struct scrape *scrape)
{
	if (!scrape->daemon)
		return;
	MHD_run(scrape->daemon); /* what was given goes out, as far as it does at once */
	loop_timer_cancel(scrape->loop, &scrape->timer);
	if (scrape->fd.added)
		loop_fd_remove(scrape->loop, &scrape->fd);
	MHD_stop_daemon(scrape->daemon);
	scrape->daemon = NULL;
	scrape->port = 0;
}

/* Takes fd. */
static int serve(struct scrape *scrape, int fd, struct err *err)
{
	const union MHD_DaemonInfo *info;
	int code;

	scrape->daemon =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle,
				 scrape, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
				 (unsigned int)SCRAPE_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
				 (unsigned int)TIMEOUT_S, MHD_OPTION_END);
	if (!scrape->daemon) /* as in http.c: fd may be closed or not */
		return err_set(err, -EINVAL, "cannot serve metrics over HTTP");
	info = MHD_get_daemon_info(scrape->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	scrape->fd = (struct loop_fd){
		.fd = info ? info->epoll_fd : -1, .ready = on_ready, .context = scrape};
	code = info ? loop_fd_set(scrape->loop, &scrape->fd, EPOLLIN) : -ENOTSUP;
	if (!code)
		return 0;
	shut(scrape);
	return err_set(err, code, "cannot watch the socket of metrics: %s", strerror(-code));
}

bool scrape_listens(const struct scrape *scrape, const struct addr *address, uint16_t port)
{
	return scrape->port == port && (!port || !addr_compare(&scrape->address, address));
}

int scrape_listen(struct scrape *scrape, const struct addr *address, uint16_t port, struct err *err)
{
	int fd, code;

	fd = port ? listen_remote(address, port, err) : 0;
	if (fd < 0)
		return fd;
	shut(scrape);
	code = port ? serve(scrape, fd, err) : 0;
	if (code)
		return code;
	scrape->address = *address;
	scrape->port = port;
	return 0;
}

int scrape_new(struct loop *loop, struct text *(*ask)(void *context, int format), void *context,
	       struct scrape **ret_scrape)
{
	struct scrape *scrape = calloc(1, sizeof(*scrape));

	if (!scrape)
		return -ENOMEM;
	scrape->loop = loop;
	scrape->ask = ask;
	scrape->context = context;
	scrape->timer = (struct loop_timer){.fire = on_timer, .context = scrape};
	*ret_scrape = scrape;
	return 0;
}

void scrape_free(struct scrape *scrape)
{
	if (!scrape)
		return;
	shut(scrape);
	free(scrape);
}
