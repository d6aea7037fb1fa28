/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The address where metrics are served without TLS and tokens: it knows one path, takes no bodies
 * and changes nothing. A server of its own, so that nothing of the API can be got at here.
 */
#ifndef MTLB_AGENT_API_SCRAPE_H
#define MTLB_AGENT_API_SCRAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "../../base/addr.h"
#include "../../base/err.h"
#include "../../sys/loop.h"
#include "text.h"

#define SCRAPE_PATH	   "/metrics"
#define SCRAPE_CONNECTIONS 32 /* more wait in the socket's queue */

/* A form in which metrics are served. */
struct scrape_form {
	int format;	  /* enum page_format */
	const char *type; /* Content-Type */
};

/* The one that an Accept field asks for; NULL stands for no such field. NULL: there is none like
 * that. */
const struct scrape_form *scrape_choose(const char *accept);
/* Which there are, in a sentence. */
#define SCRAPE_FORMS                                                                  \
	"metrics are served as text/plain (version 0.0.4) and as "                    \
	"application/openmetrics-text (versions 1.0.0 and 0.0.1): the Accept header " \
	"must allow one of them"

struct scrape;

/* ask: for the text; NULL for want of memory. Nothing is open yet. 0 or -ENOMEM. */
int scrape_new(struct loop *loop, struct text *(*ask)(void *context, int format), void *context,
	       struct scrape **ret_scrape);
/* Cuts those who are still there; every text must have been given. */
void scrape_free(struct scrape *scrape);

bool scrape_listens(const struct scrape *scrape, const struct addr *address, uint16_t port);

/* Opens it, elsewhere if it was; port 0 closes it. On failure err says why, and what was open stays
 * so. Every text must have been given.
 */
int scrape_listen(struct scrape *scrape, const struct addr *address, uint16_t port,
		  struct err *err);

#endif
