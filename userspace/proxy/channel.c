// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "channel.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tls_channel.h"

#define EVENTS	(EPOLLIN | EPOLLRDHUP | EPOLLET)
#define DISCARD 65536 /* bytes, with one call */

int channel_connecting(struct channel *channel, struct loop *loop, struct buffers *buffers, int fd,
		       void (*ready)(struct loop_fd *fd, uint32_t events), void *context)
{
	*channel = (struct channel){
		.fd = {.fd = fd, .ready = ready, .context = context},
		.loop = loop,
		.buffers = buffers,
		.told_of_room = true,
	};
	return loop_fd_set(loop, &channel->fd, EVENTS | EPOLLOUT);
}

void channel_accepted(struct channel *channel, struct loop *loop, struct buffers *buffers, int fd,
		      void (*ready)(struct loop_fd *fd, uint32_t events), void *context)
{
	*channel = (struct channel){
		.fd = {.fd = fd, .ready = ready, .context = context},
		.loop = loop,
		.buffers = buffers,
		.can_write = true,
	};
}

void channel_full(struct channel *channel)
{
	int error;

	channel->can_write = false;
	if (channel->told_of_room)
		return;
	channel->told_of_room = true;
	error = loop_fd_set(channel->loop, &channel->fd, EVENTS | EPOLLOUT);
	if (error)
		channel_fail(channel, -error);
}

void channel_close(struct channel *channel)
{
	loop_fd_remove(channel->loop, &channel->fd);
	if (channel->tls)
		tls_channel_close(channel);
	journal_close(channel->line);
	channel->line = NULL;
	if (channel->fd.fd >= 0)
		close(channel->fd.fd);
	channel->fd.fd = -1;
	buffer_drop(channel->buffers, &channel->in);
	buffer_drop(channel->buffers, &channel->out);
}

void channel_note(struct channel *channel, uint32_t events)
{
	/* what is broken is found by trying */
	if (events & (EPOLLERR | EPOLLHUP))
		events |= EPOLLIN | EPOLLOUT | EPOLLRDHUP;
	if (events & EPOLLRDHUP)
		channel->hung_up = true;
	if (events & (EPOLLIN | EPOLLRDHUP))
		channel->can_read = true;
	if (events & EPOLLOUT)
		channel->can_write = true;
}

int channel_fail(struct channel *channel, int error)
{
	channel->can_read = channel->can_write = false;
	if (!channel->error)
		channel->error = -error;
	return -error;
}

static ssize_t receive(struct channel *channel, char *to, size_t room, int flags)
{
	ssize_t n;

	if (!channel->can_read)
		return -EAGAIN;
	do
		n = recv(channel->fd.fd, to, room, MSG_DONTWAIT | flags);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		return channel_fail(channel, errno);
	/* Less than there is room for was all: the next bytes, or the end, will be told of. */
	if (n < 0 || ((size_t)n < room && n && !channel->hung_up))
		channel->can_read = false;
	if (n < 0)
		return -EAGAIN;
	if (!n) {
		channel->ended = true;
		channel->can_read = false;
	}
	return n;
}

static size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int take_in(struct channel *channel)
{
	channel->in = buffer_take(channel->buffers);
	if (!channel->in)
		return channel_fail(channel, ENOMEM);
	journal_reads_to(channel->line, buffer_number(channel->buffers, channel->in));
	return 0;
}

ssize_t channel_fill_most(struct channel *channel, size_t most)
{
	struct buffer *in;
	size_t room;
	ssize_t n;

	if (channel->error)
		return channel->error;
	if (channel->ended)
		return 0;
	if (!channel->can_read && !channel->tls)
		return -EAGAIN;
	if (!channel->in && take_in(channel))
		return -ENOMEM;
	in = channel->in;
	if (!buffer_room(in)) {
		journal_gone(channel->line);
		buffer_pack(in);
	}
	room = buffer_room(in);
	if (!room)
		return -ENOBUFS;
	n = channel->tls ? tls_fill(channel, in->bytes + in->end, room)
			 : receive(channel, in->bytes + in->end, lesser(room, most), 0);
	if (n <= 0)
		return n;
	in->end += (uint32_t)n;
	channel->received += (uint64_t)n;
	return n;
}

ssize_t channel_fill(struct channel *channel)
{
	return channel_fill_most(channel, SIZE_MAX);
}

/* MSG_TRUNC has TCP throw away what it would copy (tcp(7)). */
static ssize_t throw_away(struct channel *channel)
{
	static char untouched[DISCARD];
	ssize_t n = channel->error ?: receive(channel, untouched, sizeof(untouched), MSG_TRUNC);

	if (n > 0)
		channel->received += (uint64_t)n;
	return n;
}

ssize_t channel_discard(struct channel *channel)
{
	ssize_t n;

	buffer_drop(channel->buffers, &channel->in);
	if (!channel->tls)
		return channel->ended ? 0 : throw_away(channel);
	n = channel_fill(channel);
	buffer_drop(channel->buffers, &channel->in);
	return n;
}

static void consume_out(struct channel *channel, size_t length)
{
	buffer_consume(channel->out, length);
	if (!buffer_length(channel->out))
		buffer_drop(channel->buffers, &channel->out);
}

ssize_t channel_send(struct channel *channel, const char *bytes, size_t length)
{
	size_t queued = channel_pending(channel);
	struct iovec parts[2] = {
		{.iov_base = queued ? buffer_at(channel->out) : NULL, .iov_len = queued},
		{.iov_base = (void *)(uintptr_t)bytes, .iov_len = length},
	};
	struct msghdr message = {.msg_iov = queued ? parts : parts + 1,
				 .msg_iovlen = queued && length ? 2 : 1};
	ssize_t n;

	if (channel->error)
		return channel->error;
	if (channel->tls)
		return tls_send(channel, bytes, length);
	if (!queued && !length)
		return 0;
	if (!channel->can_write)
		return -EAGAIN;
	do
		n = sendmsg(channel->fd.fd, &message, channel_flags(channel));
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		return channel_fail(channel, errno);
	if (n < 0 || (size_t)n < queued + length)
		channel_full(channel);
	if (n < 0)
		return -EAGAIN;
	channel->sent += (uint64_t)n;
	if (queued)
		consume_out(channel, (size_t)n < queued ? (size_t)n : queued);
	if ((size_t)n < queued)
		return -EAGAIN;
	n -= (ssize_t)queued;
	return n || !length ? n : -EAGAIN;
}

struct buffer *channel_out(struct channel *channel, size_t room)
{
	if (!channel->out && !(channel->out = buffer_take(channel->buffers)))
		return NULL;
	if (buffer_room(channel->out) < room)
		buffer_pack(channel->out);
	return buffer_room(channel->out) >= room ? channel->out : NULL;
}

void channel_rest(struct channel *channel)
{
	if (!channel->in || buffer_length(channel->in))
		return;
	journal_reads_to(channel->line, BUFFER_NONE);
	buffer_drop(channel->buffers, &channel->in);
}

void channel_shut(struct channel *channel)
{
	if (channel->tls && !channel->closed)
		tls_shut(channel);
	if (!channel->closed && !channel->error)
		shutdown(channel->fd.fd, SHUT_WR);
	channel->closed = true;
}

void channel_ignore(struct channel *channel)
{
	loop_fd_remove(channel->loop, &channel->fd);
}

int channel_listen(struct channel *channel)
{
	return loop_fd_set(channel->loop, &channel->fd, EVENTS);
}

void channel_abort(struct channel *channel)
{
	struct linger none = {.l_onoff = 1};

	setsockopt(channel->fd.fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}
