// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "forward.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "session.h"

/* What speaks of the client, in any form that a backend might believe. */
#define OF_THE_CLIENT                                                              \
	(H1_SET(H1_HEADER_x_forwarded_for) | H1_SET(H1_HEADER_forwarded) |         \
	 H1_SET(H1_HEADER_x_forwarded_host) | H1_SET(H1_HEADER_x_forwarded_port) | \
	 H1_SET(H1_HEADER_x_forwarded_proto) | H1_SET(H1_HEADER_x_real_ip) |       \
	 H1_SET(H1_HEADER_x_forwarded_client_cert))

static struct h1_text text_of(const struct image *image, struct image_text text)
{
	return (struct h1_text){image_string(image, text), text.length};
}

/* filters */

static const struct image_filter *filter_of(const struct image *image, uint32_t route,
					    enum image_filter_type type)
{
	struct image_range filters = image->routes[route].filters;

	for (uint32_t i = filters.first; i < filters.first + filters.count; i++)
		if (image->filters[i].type == type)
			return &image->filters[i];
	return NULL;
}

/* Whether an edit replaces, or takes away, what was sent. */
static bool edited(const struct image *image, const struct image_filter *filter,
		   const struct h1_header *header)
{
	if (!filter)
		return false;
	for (uint32_t i = filter->edits.first; i < filter->edits.first + filter->edits.count; i++) {
		const struct image_edit *edit = &image->edits[i];

		if (edit->type != IMAGE_ADD && edit->name.length == header->name_length &&
		    !strncasecmp(image_string(image, edit->name), header->name,
				 header->name_length))
			return true;
	}
	return false;
}

static void write_edits(struct h1_writer *writer, const struct image *image,
			const struct image_filter *filter)
{
	if (!filter)
		return;
	for (uint32_t i = filter->edits.first; i < filter->edits.first + filter->edits.count; i++)
		if (image->edits[i].type != IMAGE_REMOVE)
			h1_write_header(writer, image_string(image, image->edits[i].name),
					text_of(image, image->edits[i].value));
}

static void write_headers(struct h1_writer *writer, const struct h1_head *head, uint64_t without,
			  const struct image *image, const struct image_filter *filter)
{
	if (!filter) {
		h1_write_headers(writer, head, without);
		return;
	}
	without |= H1_SET(H1_HEADER_content_length) | H1_SET(H1_HEADER_transfer_encoding);
	without &= ~H1_SET(H1_HEADER_OTHER);
	for (unsigned i = 0; i < head->count; i++) {
		const struct h1_header *header = &head->headers[i];

		if (header->hop || without & H1_SET(header->id) || edited(image, filter, header))
			continue;
		h1_write(writer, header->name, header->name_length);
		h1_write_string(writer, ": ");
		h1_write_text(writer, h1_value(header));
		h1_write_string(writer, "\r\n");
	}
	write_edits(writer, image, filter);
}

/* paths */

struct new_path {
	struct h1_text first, second; /* one after the other */
};

static struct new_path path_of(const struct forward *forward, const struct h1_request *request,
			       const struct image_filter *filter)
{
	struct h1_text path = request->path, set, rest;

	if (!filter || filter->path_edit == IMAGE_PATH_KEEP)
		return (struct new_path){path, {"", 0}};
	set = text_of(forward->image, filter->path);
	if (filter->path_edit == IMAGE_PATH_FULL)
		return (struct new_path){set, {"", 0}};
	rest = (struct h1_text){path.at + forward->matched, path.length - forward->matched};
	/* "/new/" and "/rest" have one slash between them, and there is always one */
	if (set.length && set.at[set.length - 1] == '/' && rest.length && *rest.at == '/')
		set.length--;
	if (!set.length && (!rest.length || *rest.at != '/'))
		set = (struct h1_text){"/", 1};
	return (struct new_path){set, rest};
}

static void write_path(struct h1_writer *writer, const struct new_path *path, struct h1_text query)
{
	h1_write_text(writer, path->first);
	h1_write_text(writer, path->second);
	if (query.at) {
		h1_write_string(writer, "?");
		h1_write_text(writer, query);
	}
}

/* requests */

