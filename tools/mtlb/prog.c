// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The dataplane's program: what it is, where it is attached, how long a packet takes. */
#include "noun.h"

#include <stdlib.h>
#include <time.h>

#include "../../userspace/inspect/program.h"
#include "../../userspace/inspect/view.h"
#include "command.h"
#include "output.h"

#define SECONDS_MAX 3600.0

static const struct column fields[] = {
	{"NAME", "name", VALUE_TEXT},
	{"VERSION", "version", VALUE_TEXT},
	{"ID", "id", VALUE_PLAIN},
	{"TAG", "tag", VALUE_TEXT},
	{"LOADED", "loaded", VALUE_TIME},
	{"INSTRUCTIONS", "instructions", VALUE_NUMBER},
	{"VERIFIED", "verifiedInstructions", VALUE_NUMBER},
	{"MACHINE CODE", "jitedBytes", VALUE_BYTES},
	{"MEMORY", "memory", VALUE_BYTES},
	{"MAPS", "maps", VALUE_NUMBER},
	{"PINNED", "pinned", VALUE_TEXT},
	{},
};

static const struct column link_columns[] = {
	{"INTERFACE", "interface", VALUE_TEXT}, {"IFINDEX", "ifindex", VALUE_PLAIN},
	{"MODE", "mode", VALUE_STATE},		{"LINK", "id", VALUE_PLAIN},
	{"PROGRAM", "program", VALUE_PLAIN},	{},
};

static const struct column stats_columns[] = {
	{"SECONDS", "seconds", VALUE_PLAIN},
	{"PACKETS", "packets", VALUE_NUMBER},
	{"PACKETS/S", "packetsPerSecond", VALUE_NUMBER},
	{"NS/PACKET", "nsPerPacket", VALUE_PLAIN},
	{"CPU", "cpus", VALUE_PERCENT},
	{},
};

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *links_of(const struct program *program)
{
	json_t *links = json_array();

	for (size_t i = 0; i < program->link_count; i++) {
		const struct program_link *link = &program->links[i];

		json_array_append_new(links,
				      json_pack("{s:I,s:I,s:o,s:o,s:I}", "id", (json_int_t)link->id,
						"ifindex", (json_int_t)link->ifindex, "interface",
						text_or_null(link->interface), "mode",
						text_or_null(link->mode), "program",
						(json_int_t)link->program));
	}
	return links;
}

static json_t *tag_of(const struct program *program)
{
	const unsigned char *tag = program->info.tag;

	return json_sprintf("%02x%02x%02x%02x%02x%02x%02x%02x", tag[0], tag[1], tag[2], tag[3],
			    tag[4], tag[5], tag[6], tag[7]);
}

static json_t *time_of(uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	char text[32];
	struct tm utc;

	gmtime_r(&seconds, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return json_string(text);
}

/* Of which version it is stands in a map; a dataplane of another ABI has it elsewhere. */
static json_t *version_of(const struct options *options)
{
	struct view view;
	json_t *version;

	if (view_open(&view, options->bpffs, NULL))
		return json_null();
	version = json_sprintf("%.*s", (int)sizeof(view.node->program), view.node->program);
	view_close(&view);
	return version;
}

static json_t *describe(const struct options *options, const struct program *program)
{
	const struct bpf_prog_info *info = &program->info;

	return json_pack("{s:s,s:o,s:I,s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:s+,s:o}", "name", info->name,
			 "version", version_of(options), "id", (json_int_t)info->id, "tag",
			 tag_of(program), "loaded", time_of(program->created_at), "instructions",
			 (json_int_t)(info->xlated_prog_len / sizeof(struct bpf_insn)),
			 "verifiedInstructions", (json_int_t)info->verified_insns, "jitedBytes",
			 (json_int_t)info->jited_prog_len, "memory", (json_int_t)program->memlock,
			 "maps", (json_int_t)info->nr_map_ids, "pinned", options->bpffs, "/program",
			 "links", links_of(program));
}

static int run_show(const struct call *call)
{
	struct program program;
	struct err err;
	json_t *item;
	int failed = 0;

	if (command_expect_args(call, 0))
		return EXIT_ERROR;
	if (program_open(call->options->bpffs, &program, &err))
		return command_fail(call->options, "%s", err.text);
	item = describe(call->options, &program);
	program_close(&program);
	if (call->options->json) {
		output_json(call->options, item);
	} else {
		failed = output_fields(call->options, fields, item);
		putchar('\n');
		failed = failed
				 ?: output_table(call->options, link_columns,
						 json_object_get(item, "links"));
	}
	json_decref(item);
	return failed ? command_fail(call->options, "no memory for the table") : EXIT_OK;
}

static json_t *stats_of(const struct program_times *times)
{
	double runs = (double)times->runs;

	return json_pack("{s:f,s:I,s:f,s:o,s:f,s:I}", "seconds", times->seconds, "packets",
			 (json_int_t)times->runs, "packetsPerSecond", runs / times->seconds,
			 "nsPerPacket",
			 times->runs ? json_real((double)times->ns / runs) : json_null(), "cpus",
			 (double)times->ns / 1e9 / times->seconds, "ns", (json_int_t)times->ns);
}

static int run_stats(const struct call *call)
{
	struct program_times times;
	struct program program;
	double seconds = 1;
	json_t *items;
	struct err err;
	int code;

	if (command_expect_args(call, 1))
		return EXIT_ERROR;
	if (call->argc) {
		char *end;

		seconds = strtod(call->argv[0], &end);
		if (end == call->argv[0] || *end || !(seconds > 0 && seconds <= SECONDS_MAX))
			return command_misused(call,
					       "\"%s\" is no time: expected seconds, at most %g",
					       call->argv[0], SECONDS_MAX);
	}
	if (program_open(call->options->bpffs, &program, &err))
		return command_fail(call->options, "%s", err.text);
	code = program_measure(&program, seconds, &times, &err);
	program_close(&program);
	if (code)
		return command_fail(call->options, "%s", err.text);
	items = json_pack("[o]", stats_of(&times));
	if (call->options->json)
		output_json(call->options, json_array_get(items, 0));
	else
		code = output_table(call->options, stats_columns, items);
	json_decref(items);
	return code ? command_fail(call->options, "no memory for the table") : EXIT_OK;
}

static const struct verb verbs[] = {
	{"show", "", "Shows the program that is pinned, and the interfaces it is attached to.",
	 run_show},
	{"stats", "[SECONDS]",
	 "Has the kernel measure how often it runs and how long; each packet costs some 20 ns more "
	 "meanwhile.",
	 run_stats},
	{},
};

const struct noun prog_noun = {
	.name = "prog",
	.help = "the dataplane's program, for root, also without an agent",
	.verbs = verbs,
};
