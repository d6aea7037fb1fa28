// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "stored.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUCKETS_AT_A_TIME 512U
#define SECOND		  1000000000ULL

/* Buckets that belong to somebody. */
struct range {
	uint32_t first, count;
};

struct reading {
	const struct view *view;
	const struct stored_filter *filter;
	bool (*each)(void *context, const struct stored_flow *flow);
	void *context;
	struct pinned_map flows, facts;
	struct range *ranges;
	size_t range_count;
	/* facts that no agent has carried over yet, by position: see abi/flow.h */
	struct mtlb_flow_facts *fresh;
	size_t fresh_count;
	struct mtlb_flow_bucket buckets[BUCKETS_AT_A_TIME];
	struct mtlb_flow_facts known[BUCKETS_AT_A_TIME * MTLB_FLOWS_PER_BUCKET];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now); /* the clock that the program reads */
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* A service that is gone has nothing to keep. */
static uint32_t idle_stamps(const struct view *view, uint32_t service)
{
	uint64_t stamps;

	if (!view_tenant_of(view, service))
		return 0;
	stamps = ((uint64_t)view->services[service].idle * SECOND >> view->node->stamp_shift) + 1;
	return stamps < MTLB_FLOW_STAMP_MASK / 2 ? (uint32_t)stamps : MTLB_FLOW_STAMP_MASK / 2;
}

static bool is_within(uint32_t bucket, uint32_t first, uint32_t count)
{
	return bucket >= first && bucket - first < count;
}

bool stored_judge(const struct view *view, uint32_t now, uint32_t bucket, uint64_t word,
		  uint64_t hash, struct stored_flow *ret_flow)
{
	uint32_t member = mtlb_flow_member(word), service;
	const struct mtlb_tenant *tenant;

	if (!word || mtlb_flow_tag_of(hash) != mtlb_flow_tag(word) || member >= view->node->members)
		return false;
	service = view->members[member].service;
	if (mtlb_flow_expired(word, now, idle_stamps(view, service)))
		return false;
	*ret_flow = (struct stored_flow){
		.tenant = view_tenant_of(view, service),
		.service = service,
		.member = member,
		.state = mtlb_flow_state(word),
		.idle_s = ((uint64_t)mtlb_flow_age(word, now) << view->node->stamp_shift) / SECOND,
	};
	/* what is left of somebody else's in a range that changed hands is nobody's */
	tenant = &view->tenants[ret_flow->tenant];
	return ret_flow->tenant && (is_within(bucket, tenant->flow_first, tenant->flow_count) ||
				    is_within(bucket, tenant->nat_first, tenant->nat_count));
}

static bool is_at(const struct mtlb_address *wanted, __be16 wanted_port,
		  const struct mtlb_address *address, __be16 port)
{
	return !memcmp(wanted, address, sizeof(*wanted)) && (!wanted_port || wanted_port == port);
}

static bool is_wanted(const struct view *view, const struct stored_filter *filter,
		      const struct stored_flow *flow)
{
	const struct mtlb_member_name *name = &view->member_names[flow->member];
	const struct mtlb_flow_facts *facts = flow->facts;

	if ((filter->tenant && filter->tenant != flow->tenant) ||
	    (filter->state >= 0 && (uint32_t)filter->state != flow->state) ||
	    flow->idle_s < filter->least_idle_s)
		return false;
	if (filter->service &&
	    strncmp(filter->service, view->services[flow->service].name, MTLB_NAME_MAX) != 0)
		return false;
	if (filter->by_member &&
	    !is_at(&filter->member, filter->member_port, &name->address, name->port))
		return false;
	if (!filter->by_client && !filter->by_destination && !filter->least_age_s)
		return true;
	if (!facts || flow->age_s < filter->least_age_s)
		return false;
	return (!filter->by_client ||
		is_at(&filter->client, filter->client_port, &facts->source, facts->source_port)) &&
	       (!filter->by_destination || is_at(&filter->destination, filter->destination_port,
						 &facts->destination, facts->destination_port));
}