static void write_authority(struct h1_writer *writer, const struct h1_request *request)
{
	char port[8];

	h1_write_text(writer, request->host);
	if (!request->port)
		return;
	snprintf(port, sizeof(port), ":%u", request->port);
	h1_write_string(writer, port);
}

static void write_host(struct h1_writer *writer, const struct h1_request *request,
		       const struct image *image, const struct image_filter *rewrite)
{
	h1_write_string(writer, "Host: ");
	if (rewrite && rewrite->hostname.length)
		h1_write_text(writer, text_of(image, rewrite->hostname));
	else
		write_authority(writer, request);
	h1_write_string(writer, "\r\n");
}

/* The last one that a trusted peer sent, and all it says of those before it, in front of ours. */
static void write_list(struct h1_writer *writer, const struct h1_request *request, bool trusted,
		       enum h1_name name, const char *title)
{
	h1_write_string(writer, title);
	h1_write_string(writer, ": ");
	for (unsigned i = 0; trusted && i < request->head.count; i++) {
		const struct h1_header *header = &request->head.headers[i];

		if (header->id != name || header->hop || !header->value_length)
			continue;
		h1_write_text(writer, h1_value(header));
		h1_write_string(writer, ", ");
	}
}

/* Who the client is by its certificate: what it says of that itself counts as little as the rest.
 */
static void write_client_cert(struct h1_writer *writer, const struct forward *forward,
			      const struct h1_request *request)
{
	const struct h1_header *told =
		forward->trusted ? h1_find(&request->head, H1_HEADER_x_forwarded_client_cert)
				 : NULL;

	if (!forward->client_cert && !told)
		return;
	h1_write_string(writer, "X-Forwarded-Client-Cert: ");
	if (forward->client_cert)
		h1_write_string(writer, forward->client_cert);
	else
		h1_write_text(writer, h1_value(told));
	h1_write_string(writer, "\r\n");
}

static void write_client(struct h1_writer *writer, const struct forward *forward,
			 const struct h1_request *request)
{
	const struct h1_header *told =
		forward->trusted ? h1_find(&request->head, H1_HEADER_x_forwarded_proto) : NULL;
	const char *proto = forward->tls ? "https" : "http";
	bool ipv4 = addr_is_ipv4(forward->peer);
	char peer[ADDR_TEXT_MAX];

	addr_format(forward->peer, peer);
	write_list(writer, request, forward->trusted, H1_HEADER_x_forwarded_for, "X-Forwarded-For");
	h1_write_string(writer, peer);
	h1_write_string(writer, "\r\nX-Forwarded-Proto: ");
	if (told)
		h1_write_text(writer, h1_value(told));
	else
		h1_write_string(writer, proto);
	told = forward->trusted ? h1_find(&request->head, H1_HEADER_x_forwarded_host) : NULL;
	h1_write_string(writer, "\r\nX-Forwarded-Host: ");
	if (told)
		h1_write_text(writer, h1_value(told));
	else
		write_authority(writer, request);
	h1_write_string(writer, "\r\n");
	/* RFC 7239, 4 and 6: what has a colon is quoted, IPv6 stands in brackets */
	write_list(writer, request, forward->trusted, H1_HEADER_forwarded, "Forwarded");
	h1_write_string(writer, ipv4 ? "for=" : "for=\"[");
	h1_write_string(writer, peer);
	h1_write_string(writer, ipv4 ? ";host=\"" : "]\";host=\"");
	write_authority(writer, request);
	h1_write_string(writer, "\";proto=");
	h1_write_string(writer, proto);
	h1_write_string(writer, "\r\n");
}

bool forward_is_upgrade(const struct h1_request *request)
{
	const struct h1_header *upgrade = h1_find(&request->head, H1_HEADER_upgrade);

	return request->head.upgrade && upgrade && request->head.body == H1_BODY_NONE &&
	       request->method == H1_METHOD_GET && h1_text_is(h1_value(upgrade), "websocket");
}

int forward_request(const struct forward *forward, const struct h1_request *request,
		    struct h1_writer *writer)
{
	const struct image *image = forward->image;
	const struct image_filter *rewrite = filter_of(image, forward->route, IMAGE_REWRITE);
	struct new_path path = path_of(forward, request, rewrite);
	uint64_t without = H1_SET(H1_HEADER_host) | OF_THE_CLIENT;

