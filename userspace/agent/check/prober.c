// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "prober.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../base/log.h"
#include "../../sys/child.h"
#include "../../../bpf/abi/probe.h"

#define SILENCE_NS	5000000000ULL  /* it gives a sign of life ten times as often */
#define START_NS	10000000000ULL /* until its first word */
#define BACK_OFF_MIN_NS 100000000ULL
#define BACK_OFF_MAX_NS 10000000000ULL
#define STEADY_NS	30000000000ULL /* one that lived so long was not wrong from its start */
#define MESSAGES_MAX	64	       /* taken in one round of the loop */

struct prober {
	struct loop *loop;
	struct prober_events events;
	char *path, *user, *scripts;
	char scripts_at_once[12];
	int table_fd; /* -1: none */
	pid_t pid;
	struct loop_fd socket, process;
	struct loop_timer silence, again;
	bool answers, full;
	uint64_t starts, started_ns, back_off_ns;
	char reason[160];
	/* What is to be told: a stack of numbers, and whether each is in it. */
	uint32_t *marked;
	size_t marked_count;
	uint8_t *is_marked;
	uint32_t room, highest; /* of numbers; highest: one more than any that was told */
	bool *freed;		/* set when prober_free() comes while results are told */
	uint8_t incoming[PROBES_MESSAGE_MAX];
	struct probes_writer outgoing;
};

static void start(struct prober *prober);

/* the process */

static void close_fd(struct prober *prober, struct loop_fd *fd)
{
	if (fd->fd < 0)
		return;
	loop_fd_remove(prober->loop, fd);
	close(fd->fd);
	fd->fd = -1;
}

