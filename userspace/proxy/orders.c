// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "orders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../bpf/abi/place.h"
#include "../base/log.h"
#include "../sys/pass.h"
#include "../wire/handover.h"
#include "heirs.h"

#define ALIVE_NS 500000000ULL
#define ALONE_NS 100000000ULL /* it looks as often as that whether its term is over */

struct orders {
	struct worker *worker;
	struct loop_fd socket;
	struct loop_timer alive;
	int states;			/* of the image that comes next; -1: none */
	const struct mtlb_terms *terms; /* NULL: it ends with mtlbd */
	uint64_t term;
	bool alone; /* mtlbd is gone */
	int error;
};

static void stop(struct orders *orders, int error)
{
	orders->error = error;
	loop_stop(orders->worker->loop);
}

/* There is another mtlbd by now, whose workers have the places of this one's; or never again. */
static void look(struct orders *orders)
{
	uint64_t current = __atomic_load_n(&orders->terms->current, __ATOMIC_ACQUIRE);

	if (current == MTLB_TERM_END)
		stop(orders, 0);
	else if (current > orders->term)
		worker_leave(orders->worker);
}

/* It serves as it was last told to. */
static void stay(struct orders *orders)
{
	log_warn("proxy", "mtlbd is gone: it serves as before until there is another one");
	loop_fd_remove(orders->worker->loop, &orders->socket);
	orders->alone = true;
	loop_timer_set(orders->worker->loop, &orders->alive, ALONE_NS);
}

static void lose(struct orders *orders, int error)
{
	if (orders->terms && !orders->error && !orders->worker->draining)
		stay(orders);
	else
		stop(orders, error);
}

/* What finds no room is not said: mtlbd is busy, and what was counted comes with the next one. */
static void say(struct orders *orders, struct handover_message *message)
{
	int error;

	if (orders->alone)
		return;
	message->version = HANDOVER_VERSION;
	error = pass_send(orders->socket.fd, message, sizeof(*message), -1);
	if (error && error != -EAGAIN)
		lose(orders, 0);
}

static void say_alive(struct loop_timer *timer)
{
	struct orders *orders = timer->context;
	const struct worker *worker = orders->worker;
	const struct worker_counts *counts = &worker->counts;
	struct handover_message message = {
		.type = HANDOVER_ALIVE,
		.counts =
			{
				.connections = worker->conn_count,
				.upstreams = worker->upstreams.connections,
				.accepted = counts->accepted,
				.shed = counts->shed,
				.requests = counts->requests,
				.refused = counts->refused,
				.retries = counts->retries,
				.handshakes = worker->tls.counts.handshakes,
				.handshakes_failed = worker->tls.counts.failed,
			},
	};

	if (orders->alone) {
		look(orders);
		loop_timer_set(worker->loop, timer, ALONE_NS);
		return;
	}
	memcpy(message.counts.answers, counts->answers, sizeof(message.counts.answers));
	say(orders, &message);
	loop_timer_set(worker->loop, timer, ALIVE_NS);
}

static void forget_states(struct orders *orders)
{
	if (orders->states >= 0)
		close(orders->states);
	orders->states = -1;
}

static int open_image(struct orders *orders, int fd, struct routing **ret_routing, struct err *err)
{
	int error = routing_open(&orders->worker->upstreams, fd, ret_routing, err);

	if (error || orders->states < 0)
		return error;
	error = routing_open_states(*ret_routing, orders->states);
	if (!error)
		return 0;
	routing_drop(*ret_routing);
	return err_set(err, error, "the states of its members cannot be mapped: %s",
		       strerror(-error));
}

static void take_image(struct orders *orders, const struct handover_message *order, int fd)
{
	struct handover_message reply = {.type = HANDOVER_TAKEN, .generation = order->generation};
	struct routing *routing = NULL;
	struct err err = {};
	int error = open_image(orders, fd, &routing, &err);

	forget_states(orders);
	if (error) {
		reply.type = HANDOVER_REFUSED;
		snprintf(reply.text, sizeof(reply.text), "%.*s", (int)sizeof(reply.text) - 1,
			 err.text[0] ? err.text : strerror(-error));
	} else {
		worker_use(orders->worker, routing);
	}
	say(orders, &reply);
}

static void take_store(struct orders *orders, int fd)
{
	struct vault *vault = NULL;
	struct err err = {};
	int error = vault_open(fd, &vault, &err);

	if (error)
		log_error("proxy", "%s", err.text[0] ? err.text : strerror(-error));
	else
		worker_use_vault(orders->worker, vault);
}

static int take_terms(struct orders *orders, const struct handover_message *order, int fd)
{
	void *terms;

	if (orders->terms)
		return -EALREADY;
	terms = mmap(NULL, sizeof(*orders->terms), PROT_READ, MAP_SHARED, fd, 0);
	if (terms == MAP_FAILED)
		return -errno;
	orders->terms = terms;
	orders->term = order->generation;
	return 0;
}

