// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "listening.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

/* The sockets of a listener, of one family. */
struct group {
	struct group *next;
	char name[STATE_NAME_MAX];
	bool ipv4;
	uint32_t id;	 /* for the workers */
	uint32_t number; /* for the kernel */
	bool wanted;
};

struct place {
	struct addr address;
	uint16_t port;
	struct group *group;
};

struct listening {
	struct steer *steer;
	struct workers *workers;
	struct group *groups;
	struct place *places; /* all that are wanted */
	size_t count;
	uint32_t next_id;
	bool begun;
};

int listening_new(struct steer *steer, struct workers *workers, struct listening **ret_listening)
{
	struct listening *listening = calloc(1, sizeof(*listening));

	if (!listening)
		return -ENOMEM;
	listening->steer = steer;
	listening->workers = workers;
	*ret_listening = listening;
	return 0;
}

void listening_free(struct listening *listening)
{
	if (!listening)
		return;
	while (listening->groups) {
		struct group *group = listening->groups;

		listening->groups = group->next;
		free(group);
	}
	free(listening->places);
	free(listening);
}

/* sockets */

/* To the loopback address, since it has to be bound to one; port 0: to one that is free. */
static int open_socket(bool ipv4, uint16_t *port)
{
	struct addr loopback = {};
	struct sockaddr_storage address;
	socklen_t length;
	int one = 1, error, fd;

	addr_parse(ipv4 ? "127.0.0.1" : "::1", &loopback);
	length = addr_to_sockaddr(&loopback, *port, &address);
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	/* Inherited by all that it accepts, the first of them before a worker has it. Urgent data
	 * is data (RFC 6093, 5), so that all bytes that the kernel counts are read: keepers go by
	 * that. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof(one));
	if (!ipv4) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
		setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof(one));
	}
	if (!bind(fd, (struct sockaddr *)&address, length) && !listen(fd, BACKLOG) &&
	    !getsockname(fd, (struct sockaddr *)&address, &length)) {
		*port = ntohs(ipv4 ? ((struct sockaddr_in *)&address)->sin_port
				   : ((struct sockaddr_in6 *)&address)->sin6_port);
		return fd;
	}
	error = -errno;
	close(fd);
	return error;
}

static int open_sockets(const struct listening *listening, bool ipv4, int sockets[WORKERS_MAX])
{
	uint16_t port = 0;

	for (unsigned i = 0; i < workers_count(listening->workers); i++) {
		sockets[i] = open_socket(ipv4, &port);
		if (sockets[i] >= 0)
			continue;
		for (unsigned open = 0; open < i; open++)
			close(sockets[open]);
		return sockets[i];
	}
	return 0;
}

static void close_sockets(const struct listening *listening, const int *sockets)
{
	for (unsigned i = 0; i < workers_count(listening->workers); i++)
		close(sockets[i]);
}

static int open_group(struct listening *listening, struct group *group)
{
	int sockets[WORKERS_MAX], error = open_sockets(listening, group->ipv4, sockets);

	if (error)
		return error;
	error = steer_add_socket(listening->steer, sockets[0], &group->number);
	if (error) {
		close_sockets(listening, sockets);
		return error;
	}
	group->id = ++listening->next_id;
	error = workers_listen(listening->workers, group->id, group->name, sockets);
	if (!error)
		return 0;
	steer_remove_socket(listening->steer, group->number);
	close_sockets(listening, sockets);
	return error;
}

/* The group of this listener and family, which is made if there is none. */
static int want_group(struct listening *listening, const char *name, bool ipv4,
		      struct group **ret_group)
{
	struct group *group = listening->groups;
	int error;

	while (group && (strcmp(group->name, name) || group->ipv4 != ipv4))
		group = group->next;
	if (!group) {
		group = calloc(1, sizeof(*group));
		if (!group)
			return -ENOMEM;
		memcpy(group->name, name, sizeof(group->name));
		group->ipv4 = ipv4;
		error = open_group(listening, group);
		if (error) {
			free(group);
			return error;
		}
		group->next = listening->groups;
		listening->groups = group;
	}
	group->wanted = true;
	*ret_group = group;
	return 0;
}

static void remove_unwanted(struct listening *listening)
{
	struct group **link = &listening->groups;

	while (*link) {
		struct group *group = *link;

		if (group->wanted) {
			link = &group->next;
			continue;
		}
		workers_unlisten(listening->workers, group->id);
		steer_remove_socket(listening->steer, group->number);
		*link = group->next;
		free(group);
	}
}

/* places */

static bool is_wanted(void *context, const struct addr *address, uint16_t port)
{
	const struct listening *listening = context;

	for (size_t i = 0; i < listening->count; i++)
		if (listening->places[i].port == port &&
		    !addr_compare(&listening->places[i].address, address))
			return true;
	return false;
}

/* The first failure is told; all others are tried all the same. */
static int take_places(struct listening *listening, struct err *err)
{
	int error = 0, failed;

	for (size_t i = 0; i < listening->count; i++) {
		const struct place *place = &listening->places[i];
		char text[ADDR_TEXT_MAX];

		failed = steer_put(listening->steer, &place->address, place->port,
				   place->group->number);
		if (failed && !error)
			error = err_set(err, failed, "listener %s gets no connections to %s: %s",
					place->group->name,
					addr_format_endpoint(&place->address, place->port, text),
					strerror(-failed));
	}
	failed = steer_sweep(listening->steer, is_wanted, listening);
	if (failed && !error)
		error = err_set(err, failed, "cannot give up the addresses of old listeners: %s",
				strerror(-failed));
	return error;
}

static int want_listener(struct listening *listening, const struct config_listener *listener,
			 struct err *err)
{
	int error = 0;

	for (size_t i = 0; i < listener->address_count; i++) {
		struct place *place = &listening->places[listening->count];
		int failed = want_group(listening, listener->name,
					addr_is_ipv4(&listener->addresses[i]), &place->group);

		if (failed && !error)
			error = err_set(err, failed, "listener %s cannot listen: %s",
					listener->name, strerror(-failed));
		if (failed)
			continue;
		place->address = listener->addresses[i];
		place->port = listener->port;
		listening->count++;
	}
	return error;
}

static int make_room(struct listening *listening, const struct config *config)
{
	struct place *places;
	size_t count = 1;

	for (size_t i = 0; i < config->listener_count; i++)
		count += config->listeners[i].address_count;
	places = calloc(count, sizeof(*places));
	if (!places)
		return -ENOMEM;
	free(listening->places);
	listening->places = places;
	listening->count = 0;
	return 0;
}

int listening_set(struct listening *listening, const struct config *config, struct err *err)
{
	int error = make_room(listening, config), failed;

	if (error)
		return err_set(err, error, "no memory for the addresses of listeners");
	for (struct group *group = listening->groups; group; group = group->next)
		group->wanted = false;
	for (size_t i = 0; i < config->listener_count; i++) {
		failed = want_listener(listening, &config->listeners[i], error ? NULL : err);
		error = error ?: failed;
	}
	if (listening->begun) {
		failed = take_places(listening, error ? NULL : err);
		error = error ?: failed;
	}
	remove_unwanted(listening);
	return error;
}

int listening_begin(struct listening *listening, struct err *err)
{
	int error = take_places(listening, err);

	listening->begun = true;
	steer_begin_term(listening->steer);
	return error;
}
