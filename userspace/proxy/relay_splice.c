// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Bytes that stay in the kernel: socket, pipe, socket. */
#include <errno.h>
#include <fcntl.h>

#include "relay.h"

#define FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK)

/* A tunnel may end anywhere, a body of known length may not. */
static enum relay_result source_ended(struct relay *relay)
{
	if (relay->from->error || relay->framing != H1_BODY_TUNNEL)
		return RELAY_SOURCE_FAILED;
	relay->ended = true;
	return RELAY_DONE;
}

/* The pipe is empty, so EAGAIN speaks of the socket. */
static enum relay_result draw(struct relay *relay)
{
	struct channel *from = relay->from;
	bool tunnel = relay->framing == H1_BODY_TUNNEL;
	size_t length = tunnel || relay->left > PIPE_SIZE ? PIPE_SIZE : (size_t)relay->left;
	ssize_t n;

	if (from->error || from->ended)
		return source_ended(relay);
	if (!from->can_read)
		return RELAY_WAIT;
	n = splice(from->fd.fd, NULL, relay->pipe->in, NULL, length, FLAGS);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		from->can_read = errno == EINTR;
		return errno == EINTR ? RELAY_DONE : RELAY_WAIT;
	}
	if (n <= 0) {
		from->ended = !n;
		from->error = n ? -errno : 0;
		return source_ended(relay);
	}
	relay->pipe->filled = (size_t)n;
	if (!tunnel)
		relay->left -= (uint64_t)n;
	from->received += (uint64_t)n;
	return RELAY_DONE;
}

static enum relay_result pour(struct relay *relay, size_t *turn)
{
	struct channel *to = relay->to;
	ssize_t n;

	if (to->error)
		return RELAY_SINK_FAILED;
	if (!to->can_write)
		return RELAY_WAIT;
	n = splice(relay->pipe->out, NULL, to->fd.fd, NULL, relay->pipe->filled, FLAGS);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (errno == EINTR)
			return RELAY_DONE;
		channel_full(to);
		return RELAY_WAIT;
	}
	if (n <= 0) {
		to->error = n ? -errno : -EPIPE;
		return RELAY_SINK_FAILED;
	}
	relay->pipe->filled -= (size_t)n;
	relay->moved += (uint64_t)n;
	to->sent += (uint64_t)n;
	*turn -= (size_t)n < *turn ? (size_t)n : *turn;
	return RELAY_DONE;
}

enum relay_result relay_splice(struct relay *relay, size_t *turn)
{
	if (relay->pipe->filled)
		return pour(relay, turn);
	if (!relay->left && relay->framing != H1_BODY_TUNNEL) {
		relay->ended = true;
		return RELAY_DONE;
	}
	return *turn ? draw(relay) : RELAY_TURN_OVER;
}
