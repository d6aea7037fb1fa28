/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who is at the other end of a connection: what its socket, its headers and its certificate say. */
#ifndef MTLB_AGENT_API_CREDENTIALS_H
#define MTLB_AGENT_API_CREDENTIALS_H

#include "http.h"

struct MHD_Connection;

/* Texts live as long as the request. */
void credentials_read(struct MHD_Connection *connection, struct http_credentials *ret);

#endif
