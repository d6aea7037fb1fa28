// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "trace.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../bpf/abi/names.h"
#include "pinned.h"
#include "bpf/l4_trace.skel.h"

#define MAPS_MAX   64
#define ELEMENTS   256 /* of a map that is its own */
#define RING_BYTES 65536
#define ROUNDS_MAX 16
#define ROOM	   (TRACE_FRAME_MAX + 512)

/*
 * Maps that packets write: never lent. Their keys are numbers. What is listed here by mistake costs
 * a copy; what is not listed and written is found by selftests/bpf/trace_test.
 */
static const char *const written[] = {
	"mtlb_active",	      "mtlb_answer_budgets", "mtlb_clients",
	"mtlb_event_budgets", "mtlb_flow_facts",     "mtlb_flows",
	"mtlb_fragments",     "mtlb_leases",	     "mtlb_member_counters",
	"mtlb_meter_times",   "mtlb_nat_ways",	     "mtlb_reason_counters",
	"mtlb_rule_counters", "mtlb_share",	     "mtlb_tenant_counters",
};

/* Its own as well, and nobody asks what is in them. */
static const char *const ignored[] = {"mtlb_events", "mtlb_flow_logs", "mtlb_held"};

struct element {
	struct trace_element element;
	struct trace_map *map;
};

struct trace_map {
	struct pinned_map pinned; /* the real one, read-only */
	int own;		  /* fd; -1: it is lent the real one */
	uint32_t id;		  /* of its own */
};

struct trace {
	const char *directory;
	struct l4_trace *skeleton;
	struct ring_buffer *rings; /* emptied before each run: a full one would tell of others */
	struct trace_map map[MAPS_MAX];
	size_t map_count;
	struct element *elements;
	size_t count;
	uint8_t frame[ROOM];
};

