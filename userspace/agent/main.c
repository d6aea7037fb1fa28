// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* mtlbd: the command line, the signals, and the loop. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/version.h"
#include "../dataplane/dataplane.h"
#include "agent.h"
#include "manager.h"
#include "rights.h"

static const char usage[] =
	"usage: mtlbd [OPTIONS]\n"
	"\n"
	"Loads the dataplane, keeps it as the configuration says, and answers `mtlb`.\n"
	"It stays in the foreground and logs to stderr. SIGHUP reads the configuration again;\n"
	"SIGTERM and SIGINT end it and leave the dataplane forwarding.\n"
	"\n"
	"  -c, --config PATH   a YAML file, or a directory of them (/etc/mtlb)\n"
	"      --bpffs DIR     where programs and maps are pinned (/sys/fs/bpf/mtlb)\n"
	"  -s, --socket PATH   where the API answers (api.socket, or /run/mtlb/api.sock)\n"
	"      --prober PATH   the program that makes health checks (mtlb-prober beside mtlbd)\n"
	"      --detach        at the end, detach and take the dataplane down\n"
	"      --check         check the configuration, print what is wrong, and exit\n"
	"      --remove        detach and take down a dataplane that was left, and exit\n"
	"  -v, --verbose       log what is done in detail, and the kernel's verifier\n"
	"  -V, --version       print the version and exit\n"
	"  -h, --help          print this and exit\n";

enum {
	OPTION_BPFFS = 256,
	OPTION_PROBER,
	OPTION_DETACH,
	OPTION_CHECK,
	OPTION_REMOVE,
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"bpffs", required_argument, NULL, OPTION_BPFFS},
	{"socket", required_argument, NULL, 's'},
	{"prober", required_argument, NULL, OPTION_PROBER},
	{"detach", no_argument, NULL, OPTION_DETACH},
	{"check", no_argument, NULL, OPTION_CHECK},
	{"remove", no_argument, NULL, OPTION_REMOVE},
	{"verbose", no_argument, NULL, 'v'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{},
};

enum action {
	ACTION_RUN,
	ACTION_CHECK,
	ACTION_REMOVE,
	ACTION_DONE,
	ACTION_WRONG,
};

static enum action parse_options(int argc, char **argv, struct agent_options *options)
{
	enum action action = ACTION_RUN;
	int option;

	while ((option = getopt_long(argc, argv, "c:s:vVh", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case OPTION_BPFFS:
			options->bpffs = optarg;
			break;
		case 's':
			options->api_socket = optarg;
			break;
		case OPTION_PROBER:
			options->prober = optarg;
			break;
		case OPTION_DETACH:
			options->detach = true;
			break;
		case OPTION_CHECK:
			action = ACTION_CHECK;
			break;
		case OPTION_REMOVE:
			action = ACTION_REMOVE;
			break;
		case 'v':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case 'V':
			printf("mtlbd %s, dataplane ABI %d\n", version_text, MTLB_ABI_VERSION);
			return ACTION_DONE;
		case 'h':
			fputs(usage, stdout);
			return ACTION_DONE;
		default:
			fputs("try: mtlbd --help\n", stderr);
			return ACTION_WRONG;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "mtlbd: \"%s\": expected options only; try: mtlbd --help\n",
			argv[optind]);
		return ACTION_WRONG;
	}
	return action;
}

static int check(const char *path)
{
	struct config_errors errors = {};
	struct config config = {};
	char text[1024];
	int error = config_load(path, &config, &errors);

	for (size_t i = 0; i < errors.count; i++)
		fprintf(stderr, "%s\n", config_error_format(&errors.list[i], text, sizeof(text)));
	if (!error)
		printf("%s: ok, %zu tenants\n", path, config.state.tenant_count);
	config_errors_fini(&errors);
	config_fini(&config);
	return error ? 1 : 0;
}

static int take_down(const char *directory)
{
	struct err err = {};

	if (dataplane_remove(directory, &err)) {
		fprintf(stderr, "mtlbd: %s\n", err.text);
		return 1;
	}
	return 0;
}

static void on_signal(struct loop_fd *fd, uint32_t events)
{
	struct manager *manager = fd->context;
	struct agent *agent = manager->agent;
	struct signalfd_siginfo info;

	(void)events;
	if (read(fd->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		struct config_errors errors = {};
		struct err err = {};

		log_info("agent", "SIGHUP: reading %s again", agent->options.config);
		manager_reloading(manager);
		agent_reload(agent, NULL, NULL, &errors, &err);
		manager_ready(manager);
		config_errors_fini(&errors);
		return;
	}
	log_info("agent", "%s: stopping; %s", strsignal((int)info.ssi_signo),
		 agent->options.detach ? "taking the dataplane down"
				       : "the dataplane goes on forwarding");
	manager_stopping(manager);
	loop_stop(agent->loop);
}

/* One descriptor per probe under way: a rack of dead hosts must not exhaust them. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int run(const struct agent_options *options)
{
	struct agent agent;
	struct manager manager;
	struct loop_fd signals = {.ready = on_signal, .context = &manager};
	struct err err = {};
	sigset_t set;
	int error;

	/* blocked before anything is started, so that none is lost or kills it half way */
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	raise_file_limit();

	if (rights_limit(&err) || manager_open(&manager, &agent, &err) ||
	    agent_start(&agent, options, &err)) {
		log_error("agent", "%s", err.text);
		return 1;
	}
	signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	error = signals.fd < 0 ? -errno : loop_fd_set(agent.loop, &signals, EPOLLIN);
	if (!error) {
		manager_ready(&manager);
		error = manager_watch(&manager) ?: loop_run(agent.loop);
	}
	if (error)
		log_error("agent", "the event loop failed: %s", strerror(-error));
	agent_stop(&agent);
	manager_close(&manager);
	close(signals.fd);
	return error ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct agent_options options = {
		.config = "/etc/mtlb",
		.bpffs = "/sys/fs/bpf/mtlb",
	};

	switch (parse_options(argc, argv, &options)) {
	case ACTION_RUN:
		return run(&options);
	case ACTION_CHECK:
		return check(options.config);
	case ACTION_REMOVE:
		return take_down(options.bpffs);
	case ACTION_DONE:
		return 0;
	default:
		return 1;
	}
}
