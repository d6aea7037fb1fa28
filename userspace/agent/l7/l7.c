// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "l7.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "../../base/log.h"
#include "../../model/l7/compile.h"
#include "certificates.h"
#include "listening.h"
#include "scribe.h"
#include "seal.h"
#include "tickets.h"

#define WORKERS_MIN 2

struct l7 {
	struct loop *loop;
	struct workers *workers;
	struct tallies *tallies;
	struct scribe *scribe; /* NULL: there was never an access log */
	struct l7_events events;
	struct states *states;		   /* of the image in use; NULL: there is none */
	struct certificates *certificates; /* with the workers */
	struct tickets *tickets;
	struct loop_timer rotation;
	struct steer *steer;
	struct listening *listening;
	char *directory;
	bool begun;
	uint64_t seed;
	uint8_t secret[16]; /* where the configuration has none: sessions end with this process */
};

int l7_new(struct loop *loop, const char *directory, const struct l7_events *events,
	   struct l7 **ret_l7)
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
	l7->directory = error ? NULL : strdup(directory);
	if (!error && !l7->directory)
		error = -ENOMEM;
	if (error) {
		tallies_free(l7->tallies);
		free(l7);
		return error;
	}
	*ret_l7 = l7;
	return 0;
}

void l7_stop(struct l7 *l7, bool leave)
{
	loop_timer_cancel(l7->loop, &l7->rotation);
	if (leave)
		workers_leave(l7->workers);
	else
		workers_free(l7->workers);
	l7->workers = NULL;
	states_free(l7->states);
	l7->states = NULL;
	certificates_free(l7->certificates);
	l7->certificates = NULL;
	tickets_free(l7->tickets);
	l7->tickets = NULL;
	listening_free(l7->listening);
	l7->listening = NULL;
	steer_close(l7->steer);
	l7->steer = NULL;
	l7->begun = false;
}

void l7_free(struct l7 *l7)
{
	if (!l7)
		return;
	l7_stop(l7, false);
	scribe_free(l7->scribe);
	tallies_free(l7->tallies);
	free(l7->directory);
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

/* Else one for each CPU that this process may use; and two at least, so that one is left when one
 * dies.
 */
static unsigned count_wanted(const struct config_proxy *config)
{
	cpu_set_t set;
	int count = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);

	if (config->workers)
		return config->workers;
	if (count < WORKERS_MIN)
		return WORKERS_MIN;
	return count > WORKERS_MAX ? WORKERS_MAX : (unsigned)count;
}

/* What is wrong with it keeps nobody from being served. */
static void set_log(struct l7 *l7, const struct config_access_log *config)
{
	int error = 0;

	if (config->path && !l7->scribe)
		error = scribe_new(config->path, &l7->scribe);
	else if (config->path)
		scribe_use(l7->scribe, config->path);
	if (error)
		log_error("l7", "there is no access log: %s", strerror(-error));
	workers_log(l7->workers, config->path ? l7->scribe : NULL, config->sample, config->query);
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

/* Workers of an earlier agent have served up to now. */
static void ready(void *context)
{
	struct l7 *l7 = context;
	struct err err = {};

	if (l7->begun || !l7->listening)
		return;
	l7->begun = true;
	if (listening_begin(l7->listening, &err))
		log_error("l7", "%s", err.text);
}

static int start(struct l7 *l7, const struct config *config, struct err *err)
{
	struct workers_options options = {
		.count = count_wanted(&config->proxy),
		.tallies = l7->tallies,
		.ready = ready,
		.ejected = ejected,
		.context = l7,
	};
	int error = steer_open(l7->directory, &l7->steer, err);

	if (error)
		return error;
	options.terms = steer_terms_fd(l7->steer);
	options.term = steer_term(l7->steer);
	error = certificates_new(&l7->certificates);
	error = error ?: tickets_new(&l7->tickets);
	error = error ?: workers_new(l7->loop, &options, &l7->workers);
	error = error ?: listening_new(l7->steer, l7->workers, &l7->listening);
	if (error) {
		l7_stop(l7, false);
		return err_set(err, error, "cannot start the workers: %s", strerror(-error));
	}
	workers_tickets(l7->workers, tickets_now(l7->tickets));
	l7->rotation = (struct loop_timer){.fire = rotate, .context = l7};
	return loop_timer_set(l7->loop, &l7->rotation, TICKETS_ROTATION_NS);
}

int l7_set(struct l7 *l7, const struct config *config, uint64_t generation, struct err *err)
{
	int error = 0;

	if (!config->listener_count) {
		l7_stop(l7, false);
		steer_remove(l7->directory);
		return 0;
	}
	if (!l7->workers)
		error = start(l7, config, err);
	if (!error)
		set_log(l7, &config->access_log);
	/* Routes first: whoever comes by a new socket is to be served. */
	error = error ?: use_image(l7, config, generation, err);
	return error ?: listening_set(l7->listening, config, err);
}
