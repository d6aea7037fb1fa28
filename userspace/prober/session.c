// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "session.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "schedule.h"

#define GATHER_NS     5000000ULL   /* results within this go in one message */
#define SIGN_NS	      500000000ULL /* of life */
#define MESSAGES_MAX  16	   /* taken in one round of the loop */
#define RESULTS_FIRST 256
#define RESULTS_HOLD  8192 /* so many untold: no probe begins until mtlbd takes them */

struct session {
	struct loop *loop;
	struct loop_fd socket;
	struct schedule *schedule;
	struct loop_timer gather, sign;
	struct probes_result *results; /* untold ones */
	size_t first, count, room;
	bool full; /* the socket */
	bool held;
	int error;
	uint8_t incoming[PROBES_MESSAGE_MAX];
	struct probes_writer outgoing;
};

static void end(struct session *session, int error)
{
	session->error = error;
	loop_stop(session->loop);
}

/* telling */

static void hold(struct session *session, bool held)
{
	if (session->held == held)
		return;
	session->held = held;
	schedule_hold(session->schedule, held);
}

/* False: not now. */
static bool send_message(struct session *session)
{
	ssize_t n = send(session->socket.fd, session->outgoing.bytes, session->outgoing.used,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		return true;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == EINTR) {
		if (!session->full)
			loop_fd_set(session->loop, &session->socket, EPOLLIN | EPOLLOUT);
		session->full = true;
	} else {
		end(session, errno == EPIPE || errno == ECONNRESET ? 0 : -errno);
	}
	return false;
}

static void tell_all(struct session *session)
{
	while (session->count && !session->full) {
		size_t taken = 0;

		probes_begin(&session->outgoing, PROBES_RESULTS);
		while (taken < session->count &&
		       probes_add_result(&session->outgoing,
					 &session->results[session->first + taken]))
			taken++;
		if (!send_message(session))
			break;
		session->first += taken;
		session->count -= taken;
	}
	if (!session->count)
		session->first = 0;
	if (session->count < RESULTS_HOLD / 2)
		hold(session, false);
}

static void gathered(struct loop_timer *timer)
{
	tell_all(timer->context);
}

static void sign_due(struct loop_timer *timer)
{
	struct session *session = timer->context;

	probes_begin(&session->outgoing, PROBES_RESULTS);
	if (!session->full)
		send_message(session);
	loop_timer_set(session->loop, timer, SIGN_NS);
}

static int make_room(struct session *session)
{
	size_t room = session->room ? 2 * session->room : RESULTS_FIRST;
	struct probes_result *results;

	if (session->first + session->count < session->room)
		return 0;
	if (session->first > session->room / 2) {
		memmove(session->results, session->results + session->first,
			session->count * sizeof(*session->results));
		session->first = 0;
		return 0;
	}
	results = realloc(session->results, room * sizeof(*results));
	if (!results)
		return -ENOMEM;
	session->results = results;
	session->room = room;
	return 0;
}

static void told(void *context, const struct probes_result *result)
{
	struct session *session = context;

	if (make_room(session))
		return; /* as if it had not been asked; the next one may be told */
	session->results[session->first + session->count++] = *result;
	if (session->count >= RESULTS_HOLD)
		hold(session, true);
	if (!session->gather.place && !session->full)
		loop_timer_set(session->loop, &session->gather, GATHER_NS);
}

/* being told */

static int take_set(struct session *session, struct probes_reader *reader)
{
	struct probes_probe probe;
	int more;

	while ((more = probes_next_probe(reader, &probe)) > 0) {
		int error = schedule_set(session->schedule, &probe);

		if (error)
			return error;
	}
	return more;
}

static int take_removals(struct session *session, struct probes_reader *reader)
{
	uint32_t id;
	int more;

	while ((more = probes_next_removal(reader, &id)) > 0)
		schedule_remove(session->schedule, id);
	return more;
}

static int take(struct session *session, size_t length)
{
	struct probes_reader reader;
	int type = probes_open(&reader, session->incoming, length);

	if (type == PROBES_SET)
		return take_set(session, &reader);
	if (type == PROBES_REMOVE)
		return take_removals(session, &reader);
	return type < 0 ? type : -EBADMSG;
}

static void take_messages(struct session *session)
{
	for (int i = 0; i < MESSAGES_MAX && !session->error; i++) {
		ssize_t n = recv(session->socket.fd, session->incoming, sizeof(session->incoming),
				 MSG_DONTWAIT);
		int error;

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			end(session, n < 0 && errno != ECONNRESET ? -errno : 0);
			return;
		}
		error = take(session, (size_t)n);
		if (error)
			end(session, error);
	}
}

static void ready(struct loop_fd *fd, uint32_t events)
{
	struct session *session = fd->context;

	if (events & EPOLLOUT) {
		session->full = false;
		loop_fd_set(session->loop, fd, EPOLLIN);
		tell_all(session);
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		take_messages(session);
}

void session_limit(struct session *session, uint32_t at_once)
{
	schedule_limit(session->schedule, at_once);
}

int session_error(const struct session *session)
{
	return session->error;
}

int session_new(struct loop *loop, int socket, struct session **ret_session)
{
	struct session *session = calloc(1, sizeof(*session));
	int error;

	if (!session)
		return -ENOMEM;
	session->loop = loop;
	session->socket = (struct loop_fd){.fd = socket, .ready = ready, .context = session};
	session->gather = (struct loop_timer){.fire = gathered, .context = session};
	session->sign = (struct loop_timer){.fire = sign_due, .context = session};
	probes_begin(&session->outgoing, PROBES_HELLO);
	error = schedule_new(loop, told, session, &session->schedule);
	error = error ?: loop_fd_set(loop, &session->socket, EPOLLIN);
	error = error ?: loop_timer_set(loop, &session->sign, SIGN_NS);
	if (!error && !send_message(session))
		error = session->error ?: -EAGAIN;
	if (error)
		session_free(session);
	else
		*ret_session = session;
	return error;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	schedule_free(session->schedule);
	loop_fd_remove(session->loop, &session->socket);
	loop_timer_cancel(session->loop, &session->gather);
	loop_timer_cancel(session->loop, &session->sign);
	free(session->results);
	free(session);
}
