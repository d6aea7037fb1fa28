// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "keeper.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/log.h"
#include "../sys/pass.h"
#include "../sys/sandbox.h"
#include "../wire/handover.h"
#include "bequest.h"
#include "upstream.h"

#define PATIENCE_MS 5000 /* for the next worker to begin, or to take more */
#define REST_MS	    10
#define WAITS	    500 /* for room for one connection */
#define LOOKS	    8	/* at numbers that change meanwhile */

/* the truth */

static int ask(int fd, struct tcp_info *ret_info)
{
	socklen_t length = sizeof(*ret_info);

	*ret_info = (struct tcp_info){};
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, ret_info, &length) ? -errno : 0;
}

static bool is_same(const struct tcp_info *info, const struct tcp_info *other)
{
	return info->tcpi_bytes_received == other->tcpi_bytes_received &&
	       info->tcpi_bytes_acked == other->tcpi_bytes_acked &&
	       info->tcpi_state == other->tcpi_state;
}

/* Else urgent bytes may have been counted and not read. */
static bool skips_none(int fd)
{
	socklen_t length = sizeof(int);
	int in_line = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &in_line, &length) && in_line;
}

/*
 * Bytes that have come count before they are read, those that were written from when they are
 * confirmed: what is not read yet is to be taken off the one, what is not confirmed added to the
 * other, all of one moment. -ENOTCONN: it is no connection, or one that this side has ended, or
 * that is broken; -EAGAIN: it cannot be told.
 */
static int find_truth(int fd, struct journal_truth *ret_truth)
{
	struct tcp_info before, after;
	int unread, unconfirmed;

	for (int look = 0; look < LOOKS; look++) {
		if (ask(fd, &before) || ioctl(fd, SIOCINQ, &unread) ||
		    ioctl(fd, SIOCOUTQ, &unconfirmed) || ask(fd, &after))
			return -ENOTCONN;
		if (!is_same(&before, &after))
			continue;
		if (after.tcpi_state != BPF_TCP_ESTABLISHED &&
		    after.tcpi_state != BPF_TCP_CLOSE_WAIT)
			return -ENOTCONN;
		/* the client's FIN is counted as a byte */
		ret_truth->read = after.tcpi_bytes_received - (uint64_t)unread -
				  (after.tcpi_state == BPF_TCP_CLOSE_WAIT);
		ret_truth->written = after.tcpi_bytes_acked + (uint64_t)unconfirmed;
		return skips_none(fd) ? 0 : -EAGAIN;
	}
	return -EAGAIN;
}

/* sending */

static int send_one(int socket, const struct bequest *bequest, int fd)
{
	struct pollfd room = {.fd = socket, .events = POLLOUT};

	for (int wait = 0; wait < WAITS; wait++) {
		int error = pass_send(socket, bequest, bequest_size(bequest), fd);

		if (error == -EAGAIN && poll(&room, 1, PATIENCE_MS) > 0)
			continue;
		if (error != -ETOOMANYREFS)
			return error;
		poll(NULL, 0, REST_MS); /* its user has as many on their way as it may */
	}
	return -ETIMEDOUT;
}

