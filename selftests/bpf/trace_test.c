// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A trace changes nothing: all that is pinned is the same before and after, whatever map the packet
 * itself would have written. That what it says comes true is shown by all scenarios of the rig
 * (rig_trace.h).
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "../../userspace/inspect/pinned.h"
#include "rig_trace.h"
#include "tracked.h"
#include "translated.h"

#define MAPS 64
/* Between packets, on the meter's scale: 1,000 s, so that nothing falls due while a test runs. */
#define LONG	   (1000 * 1000000000ULL << MTLB_METER_INTERVAL_SHIFT)
#define LONG_TICKS (LONG >> (MTLB_METER_INTERVAL_SHIFT - MTLB_METER_TICK_SHIFT))

/* --- everything that is pinned */

struct content {
	uint8_t *bytes;
	size_t size;
};

struct snapshot {
	struct pinned_names names;
	struct content map[MAPS];
};

static bool append_element(void *context, const void *key, const void *values)
{
	struct content *content = context;
	const struct {
		uint32_t key, size;
	} *sizes = (const void *)content->bytes;

	memcpy(content->bytes + content->size, key, sizes->key);
	content->size += sizes->key;
	memcpy(content->bytes + content->size, values, sizes->size);
	content->size += sizes->size;
	return true;
}

/* Pages of a map; of one that was opened read-only the kernel gives none away. */
static void take_pages(const struct rig *rig, const char *name, size_t at, size_t size,
		       struct content *content)
{
	uint8_t *pages;
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", rig->directory, name);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	pages = mmap(NULL, at + size, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(pages, MAP_FAILED);
	close(fd);
	content->bytes = malloc(size);
	assert_non_null(content->bytes);
	content->size = size;
	memcpy(content->bytes, pages + at, size);
	munmap(pages, at + size);
}

static void take_hash(const struct pinned_map *map, struct content *content)
{
	size_t element = (size_t)map->info.key_size + map->info.value_size;

	content->bytes = malloc(8 + element * map->info.max_entries);
	assert_non_null(content->bytes);
	memcpy(content->bytes, &map->info.key_size, 4);
	memcpy(content->bytes + 4, &map->info.value_size, 4);
	content->size = 8;
	assert_int_equal(pinned_each(map, true, append_element, content), 0);
}

static void take_map(const struct rig *rig, const char *name, struct content *content)
{
	struct pinned_map map;
	struct err err = {};

	if (pinned_open(rig->directory, name, &map, &err))
		fail_msg("%s", err.text);
	if (map.info.type == BPF_MAP_TYPE_RINGBUF) /* how much was ever written */
		take_pages(rig, name, (size_t)sysconf(_SC_PAGESIZE), sizeof(uint64_t), content);
	else if (pinned_is_array(&map))
		take_pages(rig, name, 0, (size_t)map.info.value_size * map.info.max_entries,
			   content);
	else
		take_hash(&map, content);
	pinned_close(&map);
}

static void snapshot_take(const struct rig *rig, struct snapshot *snapshot)
{
	struct err err = {};

	*snapshot = (struct snapshot){};
	if (pinned_list(rig->directory, &snapshot->names, &err))
		fail_msg("%s", err.text);
	assert_in_range(snapshot->names.count, 30, MAPS);
	for (size_t i = 0; i < snapshot->names.count; i++)
		take_map(rig, snapshot->names.names[i], &snapshot->map[i]);
}

static void snapshot_drop(struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->names.count; i++)
		free(snapshot->map[i].bytes);
	pinned_names_fini(&snapshot->names);
}

/* The name of a map that differs; NULL: none does. */
static const char *snapshot_differs(const struct snapshot *a, const struct snapshot *b)
{
	assert_int_equal(a->names.count, b->names.count);
	for (size_t i = 0; i < a->names.count; i++)
		if (a->map[i].size != b->map[i].size ||
		    memcmp(a->map[i].bytes, b->map[i].bytes, a->map[i].size) != 0)
			return a->names.names[i];
	return NULL;
}

/* --- packets, each of which writes somewhere */

