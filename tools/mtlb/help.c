// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "help.h"

#include <stdlib.h>
#include <string.h>

#include "../../userspace/model/metrics.h"
#include "../../userspace/model/schema.h"
#include "command.h"
#include "completion.h"
#include "fold.h"
#include "list.h"
#include "man.h"

#define OWN_WIDTH 16 /* of an option of a noun's own, with its argument */

const char help_grammar[] =
	"Asks and tells mtlbd, the agent of a multi-tenant load balancer. Nouns and\n"
	"verbs may be cut short as long as they are unambiguous; without a verb, a noun\n"
	"is listed or shown.";

static void print_option(FILE *out, char letter, const char *word, const char *argument,
			 const char *sentence)
{
	char text[64];

	snprintf(text, sizeof(text), "--%s%s%s", word, argument ? " " : "",
		 argument ? argument : "");
	if (letter)
		fprintf(out, "  -%c, ", letter);
	else
		fputs("      ", out);
	fprintf(out, "%-13s  %s\n", text, sentence);
}

static void print_options(FILE *out)
{
	fputs("Options:\n", out);
#define MTLB_OPTION(letter, word, argument, sentence) \
	print_option(out, letter, #word, argument, sentence);
#include "options.def"
}

void help_print_usage(FILE *out, const struct noun *noun, const struct verb *verb)
{
	const char *args = verb ? verb->args : noun->args;
	const struct verb *other;

	fprintf(out, "mtlb %s", noun->name);
	if (verb)
		fprintf(out, " %s", verb->name);
	for (other = verb ? NULL : noun->verbs; other && other->name; other++)
		fprintf(out, "%c%s", other == noun->verbs ? ' ' : '|', other->name);
	if (args) {
		fprintf(out, "%s%s", *args ? " " : "", args);
	} else if (verb && !strcmp(verb->name, "list") && noun->filters) {
		fputc(' ', out);
		list_print_usage(out, noun);
	} else if (verb && verb->run == list_run_show) {
		fputs(" [NAME]", out);
	}
}

static void print_own_options(FILE *out, const struct noun *noun, const struct verb *verb)
{
	for (const struct noun_option *own = noun->options; own && own->word; own++) {
		if (own->verb ? !verb || strcmp(own->verb, verb->name) != 0 : verb != NULL)
			continue;
		if (own->letter)
			fprintf(out, "      -%c, ", own->letter);
		else
			fputs("      ", out);
		fprintf(out, "--%s %-*s  %s\n", own->word,
			OWN_WIDTH - (int)strlen(own->word) - (own->letter ? 4 : 0),
			own->argument ? own->argument : "", own->sentence);
	}
}

static void write_noun(FILE *out, const struct noun *noun)
{
	const struct verb *verb;

	fprintf(out, "mtlb %s: %s\n\n", noun->name, noun->help);
	if (!noun->verbs) {
		fputs("  ", out);
		help_print_usage(out, noun, NULL);
		fputc('\n', out);
	}
	print_own_options(out, noun, NULL);
	for (verb = noun->verbs; verb && verb->name; verb++) {
		fprintf(out, "%s  ", verb == noun->verbs ? "" : "\n");
		help_print_usage(out, noun, verb);
		fprintf(out, "\n      %s\n", verb->help);
		print_own_options(out, noun, verb);
	}
}

static void write_all(FILE *out)
{
	size_t i;

	fprintf(out, "Usage: mtlb [OPTIONS] NOUN VERB [ARGS]\n\n%s\n\nNouns:\n", help_grammar);
	for (i = 0; nouns[i]; i++)
		fprintf(out, "  %-8s  %s\n", nouns[i]->name, nouns[i]->help);
	fputc('\n', out);
	print_options(out);
	fputs("\n`mtlb help NOUN` tells the verbs of one.\n", out);
}

/* What write writes, no wider than it may be. noun NULL: the help as a whole. */
static void print_folded(FILE *out, const struct options *options, const struct noun *noun)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	if (!file)
		return;
	if (noun)
		write_noun(file, noun);
	else
		write_all(file);
	if (!fclose(file))
		fold_print(out, text, options->width);
	free(text);
}

void help_print(FILE *out, const struct options *options)
{
	print_folded(out, options, NULL);
}

void help_print_noun(FILE *out, const struct options *options, const struct noun *noun)
{
	print_folded(out, options, noun);
}

static int run(const struct call *call)
{
	const struct noun *noun;

	if (call->argc && !strcmp(call->argv[0], "man"))
		return man_run(call);
	if (call->argc && !strcmp(call->argv[0], "completion"))
		return completion_run(call);
	if (command_expect_args(call, 1))
		return EXIT_ERROR;
	if (!call->argc) {
		help_print(stdout, call->options);
		return EXIT_OK;
	}
	if (!strcmp(call->argv[0], "metrics")) {
		metrics_print_reference(stdout);
		return EXIT_OK;
	}
	noun = command_find_noun(call->options, call->argv[0]);
	if (!noun)
		return EXIT_ERROR;
	help_print_noun(stdout, call->options, noun);
	if (noun == &config_noun) {
		putchar('\n');
		schema_print_reference(stdout);
	}
	return EXIT_OK;
}

const struct noun help_noun = {
	.name = "help",
	.help = "this help; `mtlb help config` has every key of the configuration, `mtlb help "
		"metrics` every metric",
	.args = "[NOUN|metrics|man|completion [mtlb|mtlbd|mtlb.yaml|bash]]",
	.run = run,
};
