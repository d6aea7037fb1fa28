// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "l7.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../base/log.h"
#include "../../model/l7/compile.h"
#include "certificates.h"
#include "seal.h"
#include "tickets.h"

#define BACKLOG	    4096
#define WORKERS_MIN 2

/* An address of a listener on which there are sockets. */
struct spot {
	struct spot *next;
	char name[STATE_NAME_MAX];
	struct addr address;
	uint16_t port;
	uint32_t id;
	bool wanted;
};

struct l7 {
	struct loop *loop;
	struct workers *workers;
	struct tallies *tallies;
	struct l7_events events;
	struct states *states;		   /* of the image in use; NULL: there is none */
	struct certificates *certificates; /* with the workers */
	struct tickets *tickets;
	struct loop_timer rotation;
	struct spot *spots;
	uint32_t next_id;
	uint64_t seed;
	uint8_t secret[16]; /* where the configuration has none: sessions end with this process */
};

int l7_new(struct loop *loop, const struct l7_events *events, struct l7 **ret_l7)
{
	struct l7 *l7 = calloc(1, sizeof(*l7));
	int error;

	if (!l7)
		return -ENOMEM;
	l7->loop = loop;
	l7->events = *events;
	error = getrandom(&l7->seed, sizeof(l7->seed), 0) < 0 ? -errno : 0;
	error = error ?: getrandom(l7->secret, sizeof(l7->secret), 0) < 0 ? -errno : 0;
	error = error ?: tallies_new(&l7->tallies);
	if (error) {
		free(l7);
		return error;
	}
	*ret_l7 = l7;
	return 0;
}

static void forget_spots(struct l7 *l7)
{
	while (l7->spots) {
		struct spot *spot = l7->spots;

		l7->spots = spot->next;
		free(spot);
	}
}

static void stop(struct l7 *l7)
{
	loop_timer_cancel(l7->loop, &l7->rotation);
	workers_free(l7->workers);
	l7->workers = NULL;
	states_free(l7->states);
	l7->states = NULL;
	certificates_free(l7->certificates);
	l7->certificates = NULL;
	tickets_free(l7->tickets);
	l7->tickets = NULL;
	forget_spots(l7);
}

void l7_free(struct l7 *l7)
{
	if (!l7)
		return;
	stop(l7);
	tallies_free(l7->tallies);
	free(l7);
}

const struct workers *l7_workers(const struct l7 *l7)
{
	return l7->workers;
}

const struct tallies *l7_tallies(const struct l7 *l7)
{
	return l7->tallies;
}

/* the image */

static int seal(const void *bytes, size_t size, int *ret_fd)
{
	int fd = -1, error = seal_begin("mtlb-l7", &fd);

	error = error ?: seal_write(fd, bytes, size);
	error = error ?: seal_finish(fd);
	if (error && fd >= 0)
		close(fd);
	*ret_fd = error ? -1 : fd;
	return error;
}

/* Before the image, which names what is in it. */
static int use_certificates(struct l7 *l7, const struct config *config, struct err *err)
{
	int store = -1, error = certificates_set(l7->certificates, config, &store, err);

	if (!error && store >= 0)
		workers_store(l7->workers, store);
	return error;
}

static int use_image(struct l7 *l7, const struct config *config, uint64_t generation,
		     struct err *err)
{
	struct states *states = NULL;
	void *bytes = NULL;
	uint8_t secret[16];
	size_t size = 0;
	const struct compile_digests digests = certificates_digests(l7->certificates);
	int fd = -1, error = use_certificates(l7, config, err);

	compile_secret(config, l7->secret, secret);
	error = error
			?: compile_image(config, &digests, l7->seed, generation, secret, &bytes,
					 &size, err);
	if (error)
		return error;
	tallies_assign(l7->tallies, bytes);
	error = seal(bytes, size, &fd);
	free(bytes);
	error = error ?: states_new(config, secret, &states);
	if (error) {
		if (fd >= 0)
			close(fd);
		return err_set(err, error, "cannot hand the routes to the workers: %s",
			       strerror(-error));
	}
	states_each(states, NULL, NULL, l7->events.is_down, l7->events.context);
	workers_use(l7->workers, fd, states_fd(states), generation);
	states_free(l7->states);
	l7->states = states;
	return 0;
}

int l7_set_state(struct l7 *l7, const struct states_member *member, bool down)
{
	return l7->states ? states_set(l7->states, member, down) : -ENOENT;
}

void l7_review(struct l7 *l7, const char *tenant, const char *pool)
{
	if (l7->states)
		states_each(l7->states, tenant, pool, l7->events.is_down, l7->events.context);
}

static void ejected(void *context, unsigned worker, uint64_t key, uint32_t failures)
{
	struct l7 *l7 = context;
	struct states_member member;

	(void)worker;
	if (l7->states && states_find(l7->states, key, &member))
		l7->events.ejected(l7->events.context, &member, failures);
}

/* the sockets */

/* IPv4 by a socket of IPv4, so that peers have their own form of address. An address need not be
 * there yet. */