static const struct {
	const char *frame;
	uint32_t by;
	const char *map; /* that it writes, among others */
	bool translated;
} packets[] = {
	{"eth / ip4 client > acme / tcp 1 > 80 SYN", .map = "mtlb_member_counters"},
	{"eth / ip4 client > acme / udp 1 > 80", .map = "mtlb_active"},
	{"eth / ip4 client > acme / tcp 1 > 81 SYN", .map = "mtlb_reason_counters"},
	{"eth / ip4 client > acme / tcp 1 > 8000 SYN", .map = "mtlb_flows"},
	{"eth / ip4 client > acme / udp 1 > 8000", .map = "mtlb_flow_logs"},
	{"eth / ip4 client > acme / tcp 1 > 100 SYN", .map = "mtlb_nat_ways", .translated = true},
	{"eth / ip4 client > acme / udp 1 > 100", .map = "mtlb_flow_facts", .translated = true},
	{"eth / ip4 client > acme id 7 more / udp 1 > 80 / 1472 bytes", .map = "mtlb_fragments"},
	{"eth / ip4 client > acme id 8 offset 185 next 17 / 100 bytes", .map = "mtlb_held"},
	{"eth / ip4 client > acme df / tcp 1 > 84 / 1472 bytes", .map = "mtlb_answer_budgets"},
	{"eth / ip4 client > acme / tcp 1 > 97 SYN", .map = "mtlb_leases"},
	{"eth / ip4 client > globex / tcp 1 > 97 SYN", .map = "mtlb_meter_times"},
	{"eth / ip4 client > acme / tcp 2 > 97 SYN", .map = "mtlb_clients"},
	{"eth / ip4 client > acme / tcp 1 > 500 SYN", .map = "mtlb_tenant_counters"},
	{"eth / ip4 acme > acme / tcp 1 > 80 ACK", .map = "mtlb_rule_counters"},
	{"eth / ip4 client > acme / tcp 1 > 70 SYN", .map = "mtlb_event_budgets"},
	{"eth / ip4 client > globex / tcp 1 > 70 SYN", .map = "mtlb_events"},
	{"eth / ip4 client > host / tcp 1 > 80 SYN", .by = RIG_AWAY, .map = "mtlb_reason_counters"},
};

static void set_meters(const struct rig *rig)
{
	struct mtlb_meter meter = {};

	for (int kind = 0; kind < MTLB_METER_KINDS; kind++)
		meter.rate[kind] = (struct mtlb_meter_rate){
			.interval = LONG, .burst = 1000 * LONG_TICKS, .batch = 16};
	meter.client_interval = 1;
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
	assert_int_equal(dataplane_put_meter(rig->dataplane, GLOBEX, &meter), 0);
}

/* Both kinds have services of the same numbers. */
static void set_services(const struct rig *rig, bool translated)
{
	if (translated)
		translated_set(rig, 1);
	else
		tracked_set(rig,
			    &(struct tracked){.slot = OWNER | MTLB_SLOT_CHANGED, .old_owner = OLD});
}

static size_t place_of(const struct snapshot *snapshot, const char *map)
{
	size_t i = 0;

	while (strcmp(snapshot->names.names[i], map) != 0)
		assert_in_range(++i, 0, snapshot->names.count - 1);
	return i;
}

static void nothing_changes(const struct rig *rig, bool translated)
{
	struct snapshot before, after, real;
	struct mtlb_guard node = {.flags = MTLB_GUARD_LAND};
	struct frame in, out, foretold;

	assert_int_equal(dataplane_put_guard(rig->dataplane, NODE, &node), 0);
	set_meters(rig);
	for (size_t i = 0; i < sizeof(packets) / sizeof(*packets); i++) {
		struct trace_result is;
		const char *changed;
		size_t place;
		int verdict;

		if (packets[i].translated != translated)
			continue;
		frame_build(&in, packets[i].frame, NULL);
		set_services(rig, translated);
		snapshot_take(rig, &before);
		is = rig_trace(rig, &in, packets[i].by, &foretold);
		snapshot_take(rig, &after);
		changed = snapshot_differs(&before, &after);
		if (changed)
			fail_msg("a trace of \"%s\" changed %s", packets[i].frame, changed);

		verdict = packets[i].by ? rig_run_by(rig, &in, &out, packets[i].by)
					: rig_run(rig, &in, &out, 0);
		snapshot_take(rig, &real);
		place = place_of(&real, packets[i].map);
		if (real.map[place].size == after.map[place].size &&
		    !memcmp(real.map[place].bytes, after.map[place].bytes, real.map[place].size))
			fail_msg("\"%s\" itself does not write %s, so this shows nothing",
				 packets[i].frame, packets[i].map);
		assert_int_equal(is.verdict, verdict);
		frame_assert_equal(&foretold, &out, packets[i].frame);
		snapshot_drop(&before);
		snapshot_drop(&after);
		snapshot_drop(&real);
	}
}

