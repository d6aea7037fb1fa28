// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "completion.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/model/schema.h"
#include "cell.h"
#include "../lib/client.h"
#include "command.h"
#include "list.h"
#include "safe.h"

/* Words before the one that is typed: mtlb NOUN VERB, then what that verb takes. Nothing of
 * bash-completion is needed. An address has colons, at which bash has cut what was typed: the line
 * is cut at blanks instead, and what bash holds for done is taken off the answers.
 */
static const char script[] =
	"# The one of the words after $1 that is $1, or alone begins with it.\n"
	"_mtlb_word() {\n"
	"\tlocal typed=$1 word found=()\n"
	"\tshift\n"
	"\tfor word; do\n"
	"\t\tif [[ $word == \"$typed\" ]]; then\n"
	"\t\t\techo \"$word\"\n"
	"\t\t\treturn\n"
	"\t\tfi\n"
	"\t\t[[ $word != \"$typed\"* ]] || found+=(\"$word\")\n"
	"\tdone\n"
	"\t[[ ${#found[@]} != 1 ]] || echo \"${found[0]}\"\n"
	"}\n"
	"\n"
	"# What may stand there, by the mark of the table: @file, @noun, @NOUN [KEYWORD] or "
	"words.\n"
	"_mtlb_offer() {\n"
	"\tlocal mark=$1 typed=$2\n"
	"\tcase $mark in\n"
	"\t@file) compgen -f -- \"$typed\" ;;\n"
	"\t@noun) compgen -W \"$_mtlb_nouns\" -- \"$typed\" ;;\n"
	"\t@*) compgen -W \"$(\"${_mtlb_ask[@]}\" help completion names ${mark#@} 2>/dev/null)\" "
	"-- "
	"\"$typed\" ;;\n"
	"\t*) compgen -W \"$mark\" -- \"$typed\" ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"_mtlb() {\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} words=() plain=() typed= noun verb key mark i\n"
	"\tlocal _mtlb_ask=(\"${COMP_WORDS[0]}\")\n"
	"\tread -ra words <<<\"$line\"\n"
	"\tif [[ $line != *[[:space:]] ]]; then\n"
	"\t\ttyped=${words[-1]}\n"
	"\t\tunset 'words[-1]'\n"
	"\tfi\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < ${#words[@]}; i++)); do\n"
	"\t\tcase ${words[i]} in\n"
	"\t\t-s | --socket) _mtlb_ask+=(-s \"${words[++i]-}\") ;;\n"
	"\t\t-*) [[ \" $_mtlb_words \" != *\" ${words[i]} \"* ]] || ((++i)) ;;\n"
	"\t\t*) plain+=(\"${words[i]}\") ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tmark=\n"
	"\tif [[ \" -s $_mtlb_words \" == *\" ${words[-1]-} \"* ]]; then\n"
	"\t\tmark=@file\n"
	"\telif [[ $typed == -* ]]; then\n"
	"\t\t[[ -z ${plain[0]-} ]] || noun=$(_mtlb_word \"${plain[0]}\" $_mtlb_nouns)\n"
	"\t\tmark=\"$_mtlb_options ${_mtlb_own[${noun:--}]-}\"\n"
	"\telif ((!${#plain[@]})); then\n"
	"\t\tmark=@noun\n"
	"\telse\n"
	"\t\tnoun=$(_mtlb_word \"${plain[0]}\" $_mtlb_nouns)\n"
	"\t\t[[ -n $noun ]] || return 0\n"
	"\t\tif [[ -z ${_mtlb_verbs[$noun]-} ]]; then\n"
	"\t\t\tverb= plain=(\"${plain[@]:1}\")\n"
	"\t\telif ((${#plain[@]} == 1)); then\n"
	"\t\t\tmark=${_mtlb_verbs[$noun]}\n"
	"\t\telse\n"
	"\t\t\tverb=$(_mtlb_word \"${plain[1]}\" ${_mtlb_verbs[$noun]})\n"
	"\t\t\t[[ -n $verb ]] || return 0\n"
	"\t\t\tplain=(\"${plain[@]:2}\")\n"
	"\t\tfi\n"
	"\tfi\n"
	"\tif [[ -n $mark ]]; then\n"
	"\t\t:\n"
	"\telif [[ -n ${_mtlb_filters[$noun $verb]-} ]]; then\n"
	"\t\tmark=${_mtlb_filters[$noun $verb]}\n"
	"\t\tif ((${#plain[@]} % 2)); then\n"
	"\t\t\tkey=$(_mtlb_word \"${plain[-1]}\" $mark)\n"
	"\t\t\tmark=${_mtlb_values[$noun $key]-}\n"
	"\t\tfi\n"
	"\telse\n"
	"\t\ti=${#plain[@]}\n"
	"\t\tfor ((; i > 0; i--)); do\n"
	"\t\t\t[[ -z ${_mtlb_args[$noun $verb $i]-} ]] || break\n"
	"\t\tdone\n"
	"\t\tmark=${_mtlb_args[$noun $verb $i]-}\n"
	"\tfi\n"
	"\tlocal IFS=$'\\n' part\n"
	"\tfor part in $mark; do\n"
	"\t\tCOMPREPLY+=($(IFS=$' \\t\\n' _mtlb_offer \"$part\" \"$typed\"))\n"
	"\tdone\n"
	"\tpart=${typed##*[:=]}\n"
	"\tpart=${typed%\"$part\"}\n"
	"\tfor i in \"${!COMPREPLY[@]}\"; do\n"
	"\t\tCOMPREPLY[i]=${COMPREPLY[i]#\"$part\"}\n"
	"\tdone\n"
	"\t[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]-} != *= ]] || compopt -o nospace "
	"2>/dev/null\n"
	"\treturn 0\n"
	"}\n"
	"\n"
	"_mtlbd() {\n"
	"\tlocal typed=${COMP_WORDS[COMP_CWORD]}\n"
	"\tCOMPREPLY=()\n"
	"\tif [[ $typed == -* ]]; then\n"
	"\t\tCOMPREPLY=($(compgen -W \"$_mtlbd_options\" -- \"$typed\"))\n"
	"\telif [[ \" $_mtlbd_files \" == *\" ${COMP_WORDS[COMP_CWORD - 1]} \"* ]]; then\n"
	"\t\tCOMPREPLY=($(compgen -f -- \"$typed\"))\n"
	"\tfi\n"
	"}\n"
	"\n"
	"complete -o filenames -F _mtlb mtlb\n"
	"complete -o filenames -F _mtlbd mtlbd\n";

