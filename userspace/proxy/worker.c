// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/log.h"
#include "conn.h"
#include "heirs.h"
#include "mirror.h"
#include "idle.h"

#define SECOND		1000000000ULL
#define MS		1000000ULL
#define ACCEPT_TURN	16
#define BUFFERS_KEPT	1024 /* 32 MB */
#define PIPES_MOST	48   /* an unprivileged user has 64 MB of pipes */
#define IDLE_OF_MEMBER	256
#define IDLE_UPSTREAM	(30 * SECOND)
#define REST_NS		100000000ULL  /* for want of descriptors */
#define LEAVE_ACCEPT_NS (2 * SECOND)  /* handshakes under way end in it */
#define LEAVE_IDLE_NS	(10 * SECOND) /* for clients that send now and then */
#define SHORTAGE_NS	(10 * SECOND) /* it is told as often as that */

const struct worker_limits worker_limits_default = {
	.idle = 60 * SECOND,
	.head = 10 * SECOND,
	.connect = 3 * SECOND,
	.pending = 5 * SECOND,
	.reply = 60 * SECOND,
	.body = 30 * SECOND,
	.stall = 5 * SECOND,
	.tunnel = 3600 * SECOND,
	.linger = 2 * SECOND,
	.quiet = SECOND / 5,
	.conns = 100000,
	.pipes_of_tenant = 16,
	.can_splice = true,
	.splice = true,
};

/* splitmix64 */
uint64_t worker_random(struct worker *worker)
{
	uint64_t z = worker->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* counting */

/* Of one that nobody gave any memory: enough rows that a test has its own. */
#define OWN_ROWS 64

static int use_tally(struct worker *worker, void *base, size_t size)
{
	struct tally tally;
	uint64_t *pace;

	if (tally_open(base, size, &tally)) {
		munmap(base, size);
		return -EINVAL;
	}
	pace = calloc(tally.tenants_count, sizeof(*pace));
	if (!pace) {
		munmap(base, size);
		return -ENOMEM;
	}
	turns_fini(&worker->turns);
	if (turns_init(&worker->turns, worker->loop, CONN_QUEUES + tally.tenants_count,
		       conn_take_turn)) {
		free(pace);
		munmap(base, size);
		return -ENOMEM;
	}
	free(worker->pace);
	worker->pace = pace;
	if (worker->tally.base)
		munmap(worker->tally.base, worker->tally.size);
	worker->tally = tally;
	return 0;
}

static int own_tally(struct worker *worker)
{
	size_t size = tally_size(OWN_ROWS, OWN_ROWS, OWN_ROWS);
	void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return -errno;
	tally_begin(base, OWN_ROWS, OWN_ROWS, OWN_ROWS);
	return use_tally(worker, base, size);
}

int worker_count_in(struct worker *worker, int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat stat;
	void *base;

	if (worker->conn_count || worker->upstreams.connections)
		return -EBUSY; /* they know the rows that they have */
	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &stat) ||
	    stat.st_size < (off_t)sizeof(struct tally_head))
		return -EINVAL;
	base = mmap(NULL, (size_t)stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return base == MAP_FAILED ? -errno : use_tally(worker, base, (size_t)stat.st_size);
}

static void leave_on(struct loop_timer *timer);

int worker_init(struct worker *worker, struct loop *loop, const struct worker_limits *limits)
{
	*worker = (struct worker){.loop = loop, .limits = *limits};
	wheel_init(&worker->wheel, loop);
	access_log_init(&worker->log, loop);
	buffers_init(&worker->buffers, BUFFERS_KEPT);
	pipes_init(&worker->pipes, PIPES_MOST, PIPES_MOST / 2);
	worker->upstreams = (struct upstreams){
		.loop = loop,
		.wheel = &worker->wheel,
		.buffers = &worker->buffers,
		.ready = upstream_told,
		.idle_most = IDLE_OF_MEMBER,
		.idle_ns = IDLE_UPSTREAM,
	};
	worker->leave_timer = (struct loop_timer){.fire = leave_on, .context = worker};
	if (getrandom(&worker->random, sizeof(worker->random), 0) < 0)
		return -errno;
	worker->stranger_secret = worker_random(worker);
	worker->held.secret = worker_random(worker);
	return own_tally(worker) ?: tls_server_init(&worker->tls);
}

void worker_keep_journal(struct worker *worker, struct journal *journal, uint32_t ready)
{
	worker->journal = journal;
	buffers_prepare(&worker->buffers, journal->memory, journal->buffers, ready);
}