static void cut(int fd)
{
	struct linger none = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

static void describe(struct bequest *bequest, const struct journal_line *line,
		     const struct journal_truth *truth)
{
	bool told = line->marks[line->at & 1].told;

	bequest->version = HANDOVER_VERSION;
	bequest->listener = line->listener;
	bequest->header = told ? line->header : 0;
	bequest->read = truth->read - bequest->header;
	bequest->written = truth->written;
	bequest->peer = told ? line->told_peer : line->peer;
	bequest->port = told ? line->told_port : line->port;
	bequest->local = told ? line->local : (struct addr){};
	bequest->local_port = told ? line->local_port : 0;
}

static enum journal_verdict judge(const struct journal *journal, int fd,
				  struct journal_truth *ret_truth, const char **ret_bytes,
				  size_t *ret_length)
{
	const struct journal_line *line = &journal->lines[fd];
	int error = line->apart ? -ENOTCONN : find_truth(fd, ret_truth);

	if (error)
		return error == -EAGAIN ? JOURNAL_CUT : JOURNAL_LET;
	return journal_judge(journal, line, ret_truth, ret_bytes, ret_length);
}

/* False: nobody takes any. */
static bool bequeath(const struct journal *journal, int socket, int fd)
{
	static struct bequest bequest;
	struct journal_truth truth;
	const char *bytes;
	size_t length;
	enum journal_verdict verdict = judge(journal, fd, &truth, &bytes, &length);
	int error;

	if (verdict == JOURNAL_CUT)
		cut(fd);
	if (verdict != JOURNAL_KEEP || socket < 0)
		return true;
	describe(&bequest, &journal->lines[fd], &truth);
	bequest.length = (uint32_t)length;
	if (length)
		memcpy(bequest.bytes, bytes, length);
	error = send_one(socket, &bequest, fd);
	return !error || error == -EMSGSIZE;
}

/*
 * One that was accepted just now has no line. It is known by this: nothing was read or written, and
 * the other side has not confirmed a SYN of this one's, which counts as a byte of those connections
 * that were made from here. False: it is another one.
 */
static bool bequeath_newest(const struct journal *journal, int socket, int fd)
{
	static struct bequest bequest;
	struct sockaddr_storage from = {};
	socklen_t length = sizeof(from);
	struct journal_truth truth;

	if (find_truth(fd, &truth) || truth.read || truth.written ||
	    getpeername(fd, (struct sockaddr *)&from, &length))
		return false;
	bequest = (struct bequest){.version = HANDOVER_VERSION,
				   .listener = journal->shared->accepting - 1};
	upstream_address_of((struct sockaddr *)&from, &bequest.peer, &bequest.port);
	send_one(socket, &bequest, fd);
	return true;
}

/* The same of one that has just come from another worker, and is as it was there. Connections to
 * backends read no urgent data in line, and cannot be taken for it. */
static bool bequeath_inherited(const struct journal *journal, int socket, int fd)
{
	const struct bequest *bequest = journal->bequest;
	struct journal_truth truth;

	if (bequest->version != HANDOVER_VERSION || bequest->length > BUFFER_SIZE ||
	    bequest->length > bequest->read || find_truth(fd, &truth) ||
	    truth.read != bequest->read + bequest->header || truth.written != bequest->written)
		return false;
	send_one(socket, bequest, fd);
	return true;
}

/* One that has no line: at most one of them is a client's. */
static bool bequeath_unknown(const struct journal *journal, int socket, int fd)
{
	const struct journal_shared *shared = journal->shared;

	return (shared->accepting && bequeath_newest(journal, socket, fd)) ||
	       (shared->inheriting && bequeath_inherited(journal, socket, fd));
}

void keeper_bequeath(const struct journal *journal, int socket, bool alone)
{
	uint32_t most = journal->shared->most;
	bool unknown = true;

	for (uint32_t fd = HANDOVER_KEEPER_FD + 1; fd < journal->fds; fd++) {
		if (fd < most && journal->lines[fd].open) {
			if (!bequeath(journal, socket, (int)fd))
				socket = -1;
		} else if (unknown && socket >= 0 && bequeath_unknown(journal, socket, (int)fd)) {
			unknown = false;
		}
		if (alone)
			close((int)fd);
	}
}

/* the process */

#define ANY(name)                        \
	{                                \
		.number = SCMP_SYS(name) \
	}
#define ONLY(name, which, wanted)                                                     \
	{                                                                             \
		.number = SCMP_SYS(name), .argument = (which), .mask = 0xffffffffULL, \
		.value = (wanted)                                                     \
	}

static const struct sandbox_call calls[] = {
	ANY(poll),
	ANY(ppoll),
	ANY(restart_syscall),
	ANY(getsockopt),
	ANY(getpeername),
	ANY(close),
	ONLY(setsockopt, 1, SOL_SOCKET),
	ONLY(ioctl, 1, SIOCINQ),
	ONLY(ioctl, 1, SIOCOUTQ),
	ANY(sendmsg),
	ANY(write), /* the log */
	ANY(clock_gettime),
	ANY(gettimeofday),
	ANY(time),
	ANY(fstat),
	ANY(newfstatat),
	ANY(brk),
	ANY(munmap),
	ANY(rt_sigprocmask),
	ANY(rt_sigreturn),
	ANY(exit),
	ANY(exit_group),
};

/* The child's life. It returns its exit code: atexit handlers are the worker's, and none are run.
 */
static int keep(const struct journal *journal, int worker, int socket, uid_t uid, gid_t gid)
{
	struct pollfd end = {.fd = worker, .events = POLLIN};
	int error;

	prctl(PR_SET_NAME, "mtlb-keeper");
	error = sandbox_drop(uid, gid);
	if (!error && prctl(PR_SET_DUMPABLE, 0))
		error = -errno;
	error = error ?: sandbox_filter(calls, sizeof(calls) / sizeof(calls[0]));
	if (error) {
		log_error("proxy", "the keeper of connections cannot give up its rights: %s",
			  strerror(-error));
		return 1;
	}
	while (poll(&end, 1, -1) < 0)
		if (errno != EINTR)
			return 1;
	if (!(end.revents & POLLIN))
		return 1; /* the worker is alive, as far as is known */
	keeper_bequeath(journal, socket, true);
	return 0;
}

static int pidfd_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0); /* with FD_CLOEXEC */

	return fd < 0 ? -errno : fd;
}

int keeper_start(const struct journal *journal, int socket, uid_t uid, gid_t gid)
{
	int worker = pidfd_open(getpid());
	long pid;

	if (worker < 0)
		return worker;
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid)
		_exit(keep(journal, worker, socket, uid, gid));
	return pid < 0 ? -errno : pidfd_open((pid_t)pid);
}
