// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * mtlb-prober: asks backends for their health, on behalf of mtlbd and without any of its rights.
 * mtlbd starts it, and starts it again; it is not for the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/version.h"
#include "../sys/sandbox.h"
#include "calls.h"
#include "kinds.h"
#include "../wire/probes.h"
#include "script.h"
#include "script_calls.h"
#include "session.h"
#include "way.h"

static const char usage[] =
	"usage: mtlb-prober [OPTIONS]\n"
	"\n"
	"Makes health checks for mtlbd, which starts it; it does nothing by itself.\n"
	"\n"
	"  -u, --user NAME   whom to become (mtlb if there is such a user, else nobody)\n"
	"  -s, --scripts DIR do nothing but run scripts of that directory\n"
	"  -n, --at-once N   so many at a time\n"
	"  -v, --verbose     log what is done in detail\n"
	"  -V, --version     print the version and exit\n"
	"  -h, --help        print this and exit\n";

static const struct option long_options[] = {
	{"user", required_argument, NULL, 'u'},
	{"scripts", required_argument, NULL, 's'},
	{"at-once", required_argument, NULL, 'n'},
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

struct options {
	const char *user;
	const char *scripts; /* the directory of those that it runs; NULL: it asks by itself */
	uint32_t at_once;
};

static int refuse_user(const struct options *options, int error)
{
	const char *name = options->user ? options->user : "nobody";

	if (error == -ENOENT)
		log_error("prober", "there is no user \"%s\" to become: create it%s%s%s", name,
			  options->scripts ? " (useradd --system --user-group " : "",
			  options->scripts ? name : "",
			  options->scripts ? "), or name another one in node.health.scriptUser"
					   : "");
	else
		log_error("prober", "the user \"%s\" is root, or in its group: %s", name,
			  options->scripts ? "name another one in node.health.scriptUser"
					   : "give it another number");
	return error;
}

/* Scripts could end a prober that is the same user. */
static int refuse_shared(const struct options *options, uid_t uid)
{
	uid_t other = 0;
	gid_t group;

	if (!options->scripts || sandbox_find_user(NULL, &other, &group) || other != uid)
		return 0;
	log_error("prober",
		  "the user \"%s\" is the one of the prober as well: name one of its own in "
		  "node.health.scriptUser",
		  options->user);
	return -EPERM;
}

/* For want of memory scripts go first. Not looked into, nor written to, by those it starts. */
static int shield(const struct options *options)
{
	FILE *file = options->scripts ? fopen("/proc/self/oom_score_adj", "w") : NULL;

	if (file) {
		fputs("500", file);
		fclose(file);
	}
	return options->scripts && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ? -errno : 0;
}

/* Nothing was read from anybody before it returns. */
static int give_up_rights(const struct options *options)
{
	uid_t uid = 0;
	gid_t gid = 0;
	int error = sandbox_find_user(options->user, &uid, &gid);

	if (error)
		return refuse_user(options, error);
	error = refuse_shared(options, uid);
	if (error)
		return error;
	tzset(); /* of the log: no file can be opened later */
	error = shield(options) ?: sandbox_drop_tied(uid, gid);
	if (error)
		log_error("prober", "cannot give up its rights: %s", strerror(-error));
	else if ((error = options->scripts ? script_calls_limit()
					   : sandbox_filter(calls, calls_count)))
		log_error("prober", "cannot limit its system calls: %s", strerror(-error));
	return error;
}

static int prepare(struct loop *loop, const struct options *options)
{
	return options->scripts ? script_prepare(loop, options->scripts, options->at_once)
				: kinds_prepare(loop);
}

static int run(const struct options *options)
{
	struct session *session = NULL;
	struct loop *loop = NULL;
	int error;

	if (!has_socket()) {
		fputs("mtlb-prober: it is started by mtlbd, not by hand\n", stderr);
		return 1;
	}
	/* What mtlbd had open is not for us; it has closed all but a mistake itself. */
	error = way_prepare();
	close_range(PROBES_SOCKET_FD + 1, ~0U, 0);
	if (error) {
		log_error("prober", "cannot take over the table of ports: %s", strerror(-error));
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	error = loop_new(&loop);
	if (error) {
		log_error("prober", "cannot make an event loop: %s", strerror(-error));
		return 1;
	}
	error = prepare(loop, options);
	if (error) {
		log_error("prober", "cannot get ready: %s", strerror(-error));
		return 1;
	}
	if (give_up_rights(options))
		return 1;
	error = session_new(loop, PROBES_SOCKET_FD, &session);
	if (!error)
		session_limit(session, options->at_once);
	error = error ?: loop_run(loop);
	error = error ?: session_error(session);
	if (error)
		log_error("prober", "it cannot go on: %s", strerror(-error));
	session_free(session);
	loop_free(loop);
	return error ? 1 : 0;
}

static int take_number(const char *text, uint32_t *ret_number)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*end || !number || number > 64)
		return -EINVAL;
	*ret_number = (uint32_t)number;
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = {};
	int option;

	while ((option = getopt_long(argc, argv, "u:s:n:vVh", long_options, NULL)) != -1) {
		switch (option) {
		case 'u':
			options.user = optarg;
			break;
		case 's':
			options.scripts = optarg;
			break;
		case 'n':
			if (take_number(optarg, &options.at_once) == 0)
				break;
			fputs("mtlb-prober: --at-once must be a number from 1 to 64\n", stderr);
			return 1;
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
	if (options.scripts && (!options.at_once || !options.user)) {
		fputs("mtlb-prober: --scripts needs --at-once and --user\n", stderr);
		return 1;
	}
	return run(&options);
}
