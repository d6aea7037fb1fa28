// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "../base/log.h"

struct waiting {
	struct waiting *next;
	uint32_t tenant, ifindex, bucket, tag, length;
	uint64_t since;
	uint8_t frame[];
};

struct held {
	struct dataplane *dataplane;
	struct loop *loop;
	struct loop_fd ready;
	struct loop_timer poll_timer, sweep_timer;
	struct waiting *first, **last; /* in the order they came in */
	size_t count;
	uint8_t *of_tenant; /* how many wait, by the tenant's index */
	struct held_counters counters, reported;
	uint64_t polled_at, reported_at;
};

_Static_assert(HELD_TENANT_MAX <= UINT8_MAX, "of_tenant");

static const struct dataplane_view *view_of(const struct held *held)
{
	return dataplane_view(held->dataplane);
}

static uint32_t tenants_buckets(const struct held *held)
{
	return view_of(held)->node->tenants * MTLB_FRAGMENT_BUCKETS;
}

static uint32_t stamp_of(uint64_t now)
{
	return (uint32_t)(now >> MTLB_FRAGMENT_STAMP_SHIFT) & MTLB_FLOW_STAMP_MASK;
}

/* As the program sees it, or the frame would come back at once. */
static bool claimed(const struct held *held, const struct waiting *waiting, uint64_t now)
{
	const struct mtlb_fragment_bucket *bucket = &view_of(held)->fragments[waiting->bucket];
	bool reply = waiting->bucket >= tenants_buckets(held);

	for (size_t i = 0; i < MTLB_FLOWS_PER_BUCKET; i++) {
		uint64_t word = *(const volatile __u64 *)&bucket->word[i];

		if (mtlb_flow_tag(word) == waiting->tag &&
		    (mtlb_flow_state(word) == MTLB_FRAGMENT_REPLY) == reply &&
		    mtlb_flow_age(word, stamp_of(now)) <= MTLB_FRAGMENT_LIFE)
			return true;
	}
	return false;
}

/* At once, and then at most once a minute: anybody may send fragments that nobody claims. */
static void report(struct held *held, uint64_t now)
{
	const struct held_counters *is = &held->counters, *was = &held->reported;

	if (is->unclaimed + is->crowded + is->failed == was->unclaimed + was->crowded + was->failed)
		return;
	if (held->reported_at && now - held->reported_at < HELD_SWEEP_NS)
		return;
	log_info("fragments",
		 "dropped later fragments: %llu whose first one did not come within a second, %llu "
		 "beyond what may wait, %llu whose interface is gone",
		 (unsigned long long)(is->unclaimed - was->unclaimed),
		 (unsigned long long)(is->crowded - was->crowded),
		 (unsigned long long)(is->failed - was->failed));
	held->reported = *is;
	held->reported_at = now;
}

static void take_one(void *context, const struct mtlb_held *record)
{
	struct held *held = context;
	struct waiting *waiting;

	held->counters.taken++;
	if (record->tenant >= view_of(held)->node->tenants ||
	    record->bucket >= tenants_buckets(held) + MTLB_FRAGMENT_REPLY_BUCKETS ||
	    record->length > sizeof(record->frame)) {
		held->counters.failed++; /* a program of another making wrote it */
		return;
	}
	waiting = held->count < HELD_MAX && held->of_tenant[record->tenant] < HELD_TENANT_MAX
			  ? malloc(sizeof(*waiting) + record->length)
			  : NULL;
	if (!waiting) {
		held->counters.crowded++;
		return;
	}
	*waiting = (struct waiting){
		.tenant = record->tenant,
		.ifindex = record->ifindex,
		.bucket = record->bucket,
		.tag = record->tag,
		.length = record->length,
		.since = record->since,
	};
	memcpy(waiting->frame, record->frame, record->length);
	*held->last = waiting;
	held->last = &waiting->next;
	held->count++;
	held->of_tenant[record->tenant]++;
}

