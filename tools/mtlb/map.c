// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The pinned maps, read as they are, whether an agent runs or not. */
#include "noun.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../userspace/inspect/meaning.h"
#include "../../userspace/inspect/pinned.h"
#include "../../userspace/inspect/ring.h"
#include "command.h"
#include "map_event.h"
#include "map_key.h"
#include "map_print.h"
#include "output.h"
#include "stream.h"
#include "watch.h"
#include "words.h"

#define WORDS_MAX 128

enum own_option {
	OWN_count
};

static const struct noun_option own_options[] = {
	[OWN_count] = {"count", "N", "ends after so many records", 'n', "event"},
	{},
};

static const struct column columns[] = {
	{"NAME", "name", VALUE_TEXT},
	{"TYPE", "type", VALUE_TEXT},
	{"KEY", "keyBytes", VALUE_BYTES},
	{"VALUE", "valueBytes", VALUE_BYTES},
	{"ENTRIES", "entries.max", VALUE_NUMBER},
	{"USED", "entries.used", VALUE_NUMBER},
	{"MEMORY", "memory", VALUE_BYTES},
	{"HOLDS", "holds", VALUE_TEXT},
	{},
};

static const char *const spare[] = {"KEY", "VALUE", "TYPE", "USED", NULL};

static const char *const keys[] = {"name", NULL};

static const struct column fields[] = {
	{"NAME", "name", VALUE_TEXT},
	{"HOLDS", "holds", VALUE_TEXT},
	{"PINNED", "pinned", VALUE_TEXT},
	{"TYPE", "type", VALUE_TEXT},
	{"ID", "id", VALUE_PLAIN},
	{"KEY", "keyBytes", VALUE_BYTES},
	{"KEY TYPE", "keyType", VALUE_TEXT},
	{"VALUE", "valueBytes", VALUE_BYTES},
	{"VALUE TYPE", "valueType", VALUE_TEXT},
	{"ENTRIES", "entries.max", VALUE_NUMBER},
	{"USED", "entries.used", VALUE_NUMBER},
	{"MEMORY", "memory", VALUE_BYTES},
	{"FLAGS", "flags", VALUE_LIST},
	{},
};

static const char *const prefix = "mtlb_";

/* Names are typed with or without what all of them begin with, and may be cut short. */
static int open_map(const struct call *call, const char *typed, struct pinned_map *ret_map)
{
	const char *words[WORDS_MAX];
	struct pinned_names names;
	size_t count = 0;
	struct err err;
	int found;

	if (!strncmp(typed, prefix, strlen(prefix)))
		typed += strlen(prefix);
	if (pinned_list(call->options->bpffs, &names, &err))
		return command_fail(call->options, "%s", err.text);
	for (; count < names.count && count < WORDS_MAX; count++)
		words[count] = names.names[count] + strlen(prefix);
	found = words_find(typed, words, count, "map", &err);
	if (found >= 0)
		found = pinned_open(call->options->bpffs, names.names[found], ret_map, &err);
	pinned_names_fini(&names);
	return found < 0 ? command_fail(call->options, "%s", err.text) : 0;
}

static json_t *flags_of(const struct pinned_map *map)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} flags[] = {
		{BPF_F_NO_PREALLOC, "noPrealloc"}, {BPF_F_RDONLY_PROG, "rdonlyProg"},
		{BPF_F_WRONLY_PROG, "wronlyProg"}, {BPF_F_MMAPABLE, "mmapable"},
		{BPF_F_INNER_MAP, "innerMap"},
	};
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (map->info.map_flags & flags[i].flag)
			json_array_append_new(list, json_string(flags[i].name));
	if (map->frozen)
		json_array_append_new(list, json_string("frozen"));
	return list;
}

static json_t *describe(const struct options *options, const struct pinned_map *map)
{
	int64_t used = pinned_used(map);
	char type[PINNED_NAME_MAX];

	return json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:{s:o,s:I},s:I,s:o,s:s++}", "name",
			 map->name + strlen(prefix), "holds", meaning_of_map(map->name), "type",
			 pinned_type_name(map->info.type, type), "id", (json_int_t)map->info.id,
			 "keyBytes", (json_int_t)map->info.key_size, "valueBytes",
			 (json_int_t)map->info.value_size, "entries", "used",
			 used < 0 ? json_null() : json_integer(used), "max",
			 (json_int_t)map->info.max_entries, "memory", (json_int_t)map->memlock,
			 "flags", flags_of(map), "pinned", options->bpffs, "/", map->name);
}

