// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "workers.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../base/log.h"
#include "../../sys/child.h"
#include "../../sys/pass.h"
#include "estates.h"
#include "scribe.h"
#include "tallies.h"

#define SILENCE_NS	5000000000ULL  /* it gives a sign of life ten times as often */
#define START_NS	10000000000ULL /* until its first word */
#define BACK_OFF_MIN_NS 20000000ULL
#define BACK_OFF_MAX_NS 10000000000ULL
#define BLAMELESS_NS	1000000000ULL  /* who was killed after that is replaced at once */
#define STEADY_NS	30000000000ULL /* one that lived so long was not wrong from its start */

/* What a worker knows of a place. */
enum knowledge {
	KNOWS_NOTHING,
	KNOWS_OPEN,
};

/* Where connections come in. One that is gone stays until nobody takes it for open any more. */
struct place {
	struct place *next;
	uint32_t id;
	bool gone;
	char name[HANDOVER_NAME_MAX];
	struct {
		int socket;
		enum knowledge known;
	} of[]; /* each worker */
};

struct one {
	struct workers *workers;
	unsigned number;
	pid_t pid;
	struct loop_fd socket, process;
	int keeper; /* where its connections come from if it is killed; -1: from nowhere */
	struct estates estates;
	struct loop_timer silence, again;
	bool answers;
	bool full; /* there is no room to tell it more */
	bool has_tally, has_log, has_term, has_image, has_store, has_tickets;
	uint64_t starts, started_ns, back_off_ns, generation;
	struct handover_counts counts;
	char reason[160];
};

struct workers {
	struct loop *loop;
	char *path;
	struct tallies *tallies;
	struct scribe *scribe; /* NULL: there is no access log */
	uint32_t sample;
	bool query;
	int image, store; /* -1: none yet */
	int states;
	const struct handover_tickets *tickets;
	int terms;
	uint64_t term;
	void (*ready)(void *context);
	void (*ejected)(void *context, unsigned worker, uint64_t key, uint32_t failures);
	void *context;
	uint64_t generation;
	struct place *places;
	unsigned count;
	struct one ones[];
};

static void start(struct one *one);

/* the process */

static void close_fd(struct one *one, struct loop_fd *fd)
{
	if (fd->fd < 0)
		return;
	loop_fd_remove(one->workers->loop, fd);
	close(fd->fd);
	fd->fd = -1;
}

