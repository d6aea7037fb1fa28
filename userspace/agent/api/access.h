/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who may use which route: the rule, in one place. Pure. */
#ifndef MTLB_AGENT_API_ACCESS_H
#define MTLB_AGENT_API_ACCESS_H

#include "http.h"

enum access {
	ACCESS_GRANTED,
	ACCESS_WHO,    /* nobody knows who asks */
	ACCESS_HIDDEN, /* another tenant's: it does not get to know whether it exists */
	ACCESS_DENIED,
};

/* Of HTTP_NEED_TENANT and the like, the first parameter of the path is the tenant. */
enum access access_check(const struct http_route *route, const struct http_request *request);

#endif
