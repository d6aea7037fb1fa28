// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/base/short_options.h"
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
	const char *first = call->noun->verbs[0].name;

	if (strcmp(first, "list") != 0 && strcmp(first, "show") != 0)
		return command_misused(call, "%s needs a verb", call->noun->name);
	call->verb = &call->noun->verbs[0];
	return 0;
}

static int check_own_options(const struct call *call)
{
	const struct noun_option *own = call->noun->options;

	for (int i = 0; own && own[i].word; i++)
		if (call->given[i] && own[i].verb && strcmp(own[i].verb, call->verb->name) != 0)
			return command_misused(call, "--%s is an option of `mtlb %s %s` only",
					       own[i].word, call->noun->name, own[i].verb);
	return 0;
}

static int dispatch(struct call *call, bool help)
{
	int code;

	if (call->noun->verbs && call->argc && !strcmp(call->argv[call->argc - 1], "help"))
		help = true;
	if (help) {
		help_print_noun(stdout, call->options, call->noun);
		return EXIT_OK;
	}
	if (call->noun->run)
		return call->noun->run(call);
	code = call->argc ? find_verb(call, call->argv[0]) : default_verb(call);
	if (code)
		return code;
	if (call->argc) {
		call->argc--;
		call->argv++;
	}
	return check_own_options(call) ?: call->verb->run(call);
}

/* What getopt returns: the letter, if there is one. */
enum option_index {
#define MTLB_OPTION(letter, word, argument, sentence) INDEX_##word,
#include "options.def"
	OPTION_COUNT,
};

enum {
#define MTLB_OPTION(letter, word, argument, sentence) \
	OPTION_##word = (letter) ? (letter) : 256 + INDEX_##word,
#include "options.def"
};

#define OPTION_OF_NOUN 512 /* the first of its own */

static const struct option common_options[OPTION_COUNT] = {
#define MTLB_OPTION(letter, word, argument, sentence) \
	{#word, (argument) ? required_argument : no_argument, NULL, OPTION_##word},
#include "options.def"
};

/* Those that all nouns have, then the noun's own. */
struct option_table {
	struct option option[OPTION_COUNT + NOUN_OPTIONS_MAX + 1];
	char letters[SHORT_OPTIONS_MAX];
};

/* flags: as getopt has them. */
static void make_table(const struct noun *noun, const char *flags, struct option_table *table)
{
	const struct noun_option *own = noun ? noun->options : NULL;

	*table = (struct option_table){};
	memcpy(table->option, common_options, sizeof(common_options));
	for (int i = 0; own && own[i].word && i < NOUN_OPTIONS_MAX; i++)
		table->option[OPTION_COUNT + i] =
			(struct option){own[i].word, own[i].argument ? 1 : 0, NULL,
					own[i].letter ? own[i].letter : OPTION_OF_NOUN + i};
	short_options(table->option, flags, table->letters);
}

static struct suggest_tail nearest_option(const struct option_table *table, const char *word)
{
	char typed[SUGGEST_LENGTH_MAX + 1];
	struct suggest near;

	snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(word + 2, "="), word + 2);
	suggest_init(&near, typed);
	for (const struct option *option = table->option; option->name; option++)
		suggest_offer(&near, option->name);
	return suggest_tail(&near);
}

/* getopt's own words would not say where in a batch they belong. */
static int bad_option(const struct options *options, const struct option_table *table,
		      const struct noun *noun, char **argv, int missing)
{
	const char *word = argv[optind - 1];

	if (missing)
		command_fail(options, "%s needs an argument", word);
	else if (optopt && optopt < 256)
		command_fail(options, "there is no option -%c", optopt);
	else
		command_fail(options, "there is no option %s, or it takes no argument%s", word,
			     nearest_option(table, word).text);
	fprintf(stderr, "`mtlb help%s%s` lists the options\n", noun && noun->options ? " " : "",
		noun && noun->options ? noun->name : "");
	return EXIT_ERROR;
}

/* What is asked for by options, beside how it is to be done. */
struct asked {
	bool help, version;
	const char *given[NOUN_OPTIONS_MAX];
};

static void take_option(int option, const struct noun *noun, struct options *options,
			struct asked *asked)
{
	const struct noun_option *own = noun ? noun->options : NULL;

	switch (option) {
	case OPTION_pretty:
		options->pretty = true;
		/* fall through */
	case OPTION_json:
		options->json = true;
		break;
	case OPTION_raw:
		options->raw = true;
		break;
	case OPTION_wide:
		options->width = 0;
		break;
	case OPTION_socket:
		options->socket = optarg;
		options->own_socket = true;
		break;
	case OPTION_bpffs:
		options->bpffs = optarg;
		options->own_bpffs = true;
		break;
	case OPTION_help:
		asked->help = true;
		break;
	case OPTION_version:
		asked->version = true;
		break;
	default:
		for (int i = 0; own && own[i].word; i++)
			if (option == (own[i].letter ? own[i].letter : OPTION_OF_NOUN + i))
				asked->given[i] = optarg ? optarg : "";
	}
}

/* Up to the first word that is none, if flags say so. 0, or EXIT_ERROR. */
static int take_options(int argc, char **argv, const struct noun *noun, const char *flags,
			struct options *options, struct asked *asked)
{
	struct option_table table;
	int option;

	make_table(noun, flags, &table);
	opterr = 0;
	optind = 0; /* from the start, for a batch gets here more than once */
	while ((option = getopt_long(argc, argv, table.letters, table.option, NULL)) != -1) {
		if (option == '?' || option == ':')
			return bad_option(options, &table, noun, argv, option == ':');
		take_option(option, noun, options, asked);
	}
	return 0;
}

int command_run(const struct options *base, int argc, char **argv)
{
	struct options options = *base;
	struct call call = {.options = &options};
	struct asked asked = {};

	/* which options there are, the noun tells */
	if (take_options(argc, argv, NULL, "+:", &options, &asked))
		return EXIT_ERROR;
	argc -= optind;
	argv += optind;
	if (argc && !asked.version) {
		call.noun = command_find_noun(&options, argv[0]);
		if (!call.noun || take_options(argc, argv, call.noun, ":", &options, &asked))
			return EXIT_ERROR;
	}
	if (asked.version)
		return version_print(&options);
	if (!call.noun) {
		help_print(asked.help ? stdout : stderr, &options);
		return asked.help ? EXIT_OK : EXIT_ERROR;
	}
	call.argc = argc - optind;
	call.argv = argv + optind;
	call.given = asked.given;
	return dispatch(&call, asked.help);
}
