/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Moves a body, or a tunnel's bytes, from one connection to another, as far as both let it. One
 * verb; which mover does the work is decided here: splice(2) through a pipe for bodies that are
 * long, of known length and change in nothing, and for tunnels that have carried much, else by way
 * of a buffer. Every byte is counted, and a body of known length that did not come out at its
 * length is an error of this program.
 */
#ifndef MTLB_PROXY_RELAY_H
#define MTLB_PROXY_RELAY_H

#include "../wire/chunk.h"
#include "channel.h"
#include "pipes.h"

#define RELAY_SPLICE_MIN 65536	     /* bytes that are still to come */
#define RELAY_TUNNEL_MIN (256 << 10) /* bytes that a tunnel has carried */
#define RELAY_TURN	 (1 << 20)   /* then others have their turn */

enum relay_result {
	RELAY_WAIT, /* for one of the two */
	RELAY_TURN_OVER,
	RELAY_DONE,	     /* all has been sent */
	RELAY_SOURCE_FAILED, /* it broke off, or see error */
	RELAY_SINK_FAILED,
	RELAY_TOO_LONG, /* beyond most */
};

struct relay {
	struct channel *from, *to;
	enum h1_body framing; /* of what comes: any but NONE */
	bool chunk;	      /* send it as chunks */
	bool last;	      /* the connection that it goes to ends with it */
	bool ended;	      /* all has come; some may be in to->out */
	int error;	      /* of what came: -H1_ERROR_... */
	uint64_t left;	      /* of a body of known length, that has not come yet */
	uint64_t length, moved;
	uint64_t most;	   /* bytes of chunks, without their framing; 0: any number */
	uint64_t overhead; /* of chunks as they came, beyond their data */
	struct chunk_decoder decoder;
	struct pipes *pipes; /* NULL: no splicing */
	unsigned *holding;   /* pipes of this tenant */
	unsigned hold_most;
	struct pipe_pair *pipe;
	/* Is told of what goes by way of the buffer; NULL: nobody. */
	void (*tap)(void *context, const char *bytes, size_t length);
	void **tap_context; /* NULL in there: nobody any more */
};

/* length is that of a body of known length. */
void relay_begin(struct relay *relay, struct channel *from, struct channel *to,
		 enum h1_body framing, uint64_t length, bool chunk);
/* From here on, if it is worth it. */
void relay_allow_splice(struct relay *relay, struct pipes *pipes, unsigned *holding, unsigned most);
enum relay_result relay_run(struct relay *relay);
/* At any time; gives up what it holds. */
void relay_end(struct relay *relay);

/* The movers: relay_run() alone calls them. */
enum relay_result relay_copy(struct relay *relay, size_t *turn);
enum relay_result relay_chunks(struct relay *relay, size_t *turn);
enum relay_result relay_splice(struct relay *relay, size_t *turn);

#endif
