// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "relay.h"

#include <errno.h>
#include <string.h>

#include "../base/log.h"

void relay_begin(struct relay *relay, struct channel *from, struct channel *to,
		 enum h1_body framing, uint64_t length, bool chunk)
{
	*relay = (struct relay){
		.from = from,
		.to = to,
		.framing = framing,
		.chunk = chunk,
		.left = framing == H1_BODY_LENGTH ? length : 0,
		.length = framing == H1_BODY_LENGTH ? length : 0,
	};
}

void relay_allow_splice(struct relay *relay, struct pipes *pipes, unsigned *holding, unsigned most)
{
	relay->pipes = pipes;
	relay->holding = holding;
	relay->hold_most = most;
}

static void give_pipe_back(struct relay *relay)
{
	if (!relay->pipe)
		return;
	pipe_drop(relay->pipes, relay->pipe);
	relay->pipe = NULL;
	(*relay->holding)--;
}

void relay_end(struct relay *relay)
{
	give_pipe_back(relay);
	relay->from = relay->to = NULL;
}

static bool is_long(const struct relay *relay)
{
	if (relay->framing == H1_BODY_TUNNEL)
		return relay->moved >= RELAY_TUNNEL_MIN;
	return relay->framing == H1_BODY_LENGTH && relay->left >= RELAY_SPLICE_MIN;
}

/* A pipe that is held is used to the end. */
static bool may_splice(struct relay *relay)
{
	if (relay->pipe)
		return true;
	if (!relay->pipes || relay->from->tls || relay->to->tls || relay->chunk ||
	    !is_long(relay) || buffer_length(relay->from->in) || channel_pending(relay->to) ||
	    *relay->holding >= relay->hold_most)
		return false;
	relay->pipe = pipe_take(relay->pipes);
	if (relay->pipe)
		(*relay->holding)++;
	else if (relay->framing == H1_BODY_LENGTH)
		relay->pipes = NULL; /* not asked for again by this body */
	return relay->pipe;
}

/* A tunnel may rest for hours: it has a pipe only while there is something in it. */
static void rest(struct relay *relay)
{
	if (relay->pipe && relay->framing == H1_BODY_TUNNEL && !relay->pipe->filled)
		give_pipe_back(relay);
	channel_rest(relay->from);
}

static enum relay_result finish(struct relay *relay)
{
	ssize_t n;

	relay->to->ending = relay->last;
	if (relay->framing != H1_BODY_TUNNEL)
		journal_answer_ends(relay->to->line, relay->to->sent + channel_pending(relay->to));
	n = channel_send(relay->to, NULL, 0);
	if (n == -EAGAIN)
		return RELAY_WAIT;
	if (n < 0)
		return RELAY_SINK_FAILED;
	if (relay->framing == H1_BODY_LENGTH && relay->moved != relay->length) {
		log_error("proxy", "a body of %llu bytes came out as %llu: the connection is cut",
			  (unsigned long long)relay->length, (unsigned long long)relay->moved);
		return RELAY_SINK_FAILED;
	}
	give_pipe_back(relay);
	return RELAY_DONE;
}

enum relay_result relay_run(struct relay *relay)
{
	enum relay_result result = RELAY_DONE;
	size_t turn = RELAY_TURN;

	while (!relay->ended) {
		if (relay->framing == H1_BODY_CHUNKED || relay->chunk)
			result = relay_chunks(relay, &turn);
		else if (may_splice(relay))
			result = relay_splice(relay, &turn);
		else
			result = relay_copy(relay, &turn);
		if (result != RELAY_DONE)
			break;
	}
	rest(relay);
	return relay->ended ? finish(relay) : result;
}