void worker_fini(struct worker *worker)
{
	worker->drained = NULL;
	heirs_free_all(worker);
	while (worker->conns)
		conn_close(worker->conns);
	mirror_end_all(worker);
	while (worker->listeners)
		worker_unlisten(worker, worker->listeners->id);
	routing_drop(worker->routing);
	worker->routing = NULL;
	vault_drop(worker->vault);
	worker->vault = NULL;
	tls_server_fini(&worker->tls);
	upstreams_fini(&worker->upstreams);
	access_log_close(&worker->log);
	turns_fini(&worker->turns);
	loop_timer_cancel(worker->loop, &worker->leave_timer);
	wheel_fini(&worker->wheel);
	pipes_fini(&worker->pipes);
	buffers_fini(&worker->buffers);
	if (worker->tally.base)
		munmap(worker->tally.base, worker->tally.size);
	worker->tally.base = NULL;
	free(worker->pace);
	worker->pace = NULL;
}

/* listening */

static uint32_t index_of(const struct routing *routing, const char *name)
{
	size_t length = strlen(name);

	for (uint32_t i = 0; routing && i < routing->image.listeners_count; i++) {
		const struct image_text *text = &routing->image.listeners[i].name;

		if (text->length == length &&
		    !memcmp(image_string(&routing->image, *text), name, length))
			return i;
	}
	return IMAGE_NONE;
}

void worker_use_vault(struct worker *worker, struct vault *vault)
{
	vault_drop(worker->vault);
	worker->vault = vault;
}

/* Connections wait by what holds when they begin to wait. */
static void take_limits(struct worker_limits *limits, const struct image_limits *from)
{
#define TIME_LIMIT(name, least, most, fallback, sentence) \
	if (from->name##_ms)                              \
		limits->name = from->name##_ms * MS;
#include "../model/l7/limits.def"
#undef TIME_LIMIT
	limits->splice = limits->can_splice && !from->copy;
}

void worker_use(struct worker *worker, struct routing *routing)
{
	take_limits(&worker->limits, &routing->image.head->limits);
	routing->vault = vault_hold(worker->vault);
	routing_drop(worker->routing);
	worker->routing = routing;
	for (struct listener *listener = worker->listeners; listener; listener = listener->next)
		listener->index = index_of(routing, listener->name);
}

static void peer_of(const struct sockaddr_storage *from, struct addr *ret_peer, uint16_t *ret_port)
{
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)from;

	*ret_peer = (struct addr){};
	*ret_port = 0;
	if (from->ss_family == AF_INET6) {
		memcpy(ret_peer->byte, &ipv6->sin6_addr, 16);
		*ret_port = ntohs(ipv6->sin6_port);
	} else if (from->ss_family == AF_INET) {
		ret_peer->byte[10] = ret_peer->byte[11] = 0xff;
		memcpy(ret_peer->byte + 12, &ipv4->sin_addr, 4);
		*ret_port = ntohs(ipv4->sin_port);
	}
}

/* Without descriptors, and with nobody idle, nothing can be accepted, not even to be closed:
 * clients wait in the kernel.
 */
static void rest(struct worker *worker, struct listener *listener, int error)
{
	uint64_t now = loop_now(worker->loop);

	if (!worker->shortage_told || now - worker->shortage_told >= SHORTAGE_NS) {
		log_warn("proxy",
			 "no connection can be accepted: %s; clients wait (raise LimitNOFILE= of "
			 "mtlbd.service, or the memory it may use)",
			 strerror(error));
		worker->shortage_told = now;
	}
	loop_fd_set(worker->loop, &listener->fd, 0);
	loop_timer_set(worker->loop, &listener->rested, REST_NS);
}

static void rested(struct loop_timer *timer)
{
	struct listener *listener = timer->context;

	loop_fd_set(listener->worker->loop, &listener->fd, EPOLLIN);
}

/* Who takes one, and is told in the next round that there is another one, takes more at a time: the
 * call that finds nobody left is saved where they come one by one.
 */
static void note_full(struct listener *listener)
{
	uint64_t round = loop_round(listener->worker->loop);

	if (round - listener->full_in <= 1 && listener->burst < ACCEPT_TURN)
		listener->burst *= 2;
	listener->full_in = round;
}

/* What is accepted from here on may have no line of the journal yet; NULL: nothing is. */
static void note_accepting(struct worker *worker, const struct listener *listener)
{
	if (worker->journal)
		__atomic_store_n(&worker->journal->shared->accepting,
				 listener ? listener->id + 1 : 0, __ATOMIC_RELEASE);
}