/* All of them. */
static int list_items(const struct call *call, json_t **ret_items, struct err *err)
{
	struct pinned_names names;
	int error = pinned_list(call->options->bpffs, &names, err);

	if (error)
		return error;
	*ret_items = json_array();
	for (size_t i = 0; !error && i < names.count; i++) {
		struct pinned_map map;

		error = pinned_open(call->options->bpffs, names.names[i], &map, err);
		if (error)
			break;
		json_array_append_new(*ret_items, describe(call->options, &map));
		pinned_close(&map);
	}
	pinned_names_fini(&names);
	if (error)
		json_decref(*ret_items);
	return error;
}

static int run_list(const struct call *call)
{
	json_t *items;
	struct err err;
	int code = 0;

	if (command_expect_args(call, 0))
		return EXIT_ERROR;
	if (list_items(call, &items, &err))
		return command_fail(call->options, "%s", err.text);
	if (call->options->json)
		output_json(call->options, items);
	else if (output_sheet(call->options, columns, spare, items))
		code = command_fail(call->options, "no memory for the table");
	json_decref(items);
	return code;
}

/* The name of a type, "__u64" or "struct mtlb_vip"; null when nothing is known of it. */
static json_t *type_name(const struct btf *btf, uint32_t type)
{
	const struct btf_type *is = btf && type ? btf__type_by_id(btf, type) : NULL;
	const char *name = is ? btf__name_by_offset(btf, is->name_off) : NULL;

	if (!name || !*name)
		return json_null();
	return json_sprintf("%s%s",
			    btf_is_struct(is)  ? "struct "
			    : btf_is_union(is) ? "union "
					       : "",
			    name);
}

static int run_show(const struct call *call)
{
	struct pinned_map map;
	struct btf *btf;
	json_t *item;
	int code = EXIT_OK;

	if (!call->argc)
		return run_list(call);
	if (command_expect_args(call, 1) || open_map(call, call->argv[0], &map))
		return EXIT_ERROR;
	item = describe(call->options, &map);
	btf = pinned_btf(&map);
	json_object_set_new(item, "keyType", type_name(btf, map.info.btf_key_type_id));
	json_object_set_new(item, "valueType", type_name(btf, map.info.btf_value_type_id));
	btf__free(btf);
	if (call->options->json)
		output_json(call->options, item);
	else if (output_fields(call->options, fields, item))
		code = command_fail(call->options, "no memory for the fields");
	json_decref(item);
	pinned_close(&map);
	return code;
}

/* What it takes to say what is in a map: its types, and names when the maps of names are known. */
static int begin(const struct call *call, const char *name, struct map_reading *reading)
{
	struct err err;
	int error;

	*reading = (struct map_reading){.options = call->options};
	if (open_map(call, name, &reading->map))
		return EXIT_ERROR;
	error = view_open(&reading->view, call->options->bpffs, &err);
	reading->named = !error;
	if (error)
		fprintf(stderr, "mtlb: %s; numbers stay numbers\n", err.text);
	reading->reader = meaning_reader(error ? NULL : &reading->view);
	reading->btf = pinned_btf(&reading->map);
	if (!pinned_is_ring(&reading->map) &&
	    (!reading->btf || !reading->map.info.btf_value_type_id))
		fprintf(stderr, "mtlb: the kernel gives no types (BTF) of %s: bytes stay bytes\n",
			reading->map.name);
	return 0;
}

static int end(struct map_reading *reading, int code)
{
	btf__free(reading->btf);
	if (reading->named)
		view_close(&reading->view);
	pinned_close(&reading->map);
	return code;
}

static bool print_each(void *context, const void *key, const void *values)
{
	map_print_element(context, key, values);
	return !ferror(stdout);
}

