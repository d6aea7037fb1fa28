// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * mtlb: the command line. A client of the agent's API, which needs no privilege but to reach the
 * socket; and a reader of the pinned maps, for root and without an agent. It writes to none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../userspace/inspect/pinned.h"
#include "../lib/client.h"
#include "command.h"

const struct noun *const nouns[] = {
	&tenant_noun,  &vip_noun,    &service_noun, &pool_noun,	  &backend_noun, &acl_noun,
	&route_noun,   &proxy_noun,  &tier_noun,    &feed_noun,	  &health_noun,	 &flow_noun,
	&drop_noun,    &event_noun,  &meter_noun,   &usage_noun,  &map_noun,	 &prog_noun,
	&trace_noun,   &config_noun, &node_noun,    &doctor_noun, &batch_noun,	 &help_noun,
	&version_noun, NULL,
};

/* https://no-color.org: any value but the empty one. */
static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) &&
	       !(terminal && !strcmp(terminal, "dumb"));
}

/*
 * 0 when nobody knows, or when there is none. COLUMNS (POSIX, 8.3) goes first: watch(1), whose
 * children write to a pipe, tells them so how wide its screen is.
 */
static size_t terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	char *end;

	if (columns && *columns >= '1' && *columns <= '9') {
		size_t width = strtoul(columns, &end, 10);

		if (!*end)
			return width;
	}
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

int main(int argc, char **argv)
{
	const char *socket = getenv("MTLB_SOCKET"), *bpffs = getenv("MTLB_BPFFS");
	struct options options = {
		.colour = wants_colour(),
		.width = terminal_width(),
		.socket = socket && *socket ? socket : "/run/mtlb/api.sock",
		.own_socket = socket && *socket,
		.bpffs = bpffs && *bpffs ? bpffs : PINNED_DIRECTORY,
		.own_bpffs = bpffs && *bpffs,
	};
	int code = command_run(&options, argc, argv);

	client_fini();
	/* A table that was cut short by a full disk must not look like a whole one. */
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "mtlb: cannot write: %s\n", strerror(errno));
		return EXIT_ERROR;
	}
	return code;
}
