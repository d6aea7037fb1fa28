/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Answers of the proxy's own: problem details (RFC 9457), in one form for every fault. Pure. */
#ifndef MTLB_PROXY_PROBLEM_H
#define MTLB_PROXY_PROBLEM_H

#include "../wire/h1.h"

struct problem {
	unsigned status;
	const char
		*detail; /* a sentence for people, in plain ASCII; NULL: the status says it all */
	unsigned retry_after_s; /* who comes then is served again (RFC 9110, 10.2.3); 0: not said */
	bool close;		/* this connection ends here */
	bool keep_alive;	/* to a client of HTTP/1.0 it has to be said that it goes on */
	bool head;		/* to HEAD: no body */
};

/* Head and body. Length or -ENOBUFS. */
int problem_write(struct h1_writer *writer, const struct problem *problem);

#endif
