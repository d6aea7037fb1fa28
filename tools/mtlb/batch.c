// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Commands from a file, one a line, until the first that fails. */
#include "noun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

#define WORDS_MAX 64

/* Cuts a line into words in place; returns how many, or -1 if there are too many. */
static int split(char *line, char *words[WORDS_MAX])
{
	char *rest = line, *word;
	int count = 0;

	while ((word = strsep(&rest, " \t\r\n"))) {
		if (*word == '#')
			break;
		if (!*word)
			continue;
		if (count == WORDS_MAX - 1)
			return -1;
		words[count++] = word;
	}
	words[count] = NULL;
	return count;
}

static int run_line(const struct options *options, char *line)
{
	char *words[WORDS_MAX + 1] = {"mtlb"};
	int count = split(line, words + 1);

	if (count < 0)
		return command_fail(options, "more than %d words in a line", WORDS_MAX - 1);
	return count ? command_run(options, count + 1, words) : EXIT_OK;
}

static int run_file(const struct call *call, FILE *file, const char *name)
{
	struct options options = *call->options;
	unsigned long number = 0;
	char *line = NULL, place[512];
	int code = EXIT_OK;
	size_t size = 0;

	while (code != EXIT_ERROR && getline(&line, &size, file) >= 0) {
		snprintf(place, sizeof(place), "%.480s:%lu", name, ++number);
		options.place = place;
		code = run_line(&options, line);
		fflush(stdout);
	}
	if (code != EXIT_ERROR && ferror(file))
		code = command_fail(call->options, "cannot read %s: %s", name, strerror(errno));
	free(line);
	/* That a diff found something is no failure of the batch. */
	return code == EXIT_ERROR ? EXIT_ERROR : EXIT_OK;
}

static int run(const struct call *call)
{
	const char *name = call->argc ? call->argv[0] : NULL;
	bool is_stdin = name && !strcmp(name, "-");
	FILE *file;
	int code;

	if (!name)
		return command_misused(call, "which file?");
	if (command_expect_args(call, 1))
		return EXIT_ERROR;
	if (call->options->place)
		return command_fail(call->options, "a batch in a batch is not allowed");
	file = is_stdin ? stdin : fopen(name, "re");
	if (!file)
		return command_fail(call->options, "cannot open %s: %s", name, strerror(errno));
	code = run_file(call, file, is_stdin ? "stdin" : name);
	if (!is_stdin)
		fclose(file);
	return code;
}

const struct noun batch_noun = {
	.name = "batch",
	.help = "commands from FILE (- is stdin), one a line, # comments; stops at an error",
	.args = "FILE",
	.run = run,
};