	if (forward->traceparent)
		without |= H1_SET(H1_HEADER_traceparent);
	if (forward->trace_begun)
		without |= H1_SET(H1_HEADER_tracestate);
	h1_write_text(writer, request->method_name);
	h1_write_string(writer, " ");
	write_path(writer, &path, request->query);
	h1_write_string(writer, " HTTP/1.1\r\n");
	write_host(writer, request, image, rewrite);
	write_headers(writer, &request->head, without, image,
		      filter_of(image, forward->route, IMAGE_REQUEST_HEADERS));
	write_client(writer, forward, request);
	write_client_cert(writer, forward, request);
	if (forward->traceparent)
		h1_write_header(
			writer, "traceparent",
			(struct h1_text){forward->traceparent, strlen(forward->traceparent)});
	if (forward->upgrade)
		h1_write_string(writer, "Connection: upgrade\r\nUpgrade: websocket\r\n");
	h1_write_framing(writer, &request->head);
	return h1_write_end(writer);
}

/* answers */

int forward_interim(const struct h1_response *response, struct h1_writer *writer)
{
	h1_write_status_line(writer, response->status, response->reason);
	h1_write_headers(writer, &response->head, 0);
	return h1_write_end(writer);
}

static void write_connection(struct h1_writer *writer, const struct forward_reply *forward)
{
	if (forward->upgrade)
		h1_write_string(writer, "Connection: upgrade\r\nUpgrade: websocket\r\n");
	else if (!forward->keep_alive)
		h1_write_string(writer, "Connection: close\r\n");
	else if (!forward->minor)
		h1_write_string(writer, "Connection: keep-alive\r\n");
}

int forward_reply(const struct forward_reply *forward, const struct h1_response *response,
		  struct h1_writer *writer)
{
	h1_write_status_line(writer, response->status, response->reason);
	write_headers(writer, &response->head, 0, forward->image,
		      filter_of(forward->image, forward->route, IMAGE_RESPONSE_HEADERS));
	if (forward->routing)
		session_write(forward->routing, forward->route, forward->pool, forward->member,
			      writer);
	write_connection(writer, forward);
	if (response->head.body == H1_BODY_CHUNKED || response->head.body == H1_BODY_CLOSE) {
		if (forward->minor)
			h1_write_string(writer, "Transfer-Encoding: chunked\r\n");
	} else {
		h1_write_framing(writer, &response->head);
	}
	return h1_write_end(writer);
}

static void write_location(struct h1_writer *writer, const struct forward *forward,
			   const struct h1_request *request, const struct image_filter *filter)
{
	struct new_path path = path_of(forward, request, filter);
	char port[8];

	h1_write_string(writer, "Location: ");
	if (filter->scheme.length)
		h1_write_text(writer, text_of(forward->image, filter->scheme));
	else
		h1_write_string(writer, forward->tls ? "https" : "http");
	h1_write_string(writer, "://");
	if (filter->hostname.length)
		h1_write_text(writer, text_of(forward->image, filter->hostname));
	else
		h1_write_text(writer, request->host);
	if (filter->port || (request->port && !filter->scheme.length)) {
		snprintf(port, sizeof(port), ":%d", filter->port ? filter->port : request->port);
		h1_write_string(writer, port);
	}
	write_path(writer, &path, request->query);
	h1_write_string(writer, "\r\n");
}

int forward_redirect(const struct forward *forward, const struct h1_request *request,
		     bool keep_alive, struct h1_writer *writer)
{
	const struct image_filter *filter =
		filter_of(forward->image, forward->route, IMAGE_REDIRECT);
	const struct forward_reply reply = {.minor = request->head.minor, .keep_alive = keep_alive};

	if (!filter)
		return 0;
	h1_write_status_line(writer, filter->status, (struct h1_text){0});
	write_location(writer, forward, request, filter);
	write_connection(writer, &reply);
	h1_write_number(writer, "Content-Length", 0);
	return h1_write_end(writer);
}

unsigned forward_redirect_status(const struct forward *forward)
{
	const struct image_filter *filter =
		filter_of(forward->image, forward->route, IMAGE_REDIRECT);

	return filter ? filter->status : 0;
}