static int open_socket(const struct spot *spot)
{
	struct sockaddr_storage address;
	socklen_t length = addr_to_sockaddr(&spot->address, spot->port, &address);
	int one = 1, error,
	    fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (address.ss_family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
		setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof(one));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	}
	if (!bind(fd, (struct sockaddr *)&address, length) && !listen(fd, BACKLOG))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static int open_sockets(const struct l7 *l7, const struct spot *spot, int sockets[WORKERS_MAX])
{
	for (unsigned i = 0; i < workers_count(l7->workers); i++) {
		sockets[i] = open_socket(spot);
		if (sockets[i] >= 0)
			continue;
		for (unsigned open = 0; open < i; open++)
			close(sockets[open]);
		return sockets[i];
	}
	return 0;
}

static struct spot *find(const struct l7 *l7, const struct config_listener *listener,
			 const struct addr *address)
{
	struct spot *spot = l7->spots;

	while (spot && (strcmp(spot->name, listener->name) || spot->port != listener->port ||
			addr_compare(&spot->address, address)))
		spot = spot->next;
	return spot;
}

static int add(struct l7 *l7, const struct config_listener *listener, const struct addr *address)
{
	struct spot *spot = calloc(1, sizeof(*spot));
	int sockets[WORKERS_MAX], error;

	if (!spot)
		return -ENOMEM;
	memcpy(spot->name, listener->name, sizeof(spot->name));
	spot->address = *address;
	spot->port = listener->port;
	spot->id = ++l7->next_id;
	spot->wanted = true;
	error = open_sockets(l7, spot, sockets);
	error = error ?: workers_listen(l7->workers, spot->id, spot->name, sockets);
	if (error) {
		free(spot);
		return error;
	}
	spot->next = l7->spots;
	l7->spots = spot;
	return 0;
}

static int want(struct l7 *l7, const struct config_listener *listener, const struct addr *address,
		struct err *err)
{
	struct spot *spot = find(l7, listener, address);
	char text[ADDR_TEXT_MAX];
	int error = 0;

	if (spot)
		spot->wanted = true;
	else
		error = add(l7, listener, address);
	if (!error)
		return 0;
	return err_set(err, error, "listener %s cannot listen on %s: %s", listener->name,
		       addr_format_endpoint(address, listener->port, text), strerror(-error));
}

static void remove_unwanted(struct l7 *l7)
{
	struct spot **link = &l7->spots;

	while (*link) {
		struct spot *spot = *link;

		if (spot->wanted) {
			link = &spot->next;
			continue;
		}
		workers_unlisten(l7->workers, spot->id);
		*link = spot->next;
		free(spot);
	}
}

/* The first failure is told; all others are tried all the same. */
static int listen_on(struct l7 *l7, const struct config *config, struct err *err)
{
	int error = 0;

	for (struct spot *spot = l7->spots; spot; spot = spot->next)
		spot->wanted = false;
	for (size_t i = 0; i < config->listener_count; i++) {
		const struct config_listener *listener = &config->listeners[i];

		for (size_t j = 0; j < listener->address_count; j++) {
			int failed =
				want(l7, listener, &listener->addresses[j], error ? NULL : err);

			error = error ?: failed;
		}
	}
	remove_unwanted(l7);
	return error;
}

/* One for each CPU that this process may use; and two at least, so that one is left when one dies.
 */
static unsigned count_wanted(void)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);

	if (count < WORKERS_MIN)
		return WORKERS_MIN;
	return count > WORKERS_MAX ? WORKERS_MAX : (unsigned)count;
}

static void rotate(struct loop_timer *timer)
{
	struct l7 *l7 = timer->context;
	int error = tickets_rotate(l7->tickets);

	if (error)
		log_error("l7", "the keys of session tickets stay as they are: %s",
			  strerror(-error));
	else
		workers_tickets(l7->workers, tickets_now(l7->tickets));
	loop_timer_set(l7->loop, timer, TICKETS_ROTATION_NS);
}

static int start(struct l7 *l7)
{
	struct workers_options options = {
		.count = count_wanted(),
		.tallies = l7->tallies,
		.ejected = ejected,
		.context = l7,
	};
	int error = certificates_new(&l7->certificates);

	error = error ?: tickets_new(&l7->tickets);
	error = error ?: workers_new(l7->loop, &options, &l7->workers);
	if (error) {
		stop(l7);
		return error;
	}
	workers_tickets(l7->workers, tickets_now(l7->tickets));
	l7->rotation = (struct loop_timer){.fire = rotate, .context = l7};
	return loop_timer_set(l7->loop, &l7->rotation, TICKETS_ROTATION_NS);
}

int l7_set(struct l7 *l7, const struct config *config, uint64_t generation, struct err *err)
{
	int error = 0;

	if (!config->listener_count) {
		stop(l7);
		return 0;
	}
	if (!l7->workers)
		error = start(l7);
	if (error)
		return err_set(err, error, "cannot start the workers: %s", strerror(-error));
	/* Routes first: whoever comes by a new socket is to be served. */
	error = use_image(l7, config, generation, err);
	return error ?: listen_on(l7, config, err);
}
