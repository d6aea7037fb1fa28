// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "map_event.h"

#include <bpf/btf.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../userspace/inspect/program.h"
#include "../../userspace/inspect/ring.h"
#include "command.h"
#include "output.h"

#define RECORD_MAX 4096
/* Nothing wakes whoever does not take. Filling a ring takes longer. */
#define LOOK_MS	      10
#define NAMES_SECONDS 5

struct following {
	struct map_reading *reading;
	struct ring ring;
	uint32_t type; /* of a record; 0: it is not known */
	time_t named_at;
	bool told_full;
};

static time_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* The program that writes the records says what they are: a ring has no types of its own. */
static void find_type(struct following *following)
{
	struct map_reading *reading = following->reading;
	const char *name = meaning_record_of(reading->map.name);
	struct program program;
	struct err err;
	int type = -1;

	if (name && !program_open(reading->options->bpffs, &program, &err)) {
		reading->btf = pinned_btf_of(program.info.btf_id);
		program_close(&program);
		if (reading->btf)
			type = btf__find_by_name_kind(reading->btf, name, BTF_KIND_STRUCT);
	}
	following->type = type > 0 ? (uint32_t)type : 0;
	if (!following->type)
		fprintf(stderr, "mtlb: the kernel gives no types (BTF) of %s: bytes stay bytes\n",
			reading->map.name);
}

/* Tenants come and go while it goes on. */
static void renew_names(struct following *following)
{
	struct map_reading *reading = following->reading;
	struct view view;
	struct err err;

	if (!reading->named || seconds_now() - following->named_at < NAMES_SECONDS)
		return;
	following->named_at = seconds_now();
	if (view_open(&view, reading->options->bpffs, &err))
		return; /* the names that there were do */
	view_close(&reading->view);
	reading->view = view;
}

/* What stands behind its length is of no frame. */
static void cut_frame(json_t *value)
{
	const char *frame = json_string_value(json_object_get(value, "frame"));
	size_t length = (size_t)json_integer_value(json_object_get(value, "length"));

	if (frame && length && 3 * length <= strlen(frame))
		json_object_set_new(value, "frame", json_stringn(frame, 3 * length - 1));
}

/* "WHEN: name=value ...", as an element of a map. */
static void print_line(json_t *value)
{
	const char *when = json_object_get(value, "at") ? "at" : "since";

	if (json_is_string(value)) { /* bytes of no type */
		puts(json_string_value(value));
		return;
	}
	output_text(json_object_get(value, when));
	json_object_del(value, when);
	putchar(':');
	map_print_flat("", value);
	putchar('\n');
}

static void print_missed(const struct options *options, uint64_t missed)
{
	json_t *line;

	if (!options->json) {
		printf("(%" PRIu64 " overwritten before they could be read)\n", missed);
		return;
	}
	line = json_pack("{s:I}", "missed", (json_int_t)missed);
	output_json(options, line);
	json_decref(line);
}

static void print_record(const struct following *following, const void *bytes,
			 const struct ring_record *record)
{
	const struct map_reading *reading = following->reading;
	size_t size = record->size < RECORD_MAX ? record->size : RECORD_MAX;
	json_t *value = map_print_decode(reading, following->type, bytes, size);

	if (record->missed)
		print_missed(reading->options, record->missed);
	cut_frame(value);
	if (reading->options->json)
		output_json(reading->options, value);
	else
		print_line(value);
	json_decref(value);
}

/* The agent takes at once what comes: much that waits says that there is none. */
static void tell_full(struct following *following)
{
	double waiting = ring_waiting(&following->ring);

	if (following->told_full || waiting < 0.5)
		return;
	following->told_full = true;
	fprintf(stderr,
		"mtlb: %s is %d %% full: no agent takes what is in it, and little or nothing comes "
		"in until one does\n",
		following->reading->map.name, (int)(waiting * 100));
}

/* Returns false when whoever read stdout is gone. */
static bool rest(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, LOOK_MS) <= 0 || !(out.revents & (POLLERR | POLLHUP | POLLNVAL));
}

static int follow(struct following *following, uint64_t count)
{
	uint8_t bytes[RECORD_MAX];
	struct ring_record record;
	uint64_t shown = 0;
	int is;

	while ((is = ring_next(&following->ring, bytes, sizeof(bytes), &record)) >= 0) {
		if (is) {
			renew_names(following);
			print_record(following, bytes, &record);
			if (++shown == count || fflush(stdout))
				return EXIT_OK;
			continue;
		}
		tell_full(following);
		if (!rest())
			return EXIT_OK;
	}
	return command_fail(following->reading->options, "%s has no records that make sense",
			    following->reading->map.name);
}

int map_event_run(struct map_reading *reading, uint64_t count)
{
	struct following following = {.reading = reading, .named_at = seconds_now()};
	const struct pinned_map *map = &reading->map;
	struct err err;
	int code;

	if (!pinned_is_ring(map)) {
		char type[PINNED_NAME_MAX];

		return command_fail(
			reading->options,
			"%s is of type %s, which has no events: `mtlb map dump %s` shows it",
			map->name, pinned_type_name(map->info.type, type),
			map->name + strlen("mtlb_"));
	}
	if (ring_open(reading->options->bpffs, map->name, &following.ring, &err))
		return command_fail(reading->options, "%s", err.text);
	find_type(&following);
	code = follow(&following, count);
	ring_close(&following.ring);
	return code;
}
