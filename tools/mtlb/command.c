// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/model/suggest.h"
#include "help.h"
#include "safe.h"
#include "version.h"
#include "words.h"

#define WORDS_MAX 32 /* nouns, or verbs of one */

__attribute__((format(printf, 2, 0))) static void print_sentence(const struct options *options,
								 const char *format, va_list args)
{
	char *text = NULL;

	fflush(stdout); /* what came before stands before */
	fputs("mtlb: ", stderr);
	if (options->place)
		fprintf(stderr, "%s: ", options->place);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	safe_print(stderr, text ? text : format);
	fputc('\n', stderr);
	free(text);
}

int command_fail(const struct options *options, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_sentence(options, format, args);
	va_end(args);
	return EXIT_ERROR;
}

int command_misused(const struct call *call, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_sentence(call->options, format, args);
	va_end(args);
	fputs("usage: ", stderr);
	help_print_usage(stderr, call->noun, call->verb);
	fputc('\n', stderr);
	return EXIT_ERROR;
}

int command_expect_args(const struct call *call, int max)
{
	if (call->argc <= max)
		return 0;
	return command_misused(call, "\"%s\" is one word too many", call->argv[max]);
}

const struct noun *command_find_noun(const struct options *options, const char *typed)
{
	const char *words[WORDS_MAX];
	size_t count = 0;
	struct err err;
	int found;

	for (; count < WORDS_MAX && nouns[count]; count++)
		words[count] = nouns[count]->name;
	found = words_find(typed, words, count, "noun", &err);
	if (found >= 0)
		return nouns[found];
	command_fail(options, "%s", err.text);
	fputs("`mtlb help` lists the nouns\n", stderr);
	return NULL;
}

static int find_verb(struct call *call, const char *typed)
{
	const struct verb *verbs = call->noun->verbs;
	const char *words[WORDS_MAX];
	size_t count = 0;
	struct err err;
	char what[64];
	int found;

	for (; count < WORDS_MAX && verbs[count].name; count++)
		words[count] = verbs[count].name;
	snprintf(what, sizeof(what), "verb of %s called", call->noun->name);
	found = words_find(typed, words, count, what, &err);
	if (found < 0) {
		command_fail(call->options, "%s", err.text);
		fprintf(stderr, "`mtlb help %s` lists the verbs\n", call->noun->name);
		return EXIT_ERROR;
	}
	call->verb = &verbs[found];
	return 0;
}

/* A noun alone is listed or shown, where that asks for nothing more. */
static int default_verb(struct call *call)
{
	if (!call->noun->endpoint)
		return command_misused(call, "%s needs a verb", call->noun->name);
	call->verb = &call->noun->verbs[0];
	return 0;
}

static int dispatch(const struct options *options, int argc, char **argv, bool help)
{
	struct call call = {.options = options};
	int code;

	if (!argc) {
		help_print(help ? stdout : stderr);
		return help ? EXIT_OK : EXIT_ERROR;
	}
	call.noun = command_find_noun(options, argv[0]);
	if (!call.noun)
		return EXIT_ERROR;
	call.argc = argc - 1;
	call.argv = argv + 1;
	if (call.noun->verbs && call.argc && !strcmp(call.argv[call.argc - 1], "help"))
		help = true;
	if (help) {
		help_print_noun(stdout, call.noun);
		return EXIT_OK;
	}
	if (call.noun->run)
		return call.noun->run(&call);
	code = call.argc ? find_verb(&call, call.argv[0]) : default_verb(&call);
	if (code)
		return code;
	if (call.argc) {
		call.argc--;
		call.argv++;
	}
	return call.verb->run(&call);
}

/* What getopt returns: the letter, if there is one. */
enum option_index {
#define MTLB_OPTION(letter, word, argument, sentence) INDEX_##word,
#include "options.def"
};

enum {
#define MTLB_OPTION(letter, word, argument, sentence) \
	OPTION_##word = (letter) ? (letter) : 256 + INDEX_##word,
#include "options.def"
};

static const struct option long_options[] = {
#define MTLB_OPTION(letter, word, argument, sentence) \
	{#word, (argument) ? required_argument : no_argument, NULL, OPTION_##word},
#include "options.def"
	{},
};

static struct suggest_tail nearest_option(const char *word)
{
	char typed[SUGGEST_LENGTH_MAX + 1];
	struct suggest near;

	snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	suggest_init(&near, typed);
	for (const struct option *option = long_options; option->name; option++)
		suggest_offer(&near, option->name);
	return suggest_tail(&near);
}

/* getopt's own words would not say where in a batch they belong. */
static int bad_option(const struct options *options, char **argv, int missing)
{
	const char *word = argv[optind - 1];

	if (missing)
		command_fail(options, "%s needs an argument", word);
	else if (optopt && optopt < 256)
		command_fail(options, "there is no option -%c", optopt);
	else
		command_fail(options, "there is no option %s, or it takes no argument%s", word,
			     nearest_option(word).text);
	fputs("`mtlb help` lists the options\n", stderr);
	return EXIT_ERROR;
}

int command_run(const struct options *base, int argc, char **argv)
{
	struct options options = *base;
	bool help = false, version = false;
	int letter;

	opterr = 0;
	optind = 0; /* from the start, for a batch gets here more than once */
	while ((letter = getopt_long(argc, argv, ":jps:hV", long_options, NULL)) != -1) {
		switch (letter) {
		case OPTION_pretty:
			options.pretty = true;
			/* fall through */
		case OPTION_json:
			options.json = true;
			break;
		case OPTION_raw:
			options.raw = true;
			break;
		case OPTION_wide:
			options.width = 0;
			break;
		case OPTION_socket:
			options.socket = optarg;
			options.own_socket = true;
			break;
		case OPTION_bpffs:
			options.bpffs = optarg;
			options.own_bpffs = true;
			break;
		case OPTION_help:
			help = true;
			break;
		case OPTION_version:
			version = true;
			break;
		default:
			return bad_option(&options, argv, letter == ':');
		}
	}
	if (version)
		return version_print(&options);
	return dispatch(&options, argc - optind, argv + optind, help);
}
