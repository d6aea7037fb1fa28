// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * mtlb-proxy: a worker of the L7 tier. It speaks with clients and backends, and has no rights to
 * speak of: mtlbd starts it, and starts it again; it is not for the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/version.h"
#include "../sys/sandbox.h"
#include "../wire/handover.h"
#include "confine.h"
#include "journal.h"
#include "keeper.h"
#include "memory.h"
#include "orders.h"
#include "tls_server.h"
#include "worker.h"

static const char usage[] =
	"usage: mtlb-proxy [OPTIONS]\n"
	"\n"
	"Serves HTTP for mtlbd, which starts it; it does nothing by itself.\n"
	"\n"
	"Beside it, mtlb-keeper holds its connections for the next one, in case that it is "
	"killed.\n"
	"\n"
	"  -u, --user NAME   whom to become (mtlb if there is such a user, else nobody)\n"
	"  -s, --no-splice   copy all bodies through this process\n"
	"  -v, --verbose     log what is done in detail\n"
	"  -V, --version     print the version and exit\n"
	"  -h, --help        print this and exit\n";

static const struct option long_options[] = {
	{"user", required_argument, NULL, 'u'}, {"no-splice", no_argument, NULL, 's'},
	{"verbose", no_argument, NULL, 'v'},	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},	{},
};

static bool has_socket(int fd)
{
	socklen_t length = sizeof(int);
	int type = 0;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

/* Two descriptors for each connection; some for all else. */
#define OTHER_FDS 256

static void fit_limits(struct worker_limits *limits)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < 2 * (rlim_t)limits->conns + OTHER_FDS)
		limits->conns = limit.rlim_cur < 2 * OTHER_FDS
					? OTHER_FDS / 2
					: (unsigned)(limit.rlim_cur - OTHER_FDS) / 2;
}

#define BUFFERS \
	16384 /* requests beyond do not outlive the worker; memory that nobody used is none */
#define BUFFERS_READY 1024

static struct journal *journal; /* NULL: connections end with their worker */
static struct loop_fd keeper = {.fd = -1};
static struct loop *loop;

static void begin_journal(const struct worker_limits *limits, uid_t uid, gid_t gid)
{
	int error = has_socket(HANDOVER_KEEPER_FD)
			    ? journal_new(2 * limits->conns + OTHER_FDS, BUFFERS, &journal)
			    : -ENOTSOCK;

	keeper.fd = error ?: keeper_start(journal, HANDOVER_KEEPER_FD, uid, gid);
	if (keeper.fd >= 0)
		return;
	log_warn("proxy", "nobody keeps its connections if it is killed: %s", strerror(-keeper.fd));
	journal_free(journal);
	journal = NULL;
}

static void without_keeper(struct loop_fd *fd, uint32_t events)
{
	(void)events;
	log_warn("proxy",
		 "mtlb-keeper has ended: if this worker is killed now, its connections end");
	loop_fd_remove(loop, fd);
}

static void watch_keeper(void)
{
	keeper.ready = without_keeper;
	if (journal && loop_fd_set(loop, &keeper, EPOLLIN))
		log_warn("proxy", "it is not seen whether mtlb-keeper ends");
}

static int find_user(const char *user, uid_t *ret_uid, gid_t *ret_gid)
{
	int error = sandbox_find_user(user, ret_uid, ret_gid);

	if (error)
		log_error("proxy", "there is no user \"%s\" that is not root to become: create it",
			  user ? user : "nobody");
	return error;
}

/* Nothing was read from anybody before it returns. */
static int give_up_rights(uid_t uid, gid_t gid)
{
	int error;

	tzset(); /* of the log: no file can be opened later */
	error = tls_server_prepare();
	error = error ?: sandbox_drop(uid, gid);
	/* nobody reads keys out of it, be it by a core dump or as the same user */
	if (!error && prctl(PR_SET_DUMPABLE, 0))
		error = -errno;
	if (error)
		log_error("proxy", "cannot give up its rights: %s", strerror(-error));
	else if ((error = sandbox_filter(confine_calls, confine_count)))
		log_error("proxy", "cannot limit its system calls: %s", strerror(-error));
	return error;
}

static int serve(const struct worker_limits *limits)
{
	static struct worker worker;
	struct orders *orders = NULL;
	int error = worker_init(&worker, loop, limits);

	if (!error && journal)
		worker_keep_journal(&worker, journal, BUFFERS_READY);
	error = error ?: memory_prepare();
	if (error)
		return error;
	watch_keeper();
	error = orders_new(&worker, HANDOVER_SOCKET_FD, &orders);
	error = error ?: loop_run(loop);
	error = error ?: orders_error(orders);
	orders_free(orders);
	worker_fini(&worker);
	return error;
}

static int run(const char *user, struct worker_limits *limits)
{
	uid_t uid = 0;
	gid_t gid = 0;
	int error;

	if (!has_socket(HANDOVER_SOCKET_FD)) {
		fputs("mtlb-proxy: it is started by mtlbd, not by hand\n", stderr);
		return 1;
	}
	/* What mtlbd had open is not for us; it has closed all but a mistake itself. */
	close_range(HANDOVER_KEEPER_FD + 1, ~0U, 0);
	signal(SIGPIPE, SIG_IGN);
	fit_limits(limits);
	if (find_user(user, &uid, &gid))
		return 1;
	begin_journal(limits, uid, gid);
	error = loop_new(&loop);
	if (error) {
		log_error("proxy", "cannot make an event loop: %s", strerror(-error));
		return 1;
	}
	if (give_up_rights(uid, gid))
		return 1;
	error = serve(limits);
	if (error)
		log_error("proxy", "it cannot go on: %s", strerror(-error));
	loop_free(loop);
	journal_free(journal);
	return error ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct worker_limits limits = worker_limits_default;
	const char *user = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "u:svVh", long_options, NULL)) != -1) {
		switch (option) {
		case 'u':
			user = optarg;
			break;
		case 's':
			limits.can_splice = limits.splice = false;
			break;
		case 'v':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case 'V':
			printf("mtlb-proxy %s\n", version_text);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs("try: mtlb-proxy --help\n", stderr);
			return 1;
		}
	}
	return run(user, &limits);
}
