/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Copies of requests for another pool, whose answers are thrown away: filters of type
 * RequestMirror. A copy is made of a head and a body that fit one buffer together, as they are sent
 * to the backend; it has a connection of its own, and from when it is whole on it lives apart from
 * the request. Nobody waits for it: where there is no room for one there is none, and it is
 * counted. Each tenant has a bounded number, and when the worker is filling up they go first.
 */
#ifndef MTLB_PROXY_MIRROR_H
#define MTLB_PROXY_MIRROR_H

#include <stddef.h>

struct conn;
struct worker;
struct mirror;

/* The head of a request as its backend gets it, once: if its route has a mirror, there is a copy.
 */
void mirror_begin(struct conn *conn, const char *head, size_t length);
/* Bytes of its body have gone, for exchange.mirror. */
void mirror_body(void *mirror, const char *bytes, size_t length);
/* The request has ended before all of it had come. */
void mirror_cut(struct mirror *mirror);
/* Something has changed for its connection. */
void mirror_told(struct mirror *mirror);
/* All of a worker's. */
void mirror_end_all(struct worker *worker);

#endif
