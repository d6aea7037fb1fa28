/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An image made by hand, and requests of it in one line.
 */
#ifndef MTLB_UNIT_MODEL_L7_ROUTE_FIXTURE_H
#define MTLB_UNIT_MODEL_L7_ROUTE_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "userspace/model/l7/build.h"

struct made {
	void *bytes;
	size_t size;
	struct image image;
};

/* Ends the build. */
static inline void made_open(struct made *made, struct build *build)
{
	struct err err = {""};
	int error = build_finish(build, &made->bytes, &made->size, &err);

	if (error)
		print_error("%s\n", err.text);
	assert_int_equal(error, 0);
	build_free(build);
	error = image_open(made->bytes, made->size, &made->image, &err);
	if (error)
		print_error("%s\n", err.text);
	assert_int_equal(error, 0);
}

static inline void made_close(struct made *made)
{
	image_close(&made->image);
	free(made->bytes);
}

/* A listener without VIPs, which routes do not need. */
static inline uint32_t made_listener(struct build *build, const char *name)
{
	struct build_listener listener = {.name = name, .port = 80, .protocol = IMAGE_HTTP};

	return build_listener(build, &listener);
}

static inline uint32_t made_pool(struct build *build, uint32_t tenant, const char *name)
{
	return build_pool(build, &(struct build_pool){.tenant = tenant, .name = name});
}

static inline uint32_t made_route(struct build *build, uint32_t tenant, uint32_t listener,
				  const char *name)
{
	return build_route(
		build, &(struct build_route){.tenant = tenant, .listener = listener, .name = name});
}

static inline void made_path(struct build *build, enum build_path type, const char *path)
{
	build_match(build, &(struct build_match){.type = type, .path = path});
}

static inline struct route_text made_text(const char *string)
{
	return (struct route_text){string, string ? strlen(string) : 0};
}

/* "name: value\n" each, names in lower case. */
static inline unsigned made_header(const void *head, const char *name, struct route_text *ret_value)
{
	size_t length = strlen(name);
	unsigned times = 0;

	for (const char *line = head; line && *line; line = strchr(line, '\n') + 1) {
		if (strncmp(line, name, length) || strncmp(line + length, ": ", 2))
			continue;
		if (!times++)
			*ret_value = (struct route_text){line + length + 2,
							 (size_t)(strchr(line, '\n') - line) -
								 length - 2};
	}
	return times;
}

/* GET of path, which may have a query behind a "?". */
static inline struct route_request made_request(uint32_t listener, const char *host,
						const char *path)
{
	const char *query = strchr(path, '?');
	struct route_request request = {
		.listener = listener,
		.host = made_text(host),
		.method = ROUTE_GET,
		.path = made_text(path),
		.header = made_header,
	};

	if (query) {
		request.path.length = (size_t)(query - path);
		request.query = made_text(query + 1);
	}
	return request;
}

/* The name of the route, or that of the error. */
static inline const char *made_find(struct made *made, const struct route_request *request,
				    struct route_found *ret_found)
{
	int error = route_find(&made->image, request, ret_found);

	if (error) {
		assert_int_equal(ret_found->route, IMAGE_NONE);
		return route_error_name(error);
	}
	assert_int_equal(made->image.routes[ret_found->route].tenant, ret_found->tenant);
	return image_string(&made->image, made->image.routes[ret_found->route].name);
}

static inline const char *made_get(struct made *made, const char *host, const char *path)
{
	struct route_request request = made_request(0, host, path);
	struct route_found found;

	return made_find(made, &request, &found);
}

#endif