static bool take_heirs(struct orders *orders, uint32_t id, int fd)
{
	int error = fd < 0 ? -EBADF : heirs_new(orders->worker, fd, id);

	if (error)
		log_error("proxy", "cannot take the connections of a worker that was killed: %s",
			  strerror(-error));
	return !error;
}

/* Whether the descriptor is the worker's now. */
static bool obey(struct orders *orders, const struct handover_message *order, int fd)
{
	int error;

	switch (order->type) {
	case HANDOVER_TALLY:
		error = fd < 0 ? -EBADF : worker_count_in(orders->worker, fd);
		if (error)
			stop(orders, error);
		return false;
	case HANDOVER_TERM:
		error = take_terms(orders, order, fd);
		if (error)
			stop(orders, error);
		return false;
	case HANDOVER_IMAGE:
		take_image(orders, order, fd);
		return false;
	case HANDOVER_STATES:
		forget_states(orders);
		orders->states = fd;
		return true;
	case HANDOVER_STORE:
		take_store(orders, fd);
		return false;
	case HANDOVER_TICKETS:
		tls_server_use_tickets(&orders->worker->tls, &order->tickets);
		return false;
	case HANDOVER_LISTEN:
		error = fd < 0 ? -EBADF : worker_listen(orders->worker, order->id, order->name, fd);
		if (error)
			log_error("proxy", "cannot listen for %s: %s", order->name,
				  strerror(-error));
		return !error;
	case HANDOVER_HEIRS:
		return take_heirs(orders, order->id, fd);
	case HANDOVER_UNLISTEN:
		worker_unlisten(orders->worker, order->id);
		return false;
	case HANDOVER_LOG:
		error = access_log_open(&orders->worker->log, fd, order->sample, order->query,
					orders->worker->tally.tenants_count);
		if (error)
			log_error("proxy", "cannot write the access log: %s", strerror(-error));
		return true;
	case HANDOVER_DRAIN:
		worker_drain(orders->worker);
		return false;
	default:
		stop(orders, -EPROTO);
		return false;
	}
}

static void ready(struct loop_fd *socket, uint32_t events)
{
	struct orders *orders = socket->context;
	struct handover_message order;
	int fd, error;
	ssize_t n = -EAGAIN;

	(void)events;
	while (!orders->error && !orders->alone &&
	       (n = pass_receive(socket->fd, &order, sizeof(order), &fd)) > 0) {
		error = handover_check(&order, (size_t)n);
		if (error)
			stop(orders, error);
		if (!(error == 0 && obey(orders, &order, fd)) && fd >= 0)
			close(fd);
	}
	if (orders->error || orders->alone || n == -EAGAIN)
		return;
	if (n < 0 && n != -ECONNRESET)
		stop(orders, (int)n);
	else
		lose(orders, 0);
}

static void ejected(void *context, const struct upstream_member *member)
{
	struct handover_message message = {
		.type = HANDOVER_EJECTED,
		.ejected = {.key = member->key, .failures = member->failures},
	};

	say(context, &message);
}

static void inherited(void *context, uint32_t id)
{
	struct handover_message message = {.type = HANDOVER_INHERITED, .id = id};

	say(context, &message);
}

static void drained(void *context)
{
	stop(context, 0);
}

int orders_new(struct worker *worker, int socket, struct orders **ret_orders)
{
	struct orders *orders = calloc(1, sizeof(*orders));
	struct handover_message hello = {.type = HANDOVER_HELLO};
	int error;

	if (!orders)
		return -ENOMEM;
	orders->worker = worker;
	orders->socket = (struct loop_fd){.fd = socket, .ready = ready, .context = orders};
	orders->alive = (struct loop_timer){.fire = say_alive, .context = orders};
	orders->states = -1;
	worker->upstreams.ejected = ejected;
	worker->upstreams.ejected_context = orders;
	worker->inherited = inherited;
	worker->inherited_context = orders;
	worker->drained = drained;
	worker->drained_context = orders;
	error = loop_fd_set(worker->loop, &orders->socket, EPOLLIN)
			?: loop_timer_set(worker->loop, &orders->alive, ALIVE_NS);
	if (error) {
		orders_free(orders);
		return error;
	}
	say(orders, &hello);
	*ret_orders = orders;
	return 0;
}

void orders_free(struct orders *orders)
{
	if (!orders)
		return;
	if (!orders->alone)
		loop_fd_remove(orders->worker->loop, &orders->socket);
	loop_timer_cancel(orders->worker->loop, &orders->alive);
	if (orders->terms)
		munmap((void *)orders->terms, sizeof(*orders->terms));
	orders->worker->upstreams.ejected = NULL;
	orders->worker->inherited = NULL;
	forget_states(orders);
	free(orders);
}

int orders_error(const struct orders *orders)
{
	return orders->error;
}