static int run_dump(const struct call *call)
{
	bool all = call->argc == 2 && !strcmp(call->argv[1], "all");
	struct map_reading reading;
	int error;

	if (!call->argc)
		return command_misused(call, "dump what? NAME is missing");
	if (!all && command_expect_args(call, 1))
		return EXIT_ERROR;
	if (begin(call, call->argv[0], &reading))
		return EXIT_ERROR;
	if (!pinned_is_array(&reading.map) && !pinned_is_hash(&reading.map)) {
		char type[PINNED_NAME_MAX];

		return end(&reading,
			   command_fail(call->options,
					"%s is a %s: `mtlb map event %s` shows what comes in",
					reading.map.name,
					pinned_type_name(reading.map.info.type, type),
					reading.map.name + strlen(prefix)));
	}
	map_print_begin(&reading);
	error = pinned_each(&reading.map, all, print_each, &reading);
	map_print_end(&reading);
	if (error)
		return end(&reading, command_fail(call->options, "%s: reading it broke off: %s",
						  reading.map.name, strerror(-error)));
	return end(&reading, EXIT_OK);
}

static int lookup(struct map_reading *reading, const struct map_keys *keys)
{
	size_t size = pinned_value_size(&reading->map) * reading->map.cpus, found = 0;
	void *values = malloc(size);
	int error = values ? 0 : -ENOMEM;

	map_print_begin(reading);
	for (size_t i = 0; !error && i < keys->count; i++) {
		const void *key = keys->bytes + i * keys->size;

		error = pinned_lookup(&reading->map, key, values);
		if (error == -ENOENT) {
			error = 0;
			continue;
		}
		if (!error)
			map_print_element(reading, key, values);
		found += !error;
	}
	map_print_end(reading);
	free(values);
	if (error)
		return command_fail(reading->options, "%s: %s", reading->map.name,
				    strerror(-error));
	return found ? EXIT_OK
		     : command_fail(reading->options, "%s has no such key", reading->map.name);
}

static int run_lookup(const struct call *call)
{
	struct map_reading reading;
	struct map_keys keys = {};
	struct err err;
	int code;

	if (call->argc < 2)
		return command_misused(call, "lookup what? %s is missing",
				       call->argc ? "KEY" : "NAME");
	if (begin(call, call->argv[0], &reading))
		return EXIT_ERROR;
	if (map_key_parse(&reading, call->argc - 1, call->argv + 1, &keys, &err))
		code = command_fail(call->options, "%s: %s", reading.map.name, err.text);
	else
		code = lookup(&reading, &keys);
	map_keys_fini(&keys);
	return end(&reading, code);
}

static int run_event(const struct call *call)
{
	struct map_reading reading;
	uint64_t count;

	if (!call->argc)
		return command_misused(call, "events of what? NAME is missing");
	if (command_expect_args(call, 1) || watch_count(call, call->given[OWN_count], &count) ||
	    begin(call, call->argv[0], &reading))
		return EXIT_ERROR;
	return end(&reading, map_event_run(&reading, count));
}

static const struct verb verbs[] = {
	{"list", "", "Lists the dataplane's maps: sizes, entries that are in use, memory.",
	 run_list},
	{"show", "[NAME]", "Shows one, with the names of its types.", run_show},
	{"dump", "NAME [all]",
	 "Prints what is in one, by names; what is nothing but zeros only when all is said.",
	 run_dump},
	{"lookup", "NAME KEY...",
	 "Prints the element of a key: a number, a name (tenant, TENANT/SERVICE, "
	 "TENANT/SERVICE/ENDPOINT, TENANT REASON), ADDRESS [PROTOCOL PORT] of a VIP, or hex and "
	 "the key's bytes.",
	 run_lookup},
	{"event", "NAME",
	 "Prints the records of a ring buffer (events: what is dropped and what is opened; held: "
	 "fragments before their first one), from the first that waits for the agent on, until it "
	 "is stopped. None is taken away from the agent.",
	 run_event},
	{},
};

const struct noun map_noun = {
	.name = "map",
	.help = "the dataplane's maps as they are, for root, also without an agent",
	.columns = columns,
	.spare = spare,
	.keys = keys,
	.from_maps = list_items,
	.verbs = verbs,
	.options = own_options,
};