static bool is_filter(const struct noun *noun, const char *word, size_t length)
{
	const struct filter *filter;

	for (filter = noun->filters; filter && filter->keyword; filter++)
		if (strlen(filter->keyword) == length && !strncmp(filter->keyword, word, length))
			return true;
	return false;
}

/* "[tenant NAME] [reason REASON]": is the first word one of the noun's filters? */
static bool takes_filters(const struct noun *noun, const struct verb *verb)
{
	const char *args = verb->args;

	if (verb->run == list_run)
		return true;
	return args && *args == '[' && is_filter(noun, args + 1, strcspn(args + 1, " ]"));
}

static void print_filters(const struct noun *noun, const struct verb *verb)
{
	const struct filter *filter;
	bool all = verb->run == list_run;

	printf("_mtlb_filters['%s %s']='", noun->name, verb->name);
	for (filter = noun->filters; filter && filter->keyword; filter++)
		if (all || filter->query)
			printf("%s ", filter->keyword);
	puts("'");
}

static void print_values(const struct noun *noun)
{
	const struct filter *filter;
	const char *c;

	for (filter = noun->filters; filter && filter->keyword; filter++) {
		if (!filter->path)
			continue;
		printf("_mtlb_values['%s %s']='", noun->name, filter->keyword);
		if (strchr(filter->value, '|'))
			for (c = filter->value; *c; c++)
				putchar(*c == '|' ? ' ' : *c);
		else
			printf("@%s %s", noun->name, filter->keyword);
		puts("'");
	}
}

static void print_keys_of_object(const struct noun *noun)
{
	for (size_t i = 0; noun->object && i < SCHEMA_KEYS; i++)
		if (!strcmp(schema_objects[schema_rows[i].object].id, noun->name))
			printf("%s= ", schema_rows[i].key);
}

/* One word of what a verb takes, in capitals when it stands for something. */
static void print_argument(const struct noun *noun, const char *word, size_t length)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*s", (int)length, word);
	if (!strcmp(text, "NOUN"))
		printf("\n@noun\n");
	else if (!strcmp(text, "FILE") || !strcmp(text, "PATH"))
		printf("\n@file\n");
	else if (!strcmp(text, "KEY=VALUE"))
		print_keys_of_object(noun);
	else if (islower((unsigned char)*text))
		printf("%s ", text);
	else if (!strcmp(text, "KEY"))
		putchar(' '); /* nobody knows, and it is not what stands before it once more */
	else if (isupper((unsigned char)*text) && noun->keys)
		printf("\n@%s\n", noun->name);
}

/* The alternatives of a word such as "[FILE|-|KEY=VALUE...]". */
static void print_alternatives(const struct noun *noun, const char *word, size_t length)
{
	const char *end = word + length;

	while (word < end) {
		size_t part = strcspn(word, "[]| ");

		if (part > 3 && !strncmp(word + part - 3, "...", 3))
			print_argument(noun, word, part - 3);
		else if (part)
			print_argument(noun, word, part);
		word += part + 1;
	}
}

/* Word by word; where one may be left out, the next one may stand as well. */
static void print_args(const struct noun *noun, const char *verb, const char *args)
{
	int position = 0;

	for (; *args; args += strspn(args, " ")) {
		const char *word = args;
		size_t length;

		printf("_mtlb_args['%s %s %d']='", noun->name, verb, position++);
		do {
			word += strspn(word, " ");
			length = strcspn(word, " ");
			print_alternatives(noun, word, length);
			word += length;
		} while (length && word[-(ssize_t)length] == '[' && strchr("].", word[-1]));
		puts("'");
		args += strcspn(args, " ");
	}
}

