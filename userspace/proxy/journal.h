/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What has to be known of clients' connections when their worker is killed: in memory that outlives
 * it, a line for each descriptor, and the buffers that requests are read into.
 *
 * How much was read and written, the kernel knows of every connection (SIOCINQ, SIOCOUTQ,
 * TCP_INFO), whenever the worker was stopped. So a line says only where the request at hand begins,
 * in bytes read and written, and, from before its last byte is sent, where its answer ends:
 * together they tell whether a client waits for its answer and nothing of that was sent, or has it
 * wholly, or has a part. Two marks, of which one holds, are written in turns: a step from one
 * request to the next is one store.
 *
 * The keeper takes what is in here for what anybody might have written.
 */
#ifndef MTLB_PROXY_JOURNAL_H
#define MTLB_PROXY_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/addr.h"

struct bequest;

/* A moment between two requests, and what came of the one behind it. */
struct journal_mark {
	uint64_t read, written; /* bytes, of earlier requests and their answers */
	uint64_t read_end;	/* with answer_end: bytes, with this request */
	uint64_t answer_end;	/* bytes, with this answer; 0: not known */
	uint32_t buffer, start; /* what is behind read is read to there */
	bool told;		/* who the client is, by a header of the PROXY protocol */
	bool gone;		/* the bytes of the request are not in the buffer any more */
	bool once;		/* a backend may have done it, and twice is not the same as once */
	bool last;		/* the connection ends with the answer */
	bool again;		/* a backend may have done it for another worker already, and now
				 * for this one */
};

struct journal_line {
	bool open;  /* a client's connection has this descriptor */
	bool apart; /* and goes with its worker, whatever else is said here: TLS */
	uint8_t at; /* the mark that holds */
	uint16_t port, told_port, local_port;
	uint32_t listener;
	uint32_t header; /* bytes of the PROXY protocol, which are in no other count */
	struct addr peer, told_peer, local;
	struct journal_mark marks[2];
} __attribute__((aligned(64)));

struct journal_shared {
	uint32_t accepting; /* 1 + the listener, while a connection may have no line yet */
	uint32_t most;	    /* descriptors from here on have no line that was ever open */
	bool inheriting; /* one of another worker's has come, with what is in bequest, and may have
			  * no line yet */
};

/* Where it is: each process has this for itself. */
struct journal {
	struct journal_shared *shared;
	struct bequest *bequest; /* shared as well: see heirs.c */
	struct journal_line *lines;
	char *memory; /* of the buffers, see buffer.h */
	uint32_t fds, buffers;
	size_t size;
};

/* What the kernel says of a connection: bytes that were read, and that were handed to it. */
struct journal_truth {
	uint64_t read, written;
};

/* For so many descriptors and buffers. 0 or -ENOMEM. */
int journal_new(uint32_t fds, uint32_t buffers, struct journal **ret_journal);
void journal_free(struct journal *journal);

/* What holds from here on, of which open is set last. NULL: there is no journal, or no line for it;
 * all that follows do nothing then. */
struct journal_line *journal_open(struct journal *journal, int fd, const struct journal_line *as);
/* Before the descriptor is closed. */
void journal_close(struct journal_line *line);
/* This many bytes, which nobody has noted yet, were a header that told this. */
void journal_tell(struct journal_line *line, uint32_t length, const struct addr *peer,
		  uint16_t port, const struct addr *local, uint16_t local_port);
/* Where the next request begins, of which so much as is in this buffer has come; counted without
 * the header. */
void journal_next(struct journal_line *line, uint64_t read, uint64_t written, uint32_t buffer,
		  uint32_t start);

static inline struct journal_mark *journal_mark(struct journal_line *line)
{
	return &line->marks[line->at & 1];
}

/* Before the first byte is read into it; BUFFER_NONE: it is given back, with nothing in it. */
static inline void journal_reads_to(struct journal_line *line, uint32_t buffer)
{
	if (!line)
		return;
	journal_mark(line)->start = 0;
	journal_mark(line)->buffer = buffer;
}

/* It goes with its worker. */
static inline void journal_set_apart(struct journal_line *line)
{
	if (line)
		line->apart = true;
}

/* The bytes of the request are no longer where they were read to. */
static inline void journal_gone(struct journal_line *line)
{
	if (line)
		journal_mark(line)->gone = true;
}

/* A backend is about to be asked for what must not be asked twice. */
static inline void journal_once(struct journal_line *line)
{
	if (line)
		journal_mark(line)->once = true;
}

/* The same, for the second time: there is no third. */
static inline void journal_again(struct journal_line *line)
{
	if (line)
		journal_mark(line)->again = true;
}

/* Before its first byte is sent: the connection will have had so many bytes when the last one is, 0
 * when that is not known; counted without the header. read: with all of the request. */
static inline void journal_answer(struct journal_line *line, uint64_t read, uint64_t written,
				  bool last)
{
	struct journal_mark *mark;

	if (!line)
		return;
	mark = journal_mark(line);
	mark->read_end = read + line->header;
	mark->last = last;
	__atomic_store_n(&mark->answer_end, written, __ATOMIC_RELEASE);
}

/* The same, now that the length is known. */
static inline void journal_answer_ends(struct journal_line *line, uint64_t written)
{
	if (line)
		__atomic_store_n(&journal_mark(line)->answer_end, written, __ATOMIC_RELEASE);
}

enum journal_verdict {
	JOURNAL_LET, /* it may end as it does when its descriptor is closed: no part of an answer
		      * has gone */
	JOURNAL_CUT, /* a part has, or it is not known what has: its client is to see that */
	JOURNAL_KEEP,
};

/* *ret_bytes are of the request that is to be asked (again). */
enum journal_verdict journal_judge(const struct journal *journal, const struct journal_line *line,
				   const struct journal_truth *truth, const char **ret_bytes,
				   size_t *ret_length);

#endif
