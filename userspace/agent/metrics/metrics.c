// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../base/log.h"
#include "../api/scrape.h"
#include "writers.h"

#define OBJECTS 16 /* whose lines are written between two looks at the clock */

enum phase {
	PHASE_IDLE,
	PHASE_FIRST, /* reads what was before, for nobody */
	PHASE_GATHER,
	PHASE_WRITE,
};

struct waiter {
	struct text *text;
	enum page_format format;
	struct waiter *next;
};

/* The last text of a format. */
struct made {
	struct text_bytes *bytes; /* NULL: none */
	uint64_t at;
	bool this_time; /* of the round that is under way */
};

struct metrics {
	const struct agent *agent;
	struct gather *gather;
	struct page page;
	struct scrape *scrape;
	struct loop_timer timer;
	enum phase phase;
	int metric;    /* that is being written */
	size_t object; /* of it */
	struct waiter *waiters;
	struct made made[PAGE_FORMATS];
	struct metrics_cost cost, so_far;
};

static void (*const writers[METRICS])(struct page *page, size_t i) = {
#define METRIC(name, type, scope, label, sentence) [METRIC_##name] = write_##name,
#include "../../model/metrics.def"
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

const struct metrics_cost *metrics_cost(const struct metrics *metrics)
{
	return &metrics->cost;
}

const struct gather_totals *metrics_totals(const struct metrics *metrics)
{
	return gather_totals(metrics->gather);
}

/* who waits */

static void closed(void *context, struct text *text)
{
	struct metrics *metrics = context;

	for (struct waiter **at = &metrics->waiters; *at; at = &(*at)->next) {
		struct waiter *waiter = *at;

		if (waiter->text != text)
			continue;
		*at = waiter->next;
		free(waiter);
		return;
	}
}

/* To those who wait for that format; bytes NULL: there is nothing to give. */
static void give(struct metrics *metrics, enum page_format format, struct text_bytes *bytes)
{
	struct waiter **at = &metrics->waiters;

	while (*at) {
		struct waiter *waiter = *at;

		if (waiter->format != format) {
			at = &waiter->next;
			continue;
		}
		*at = waiter->next;
		text_give(waiter->text, bytes);
		free(waiter);
	}
}

static void disappoint(struct metrics *metrics)
{
	for (int format = 0; format < PAGE_FORMATS; format++)
		give(metrics, (enum page_format)format, NULL);
}

/* the work */

static size_t count_objects(const struct page *page, enum metric_scope scope)
{
	switch (scope) {
	case METRIC_TENANT:
		return page->tenant_count;
	case METRIC_SERVICE:
		return page->service_count;
	case METRIC_MEMBER:
		return page->member_count;
	default:
		return 1;
	}
}

/* Lines of a family stand together. False when all is written. */
static bool write_some(struct metrics *metrics)
{
	struct page *page = &metrics->page;
	size_t count = count_objects(page, metric_rows[metrics->metric].scope);

	if (!metrics->object)
		page_begin(page, (enum metric)metrics->metric);
	for (int i = 0; i < OBJECTS && metrics->object < count; i++)
		writers[metrics->metric](page, metrics->object++);
	if (metrics->object < count)
		return true;
	metrics->object = 0;
	return ++metrics->metric < METRICS;
}

/* A format that somebody waits for and that was not yet written this time; PAGE_FORMATS: none. */
static enum page_format find_wanted(const struct metrics *metrics)
{
	for (const struct waiter *waiter = metrics->waiters; waiter; waiter = waiter->next)
		if (!metrics->made[waiter->format].this_time)
			return waiter->format;
	return PAGE_FORMATS;
}

static void begin_text(struct metrics *metrics, enum page_format format)
{
	metrics->page.format = format;
	metrics->metric = 0;
	metrics->object = 0;
	metrics->phase = PHASE_WRITE;
}

static void finish_text(struct metrics *metrics)
{
	enum page_format format = metrics->page.format;
	struct made *made = &metrics->made[format];
	size_t length = 0;
	char *text = page_take(&metrics->page, &length);

	text_bytes_release(made->bytes);
	*made = (struct made){
		.bytes = text ? text_bytes_new(text, length) : NULL,
		.at = clock_ns(CLOCK_MONOTONIC),
		.this_time = true,
	};
	if (!made->bytes)
		log_error("metrics", "out of memory: who asked for them gets none");
	give(metrics, format, made->bytes);
}

static void end_round(struct metrics *metrics)
{
	metrics->cost = metrics->so_far;
	page_fini(&metrics->page);
	for (int format = 0; format < PAGE_FORMATS; format++)
		metrics->made[format].this_time = false;
	metrics->phase = PHASE_IDLE;
}

static void begin(struct metrics *metrics, enum phase phase)
{
	metrics->so_far = (struct metrics_cost){};
	metrics->phase = phase;
	gather_begin(metrics->gather, &metrics->page, loop_now(metrics->agent->loop));
	if (loop_timer_set(metrics->agent->loop, &metrics->timer, 0)) {
		end_round(metrics);
		disappoint(metrics);
	}
}

/* False when a phase of gathering or a text is over. */
static bool step(struct metrics *metrics)
{
	return metrics->phase == PHASE_WRITE ? write_some(metrics) : gather_step(metrics->gather);
}

/* Goes on with what is wanted next; false when nothing is. */
static bool go_on(struct metrics *metrics)
{
	enum page_format wanted;

	if (metrics->phase == PHASE_WRITE)
		finish_text(metrics);
	wanted = find_wanted(metrics);
	if (metrics->phase != PHASE_FIRST && wanted != PAGE_FORMATS) {
		begin_text(metrics, wanted);
		return true;
	}
	end_round(metrics);
	return false;
}

static void work(struct loop_timer *timer)
{
	struct metrics *metrics = timer->context;
	uint64_t began = clock_ns(CLOCK_MONOTONIC), now = began;
	uint64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	bool more = true;

	while (more && now - began < METRICS_SLICE_NS) {
		more = step(metrics);
		now = clock_ns(CLOCK_MONOTONIC);
	}
	if (now - began > metrics->so_far.slice_ns)
		metrics->so_far.slice_ns = now - began;
	metrics->so_far.cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	more = more || go_on(metrics);
	if (!more && metrics->waiters)
		begin(metrics, PHASE_GATHER);
	if (more && loop_timer_set(metrics->agent->loop, timer, 0)) {
		end_round(metrics); /* no memory for a timer */
		disappoint(metrics);
	}
}

struct text *metrics_ask(struct metrics *metrics, enum page_format format)
{
	const struct made *made = &metrics->made[format];
	struct waiter *waiter = calloc(1, sizeof(*waiter));
	struct text *text = waiter ? text_new(closed, metrics) : NULL;
	bool fresh = made->bytes && clock_ns(CLOCK_MONOTONIC) - made->at < METRICS_FRESH_NS;

	if (!text || fresh) {
		free(waiter);
		if (text)
			text_give(text, made->bytes);
		return text;
	}
	*waiter = (struct waiter){text, format, metrics->waiters};
	metrics->waiters = waiter;
	if (metrics->phase == PHASE_IDLE)
		begin(metrics, PHASE_GATHER);
	return text;
}

int report_metrics(void *context, const struct http_request *request, struct http_reply *reply)
{
	struct agent *agent = context;
	const struct scrape_form *form = scrape_choose(request->accept);

	if (!form) {
		http_problem(reply, 406, "Not Acceptable", SCRAPE_FORMS);
		return 0;
	}
	reply->type = form->type;
	reply->text = metrics_ask(agent->metrics, (enum page_format)form->format);
	return reply->text ? 0 : -ENOMEM;
}

/* start and stop */

static struct text *ask(void *context, int format)
{
	return metrics_ask(context, (enum page_format)format);
}

int metrics_new(struct agent *agent, struct metrics **ret_metrics)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));
	int error;

	if (!metrics)
		return -ENOMEM;
	metrics->agent = agent;
	metrics->page.agent = agent;
	metrics->timer = (struct loop_timer){.fire = work, .context = metrics};
	error = gather_new(agent, &metrics->gather);
	error = error ?: scrape_new(agent->loop, ask, metrics, &metrics->scrape);
	if (error) {
		metrics_free(metrics);
		return error;
	}
	begin(metrics, PHASE_FIRST);
	*ret_metrics = metrics;
	return 0;
}

void metrics_end(struct metrics *metrics)
{
	loop_timer_cancel(metrics->agent->loop, &metrics->timer);
	disappoint(metrics);
	scrape_free(metrics->scrape);
	metrics->scrape = NULL;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	if (metrics->scrape)
		metrics_end(metrics);
	for (int format = 0; format < PAGE_FORMATS; format++)
		text_bytes_release(metrics->made[format].bytes);
	page_fini(&metrics->page);
	gather_free(metrics->gather);
	free(metrics);
}

int metrics_listen(struct metrics *metrics, struct err *err)
{
	const struct config_metrics *wanted = &metrics->agent->config.metrics;
	int error;

	if (scrape_listens(metrics->scrape, &wanted->address, wanted->port))
		return 0;
	disappoint(metrics); /* it cannot close while somebody waits */
	error = scrape_listen(metrics->scrape, &wanted->address, wanted->port, err);
	return error ?: wanted->port != 0;
}
