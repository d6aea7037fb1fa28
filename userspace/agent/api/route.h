/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which row of a table of routes a request is for. Pure. */
#ifndef MTLB_AGENT_API_ROUTE_H
#define MTLB_AGENT_API_ROUTE_H

#include "http.h"

/*
 * By request->method and path; fills request->params with what stands for each "{...}" of the
 * route's path, which is one step between two slashes. NULL: nobody answers; then ret_allow names
 * the methods that would be ("" when there are none).
 */
const struct http_route *route_match(const struct http_route *routes, size_t count,
				     struct http_request *request, char *ret_allow, size_t size);

#endif