static void nothing_changes_untranslated(void **state)
{
	nothing_changes(*state, false);
}

/* The maps of translated flows are large: a rig of their own, after all others. */
static void nothing_changes_translated(void **state)
{
	struct rig *rig = *state;

	rig_close(rig);
	*rig = (struct rig){};
	rig_open(rig, 0);
	nothing_changes(rig, true);
}

/* --- what it holds of the maps */

static bool count_stored(void *context, const struct trace_element *element)
{
	const struct mtlb_flow_bucket *before = element->before, *after = element->after;
	uint32_t *stored = context;

	for (int i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
		*stored += !before->word[i] && after->word[i];
	return true;
}

static uint32_t stored_by(const struct rig *rig, const char *text)
{
	struct frame in, out;
	uint32_t stored = 0;

	frame_build(&in, text, NULL);
	rig_trace(rig, &in, 0, &out);
	trace_each(rig_tracer(rig), "mtlb_flows", count_stored, &stored);
	return stored;
}

static void a_flow_would_be_stored(void **state)
{
	const struct rig *rig = *state;

	set_services(rig, false);
	assert_int_equal(stored_by(rig, "eth / ip4 client > acme / tcp 1 > 8000 SYN"), 1);
	assert_int_equal(stored_by(rig, "eth / ip4 client > acme / tcp 1 > 8000 SYN"), 1);
	assert_int_equal(rig_count_flows(rig, ACME), 0);
	/* its hash alone finds its member */
	assert_int_equal(stored_by(rig, "eth / ip4 client > acme / tcp 1 > 80 SYN"), 0);
	assert_null(trace_find(rig_tracer(rig), "mtlb_flows", RIG_FLOWS(ACME)));
}

/* A lease that is spent is spent for a trace, and each trace begins where the real one stands. */
static void credit_is_seen_and_not_spent(void **state)
{
	const struct rig *rig = *state;
	struct mtlb_meter none = {}, meter = {};
	struct frame in, out;

	meter.rate[MTLB_METER_PACKETS] =
		(struct mtlb_meter_rate){.interval = LONG, .burst = 2 * LONG_TICKS, .batch = 1};
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &none), 0);
	assert_int_equal(dataplane_put_meter(rig->dataplane, ACME, &meter), 0);
	frame_build(&in, "eth / ip4 client > acme / tcp 1 > 97 ACK", NULL);
	for (int i = 0; i < 10; i++)
		assert_int_equal(rig_trace(rig, &in, 0, &out).verdict, XDP_TX);
	for (int i = 0; i < 2; i++)
		assert_int_equal(rig_run(rig, &in, &out, 0), XDP_TX);
	assert_int_equal(rig_trace(rig, &in, 0, &out).verdict, XDP_DROP);
	assert_int_equal(rig_trace(rig, &in, 0, &out).about.reason, MTLB_REASON_over_packets);
	assert_int_equal(rig_run(rig, &in, &out, 0), XDP_DROP);
}

/* --- what cannot be told is told so */

static void refusals(void **state)
{
	const struct rig *rig = *state;
	struct trace_result result;
	struct trace *trace;
	struct frame in;
	struct err err = {};

	frame_build(&in, "eth / ip4 client > acme / tcp 1 > 80 SYN", NULL);
	assert_int_not_equal(trace_run(rig_tracer(rig), in.byte, in.length, 4711, &result, &err),
			     0);
	assert_non_null(strstr(err.text, "interface 4711"));
	assert_int_not_equal(trace_run(rig_tracer(rig), in.byte, 13, 1, &result, &err), 0);
	assert_non_null(strstr(err.text, "expected 14"));
	assert_int_not_equal(
		trace_run(rig_tracer(rig), in.byte, TRACE_FRAME_MAX + 1, 1, &result, &err), 0);
	assert_int_not_equal(trace_open("/sys/fs/bpf/mtlb-nowhere", &trace, &err), 0);
	assert_non_null(strstr(err.text, "mtlb-nowhere"));
}

static int setup(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	rig->without_nat = true;
	*state = rig;
	rig_open(rig, 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_changes_untranslated),
		cmocka_unit_test(a_flow_would_be_stored),
		cmocka_unit_test(credit_is_seen_and_not_spent),
		cmocka_unit_test(refusals),
		cmocka_unit_test(nothing_changes_translated),
	};

	return cmocka_run_group_tests_name("bpf/trace", tests, setup, rig_teardown);
}
