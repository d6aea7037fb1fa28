/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One end of a TCP connection, edge-triggered: the loop tells once that something may be read or
 * written, and until the kernel says EAGAIN that stays true here. So a connection costs one
 * epoll_ctl() for all its life, and none if it is over before it had to be waited for. What is
 * received and not yet used is in in, what is to be sent before anything else in out.
 */
#ifndef MTLB_PROXY_CHANNEL_H
#define MTLB_PROXY_CHANNEL_H

#include <sys/socket.h>
#include <sys/types.h>

#include "../sys/loop.h"
#include "buffer.h"
#include "journal.h"

struct tls;

struct channel {
	struct loop_fd fd;
	struct loop *loop;
	struct buffers *buffers;
	struct buffer *in, *out;
	bool can_read, can_write;
	bool told_of_room;	 /* the loop was asked for that */
	bool hung_up;		 /* a FIN is on its way or here: a short read is not the last one */
	bool ended;		 /* and it was read */
	bool closed;		 /* shut down for writing */
	bool ending;		 /* its end follows at once, and goes with the last bytes */
	int error;		 /* a negative errno, from the first failure on */
	uint64_t received, sent; /* with TLS: of what is within it */
	struct tls *tls;	 /* see tls_channel.h; NULL: none */
	struct journal_line *line; /* of a client's, see journal.h; NULL: none */
};

/* Takes fd, a non-blocking socket that connects; ready is called when there is something new. On
 * failure fd is still the caller's. 0 or a negative errno. */
int channel_connecting(struct channel *channel, struct loop *loop, struct buffers *buffers, int fd,
		       void (*ready)(struct loop_fd *fd, uint32_t events), void *context);

/* The same of one that is connected: there is room for what is sent first. Nothing is told of until
 * channel_listen(). */
void channel_accepted(struct channel *channel, struct loop *loop, struct buffers *buffers, int fd,
		      void (*ready)(struct loop_fd *fd, uint32_t events), void *context);
void channel_close(struct channel *channel);

/* What the loop tells: notes it. */
void channel_note(struct channel *channel, uint32_t events);

/* Reads once into in. Bytes; 0: the other side has ended; -EAGAIN; -ENOBUFS: in is full; else an
 * error. */
ssize_t channel_fill(struct channel *channel);

/* The same, and no more than this many bytes, but with TLS, of which a record is taken whole. */
ssize_t channel_fill_most(struct channel *channel, size_t most);

/* Reads once, and throws it away with what is in in. Bytes; 0, -EAGAIN or an error as above. */
ssize_t channel_discard(struct channel *channel);

/* Sends out, and then these bytes. How many of these went; -EAGAIN when none did, or out has not
 * gone wholly; else an error. With length 0: 0 when out is empty. */
ssize_t channel_send(struct channel *channel, const char *bytes, size_t length);

/* out, with room for this many bytes behind what is in it; NULL: there is none. */
struct buffer *channel_out(struct channel *channel, size_t room);

/* in has been used: gives its buffer back when it is empty. */
void channel_rest(struct channel *channel);

/* The socket takes no more: it will be told when it does. */
void channel_full(struct channel *channel);

/* It is broken, by this positive errno, which is returned negative. */
int channel_fail(struct channel *channel, int error);

/* Nothing will be sent any more. */
void channel_shut(struct channel *channel);

/* Nothing that comes is told of until channel_listen(), which tells of what has come meanwhile, but
 * not of room to write. 0 or a negative errno. */
void channel_ignore(struct channel *channel);
int channel_listen(struct channel *channel);

/* The other side will get a RST: what was sent may be incomplete. */
void channel_abort(struct channel *channel);

/* Of send(2). What is followed by the end at once goes into one segment with its FIN. */
static inline int channel_flags(const struct channel *channel)
{
	return MSG_DONTWAIT | MSG_NOSIGNAL | (channel->ending ? MSG_MORE : 0);
}

/* Bytes that were read and are not in in any more. */
static inline uint64_t channel_used(const struct channel *channel)
{
	return channel->received - buffer_length(channel->in);
}

static inline size_t channel_pending(const struct channel *channel)
{
	return buffer_length(channel->out);
}

#endif