static bool is_among(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

#define IS_AMONG(name, names) is_among(name, names, sizeof(names) / sizeof(*(names)))

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* --- maps */

static int differs(const struct trace *trace, const char *name, struct err *err)
{
	return err_set(
		err, -EPROTO,
		"%s/%s is not as this program knows it: use the mtlb that the dataplane came "
		"with (`mtlb version`, `mtlb prog show`)",
		trace->directory, name);
}

/* A hash is as good as an array, and needs no memory for what is not asked for. */
static int make_own(struct bpf_map *map)
{
	int error = bpf_map__set_type(map, BPF_MAP_TYPE_HASH);

	error = error ?: bpf_map__set_map_flags(map, 0);
	return error ?: bpf_map__set_max_entries(map, ELEMENTS);
}

static int prepare_map(struct trace *trace, struct bpf_map *map, struct err *err)
{
	struct trace_map *entry = &trace->map[trace->map_count];
	const char *name = bpf_map__name(map);
	int error;

	if (bpf_map__is_internal(map) || !strcmp(name, "mtlb_trace"))
		return 0;
	if (IS_AMONG(name, ignored))
		return bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF
			       ? bpf_map__set_max_entries(map, RING_BYTES)
			       : 0;
	if (trace->map_count == MAPS_MAX)
		return err_set(err, -E2BIG, "more than %d maps", MAPS_MAX);
	error = pinned_open(trace->directory, name, &entry->pinned, err);
	if (error)
		return error;
	trace->map_count++;
	entry->own = -1;
	if (entry->pinned.info.key_size != bpf_map__key_size(map) ||
	    entry->pinned.info.value_size != bpf_map__value_size(map))
		return differs(trace, name, err);
	error = IS_AMONG(name, written) ? make_own(map) : bpf_map__reuse_fd(map, entry->pinned.fd);
	return error ? err_set(err, error, "%s: %s", name, strerror(-error)) : 0;
}

static int take_nothing(void *context, void *data, size_t size)
{
	(void)context;
	(void)data;
	(void)size;
	return 0;
}

static int open_rings(struct trace *trace)
{
	trace->rings = ring_buffer__new(bpf_map__fd(trace->skeleton->maps.mtlb_held), take_nothing,
					NULL, NULL);
	if (!trace->rings)
		return -errno;
	return ring_buffer__add(trace->rings, bpf_map__fd(trace->skeleton->maps.mtlb_events),
				take_nothing, NULL);
}

/* Once they are made. */
static int find_own(struct trace *trace)
{
	for (size_t i = 0; i < trace->map_count; i++) {
		struct trace_map *entry = &trace->map[i];
		struct bpf_map_info info = {};
		__u32 size = sizeof(info);

		if (!IS_AMONG(entry->pinned.name, written))
			continue;
		entry->own =
			bpf_object__find_map_fd_by_name(trace->skeleton->obj, entry->pinned.name);
		if (bpf_obj_get_info_by_fd(entry->own, &info, &size))
			return -errno;
		entry->id = info.id;
	}
	return 0;
}

static const struct trace_map *find_map(const struct trace *trace, const char *name)
{
	for (size_t i = 0; i < trace->map_count; i++)
		if (!strcmp(trace->map[i].pinned.name, name))
			return &trace->map[i];
	return NULL;
}

/* --- the program */

static int set_knobs(struct trace *trace, struct err *err)
{
	const struct trace_map *nodes = find_map(trace, "mtlb_node");
	const struct trace_map *rules = find_map(trace, "mtlb_rules");
	struct mtlb_node node;
	uint32_t zero = 0;

	if (!nodes || !rules || nodes->pinned.info.value_size != sizeof(node))
		return differs(trace, "mtlb_node", err);
	if (pinned_lookup(&nodes->pinned, &zero, &node))
		return pinned_explain(trace->directory, "mtlb_node", -errno, err);
	if (node.abi_version != MTLB_ABI_VERSION)
		return differs(trace, "mtlb_node", err);
	trace->skeleton->rodata->knob_hash_key_0 = node.secret[0];
	trace->skeleton->rodata->knob_hash_key_1 = node.secret[1];
	trace->skeleton->rodata->knob_members = node.members;
	trace->skeleton->rodata->knob_tenants = node.tenants;
	trace->skeleton->rodata->knob_stamp_shift = node.stamp_shift;
	trace->skeleton->rodata->knob_nat_first = node.nat_first;
	trace->skeleton->rodata->knob_rules = rules->pinned.info.max_entries;
	return 0;
}

static int refused(int error, struct err *err)
{
	if (error == -EPERM || error == -EACCES)
		return err_set(err, error,
			       "not allowed to load the program that is asked: %s; root is (try "
			       "sudo)",
			       strerror(-error));
	return err_set(err, error, "the kernel refused the program that is asked: %s",
		       strerror(-error));
}

static int load(struct trace *trace, struct err *err)
{
	struct bpf_map *map;
	int error;

	trace->skeleton = l4_trace__open();
	if (!trace->skeleton)
		return refused(-errno, err);
	bpf_object__for_each_map(map, trace->skeleton->obj)
	{
		error = prepare_map(trace, map, err);
		if (error)
			return error;
	}
	error = set_knobs(trace, err);
	if (error)
		return error;
	error = l4_trace__load(trace->skeleton) ?: find_own(trace) ?: open_rings(trace);
	return error ? refused(error, err) : 0;
}

int trace_open(const char *directory, struct trace **ret_trace, struct err *err)
{
	struct trace *trace = calloc(1, sizeof(*trace));
	libbpf_print_fn_t print;
	int error;

	if (!trace)
		return err_set(err, -ENOMEM, "out of memory");
	trace->directory = directory;
	print = libbpf_set_print(silent); /* what it says is of no use to who asks */
	error = load(trace, err);
	libbpf_set_print(print);
	if (error) {
		trace_close(trace);
		return error;
	}
	*ret_trace = trace;
	return 0;
}

/* What a run leaves in the program's own maps must not be found by the next one. */
static void forget(struct trace *trace)
{
	for (size_t i = 0; i < trace->count; i++) {
		bpf_map_delete_elem(trace->elements[i].map->own, &trace->elements[i].element.key);
		free((void *)trace->elements[i].element.before);
		free((void *)trace->elements[i].element.after);
	}
	free(trace->elements);
	trace->elements = NULL;
	trace->count = 0;
}

void trace_close(struct trace *trace)
{
	forget(trace);
	for (size_t i = 0; i < trace->map_count; i++)
		pinned_close(&trace->map[i].pinned);
	ring_buffer__free(trace->rings);
	l4_trace__destroy(trace->skeleton);
	free(trace);
}

/* --- elements */

/* 1: the real map has it, and from now on so has the program's own. */
static int copy_element(struct trace *trace, struct trace_map *map, uint32_t key)
{
	void *before = malloc(map->pinned.info.value_size);
	void *after = malloc(map->pinned.info.value_size);
	struct element *more =
		realloc(trace->elements, (trace->count + 1) * sizeof(*trace->elements));

	if (more)
		trace->elements = more;
	if (!before || !after || !more || pinned_lookup(&map->pinned, &key, before)) {
		free(before);
		free(after);
		return more ? 0 : -ENOMEM;
	}
	trace->elements[trace->count++] = (struct element){
		.element = {.key = key, .before = before, .after = after},
		.map = map,
	};
	return 1;
}

/* How many elements were missed and are there now. */
static int copy_missed(struct trace *trace, const struct mtlb_trace *about)
{
	int copied = 0;

	for (uint32_t i = 0; i < about->misses && i < MTLB_TRACE_MISSES; i++) {
		const struct mtlb_trace_miss *miss = &about->miss[i];

		for (size_t j = 0; j < trace->map_count; j++) {
			struct trace_map *map = &trace->map[j];
			int error;

			if (map->own < 0 || map->id != miss->map ||
			    trace_find(trace, map->pinned.name, miss->key))
				continue;
			error = copy_element(trace, map, miss->key);
			if (error < 0)
				return error;
			copied += error;
		}
	}
	return copied;
}

static int put_elements(const struct trace *trace)
{
	for (size_t i = 0; i < trace->count; i++) {
		const struct element *element = &trace->elements[i];

		if (bpf_map_update_elem(element->map->own, &element->element.key,
					element->element.before, BPF_ANY))
			return -errno;
	}
	return 0;
}

static int take_elements(const struct trace *trace)
{
	for (size_t i = 0; i < trace->count; i++) {
		const struct element *element = &trace->elements[i];

		if (bpf_map_lookup_elem(element->map->own, &element->element.key,
					(void *)element->element.after))
			return -errno;
	}
	return 0;
}

const struct trace_element *trace_find(const struct trace *trace, const char *map, uint32_t key)
{
	for (size_t i = 0; i < trace->count; i++)
		if (trace->elements[i].element.key == key &&
		    !strcmp(trace->elements[i].map->pinned.name, map))
			return &trace->elements[i].element;
	return NULL;
}

void trace_each(const struct trace *trace, const char *map,
		bool (*each)(void *context, const struct trace_element *element), void *context)
{
	for (size_t i = 0; i < trace->count; i++)
		if (!strcmp(trace->elements[i].map->pinned.name, map) &&
		    !each(context, &trace->elements[i].element))
			return;
}

uint32_t trace_entries(const struct trace *trace, const char *map)
{
	const struct trace_map *entry = find_map(trace, map);

	return entry ? entry->pinned.info.max_entries : 0;
}

int trace_read(const struct trace *trace, const char *map, uint32_t key, void *ret_value,
	       size_t size)
{
	const struct trace_map *entry = find_map(trace, map);

	if (!entry || entry->pinned.info.value_size != size)
		return -ENOENT;
	return pinned_lookup(&entry->pinned, &key, ret_value);
}

/* --- runs */

static int run_once(struct trace *trace, const void *frame, size_t length, uint32_t ifindex,
		    struct trace_result *result)
{
	struct xdp_md md = {.data_end = (uint32_t)length, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = (uint32_t)length,
		    .data_out = trace->frame, .data_size_out = sizeof(trace->frame), .ctx_in = &md,
		    .ctx_size_in = sizeof(md));
	int about = bpf_map__fd(trace->skeleton->maps.mtlb_trace);
	uint32_t zero = 0;

	ring_buffer__consume(trace->rings);
	result->about = (struct mtlb_trace){};
	if (bpf_map_update_elem(about, &zero, &result->about, BPF_ANY))
		return -errno;
	if (bpf_prog_test_run_opts(bpf_program__fd(trace->skeleton->progs.mtlb_trace_packet), &run))
		return -errno;
	result->verdict = (int)run.retval;
	result->frame = trace->frame;
	result->length = run.data_size_out;
	return bpf_map_lookup_elem(about, &zero, &result->about) ? -errno : 0;
}

static int run_until_known(struct trace *trace, const void *frame, size_t length, uint32_t ifindex,
			   struct trace_result *result)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		int error = put_elements(trace);

		error = error ?: run_once(trace, frame, length, ifindex, result);
		if (error)
			return error;
		error = copy_missed(trace, &result->about);
		if (error <= 0)
			return error ?: take_elements(trace);
	}
	return -ELOOP;
}

