// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Bytes by way of the buffer they were received in: no byte is copied within this process. */
#include <errno.h>

#include "relay.h"

/* What waits to be sent, a head above all, does not wait for a body that has not come. */
static enum relay_result nothing_came(struct relay *relay)
{
	ssize_t n = channel_send(relay->to, NULL, 0);

	return n < 0 && n != -EAGAIN ? RELAY_SINK_FAILED : RELAY_WAIT;
}

static enum relay_result fill(struct relay *relay)
{
	ssize_t n = channel_fill(relay->from);

	if (n > 0)
		return RELAY_DONE;
	if (n == -EAGAIN)
		return nothing_came(relay);
	if (n < 0 || relay->framing == H1_BODY_LENGTH)
		return RELAY_SOURCE_FAILED;
	relay->ended = true;
	return RELAY_DONE;
}

static bool is_rest(const struct relay *relay, size_t length)
{
	return relay->framing == H1_BODY_LENGTH && length == relay->left;
}

static enum relay_result send_some(struct relay *relay, size_t *turn)
{
	struct buffer *in = relay->from->in;
	size_t length = buffer_length(in);
	ssize_t n;

	if (relay->framing == H1_BODY_LENGTH && length > relay->left)
		length = (size_t)relay->left;
	relay->to->ending = relay->last && is_rest(relay, length);
	n = channel_send(relay->to, buffer_at(in), length);
	if (n == -EAGAIN)
		return RELAY_WAIT;
	if (n < 0)
		return RELAY_SINK_FAILED;
	if (relay->tap && *relay->tap_context)
		relay->tap(*relay->tap_context, buffer_at(in), (size_t)n);
	buffer_consume(in, (size_t)n);
	relay->moved += (uint64_t)n;
	if (relay->framing == H1_BODY_LENGTH)
		relay->left -= (uint64_t)n;
	*turn -= (size_t)n < *turn ? (size_t)n : *turn;
	return RELAY_DONE;
}

/* Once: relay_run() may find that another mover can go on. */
enum relay_result relay_copy(struct relay *relay, size_t *turn)
{
	if (relay->framing == H1_BODY_LENGTH && !relay->left) {
		relay->ended = true;
		return RELAY_DONE;
	}
	if (!*turn)
		return RELAY_TURN_OVER;
	return buffer_length(relay->from->in) ? send_some(relay, turn) : fill(relay);
}
