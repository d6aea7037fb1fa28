/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The text of a scrape as it is written: what has series in it (its labels are made once), and
 * lines in Prometheus' text format or in that of OpenMetrics 1.0, which differ in what stands
 * before and behind the lines. A line that finds no memory makes the whole page a failure.
 */
#ifndef MTLB_AGENT_METRICS_PAGE_H
#define MTLB_AGENT_METRICS_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../model/metrics.h"

enum page_format {
	PAGE_TEXT,
	PAGE_OPENMETRICS,
	PAGE_FORMATS,
};

#define PAGE_OTHER "_other" /* no name may begin so */

/* Up, down or drained: backends that are gone are no longer configured. */
enum page_state {
	PAGE_UP,
	PAGE_DOWN,
	PAGE_DRAIN,
	PAGE_STATES,
};

extern const char *const page_state_names[PAGE_STATES];

struct page_members {
	uint64_t state[PAGE_STATES];
	uint64_t usable; /* up, not drained, and there is a way to them */
};

struct page_traffic {
	uint64_t packets, bytes, new_flows;
};

struct page_gauges {
	double active, stored, limit;
};

struct page_tenant {
	size_t labels;
	uint32_t index; /* 0: all others */
	const uint64_t *account;
	struct page_gauges gauges;
	bool routes; /* it has some: the L7 tier counts it */
};

struct page_service {
	size_t labels;
	bool other; /* of all that have no series */
	struct page_members members;
	struct page_traffic traffic;
};

struct page_member {
	size_t labels;
	bool up, drain, reachable, probed;
	struct page_traffic traffic;
	uint64_t probes, failures, probe_ns;
};

struct agent;

struct page {
	const struct agent *agent;
	const uint64_t *all; /* the account of all tenants together */
	struct page_tenant *tenants;
	struct page_service *services;
	struct page_member *members;
	size_t tenant_count, service_count, member_count;
	char *labels; /* of all these, each ended by a NUL */
	size_t labels_length;
	char *text;
	size_t length;
	enum page_format format;
	enum metric metric; /* whose lines are written */
	bool failed;
	size_t rooms[5]; /* of the five above */
};

void page_fini(struct page *page);

/* NULL for want of memory. */
struct page_tenant *page_add_tenant(struct page *page);
struct page_service *page_add_service(struct page *page);
struct page_member *page_add_member(struct page *page);

/* Begins labels; what it returns is for the object. */
size_t page_begin_labels(struct page *page);
/* name="value", with what must be escaped. */
void page_add_label(struct page *page, const char *name, const char *value);
void page_end_labels(struct page *page);

/* # HELP and # TYPE. */
void page_begin(struct page *page, enum metric metric);
/* A line. labels: of the object, as begun; PAGE_NO_LABELS: none. value NULL: no label beside them;
 * its name is that of the metric's row. */
#define PAGE_NO_LABELS SIZE_MAX
void page_count(struct page *page, size_t labels, const char *value, uint64_t number);
void page_gauge(struct page *page, size_t labels, const char *value, double number);

/* A histogram, of seconds: for each bucket how many took no longer than le; the last one is +Inf.
 */
struct page_bucket {
	double le; /* of the last one whatever it is */
	uint64_t count;
};
void page_histogram(struct page *page, size_t labels, const struct page_bucket *buckets,
		    size_t count, double sum);

/* Ends the text. It is the caller's now, and a text in another format may be begun; NULL when it
 * failed. */
char *page_take(struct page *page, size_t *ret_length);

#endif
