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
#include "../base/short_options.h"
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
	"SIGTERM and SIGINT end it and leave the dataplane forwarding.\n";

enum option_index {
#define MTLBD_OPTION(letter, word, argument, sentence) INDEX_##word,
#include "../model/mtlbd.def"
};

/* What getopt returns: the letter, if there is one. */
enum {
#define MTLBD_OPTION(letter, word, argument, sentence) \
	OPTION_##word = (letter) ? (letter) : 256 + INDEX_##word,
#include "../model/mtlbd.def"
};

static const struct option long_options[] = {
#define MTLBD_OPTION(letter, word, argument, sentence) \
	{#word, (argument) ? required_argument : no_argument, NULL, OPTION_##word},
#include "../model/mtlbd.def"
	{},
};

static void print_option(int option, const char *word, const char *argument, const char *sentence)
{
	int length;

	if (option < 256)
		length = printf("  -%c, --%s", option, word);
	else
		length = printf("      --%s", word);
	if (argument)
		length += printf(" %s", argument);
	printf("%*s%s\n", 22 - length, "", sentence);
}

static void print_help(void)
{
	puts(usage);
#define MTLBD_OPTION(letter, word, argument, sentence) \
	print_option(OPTION_##word, #word, argument, sentence);
#include "../model/mtlbd.def"
}

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
	char letters[SHORT_OPTIONS_MAX];
	int option;

	short_options(long_options, "", letters);
	while ((option = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		switch (option) {
		case OPTION_config:
			options->config = optarg;
			break;
		case OPTION_bpffs:
			options->bpffs = optarg;
			break;
		case OPTION_socket:
			options->api_socket = optarg;
			break;
		case OPTION_prober:
			options->prober = optarg;
			break;
		case OPTION_detach:
			options->detach = true;
			break;
		case OPTION_check:
			action = ACTION_CHECK;
			break;
		case OPTION_remove:
			action = ACTION_REMOVE;
			break;
		case OPTION_verbose:
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case OPTION_version:
			printf("mtlbd %s, dataplane ABI %d\n", version_text, MTLB_ABI_VERSION);
			return ACTION_DONE;
		case OPTION_help:
			print_help();
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
	struct err err = {}, other = {};
	int error = dataplane_remove(directory, &err);

	if (error)
		fprintf(stderr, "mtlbd: %s\n", err.text);
	/* it belongs to the agent that works there */
	if (error == -EBUSY)
		return 1;
	if (passage_remove(directory, &other)) {
		fprintf(stderr, "mtlbd: %s\n", other.text);
		return 1;
	}
	return error ? 1 : 0;
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