static void print_noun(const struct noun *noun)
{
	const struct verb *verb;

	if (!noun->verbs) {
		print_args(noun, "", noun->args ? noun->args : "");
		return;
	}
	printf("_mtlb_verbs[%s]='", noun->name);
	for (verb = noun->verbs; verb->name; verb++)
		printf("%s ", verb->name);
	puts("help'");
	print_values(noun);
	for (verb = noun->verbs; verb->name; verb++) {
		if (takes_filters(noun, verb))
			print_filters(noun, verb);
		else if (verb->run == list_run_show)
			print_args(noun, verb->name, "NAME");
		else
			print_args(noun, verb->name, verb->args ? verb->args : "");
	}
}

static void print_option(char letter, const char *word)
{
	printf("--%s ", word);
	if (letter)
		printf("-%c ", letter);
}

static void print_own_options(const struct noun *noun, bool with_argument)
{
	for (const struct noun_option *own = noun->options; own && own->word; own++)
		if (own->argument || !with_argument)
			print_option(own->letter, own->word);
}

static void print_script(void)
{
	size_t i;

	puts("# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause\n"
	     "# Printed by `mtlb help completion bash` from its tables: edit these.\n"
	     "# shellcheck shell=bash disable=SC2016,SC2034,SC2086,SC2207\n");
	printf("_mtlb_options='");
#define MTLB_OPTION(letter, word, argument, sentence) print_option(letter, #word);
#include "options.def"
	printf("'\n_mtlbd_options='");
#define MTLBD_OPTION(letter, word, argument, sentence) print_option(letter, #word);
#include "../../userspace/model/mtlbd.def"
	printf("'\n_mtlbd_files='");
#define MTLBD_OPTION(letter, word, argument, sentence) \
	if (argument)                                  \
		print_option(letter, #word);
#include "../../userspace/model/mtlbd.def"
	printf("'\n_mtlb_words='"); /* that take another word */
#define MTLB_OPTION(letter, word, argument, sentence) \
	if (argument)                                 \
		printf("--%s ", #word);
#include "options.def"
	for (i = 0; nouns[i]; i++)
		print_own_options(nouns[i], true);
	printf("'\n_mtlb_nouns='");
	for (i = 0; nouns[i]; i++)
		printf("%s ", nouns[i]->name);
	puts("'\ndeclare -gA _mtlb_verbs=() _mtlb_filters=() _mtlb_values=() _mtlb_args=() "
	     "_mtlb_own=()");
	for (i = 0; nouns[i]; i++) {
		print_noun(nouns[i]);
		if (!nouns[i]->options)
			continue;
		printf("_mtlb_own[%s]='", nouns[i]->name);
		print_own_options(nouns[i], false);
		puts("'");
	}
	putchar('\n');
	fputs(script, stdout);
}

/* A word of a completion has no blank in it. */
static void print_name(const char *text)
{
	if (text && *text && !strpbrk(text, " \t\r\n'\"\\$`")) {
		safe_print(stdout, text);
		putchar('\n');
	}
}

static void print_names(const json_t *item, const char *path)
{
	const json_t *value = strpbrk(path, ":/") ? NULL : cell_value(item, path), *element;
	size_t i;
	char *text;

	if (json_is_array(value)) {
		json_array_foreach (value, i, element)
			print_name(json_string_value(element));
		return;
	}
	text = cell_join(item, path);
	print_name(text);
	free(text);
}

static int print_names_of(const struct call *call, const struct noun *noun, const char *keyword)
{
	const char *const *keys = noun->keys;
	const struct filter *filter;
	json_t *answer = NULL, *items = NULL, *item;
	struct err err;
	size_t i;

	if (!keys)
		return EXIT_ERROR;
	if (noun->endpoint) {
		if (client_ask(call->options->socket, noun->endpoint, NULL, &answer, &err))
			return EXIT_ERROR;
		items = json_incref(json_object_get(answer, "items"));
		json_decref(answer);
	} else if (!noun->from_maps || noun->from_maps(call, &items, &err)) {
		return EXIT_ERROR;
	}
	json_array_foreach (items, i, item) {
		for (filter = noun->filters; keyword && filter && filter->keyword; filter++)
			if (!strcmp(filter->keyword, keyword) && filter->path)
				print_names(item, filter->path);
		for (keys = noun->keys; !keyword && *keys; keys++)
			print_names(item, *keys);
	}
	json_decref(items);
	return EXIT_OK;
}

int completion_run(const struct call *call)
{
	const struct noun *noun;

	if (call->argc == 2 && !strcmp(call->argv[1], "bash")) {
		print_script();
		return EXIT_OK;
	}
	if (call->argc < 3 || call->argc > 4 || strcmp(call->argv[1], "names") != 0)
		return command_misused(call, "completion for which shell? There is bash");
	noun = command_find_noun(call->options, call->argv[2]);
	return noun ? print_names_of(call, noun, call->argv[3]) : EXIT_ERROR;
}