static int by_position(const void *a, const void *b)
{
	const struct mtlb_flow_facts *x = a, *y = b;

	return (x->position > y->position) - (x->position < y->position);
}

/* What the logs still have of the flow at a position. */
static const struct mtlb_flow_facts *find_fresh(const struct reading *reading, uint32_t position,
						uint64_t hash)
{
	const struct mtlb_flow_facts key = {.position = position};
	const struct mtlb_flow_facts *end = reading->fresh + reading->fresh_count, *at;

	if (!reading->fresh_count)
		return NULL;
	at = bsearch(&key, reading->fresh, reading->fresh_count, sizeof(key), by_position);
	while (at && at > reading->fresh && at[-1].position == position)
		at--;
	for (; at && at < end && at->position == position; at++)
		if (at->hash == hash)
			return at;
	return NULL;
}

/* Entries that packets may be writing over are left out. */
static int take_log(struct reading *reading, const struct mtlb_flow_log *log)
{
	uint64_t at = log->read, until = log->written;
	struct mtlb_flow_facts *more;

	if (until - at >= MTLB_FLOW_LOG_ENTRIES)
		at = until - (MTLB_FLOW_LOG_ENTRIES - 1);
	if (at == until)
		return 0;
	more = realloc(reading->fresh,
		       (reading->fresh_count + (until - at)) * sizeof(*reading->fresh));
	if (!more)
		return -ENOMEM;
	reading->fresh = more;
	for (; at != until; at++)
		more[reading->fresh_count++] = log->entry[at % MTLB_FLOW_LOG_ENTRIES];
	return 0;
}

static int read_logs(struct reading *reading, struct err *err)
{
	struct mtlb_flow_log *log = malloc(sizeof(*log));
	struct pinned_map map = {.fd = -1};
	int error = log ? pinned_open(reading->view->directory, "mtlb_flow_logs", &map, err)
			: err_set(err, -ENOMEM, "out of memory");

	for (uint32_t cpu = 0; !error && cpu < map.info.max_entries; cpu++) {
		error = map.info.value_size == sizeof(*log) ? pinned_read(&map, cpu, 1, log)
							    : -EPROTO;
		error = error ?: take_log(reading, log);
		if (error)
			pinned_explain(reading->view->directory, map.name, error, err);
	}
	if (reading->fresh_count)
		qsort(reading->fresh, reading->fresh_count, sizeof(*reading->fresh), by_position);
	pinned_close(&map);
	free(log);
	return error;
}