/* False: there was nobody left, or nobody can be taken. */
static bool accept_turn(struct listener *listener)
{
	struct worker *worker = listener->worker;

	for (unsigned i = 0; i < listener->burst; i++) {
		struct sockaddr_storage from = {};
		socklen_t length = sizeof(from);
		struct addr peer;
		uint16_t port;
		int client, error;

		note_accepting(worker, listener);
		client = accept4(listener->fd.fd, (struct sockaddr *)&from, &length,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (client < 0) {
			note_accepting(worker, NULL);
			if (errno == EMFILE && idle_make_room(worker))
				continue;
			if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			    errno == ENOBUFS)
				rest(worker, listener, errno);
			else if (errno == EINTR || errno == ECONNABORTED)
				continue;
			listener->burst = 1;
			return false;
		}
		if (worker->conn_count >= worker->limits.conns) {
			/* who makes room for it has no line either, for a moment */
			note_accepting(worker, NULL);
			if (!idle_make_room(worker)) {
				worker->counts.shed++;
				close(client);
				continue;
			}
		}
		worker->counts.accepted++;
		peer_of(&from, &peer, &port);
		error = conn_new(worker, listener, client, &peer, port);
		note_accepting(worker, NULL);
		if (error)
			return false;
	}
	note_full(listener);
	return true;
}

static void accept_some(struct loop_fd *fd, uint32_t events)
{
	(void)events;
	accept_turn(fd->context);
}

static void accept_all(struct listener *listener)
{
	while (accept_turn(listener))
		;
}

int worker_listen(struct worker *worker, uint32_t id, const char *name, int fd)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	int error, one = 1;

	if (!listener)
		return -ENOMEM;
	listener->fd = (struct loop_fd){.fd = fd, .ready = accept_some, .context = listener};
	listener->rested = (struct loop_timer){.fire = rested, .context = listener};
	listener->worker = worker;
	listener->id = id;
	listener->burst = 1;
	/* for what it accepts: on Linux they inherit it */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	snprintf(listener->name, sizeof(listener->name), "%s", name);
	listener->index = index_of(worker->routing, name);
	error = worker->draining ? 0 : loop_fd_set(worker->loop, &listener->fd, EPOLLIN);
	if (error) {
		free(listener);
		return error;
	}
	listener->next = worker->listeners;
	worker->listeners = listener;
	return 0;
}

void listener_put(struct listener *listener)
{
	struct listener **link = &listener->worker->listeners;

	if (!listener->closed || listener->conns)
		return;
	while (*link != listener)
		link = &(*link)->next;
	*link = listener->next;
	free(listener);
}

static void stop(struct listener *listener)
{
	if (listener->closed)
		return;
	loop_fd_remove(listener->worker->loop, &listener->fd);
	loop_timer_cancel(listener->worker->loop, &listener->rested);
	close(listener->fd.fd);
	listener->closed = true;
}

void worker_unlisten(struct worker *worker, uint32_t id)
{
	struct listener *next;

	for (struct listener *listener = worker->listeners; listener; listener = next) {
		next = listener->next;
		if (listener->id == id && !listener->closed) {
			stop(listener);
			listener_put(listener);
			return;
		}
	}
}

/* Those that have connected by now are served. */
static void stop_all(struct worker *worker)
{
	struct listener *listener, *next;

	for (listener = worker->listeners; listener; listener = next) {
		next = listener->next;
		if (!listener->closed)
			accept_all(listener);
		stop(listener);
		listener_put(listener);
	}
}

static void leave_on(struct loop_timer *timer)
{
	struct worker *worker = timer->context;
	bool accepting = false;

	for (struct listener *at = worker->listeners; at; at = at->next)
		accepting |= !at->closed;
	if (!accepting) {
		worker_drain(worker);
		return;
	}
	stop_all(worker);
	loop_timer_set(worker->loop, timer, LEAVE_IDLE_NS - LEAVE_ACCEPT_NS);
}

void worker_leave(struct worker *worker)
{
	if (worker_goes(worker))
		return;
	worker->leaving = true;
	loop_timer_set(worker->loop, &worker->leave_timer, LEAVE_ACCEPT_NS);
}

void worker_drain(struct worker *worker)
{
	struct conn *conn, *next;

	worker->draining = true;
	stop_all(worker);
	for (conn = worker->conns; conn; conn = next) {
		next = conn->next;
		if (conn->state != CONN_HEAD || !conn->waiting)
			continue;
		/* a request that is here, and of which nothing was told yet, is served */
		conn->down.can_read = true;
		conn_run(conn);
	}
	if (!worker->conn_count && worker->drained)
		worker->drained(worker->drained_context);
}