static void forget(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Kills it, however it is. */
static int take_down(struct one *one)
{
	int status = 0;

	close_fd(one, &one->socket);
	close_fd(one, &one->process);
	forget(&one->keeper);
	loop_timer_cancel(one->workers->loop, &one->silence);
	if (one->pid > 0) {
		kill(one->pid, SIGKILL);
		while (waitpid(one->pid, &status, 0) < 0 && errno == EINTR)
			;
		if (one->workers->tallies)
			tallies_settle(one->workers->tallies, one->number);
	}
	one->pid = 0;
	one->answers = one->full = one->has_tally = one->has_term = false;
	one->has_log = one->has_image = one->has_store = one->has_tickets = false;
	for (struct place *place = one->workers->places; place; place = place->next)
		place->of[one->number].known = KNOWS_NOTHING;
	estates_untell(&one->estates);
	one->generation = 0;
	one->counts = (struct handover_counts){};
	return status;
}

static void start_later(struct one *one)
{
	uint64_t lived = loop_now(one->workers->loop) - one->started_ns;

	if (lived > STEADY_NS || !one->back_off_ns)
		one->back_off_ns = BACK_OFF_MIN_NS;
	else if (one->back_off_ns < BACK_OFF_MAX_NS)
		one->back_off_ns *= 2;
	loop_timer_set(one->workers->loop, &one->again, one->back_off_ns);
}

/* What is wrong again and again is said once. */
static void lose(struct one *one, const char *why)
{
	bool same = strcmp(one->reason, why) == 0;

	take_down(one);
	snprintf(one->reason, sizeof(one->reason), "%s", why);
	start_later(one);
	if (!same || one->back_off_ns <= BACK_OFF_MIN_NS)
		log_error("l7", "worker %u %s; it is started anew, and the others go on meanwhile",
			  one->number, why);
}

static void ended(struct loop_fd *fd, uint32_t events)
{
	struct one *one = fd->context;
	char why[sizeof(one->reason)];
	int status, keeper = one->keeper;

	(void)events;
	one->keeper = -1;
	status = take_down(one);
	if (estates_add(&one->estates, keeper, status) &&
	    loop_now(one->workers->loop) - one->started_ns > BLAMELESS_NS)
		one->back_off_ns = 0;
	if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "was ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(why, sizeof(why), "ended with exit code %d", WEXITSTATUS(status));
	lose(one, why);
}

/* telling it */

/* False: it has to be told later; a broken one is about to be lost, and the next one told all. */
static bool say(struct one *one, struct handover_message *message, int fd)
{
	message->version = HANDOVER_VERSION;
	if (!pass_send(one->socket.fd, message, sizeof(*message), fd))
		return true;
	one->full = true;
	loop_fd_set(one->workers->loop, &one->socket, EPOLLIN | EPOLLOUT);
	return false;
}

static bool say_tally(struct one *one)
{
	struct handover_message message = {.type = HANDOVER_TALLY};
	struct tallies *tallies = one->workers->tallies;
	int fd = one->has_tally || !tallies ? -1 : tallies_fd(tallies, one->number);

	if (one->has_tally || !tallies)
		return true;
	if (fd < 0)
		log_error("l7",
			  "there is no memory for worker %u to count in: %s; what it does is "
			  "not seen",
			  one->number, strerror(-fd));
	one->has_tally = fd < 0 || say(one, &message, fd);
	return one->has_tally;
}

static bool say_term(struct one *one)
{
	struct handover_message message = {.type = HANDOVER_TERM, .generation = one->workers->term};

	if (!one->has_term)
		one->has_term = !one->workers->term || say(one, &message, one->workers->terms);
	return one->has_term;
}

static bool say_fd(struct one *one, enum handover_type type, int fd)
{
	struct handover_message message = {.type = type, .generation = one->workers->generation};

	return fd < 0 || say(one, &message, fd);
}

/* A pipe of its own: what one that is gone left unsaid ends with it. */
static bool say_log(struct one *one)
{
	const struct workers *workers = one->workers;
	struct handover_message message = {
		.type = HANDOVER_LOG, .sample = workers->sample, .query = workers->query};
	int fd = -1;

	if (one->has_log)
		return true;
	if (workers->scribe)
		fd = scribe_pipe(workers->scribe);
	if (workers->scribe && fd < 0)
		log_error("l7", "worker %u cannot write the access log: %s", one->number,
			  strerror(-fd));
	one->has_log = say(one, &message, fd < 0 ? -1 : fd);
	if (fd >= 0)
		close(fd);
	return one->has_log;
}

static bool say_image(struct one *one)
{
	const struct workers *workers = one->workers;

	if (!one->has_image && workers->image >= 0)
		one->has_image = say_fd(one, HANDOVER_STATES, workers->states) &&
				 say_fd(one, HANDOVER_IMAGE, workers->image);
	return one->has_image || workers->image < 0;
}

static bool say_store(struct one *one)
{
	struct handover_message message = {.type = HANDOVER_STORE};

	if (!one->has_store && one->workers->store >= 0)
		one->has_store = say(one, &message, one->workers->store);
	return one->has_store || one->workers->store < 0;
}

static bool say_tickets(struct one *one)
{
	struct handover_message message = {.type = HANDOVER_TICKETS};

	if (one->has_tickets || !one->workers->tickets)
		return true;
	message.tickets = *one->workers->tickets;
	one->has_tickets = say(one, &message, -1);
	explicit_bzero(&message, sizeof(message));
	return one->has_tickets;
}

static bool say_place(struct one *one, struct place *place)
{
	struct handover_message message = {.id = place->id};
	enum knowledge *known = &place->of[one->number].known;

	if ((*known == KNOWS_OPEN) != place->gone)
		return true;
	message.type = place->gone ? HANDOVER_UNLISTEN : HANDOVER_LISTEN;
	memcpy(message.name, place->name, sizeof(place->name));
	if (!say(one, &message, place->gone ? -1 : place->of[one->number].socket))
		return false;
	*known = place->gone ? KNOWS_NOTHING : KNOWS_OPEN;
	return true;
}

/* Last of all: they are served at once. */
static void say_heirs(struct one *one)
{
	struct handover_message message = {.type = HANDOVER_HEIRS};
	struct estate *estate;

	while ((estate = estates_next(&one->estates))) {
		message.id = estate->id;
		estate->told = say(one, &message, estate->socket);
		if (!estate->told)
			return;
	}
}

/* What it does not know yet, as far as there is room. The image first: whoever comes by a socket is
 * to be served. */
static void tell(struct one *one)
{
	struct place *place = one->workers->places;

	if (!one->answers || one->full || one->socket.fd < 0 || !say_tally(one) || !say_log(one) ||
	    !say_term(one) || !say_tickets(one) || !say_store(one) || !say_image(one))
		return;
	while (place && say_place(one, place))
		place = place->next;
	if (!place)
		say_heirs(one);
}

static void free_place(const struct workers *workers, struct place *place)
{
	for (unsigned i = 0; i < workers->count; i++)
		close(place->of[i].socket);
	free(place);
}

static bool is_known(const struct workers *workers, const struct place *place)
{
	for (unsigned i = 0; i < workers->count; i++)
		if (place->of[i].known == KNOWS_OPEN)
			return true;
	return false;
}

static void forget_gone(struct workers *workers)
{
	struct place **link = &workers->places;

	while (*link) {
		struct place *place = *link;

		if (!place->gone || is_known(workers, place)) {
			link = &place->next;
			continue;
		}
		*link = place->next;
		free_place(workers, place);
	}
}

static void tell_all(struct workers *workers)
{
	for (unsigned i = 0; i < workers->count; i++)
		tell(&workers->ones[i]);
	forget_gone(workers);
}

/* hearing it */

static void hear(struct one *one, const struct handover_message *message)
{
	loop_timer_set(one->workers->loop, &one->silence, SILENCE_NS);
	switch (message->type) {
	case HANDOVER_HELLO:
		one->answers = true;
		tell(one);
		break;
	case HANDOVER_TAKEN:
		one->generation = message->generation;
		if (one->workers->ready)
			one->workers->ready(one->workers->context);
		break;
	case HANDOVER_REFUSED:
		log_error("l7", "worker %u does not take configuration %llu: %s", one->number,
			  (unsigned long long)message->generation, message->text);
		break;
	case HANDOVER_ALIVE:
		one->counts = message->counts;
		break;
	case HANDOVER_INHERITED:
		estates_settle(&one->estates, message->id);
		break;
	case HANDOVER_EJECTED:
		if (one->workers->ejected)
			one->workers->ejected(one->workers->context, one->number,
					      message->ejected.key, message->ejected.failures);
		break;
	}
}

/* True when there is nothing more to be done with it. */
static bool take_messages(struct one *one)
{
	struct handover_message message;
	int fd, error;
	ssize_t n;

	while ((n = pass_receive(one->socket.fd, &message, sizeof(message), &fd)) > 0) {
		if (fd >= 0)
			close(fd);
		error = handover_check(&message, (size_t)n);
		if (error) {
			lose(one,
			     error == -EPROTO
				     ? "is of another version than mtlbd, which has to be restarted"
				     : "sent what is no message");
			return true;
		}
		hear(one, &message);
	}
	if (n == -EAGAIN)
		return false;
	if (n == -EPROTO)
		lose(one, "sent what is no message");
	else
		close_fd(one, &one->socket); /* its exit code is worth waiting for */
	return true;
}

static void ready(struct loop_fd *fd, uint32_t events)
{
	struct one *one = fd->context;

	if (events & EPOLLOUT) {
		one->full = false;
		loop_fd_set(one->workers->loop, fd, EPOLLIN);
		tell(one);
		forget_gone(one->workers);
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		take_messages(one);
}

/* But what it said may still be unread, while this process was busy. */
static void silent(struct loop_timer *timer)
{
	struct one *one = timer->context;
	bool answered = one->answers;

	if (one->socket.fd >= 0 && (take_messages(one) || timer->place))
		return;
	lose(one, answered ? "gave no sign of life and was ended" : "did not begin and was ended");
}

/* starting it */

static int spawn(struct one *one, int socket, int keeper)
{
	char *argv[] = {"mtlb-proxy", NULL};
	const struct child_fd fds[] = {{socket, HANDOVER_SOCKET_FD}, {keeper, HANDOVER_KEEPER_FD}};

	return child_start(one->workers->path, argv, fds, 2, &one->pid);
}

static int watch(struct one *one)
{
	int fd = child_watch(one->pid);

	if (fd < 0)
		return fd;
	one->process.fd = fd;
	return loop_fd_set(one->workers->loop, &one->process, EPOLLIN)
		       ?: loop_fd_set(one->workers->loop, &one->socket, EPOLLIN)
		       ?: loop_timer_set(one->workers->loop, &one->silence, START_NS);
}

/* Ours, and the worker's to be. */
static int open_pairs(struct one *one, int theirs[2])
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -errno;
	one->socket.fd = pair[0];
	theirs[0] = pair[1];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -errno;
	one->keeper = pair[0];
	theirs[1] = pair[1];
	return 0;
}

static void start(struct one *one)
{
	char why[sizeof(one->reason)];
	int theirs[2] = {-1, -1}, error;

	one->starts++;
	one->started_ns = loop_now(one->workers->loop);
	error = open_pairs(one, theirs);
	error = error ?: spawn(one, theirs[0], theirs[1]);
	forget(&theirs[0]);
	forget(&theirs[1]);
	error = error ?: watch(one);
	if (!error)
		return;
	snprintf(why, sizeof(why), "cannot be started: %.100s: %s", one->workers->path,
		 strerror(-error));
	lose(one, why);
}

static void start_again(struct loop_timer *timer)
{
	start(timer->context);
}

static void init_one(struct workers *workers, unsigned number)
{
	struct one *one = &workers->ones[number];

	*one = (struct one){
		.workers = workers,
		.number = number,
		.socket = {.fd = -1, .ready = ready, .context = one},
		.process = {.fd = -1, .ready = ended, .context = one},
		.keeper = -1,
		.silence = {.fire = silent, .context = one},
		.again = {.fire = start_again, .context = one},
	};
	estates_init(&one->estates, workers->loop);
}

int workers_new(struct loop *loop, const struct workers_options *options,
		struct workers **ret_workers)
{
	struct workers *workers = calloc(1, sizeof(*workers) + options->count * sizeof(struct one));

	if (!workers)
		return -ENOMEM;
	workers->loop = loop;
	workers->count = options->count;
	workers->image = workers->states = workers->store = -1;
	workers->terms = options->terms;
	workers->term = options->term;
	workers->ready = options->ready;
	workers->ejected = options->ejected;
	workers->context = options->context;
	workers->tallies = options->tallies;
	workers->path = options->path ? strdup(options->path) : child_beside("mtlb-proxy");
	if (!workers->path) {
		free(workers);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < workers->count; i++) {
		init_one(workers, i);
		start(&workers->ones[i]);
	}
	*ret_workers = workers;
	return 0;
}

void workers_free(struct workers *workers)
{
	if (!workers)
		return;
	for (unsigned i = 0; i < workers->count; i++) {
		take_down(&workers->ones[i]);
		estates_drop(&workers->ones[i].estates);
		loop_timer_cancel(workers->loop, &workers->ones[i].again);
	}
	while (workers->places) {
		struct place *place = workers->places;

		workers->places = place->next;
		free_place(workers, place);
	}
	if (workers->image >= 0)
		close(workers->image);
	if (workers->store >= 0)
		close(workers->store);
	free(workers->path);
	free(workers);
}

void workers_leave(struct workers *workers)
{
	for (unsigned i = 0; workers && i < workers->count; i++)
		workers->ones[i].pid = 0; /* not to be killed, and it goes on counting */
	workers_free(workers);
}

unsigned workers_count(const struct workers *workers)
{
	return workers->count;
}

void workers_use(struct workers *workers, int image, int states, uint64_t generation)
{
	if (workers->image >= 0)
		close(workers->image);
	workers->image = image;
	workers->states = states;
	workers->generation = generation;
	for (unsigned i = 0; i < workers->count; i++)
		workers->ones[i].has_image = false;
	tell_all(workers);
}

/* Told with the image that comes next, which is what needs it. */
void workers_store(struct workers *workers, int store)
{
	if (workers->store >= 0)
		close(workers->store);
	workers->store = store;
	for (unsigned i = 0; i < workers->count; i++)
		workers->ones[i].has_store = false;
}

void workers_tickets(struct workers *workers, const struct handover_tickets *tickets)
{
	workers->tickets = tickets;
	for (unsigned i = 0; i < workers->count; i++)
		workers->ones[i].has_tickets = false;
	tell_all(workers);
}

void workers_log(struct workers *workers, struct scribe *scribe, uint32_t sample, bool query)
{
	if (workers->scribe == scribe && workers->sample == sample && workers->query == query)
		return;
	workers->scribe = scribe;
	workers->sample = sample;
	workers->query = query;
	for (unsigned i = 0; i < workers->count; i++)
		workers->ones[i].has_log = false;
	tell_all(workers);
}

int workers_listen(struct workers *workers, uint32_t id, const char *name, const int *sockets)
{
	struct place *place = calloc(1, sizeof(*place) + workers->count * sizeof(place->of[0]));

	if (!place)
		return -ENOMEM;
	place->id = id;
	snprintf(place->name, sizeof(place->name), "%s", name);
	for (unsigned i = 0; i < workers->count; i++)
		place->of[i].socket = sockets[i];
	place->next = workers->places;
	workers->places = place;
	tell_all(workers);
	return 0;
}

void workers_unlisten(struct workers *workers, uint32_t id)
{
	struct place *place = workers->places;

	while (place && (place->id != id || place->gone))
		place = place->next;
	if (!place)
		return;
	place->gone = true;
	tell_all(workers);
}

void workers_status(const struct workers *workers, unsigned number,
		    struct workers_status *ret_status)
{
	const struct one *one = &workers->ones[number];

	*ret_status = (struct workers_status){
		.pid = one->pid,
		.answers = one->answers,
		.starts = one->starts,
		.generation = one->generation,
		.counts = one->counts,
		.reason = one->reason,
	};
}
