// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "heirs.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../base/log.h"
#include "../sys/pass.h"
#include "../wire/handover.h"
#include "bequest.h"
#include "conn.h"
#include "idle.h"

#define TURN 64 /* taken at a time */

struct heirs {
	struct worker *worker;
	struct heirs *next;
	struct loop_fd socket;
	uint32_t id;
	uint64_t taken;
};

static bool is_sound(const struct bequest *bequest, size_t length)
{
	return length >= offsetof(struct bequest, bytes) && bequest->version == HANDOVER_VERSION &&
	       bequest->length <= BUFFER_SIZE && length == bequest_size(bequest) &&
	       bequest->length <= bequest->read;
}

static struct listener *find(struct worker *worker, uint32_t id)
{
	struct listener *listener = worker->listeners;

	while (listener && (listener->id != id || listener->closed))
		listener = listener->next;
	return listener;
}

/* From before one comes until it has a line of the journal. */
static void note_inheriting(const struct worker *worker, bool inheriting)
{
	if (worker->journal)
		__atomic_store_n(&worker->journal->shared->inheriting, inheriting,
				 __ATOMIC_RELEASE);
}

static bool has_room(struct worker *worker)
{
	bool room = worker->conn_count < worker->limits.conns;

	if (room)
		return true;
	/* Who makes room for it has no line either, for a moment, and may have had as many bytes.
	 * Killed now, the one that comes ends without an answer. */
	note_inheriting(worker, false);
	room = idle_make_room(worker);
	note_inheriting(worker, true);
	return room;
}

static void take(struct heirs *heirs, const struct bequest *bequest, int fd)
{
	struct worker *worker = heirs->worker;
	struct listener *listener = find(worker, bequest->listener);

	if (!listener || worker->draining || !has_room(worker))
		close(fd);
	else if (!conn_inherit(worker, listener, fd, bequest))
		heirs->taken++;
}

static void leave(struct heirs *heirs)
{
	struct heirs **link = &heirs->worker->heirs;

	while (*link != heirs)
		link = &(*link)->next;
	*link = heirs->next;
	loop_fd_remove(heirs->worker->loop, &heirs->socket);
	close(heirs->socket.fd);
	free(heirs);
}

static void finish(struct heirs *heirs)
{
	struct worker *worker = heirs->worker;
	uint32_t id = heirs->id;

	leave(heirs);
	if (worker->inherited)
		worker->inherited(worker->inherited_context, id);
}

/* What pass_receive() says, or -EPROTO. */
static ssize_t take_next(struct heirs *heirs)
{
	/* Large, and of use for this call alone. */
	static struct bequest own;
	struct worker *worker = heirs->worker;
	struct bequest *bequest = worker->journal ? worker->journal->bequest : &own;
	ssize_t n;
	int fd;

	bequest->version = 0; /* the one before is spent */
	n = pass_receive(heirs->socket.fd, bequest, sizeof(*bequest), &fd);
	if (n <= 0 || fd < 0)
		return n;
	if (!is_sound(bequest, (size_t)n)) {
		close(fd);
		return -EPROTO;
	}
	take(heirs, bequest, fd);
	bequest->version = 0;
	return n;
}

static void ready(struct loop_fd *socket, uint32_t events)
{
	struct heirs *heirs = socket->context;
	int turn = TURN;
	ssize_t n = -EAGAIN;

	(void)events;
	note_inheriting(heirs->worker, true);
	while (turn-- && (n = take_next(heirs)) > 0)
		;
	note_inheriting(heirs->worker, false);
	if (n > 0 || n == -EAGAIN)
		return;
	if (n == -EPROTO)
		log_error("proxy",
			  "not all connections of a worker that was killed go on: its keeper is of "
			  "another version, or no more descriptors are to be had");
	else if (heirs->taken)
		log_info("proxy", "connections of a worker that was killed go on here: %llu",
			 (unsigned long long)heirs->taken);
	finish(heirs);
}

int heirs_new(struct worker *worker, int socket, uint32_t id)
{
	struct heirs *heirs = calloc(1, sizeof(*heirs));
	int error;

	if (!heirs)
		return -ENOMEM;
	*heirs = (struct heirs){
		.worker = worker,
		.socket = {.fd = socket, .ready = ready, .context = heirs},
		.id = id,
	};
	error = loop_fd_set(worker->loop, &heirs->socket, EPOLLIN);
	if (error) {
		free(heirs);
		return error;
	}
	heirs->next = worker->heirs;
	worker->heirs = heirs;
	return 0;
}

void heirs_free_all(struct worker *worker)
{
	while (worker->heirs)
		leave(worker->heirs);
}
