// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "access.h"

#include <string.h>

const char *http_role_name(enum http_role role)
{
	static const char *const names[] = {"none", "tenant", "viewer", "operator"};

	return names[role];
}

static enum access check_tenant(const struct http_route *route, const struct http_request *request)
{
	switch (route->need) {
	case HTTP_NEED_NOTHING:
	case HTTP_NEED_ITEMS:
		return ACCESS_GRANTED;
	case HTTP_NEED_TENANT:
	case HTTP_NEED_TENANT_WRITES:
		return strcmp(request->params[0], request->caller->tenant) ? ACCESS_HIDDEN
									   : ACCESS_GRANTED;
	default:
		return ACCESS_DENIED;
	}
}

enum access access_check(const struct http_route *route, const struct http_request *request)
{
	switch (request->caller->role) {
	case HTTP_ROLE_OPERATOR:
		return ACCESS_GRANTED;
	case HTTP_ROLE_VIEWER:
		return route->need == HTTP_NEED_OPERATOR || route->need == HTTP_NEED_TENANT_WRITES
			       ? ACCESS_DENIED
			       : ACCESS_GRANTED;
	case HTTP_ROLE_TENANT:
		return check_tenant(route, request);
	default:
		return ACCESS_WHO;
	}
}