static int explain(int error, uint32_t ifindex, struct err *err)
{
	switch (error) {
	case -ENODEV:
	case -EINVAL:
		return err_set(
			err, error,
			"the kernel cannot run it as a packet of interface %u: it is gone, or "
			"of another network namespace than this command's",
			ifindex);
	case -ELOOP:
		return err_set(err, error,
			       "the maps changed each time the packet was run: try again");
	default:
		return err_set(err, error, "the kernel does not run it: %s", strerror(-error));
	}
}

int trace_run(struct trace *trace, const void *frame, size_t length, uint32_t ifindex,
	      struct trace_result *ret_result, struct err *err)
{
	cpu_set_t before, one;
	int cpu = sched_getcpu(), error;

	forget(trace);
	if (length < 14 || length > TRACE_FRAME_MAX)
		return err_set(err, -EMSGSIZE,
			       "a frame of %zu bytes: expected 14 (an Ethernet header) to %d",
			       length, TRACE_FRAME_MAX);
	/* each CPU has elements of its own */
	CPU_ZERO(&one);
	CPU_SET(cpu < 0 ? 0 : cpu, &one);
	if (sched_getaffinity(0, sizeof(before), &before) ||
	    sched_setaffinity(0, sizeof(one), &one))
		return err_set(err, -errno, "cannot stay on one CPU: %s", strerror(errno));
	error = run_until_known(trace, frame, length, ifindex, ret_result);
	sched_setaffinity(0, sizeof(before), &before);
	return error ? explain(error, ifindex, err) : 0;
}
