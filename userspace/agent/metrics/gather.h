/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads what is served as metrics of tenants, services and backends from the maps, a piece at a
 * time: first what grew since the time before, into the accounts; then who has series, into a page.
 * Between two pieces anything may change: whoever is gone by then is left out.
 */
#ifndef MTLB_AGENT_METRICS_GATHER_H
#define MTLB_AGENT_METRICS_GATHER_H

#include "../../../bpf/abi/reason.h"
#include "../../model/l7/tally.h"
#include "accounts.h"
#include "page.h"

/*
 * Of a histogram those buckets are served that begin with a power of two of its units: from 1 ms to
 * 9 s, and what took longer; what is below each is known exactly.
 */
#define GATHER_TIMES_FIRST 7 /* units << 7: 1.05 ms */
#define GATHER_TIMES	   14

static inline uint64_t gather_time_ns(int bucket)
{
	return HISTOGRAM_UNIT_NS << (GATHER_TIMES_FIRST + bucket);
}

/* Columns of an account. What counts for a place in the accounts comes first. */
enum column {
	COLUMN_PACKETS,
	COLUMN_REQUESTS,
	COLUMN_REASONS, /* packets of each */
	COLUMN_RANKED = COLUMN_REASONS + MTLB_REASON_COUNT,
	COLUMN_REASON_BYTES = COLUMN_RANKED,
	COLUMN_BYTES = COLUMN_REASON_BYTES + MTLB_REASON_COUNT,
	COLUMN_NEW_FLOWS,
	COLUMN_REPLY_PACKETS,
	COLUMN_REPLY_BYTES,
	COLUMN_ANSWERS, /* by hundreds */
	COLUMN_REFUSED = COLUMN_ANSWERS + TALLY_STATUSES,
	COLUMN_RETRIES = COLUMN_REFUSED + REFUSALS,
	COLUMN_MIRRORED,
	COLUMN_MIRRORS_DROPPED,
	COLUMN_REQUEST_BYTES,
	COLUMN_RESPONSE_BYTES,
	COLUMN_CONNECTIONS,
	COLUMN_EVICTED,
	COLUMN_HANDSHAKES_FULL,
	COLUMN_HANDSHAKES_RESUMED,
	COLUMN_HANDSHAKES_SHED,
	COLUMN_HANDSHAKES_FAILED,
	COLUMN_TIMES, /* no longer than each; the last one: all */
	COLUMN_TIMES_NS = COLUMN_TIMES + GATHER_TIMES + 1,
	COLUMN_COUNTERS, /* of counters.def */
};

struct gather;

/* What was before now is in nobody's series. */
int gather_new(struct agent *agent, struct gather **ret_gather);
void gather_free(struct gather *gather);

/* A round begins; page is empty, and is the round's until it is over. The first one reads what was
 * before, and fills no page. */
void gather_begin(struct gather *gather, struct page *page, uint64_t now);
/* A piece of it: false when nothing is left. */
bool gather_step(struct gather *gather);

/* Of all tenants together, as of this round. */
struct gather_totals {
	uint64_t tenants, services, deserted; /* services with backends of which none can be used */
	uint64_t shown, withheld;	      /* tenants; services and backends without series */
	struct page_members members;
	uint64_t gone; /* backends that linger */
};
const struct gather_totals *gather_totals(const struct gather *gather);

#endif
