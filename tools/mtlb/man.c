// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "man.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/model/schema.h"
#include "command.h"
#include "help.h"
#include "list.h"
#include "roff.h"
#include "words.h"

static void print_option(FILE *out, char letter, const char *word, const char *argument,
			 const char *sentence)
{
	char term[64], dash[8] = "";

	if (letter)
		snprintf(dash, sizeof(dash), "-%c, ", letter);
	snprintf(term, sizeof(term), "%s--%s%s%s", dash, word, argument ? " " : "",
		 argument ? argument : "");
	roff_term(out, term);
	roff_text(out, sentence);
}

static void print_usage(FILE *out, const struct noun *noun, const struct verb *verb)
{
	char *text = NULL;
	size_t size;
	FILE *usage = open_memstream(&text, &size);

	if (usage) {
		help_print_usage(usage, noun, verb);
		if (!fclose(usage))
			roff_term(out, text);
	}
	free(text);
}

/* verb: "" for those of a noun that has none. */
static void print_own_options(FILE *out, const struct noun *noun, const char *verb)
{
	for (const struct noun_option *own = noun->options; own && own->word; own++)
		if (!strcmp(own->verb ? own->verb : "", verb))
			print_option(out, own->letter, own->word, own->argument, own->sentence);
}

static void print_noun(FILE *out, const struct noun *noun)
{
	const struct verb *verb;

	roff_subsection(out, noun->name);
	if (!noun->verbs)
		print_usage(out, noun, NULL);
	roff_text(out, noun->help);
	print_own_options(out, noun, "");
	for (verb = noun->verbs; verb && verb->name; verb++) {
		print_usage(out, noun, verb);
		roff_text(out, verb->help);
		print_own_options(out, noun, verb->name);
	}
}

static void print_mtlb(FILE *out)
{
	size_t i;

	roff_begin(out, "mtlb", 1, "asks and tells mtlbd, a multi-tenant load balancer");
	roff_section(out, "SYNOPSIS");
	roff_text(out, "`mtlb` [OPTIONS] NOUN VERB [ARGS]");
	roff_section(out, "DESCRIPTION");
	roff_text(out, help_grammar);
	roff_section(out, "OPTIONS");
#define MTLB_OPTION(letter, word, argument, sentence) \
	print_option(out, letter, #word, argument, sentence);
#include "options.def"
	roff_section(out, "NOUNS");
	for (i = 0; nouns[i]; i++)
		print_noun(out, nouns[i]);
	roff_section(out, "EXIT STATUS");
	roff_term(out, "0");
	roff_text(out, "It was done.");
	roff_term(out, "1");
	roff_text(out, "It was not: stderr says why.");
	roff_term(out, "2");
	roff_text(out, "What was compared differs (`config diff`, `node drift`).");
	roff_section(out, "ENVIRONMENT");
	roff_term(out, "MTLB_SOCKET");
	roff_text(out, "The agent's socket, when `-s` names none.");
	roff_term(out, "MTLB_BPFFS");
	roff_text(out, "Where the dataplane is pinned, when `--bpffs` names no place.");
	roff_term(out, "COLUMNS");
	roff_text(out, "How wide tables and help may be, also in a pipe; else the terminal's "
		       "width, and without one as wide as they are.");
	roff_term(out, "NO_COLOR");
	roff_text(out, "With any value: no colours.");
	roff_section(out, "SEE ALSO");
	roff_text(out, "`mtlbd`(8), `mtlb.yaml`(5)");
}

static void print_mtlbd(FILE *out)
{
	roff_begin(out, "mtlbd", 8, "the agent of a multi-tenant load balancer");
	roff_section(out, "SYNOPSIS");
	roff_text(out, "`mtlbd` [OPTIONS]");
	roff_section(out, "DESCRIPTION");
	roff_text(out, "Loads the dataplane, keeps it as the configuration says, and answers "
		       "`mtlb`(1). It stays in the foreground and logs to stderr.");
	roff_section(out, "OPTIONS");
#define MTLBD_OPTION(letter, word, argument, sentence) \
	print_option(out, letter, #word, argument, sentence);
#include "../../userspace/model/mtlbd.def"
	roff_section(out, "SIGNALS");
	roff_term(out, "SIGHUP");
	roff_text(out, "The configuration is read again.");
	roff_term(out, "SIGTERM, SIGINT");
	roff_text(out, "It ends and leaves the dataplane forwarding, but with `--detach`.");
	roff_section(out, "EXIT STATUS");
	roff_text(out, "0, or 1 after an error that the log tells.");
	roff_section(out, "SEE ALSO");
	roff_text(out, "`mtlb`(1), `mtlb.yaml`(5)");
}

static void print_key(FILE *out, const struct schema_row *row)
{
	char expected[512], text[1024];

	if (row->child && (row->type == SCHEMA_TYPE_OBJECT))
		snprintf(expected, sizeof(expected), "`%s`, below",
			 schema_objects[row->child].name);
	else
		schema_expected(row, expected, sizeof(expected));
	roff_term(out, row->key);
	snprintf(text, sizeof(text), "%s%s%s. %s%s%s", row->list ? "List of " : "", expected,
		 row->at_least ? ", at least one" : "",
		 row->required	 ? "Required."
		 : row->fallback ? "If left out: "
				 : "May be left out.",
		 row->fallback ? row->fallback : "", row->fallback ? "." : "");
	roff_text(out, text);
	fputs(".br\n", out);
	roff_text(out, row->sentence);
}

static void print_yaml(FILE *out)
{
	roff_begin(out, "mtlb.yaml", 5, "configuration of mtlbd");
	roff_section(out, "DESCRIPTION");
	for (size_t i = 0; schema_rules[i]; i++) {
		if (i)
			roff_paragraph(out);
		roff_text(out, schema_rules[i]);
	}
	roff_section(out, "KEYS");
	for (size_t object = 0; object < SCHEMA_OBJECTS; object++) {
		roff_subsection(out, schema_objects[object].name);
		roff_text(out, schema_objects[object].sentence);
		for (size_t i = 0; i < SCHEMA_KEYS; i++)
			if (schema_rows[i].object == object)
				print_key(out, &schema_rows[i]);
	}
	roff_section(out, "SEE ALSO");
	roff_text(out, "`mtlbd`(8), `mtlb`(1)");
}

static const struct {
	const char *name;
	void (*print)(FILE *out);
} pages[] = {{"mtlb", print_mtlb}, {"mtlbd", print_mtlbd}, {"mtlb.yaml", print_yaml}};

#define PAGES (sizeof(pages) / sizeof(*pages))

int man_run(const struct call *call)
{
	const char *names[PAGES];
	struct err err;
	int found;

	for (size_t i = 0; i < PAGES; i++)
		names[i] = pages[i].name;
	if (call->argc > 2)
		return command_misused(call, "\"%s\" is one word too many", call->argv[2]);
	found = call->argc == 2 ? words_find(call->argv[1], names, PAGES, "page", &err) : 0;
	if (found < 0)
		return command_misused(call, "%s", err.text);
	pages[found].print(stdout);
	return EXIT_OK;
}
