// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * mtlb-prober: asks backends for their health, on behalf of mtlbd and without any of its rights.
 * mtlbd starts it, and starts it again; it is not for the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/version.h"
#include "../sys/sandbox.h"
#include "calls.h"
#include "kinds.h"
#include "../wire/probes.h"
#include "session.h"

static const char usage[] =
	"usage: mtlb-prober [OPTIONS]\n"
	"\n"
	"Makes health checks for mtlbd, which starts it; it does nothing by itself.\n"
	"\n"
	"  -u, --user NAME   whom to become (mtlb if there is such a user, else nobody)\n"
	"  -v, --verbose     log what is done in detail\n"
	"  -V, --version     print the version and exit\n"
	"  -h, --help        print this and exit\n";

static const struct option long_options[] = {
	{"user", required_argument, NULL, 'u'},
	{"verbose", no_argument, NULL, 'v'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{},
};

static bool has_socket(void)
{
	socklen_t length = sizeof(int);
	int type = 0;

	return getsockopt(PROBES_SOCKET_FD, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
	       type == SOCK_SEQPACKET;
}

/* Nothing was read from anybody before it returns. */
static int give_up_rights(const char *name)
{
	uid_t uid = 0;
	gid_t gid = 0;
	int error = sandbox_find_user(name, &uid, &gid);

	if (error == -ENOENT)
		log_error("prober",
			  "there is no user \"%s\" to become: create it, or name another "
			  "one (node.health.user)",
			  name ? name : "nobody");
	else if (error)
		log_error("prober",
			  "the user \"%s\" is root, or in its group: name another one "
			  "(node.health.user)",
			  name ? name : "mtlb");
	if (error)
		return error;
	tzset(); /* of the log: no file can be opened later */
	error = sandbox_drop(uid, gid);
	if (error)
		log_error("prober", "cannot give up its rights: %s", strerror(-error));
	else if ((error = sandbox_filter(calls, calls_count)))
		log_error("prober", "cannot limit its system calls: %s", strerror(-error));
	return error;
}

static int run(const char *user)
{
	struct session *session = NULL;
	struct loop *loop = NULL;
	int error;

	if (!has_socket()) {
		fputs("mtlb-prober: it is started by mtlbd, not by hand\n", stderr);
		return 1;
	}
	/* What mtlbd had open is not for us; it has closed all but a mistake itself. */
	close_range(PROBES_SOCKET_FD + 1, ~0U, 0);
	signal(SIGPIPE, SIG_IGN);
	error = loop_new(&loop);
	if (error) {
		log_error("prober", "cannot make an event loop: %s", strerror(-error));
		return 1;
	}
	error = kinds_prepare(loop);
	if (error) {
		log_error("prober", "cannot get ready: %s", strerror(-error));
		return 1;
	}
	if (give_up_rights(user))
		return 1;
	error = session_new(loop, PROBES_SOCKET_FD, &session);
	error = error ?: loop_run(loop);
	error = error ?: session_error(session);
	if (error)
		log_error("prober", "it cannot go on: %s", strerror(-error));
	session_free(session);
	loop_free(loop);
	return error ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *user = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "u:vVh", long_options, NULL)) != -1) {
		switch (option) {
		case 'u':
			user = optarg;
			break;
		case 'v':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case 'V':
			printf("mtlb-prober %s\n", version_text);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs("try: mtlb-prober --help\n", stderr);
			return 1;
		}
	}
	return run(user);
}