/* Returns true when it need not wait any longer. */
static bool settle(struct held *held, const struct waiting *waiting, uint64_t now)
{
	if (claimed(held, waiting, now)) {
		if (dataplane_put_back(held->dataplane, waiting->ifindex, waiting->frame,
				       waiting->length))
			held->counters.failed++;
		else
			held->counters.put_back++;
		return true;
	}
	if (now < waiting->since || now - waiting->since < HELD_LIFE_NS)
		return false;
	held->counters.unclaimed++;
	return true;
}

void held_poll(struct held *held, uint64_t now)
{
	struct waiting **at = &held->first, *waiting;

	while ((waiting = *at)) {
		if (!settle(held, waiting, now)) {
			at = &waiting->next;
			continue;
		}
		*at = waiting->next;
		held->count--;
		held->of_tenant[waiting->tenant]--;
		free(waiting);
	}
	held->last = at;
	held->polled_at = now;
	if (held->first)
		loop_timer_set(held->loop, &held->poll_timer, HELD_POLL_NS);
	else
		loop_timer_cancel(held->loop, &held->poll_timer);
	report(held, now);
}

void held_take(struct held *held, uint64_t now)
{
	dataplane_each_held(held->dataplane, take_one, held);
	if (now - held->polled_at >= HELD_POLL_NS)
		held_poll(held, now);
	else if (held->first && !held->poll_timer.place)
		loop_timer_set(held->loop, &held->poll_timer, HELD_POLL_NS);
}

void held_sweep(struct held *held, uint64_t now)
{
	const struct mtlb_fragment_bucket *fragments = view_of(held)->fragments;
	uint32_t buckets = tenants_buckets(held) + MTLB_FRAGMENT_REPLY_BUCKETS;

	for (uint32_t bucket = 0; bucket < buckets; bucket++) {
		for (uint32_t place = 0; place < MTLB_FLOWS_PER_BUCKET; place++) {
			uint64_t word = *(const volatile __u64 *)&fragments[bucket].word[place];

			if (word && mtlb_flow_age(word, stamp_of(now)) > MTLB_FRAGMENT_LIFE)
				dataplane_free_fragment(held->dataplane, bucket, place, word);
		}
	}
	report(held, now);
}

static void came(struct loop_fd *fd, uint32_t events)
{
	struct held *held = fd->context;

	(void)events;
	held_take(held, loop_now(held->loop));
}

static void poll_due(struct loop_timer *timer)
{
	struct held *held = timer->context;

	held_poll(held, loop_now(held->loop));
}

static void sweep_due(struct loop_timer *timer)
{
	struct held *held = timer->context;

	held_sweep(held, loop_now(held->loop));
	loop_timer_set(held->loop, timer, HELD_SWEEP_NS);
}

int held_new(struct dataplane *dataplane, struct loop *loop, struct held **ret_held)
{
	struct held *held = calloc(1, sizeof(*held));
	int error = 0;

	if (!held)
		return -ENOMEM;
	held->dataplane = dataplane;
	held->loop = loop;
	held->last = &held->first;
	held->ready = (struct loop_fd){
		.fd = dataplane_held_fd(dataplane), .ready = came, .context = held};
	held->poll_timer = (struct loop_timer){.fire = poll_due, .context = held};
	held->sweep_timer = (struct loop_timer){.fire = sweep_due, .context = held};
	held->of_tenant = calloc(view_of(held)->node->tenants, sizeof(*held->of_tenant));
	if (!held->of_tenant)
		error = -ENOMEM;
	if (!error && held->ready.fd >= 0)
		error = loop_fd_set(loop, &held->ready, EPOLLIN);
	error = error ?: loop_timer_set(loop, &held->sweep_timer, HELD_SWEEP_NS);
	if (error) {
		held_free(held);
		return error;
	}
	*ret_held = held;
	return 0;
}

void held_free(struct held *held)
{
	while (held->first) {
		struct waiting *next = held->first->next;

		free(held->first);
		held->first = next;
	}
	if (held->ready.added)
		loop_fd_remove(held->loop, &held->ready);
	loop_timer_cancel(held->loop, &held->poll_timer);
	loop_timer_cancel(held->loop, &held->sweep_timer);
	free(held->of_tenant);
	free(held);
}

const struct held_counters *held_counters(const struct held *held)
{
	return &held->counters;
}

size_t held_waiting(const struct held *held)
{
	return held->count;
}
