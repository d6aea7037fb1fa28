// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
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

#define PATIENCE_MS 10000 /* for the next worker to begin, or to take more */
#define LOOKS	    8	  /* at numbers that change meanwhile */

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

/*
 * Bytes that have come count before they are read, those that were written from when they are
 * confirmed: what is not read yet is to be taken off the one, what is not confirmed added to the
 * other, all of one moment. False: it is no connection, or one that this side has ended, or that is
 * broken, or too busy to tell.
 */
static bool find_truth(int fd, struct journal_truth *ret_truth)
{
	struct tcp_info before, after;
	int unread, unconfirmed;

	for (int look = 0; look < LOOKS; look++) {
		if (ask(fd, &before) || ioctl(fd, SIOCINQ, &unread) ||
		    ioctl(fd, SIOCOUTQ, &unconfirmed) || ask(fd, &after))
			return false;
		if (!is_same(&before, &after))
			continue;
		if (after.tcpi_state != BPF_TCP_ESTABLISHED &&
		    after.tcpi_state != BPF_TCP_CLOSE_WAIT)
			return false;
		/* the client's FIN is counted as a byte */
		ret_truth->read = after.tcpi_bytes_received - (uint64_t)unread -
				  (after.tcpi_state == BPF_TCP_CLOSE_WAIT);
		ret_truth->written = after.tcpi_bytes_acked + (uint64_t)unconfirmed;
		return true;
	}
	return false;
}

/* sending */

static int send_one(int socket, const struct bequest *bequest, int fd)
{
	struct pollfd room = {.fd = socket, .events = POLLOUT};
	int error;

	while ((error = pass_send(socket, bequest, bequest_size(bequest), fd)) == -EAGAIN ||
	       error == -ETOOMANYREFS)
		if (poll(&room, 1, PATIENCE_MS) <= 0)
			return -ETIMEDOUT;
	return error;
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

static int bequeath(const struct journal *journal, int socket, int fd)
{
	static struct bequest bequest;
	const struct journal_line *line = &journal->lines[fd];
	struct journal_truth truth;
	enum journal_verdict verdict;
	const char *bytes;
	size_t length;

	if (!find_truth(fd, &truth))
		return 0;
	verdict = journal_judge(journal, line, &truth, &bytes, &length);
	if (verdict == JOURNAL_CUT)
		cut(fd);
	if (verdict != JOURNAL_KEEP)
		return 0;
	describe(&bequest, line, &truth);
	bequest.length = (uint32_t)length;
	if (length)
		memcpy(bequest.bytes, bytes, length);
	return send_one(socket, &bequest, fd);
}

/*
 * One that was accepted just now has no line. It is known by this: nothing was read or written, and
 * the other side has not confirmed a SYN of this one's, which counts as a byte of those connections
 * that were made from here.
 */
static int bequeath_newest(const struct journal *journal, int socket)
{
	static struct bequest bequest;

	for (uint32_t fd = HANDOVER_KEEPER_FD + 1; fd < journal->fds; fd++) {
		struct sockaddr_storage from = {};
		socklen_t length = sizeof(from);
		struct journal_truth truth;

		if ((fd < journal->most && journal->lines[fd].open) ||
		    !find_truth((int)fd, &truth) || truth.read || truth.written ||
		    getpeername((int)fd, (struct sockaddr *)&from, &length))
			continue;
		bequest = (struct bequest){.version = HANDOVER_VERSION,
					   .listener = journal->accepting - 1};
		upstream_address_of((struct sockaddr *)&from, &bequest.peer, &bequest.port);
		return send_one(socket, &bequest, (int)fd);
	}
	return 0;
}

int keeper_bequeath(const struct journal *journal, int socket)
{
	uint32_t most = journal->most < journal->fds ? journal->most : journal->fds;
	int error = 0;

	for (uint32_t fd = 0; fd < most && !error; fd++)
		if (journal->lines[fd].open)
			error = bequeath(journal, socket, (int)fd);
	if (!error && journal->accepting)
		error = bequeath_newest(journal, socket);
	return error;
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

/* Its own process is about to have a child that is none of a program. */
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
	while (poll(&end, 1, -1) < 0 && errno == EINTR)
		;
	return keeper_bequeath(journal, socket) ? 1 : 0;
}

int keeper_start(const struct journal *journal, int socket, uid_t uid, gid_t gid)
{
	int worker = (int)syscall(SYS_pidfd_open, getpid(), 0);
	long pid;

	if (worker < 0)
		return -errno;
	fcntl(worker, F_SETFD, FD_CLOEXEC);
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid)
		_exit(keep(journal, worker, socket, uid, gid));
	return pid < 0 ? -errno : 0;
}
