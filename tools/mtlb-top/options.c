// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "view.h"

#define EVERY_MIN 0.1
#define EVERY_MAX 3600

const char options_usage[] =
	"Usage: mtlb-top [OPTIONS]\n"
	"\n"
	"Who uses this node: tenants by rate, services, members, drops, the node itself.\n"
	"\n"
	"  -s, --socket PATH    socket of the agent ($MTLB_SOCKET, /run/mtlb/api.sock)\n"
	"  -d, --delay SECONDS  between two looks, 0.1 to 3600 (1)\n"
	"  -P, --panel NAME     begin with tenants, services, members, drops, node or routes\n"
	"  -b, --batch          print tables instead of drawing on a terminal\n"
	"  -n, --count N        of a batch: end after N tables\n"
	"  -w, --width N        of a batch: characters a line, 60 to 500 (120)\n"
	"      --record FILE    write down all that is seen; FILE must not exist\n"
	"      --replay FILE    show what was written down\n"
	"      --ascii          nothing but ASCII, whatever the locale\n"
	"  -h, --help           this text\n"
	"  -V, --version        which mtlb-top this is\n"
	"\n"
	"Keys are explained by h. NO_COLOR in the environment: no colours.\n";

enum {
	OPTION_RECORD = 256,
	OPTION_REPLAY,
	OPTION_ASCII
};

static const struct option long_options[] = {
	{"socket", required_argument, NULL, 's'},
	{"delay", required_argument, NULL, 'd'},
	{"panel", required_argument, NULL, 'P'},
	{"batch", no_argument, NULL, 'b'},
	{"count", required_argument, NULL, 'n'},
	{"width", required_argument, NULL, 'w'},
	{"record", required_argument, NULL, OPTION_RECORD},
	{"replay", required_argument, NULL, OPTION_REPLAY},
	{"ascii", no_argument, NULL, OPTION_ASCII},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{},
};

/* https://no-color.org: any value but the empty one. */
static bool wants_colour(void)
{
	const char *no_colour = getenv("NO_COLOR");

	return !(no_colour && *no_colour);
}

static int take_number(const char *option, const char *text, double min, double max, double *ret,
		       struct err *err)
{
	char *end;

	errno = 0;
	*ret = strtod(text, &end);
	if (end == text || *end || errno || !(*ret >= min && *ret <= max))
		return err_set(err, -EINVAL, "%s: expected a number from %g to %g, not \"%.40s\"",
			       option, min, max, text);
	return 0;
}

static int take_panel(const char *text, enum panel_id *ret, struct err *err)
{
	for (int i = 0; i < PANELS; i++)
		if (*text && !strncmp(panels[i]->name, text, strlen(text))) {
			*ret = (enum panel_id)i;
			return 0;
		}
	return err_set(err, -EINVAL,
		       "--panel: there is no panel \"%.40s\": expected tenants, services, members, "
		       "drops, node or routes",
		       text);
}

static int take_option(int option, struct options *ret, struct err *err)
{
	double number;
	int code;

	switch (option) {
	case 's':
		ret->socket = optarg;
		return 0;
	case 'd':
		return take_number("--delay", optarg, EVERY_MIN, EVERY_MAX, &ret->every, err);
	case 'P':
		return take_panel(optarg, &ret->panel, err);
	case 'b':
		ret->batch = true;
		return 0;
	case 'n':
		code = take_number("--count", optarg, 1, 1e9, &number, err);
		ret->count = code ? 0 : (unsigned long)number;
		return code;
	case 'w':
		code = take_number("--width", optarg, VIEW_WIDTH_MIN, VIEW_WIDTH_MAX, &number, err);
		ret->width = code ? 0 : (unsigned)number;
		return code;
	case OPTION_RECORD:
		ret->record = optarg;
		return 0;
	case OPTION_REPLAY:
		ret->replay = optarg;
		return 0;
	case OPTION_ASCII:
		ret->utf8 = false;
		return 0;
	case 'h':
		ret->help = true;
		return 0;
	case 'V':
		ret->version = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int check(const struct options *options, int argc, char **argv, struct err *err)
{
	if (optind < argc)
		return err_set(err, -EINVAL, "\"%.60s\" is one word too many", argv[optind]);
	if (options->record && options->replay)
		return err_set(err, -EINVAL, "--record and --replay do not go together");
	if (options->count && !options->batch)
		return err_set(err, -EINVAL, "--count is of --batch");
	if (!options->batch && !options->help && !options->version &&
	    !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		return err_set(err, -EINVAL, "this is no terminal: --batch prints tables");
	return 0;
}

int options_parse(int argc, char **argv, struct options *ret, struct err *err)
{
	const char *socket = getenv("MTLB_SOCKET");
	int option, code = 0;

	*ret = (struct options){
		.socket = socket && *socket ? socket : "/run/mtlb/api.sock",
		.every = 1,
		.width = 120,
		.colour = wants_colour(),
		.utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8"),
	};
	opterr = 0;
	while (!code &&
	       (option = getopt_long(argc, argv, ":s:d:P:bn:w:hV", long_options, NULL)) >= 0) {
		if (option == '?')
			code = err_set(err, -EINVAL, "there is no option %.60s: --help lists them",
				       argv[optind - 1]);
		else if (option == ':')
			code = err_set(err, -EINVAL, "%.60s needs an argument", argv[optind - 1]);
		else
			code = take_option(option, ret, err);
	}
	return code ? code : check(ret, argc, argv, err);
}
