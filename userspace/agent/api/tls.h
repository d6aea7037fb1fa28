/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Certificates of the API over TCP: read from their files, and what a client's says. libmicrohttpd
 * speaks TLS, by GnuTLS.
 */
#ifndef MTLB_AGENT_API_TLS_H
#define MTLB_AGENT_API_TLS_H

#include <stddef.h>

#include "../../base/err.h"

struct MHD_Connection;

#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* PEM texts. */
struct tls {
	char *cert, *key, *client_ca; /* the last may be NULL */
};

/* client_ca may be NULL. 0 or a negative errno and a sentence. */
int tls_read(struct tls *tls, const char *cert, const char *key, const char *client_ca,
	     struct err *err);
void tls_fini(struct tls *tls);

/* The common name of the client's certificate, when it has one that was issued by client_ca and is
 * valid now. 0, or -ENOENT.
 */
int tls_common_name(struct MHD_Connection *connection, char *ret_name, size_t size);

#endif
