// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "route.h"

#include <stdio.h>
#include <string.h>

static bool match(const char *pattern, const char *path,
		  char params[HTTP_PARAMS_MAX][HTTP_PARAM_SIZE])
{
	size_t count = 0;

	while (*pattern && *path) {
		size_t length;

		if (*pattern != '{') {
			if (*pattern++ != *path++)
				return false;
			continue;
		}
		length = strcspn(path, "/");
		if (!length || length >= HTTP_PARAM_SIZE || count == HTTP_PARAMS_MAX)
			return false;
		memcpy(params[count], path, length);
		params[count++][length] = 0;
		path += length;
		pattern = strchr(pattern, '}') + 1;
	}
	return !*pattern && !*path;
}

const struct http_route *route_match(const struct http_route *routes, size_t count,
				     struct http_request *request, char *ret_allow, size_t size)
{
	const char *wanted = strcmp(request->method, "HEAD") ? request->method : "GET";
	size_t length = 0;

	*ret_allow = 0;
	for (size_t i = 0; i < count; i++) {
		const struct http_route *route = &routes[i];

		if (!match(route->path, request->path, request->params))
			continue;
		if (!strcmp(route->method, wanted))
			return route;
		if (length < size)
			length += (size_t)snprintf(ret_allow + length, size - length, "%s%s%s",
						   length ? ", " : "", route->method,
						   strcmp(route->method, "GET") ? "" : ", HEAD");
	}
	return NULL;
}