/* Kills it, however it is. */
static int take_down(struct prober *prober)
{
	int status = 0;

	close_fd(prober, &prober->socket);
	close_fd(prober, &prober->process);
	loop_timer_cancel(prober->loop, &prober->silence);
	if (prober->pid > 0) {
		kill(prober->pid, SIGKILL);
		while (waitpid(prober->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	prober->pid = 0;
	prober->answers = false;
	prober->full = false;
	return status;
}

static void start_later(struct prober *prober)
{
	uint64_t lived = loop_now(prober->loop) - prober->started_ns;

	if (lived > STEADY_NS || !prober->back_off_ns)
		prober->back_off_ns = BACK_OFF_MIN_NS;
	else if (prober->back_off_ns < BACK_OFF_MAX_NS)
		prober->back_off_ns *= 2;
	loop_timer_set(prober->loop, &prober->again, prober->back_off_ns);
}

/* What is wrong again and again is said once. */
static void lose(struct prober *prober, const char *why)
{
	bool same = strcmp(prober->reason, why) == 0;

	take_down(prober);
	snprintf(prober->reason, sizeof(prober->reason), "%s", why);
	start_later(prober);
	if (same && prober->back_off_ns > BACK_OFF_MIN_NS)
		return;
	log_error("health",
		  "the prober%s %s; it is started anew, and until then the states of backends "
		  "stay as they are",
		  prober->scripts ? " that runs scripts" : "", why);
	prober->events.lost(prober->events.context, prober->reason);
}

static void died(struct prober *prober)
{
	char why[sizeof(prober->reason)];
	int status = take_down(prober);

	if (WIFSIGNALED(status))
		snprintf(why, sizeof(why), "was ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(why, sizeof(why), "ended with exit code %d", WEXITSTATUS(status));
	lose(prober, why);
}

/* Its exit code is worth waiting for, unless it lives on. */
static void hung_up(struct prober *prober)
{
	close_fd(prober, &prober->socket);
}

static void process_ended(struct loop_fd *fd, uint32_t events)
{
	(void)events;
	died(fd->context);
}

/* telling it */

static bool add_record(struct prober *prober, uint32_t id, const struct probes_probe *probe)
{
	return probe ? probes_add_probe(&prober->outgoing, probe)
		     : probes_add_removal(&prober->outgoing, id);
}

static void want_room(struct prober *prober)
{
	prober->full = true;
	loop_fd_set(prober->loop, &prober->socket, EPOLLIN | EPOLLOUT);
}

/* True when it is gone. What is not stays marked. */
static bool send_message(struct prober *prober)
{
	if (send(prober->socket.fd, prober->outgoing.bytes, prober->outgoing.used,
		 MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return true;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == EINTR)
		want_room(prober);
	else
		prober->full = true; /* it is about to be lost, and then all is told anew */
	return false;
}

/* One message of one type, from the top of the stack. */
static bool tell_some(struct prober *prober)
{
	size_t left = prober->marked_count;
	struct probes_probe probe;
	bool removal =
		!prober->events.fill(prober->events.context, prober->marked[left - 1], &probe);

	probes_begin(&prober->outgoing, removal ? PROBES_REMOVE : PROBES_SET);
	while (left) {
		uint32_t id = prober->marked[left - 1];
		bool is = prober->events.fill(prober->events.context, id, &probe);

		if (is == removal || !add_record(prober, id, is ? &probe : NULL))
			break;
		left--;
	}
	if (!send_message(prober))
		return false;
	while (prober->marked_count > left) {
		uint32_t id = prober->marked[--prober->marked_count];

		prober->is_marked[id] = 0;
		if (id >= prober->highest)
			prober->highest = id + 1;
	}
	return true;
}

static void tell(struct prober *prober)
{
	while (prober->answers && !prober->full && prober->marked_count)
		if (!tell_some(prober))
			break;
}

static int make_room(struct prober *prober, uint32_t id)
{
	uint32_t room = prober->room ? prober->room : 64;
	uint32_t *marked;
	uint8_t *is_marked;

	if (id < prober->room)
		return 0;
	while (room <= id)
		room *= 2;
	marked = realloc(prober->marked, room * sizeof(*marked));
	if (!marked)
		return -ENOMEM;
	prober->marked = marked;
	is_marked = realloc(prober->is_marked, room);
	if (!is_marked)
		return -ENOMEM;
	memset(is_marked + prober->room, 0, room - prober->room);
	prober->is_marked = is_marked;
	prober->room = room;
	return 0;
}

static void mark(struct prober *prober, uint32_t id)
{
	if (prober->is_marked[id])
		return;
	prober->is_marked[id] = 1;
	prober->marked[prober->marked_count++] = id;
}

/* Gathered until the loop's next round. */
static void tell_soon(struct prober *prober)
{
	if (prober->answers && !prober->full)
		want_room(prober);
}

int prober_mark(struct prober *prober, uint32_t id)
{
	int error = make_room(prober, id);

	if (error)
		return error;
	mark(prober, id);
	if (!prober->pid && !prober->again.place)
		start(prober);
	tell_soon(prober);
	return 0;
}

/* Another one knows nothing of what was told to the one before. */
static void mark_all(struct prober *prober)
{
	for (uint32_t id = 0; id < prober->highest; id++)
		mark(prober, id);
}

/* hearing it */

/* True when there is nothing more to be done with prober, which may be gone. */
static bool take_results(struct prober *prober, struct probes_reader *reader)
{
	struct probes_result result;
	bool freed = false;
	int more;

	/* cppcheck-suppress autoVariables ; taken back below */
	prober->freed = &freed;
	while ((more = probes_next_result(reader, &result)) > 0) {
		prober->events.result(prober->events.context, &result);
		if (freed)
			return true;
	}
	prober->freed = NULL;
	if (more < 0)
		lose(prober, "sent what is no message");
	return more < 0;
}

static bool take(struct prober *prober, size_t length)
{
	struct probes_reader reader;
	int type = probes_open(&reader, prober->incoming, length);

	loop_timer_set(prober->loop, &prober->silence, SILENCE_NS);
	if (type == PROBES_RESULTS)
		return take_results(prober, &reader);
	if (type == PROBES_HELLO) {
		prober->answers = true;
		want_room(prober);
		return false;
	}
	lose(prober, type == -EPROTO ? "is of another version than mtlbd, which has to be restarted"
				     : "sent what is no message");
	return true;
}

/* True when there is nothing more to be done with prober. */
static bool take_messages(struct prober *prober)
{
	for (int i = 0; i < MESSAGES_MAX && prober->socket.fd >= 0; i++) {
		ssize_t n = recv(prober->socket.fd, prober->incoming, sizeof(prober->incoming),
				 MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (n <= 0) {
			hung_up(prober);
			return true;
		}
		if (take(prober, (size_t)n))
			return true;
	}
	return false;
}

static void ready(struct loop_fd *fd, uint32_t events)
{
	struct prober *prober = fd->context;

	if (events & EPOLLOUT) {
		prober->full = false;
		loop_fd_set(prober->loop, fd, EPOLLIN);
		tell(prober);
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		take_messages(prober);
}

/* But what it said may still be unread, while this process was busy. */
static void silent(struct loop_timer *timer)
{
	struct prober *prober = timer->context;
	bool answered = prober->answers;

	if (take_messages(prober) || timer->place)
		return;
	lose(prober,
	     answered ? "gave no sign of life and was ended" : "did not begin and was ended");
}

/* starting it */

static int make_pair(int pair[2])
{
	int size = 1 << 20;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return -errno;
	for (int i = 0; i < 2; i++) /* as much as the system lets it be */
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

static int spawn(struct prober *prober, int socket)
{
	char *argv[8] = {"mtlb-prober"};
	size_t count = 1;
	const struct child_fd fds[] = {
		{socket, PROBES_SOCKET_FD},
		{prober->table_fd, PROBES_TABLE_FD},
	};

	if (prober->user) {
		argv[count++] = "--user";
		argv[count++] = prober->user;
	}
	if (prober->scripts) {
		argv[count++] = "--scripts";
		argv[count++] = prober->scripts;
		argv[count++] = "--at-once";
		argv[count] = prober->scripts_at_once;
	}
	return child_start(prober->path, argv, fds, prober->table_fd < 0 ? 1 : 2, &prober->pid);
}

/* What one that died left in the table is no longer true: its ports are anybody's. */
static void clear_table(const struct prober *prober)
{
	size_t size = MTLB_PROBES * sizeof(struct mtlb_probe);
	void *table;

	if (prober->table_fd < 0)
		return;
	table = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, prober->table_fd, 0);
	if (table == MAP_FAILED)
		return;
	memset(table, 0, size);
	munmap(table, size);
}

static int watch(struct prober *prober)
{
	int fd = child_watch(prober->pid);

	if (fd < 0)
		return fd;
	prober->process.fd = fd;
	return loop_fd_set(prober->loop, &prober->process, EPOLLIN)
		       ?: loop_fd_set(prober->loop, &prober->socket, EPOLLIN)
		       ?: loop_timer_set(prober->loop, &prober->silence, START_NS);
}

static void start(struct prober *prober)
{
	int pair[2], error = make_pair(pair);
	char why[sizeof(prober->reason)];

	prober->starts++;
	prober->started_ns = loop_now(prober->loop);
	clear_table(prober);
	if (!error) {
		prober->socket.fd = pair[0];
		error = spawn(prober, pair[1]);
		close(pair[1]);
	}
	error = error ?: watch(prober);
	if (error) {
		snprintf(why, sizeof(why), "cannot be started: %.100s: %s", prober->path,
			 strerror(-error));
		lose(prober, why);
		return;
	}
	mark_all(prober);
}

static void start_again(struct loop_timer *timer)
{
	start(timer->context);
}

int prober_new(struct loop *loop, const struct prober_options *options,
	       const struct prober_events *events, struct prober **ret_prober)
{
	struct prober *prober = calloc(1, sizeof(*prober));

	if (!prober)
		return -ENOMEM;
	prober->loop = loop;
	prober->events = *events;
	prober->table_fd = -1;
	prober->socket = (struct loop_fd){.fd = -1, .ready = ready, .context = prober};
	prober->process = (struct loop_fd){.fd = -1, .ready = process_ended, .context = prober};
	prober->silence = (struct loop_timer){.fire = silent, .context = prober};
	prober->again = (struct loop_timer){.fire = start_again, .context = prober};
	prober->path = options->path ? strdup(options->path) : child_beside("mtlb-prober");
	prober->user = options->user ? strdup(options->user) : NULL;
	prober->scripts = options->scripts ? strdup(options->scripts) : NULL;
	snprintf(prober->scripts_at_once, sizeof(prober->scripts_at_once), "%u",
		 options->scripts_at_once);
	if (!prober->path || (options->user && !prober->user) ||
	    (options->scripts && !prober->scripts)) {
		prober_free(prober);
		return -ENOMEM;
	}
	/* not among the first numbers, which the prober's own take */
	if (options->probes_fd > 0)
		prober->table_fd = fcntl(options->probes_fd, F_DUPFD_CLOEXEC, 16);
	if (options->probes_fd > 0 && prober->table_fd < 0) {
		prober_free(prober);
		return -errno;
	}
	*ret_prober = prober;
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool prober_is(const struct prober *prober, const struct prober_options *options)
{
	char at_once[sizeof(prober->scripts_at_once)];

	snprintf(at_once, sizeof(at_once), "%u", options->scripts_at_once);
	return same_text(prober->user, options->user) &&
	       same_text(prober->scripts, options->scripts) &&
	       strcmp(prober->scripts_at_once, at_once) == 0;
}

void prober_free(struct prober *prober)
{
	if (!prober)
		return;
	if (prober->freed)
		*prober->freed = true;
	take_down(prober);
	loop_timer_cancel(prober->loop, &prober->again);
	if (prober->table_fd >= 0)
		close(prober->table_fd);
	free(prober->path);
	free(prober->user);
	free(prober->scripts);
	free(prober->marked);
	free(prober->is_marked);
	free(prober);
}

void prober_status(const struct prober *prober, struct prober_status *ret_status)
{
	*ret_status = (struct prober_status){
		.pid = prober->pid,
		.answers = prober->answers,
		.starts = prober->starts,
		.since_ns = prober->started_ns,
		.reason = prober->reason,
	};
}