static int by_first(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* The ranges of whoever is wanted, each once however many share it. */
static int find_ranges(struct reading *reading)
{
	const struct view *view = reading->view;
	uint32_t only = reading->filter->tenant;
	size_t count = 0, kept = 0;
	struct range *ranges = calloc(2 * (size_t)view->node->tenants, sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	for (uint32_t i = 1; i < view->node->tenants; i++) {
		const struct mtlb_tenant *tenant = &view->tenants[i];

		if (!tenant->used || (only && only != i))
			continue;
		if (tenant->flow_count)
			ranges[count++] = (struct range){tenant->flow_first, tenant->flow_count};
		if (tenant->nat_count)
			ranges[count++] = (struct range){tenant->nat_first, tenant->nat_count};
	}
	qsort(ranges, count, sizeof(*ranges), by_first);
	for (size_t i = 0; i < count; i++)
		if (!kept || ranges[kept - 1].first != ranges[i].first)
			ranges[kept++] = ranges[i];
	reading->ranges = ranges;
	reading->range_count = kept;
	return 0;
}

/* Facts and hash belong together when both have the same hash. */
static void add_facts(const struct reading *reading, uint32_t position,
		      const struct mtlb_flow_facts *known, uint64_t hash, struct stored_flow *flow,
		      uint64_t now)
{
	flow->facts = known->hash == hash ? known : find_fresh(reading, position, hash);
	if (flow->facts && flow->facts->first_seen < now)
		flow->age_s = (now - flow->facts->first_seen) / SECOND;
}

/* false: each wants no more. */
static bool each_in_bucket(struct reading *reading, uint32_t bucket, uint32_t at, uint64_t now)
{
	const struct mtlb_flow_bucket *words = &reading->buckets[at];
	uint32_t stamp = (uint32_t)(now >> reading->view->node->stamp_shift) & MTLB_FLOW_STAMP_MASK;

	for (uint32_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++) {
		struct stored_flow flow;

		if (!stored_judge(reading->view, stamp, bucket, words->word[i], words->hash[i],
				  &flow))
			continue;
		add_facts(reading, bucket * MTLB_FLOWS_PER_BUCKET + i,
			  &reading->known[at * MTLB_FLOWS_PER_BUCKET + i], words->hash[i], &flow,
			  now);
		if (is_wanted(reading->view, reading->filter, &flow) &&
		    !reading->each(reading->context, &flow))
			return false;
	}
	return true;
}

static bool is_empty(const struct mtlb_flow_bucket *bucket)
{
	uint64_t any = 0;

	for (int i = 0; i < MTLB_FLOWS_PER_BUCKET; i++)
		any |= bucket->word[i];
	return !any;
}

/* Buckets, and facts from the first that is in use to the last one. 1: each wants no more. */
static int read_part(struct reading *reading, uint32_t first, uint32_t count)
{
	int error = pinned_read(&reading->flows, first, count, reading->buckets);
	uint32_t from = 0, to = count;
	uint64_t now;

	if (error)
		return error;
	while (from < to && is_empty(&reading->buckets[from]))
		from++;
	while (to > from && is_empty(&reading->buckets[to - 1]))
		to--;
	if (from == to)
		return 0;
	error = pinned_read(&reading->facts, (first + from) * MTLB_FLOWS_PER_BUCKET,
			    (to - from) * MTLB_FLOWS_PER_BUCKET,
			    &reading->known[from * MTLB_FLOWS_PER_BUCKET]);
	now = now_ns();
	for (; !error && from < to; from++)
		error = !each_in_bucket(reading, first + from, from, now);
	return error;
}

static int read_all(struct reading *reading)
{
	int error = 0;

	for (size_t i = 0; !error && i < reading->range_count; i++) {
		const struct range *range = &reading->ranges[i];
		uint32_t at = 0;

		while (!error && at < range->count) {
			uint32_t rest = range->count - at;
			uint32_t count = rest < BUCKETS_AT_A_TIME ? rest : BUCKETS_AT_A_TIME;

			error = read_part(reading, range->first + at, count);
			at += count;
		}
	}
	return error < 0 ? error : 0;
}

static int open_table(struct reading *reading, struct err *err)
{
	const char *directory = reading->view->directory;
	int error = pinned_open(directory, "mtlb_flows", &reading->flows, err)
			    ?: pinned_open(directory, "mtlb_flow_facts", &reading->facts, err);

	if (error)
		return error;
	if (reading->flows.info.value_size != sizeof(struct mtlb_flow_bucket) ||
	    reading->facts.info.value_size != sizeof(struct mtlb_flow_facts))
		return pinned_explain(directory, "mtlb_flows", -EPROTO, err);
	return 0;
}

int stored_each(const struct view *view, const struct stored_filter *filter,
		bool (*each)(void *context, const struct stored_flow *flow), void *context,
		struct err *err)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	int error;

	if (!reading)
		return err_set(err, -ENOMEM, "out of memory");
	reading->view = view;
	reading->filter = filter;
	reading->each = each;
	reading->context = context;
	reading->flows.fd = reading->facts.fd = -1;
	error = open_table(reading, err) ?: read_logs(reading, err);
	if (!error) {
		error = find_ranges(reading) ?: read_all(reading);
		if (error)
			pinned_explain(view->directory, "mtlb_flows", error, err);
	}
	pinned_close(&reading->flows);
	pinned_close(&reading->facts);
	free(reading->ranges);
	free(reading->fresh);
	free(reading);
	return error;
}
