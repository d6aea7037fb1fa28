// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "usage.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "../../base/log.h"
#include "../report/reasons.h"

#define SECOND	     1000000000ULL
#define SLICE_NS     1000000ULL /* the loop is not held up for longer */
#define SLICE_GAP_NS 500000ULL	/* and does something else in between */
#define LOOK_EVERY   16		/* tenants between two looks at the clock */

struct usage_part {
	struct registry *registry;
	struct registry_reader reader;
	struct active *active;
	const struct tallies *tallies; /* of the L7 tier; NULL: there is none */
	struct loop *loop;
	struct ledger *ledger;
	char *directory;
	uint32_t flush_s, keep;
	struct loop_timer timer;
	uint32_t cursor; /* the next tenant, and behind them the L7 tier's; 0: no reading is under
			    way */
	uint64_t last;	 /* when the one before began, seconds */
	bool hourly;	 /* this one is the first of its hour: it is written whatever is in it */
	struct usage_place place;
	struct loop_fd done;
	pthread_t thread;
	struct ledger_job *job; /* with the thread */
	struct err error;	/* the last one, as it was logged */
	struct usage_status status;
	uint64_t flush_ns, job_began; /* of the one under way */
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static uint64_t now_s(void)
{
	return clock_ns(CLOCK_REALTIME) / SECOND;
}

/* What stays wrong is said once. */
static void tell(struct usage_part *usage, const struct err *err)
{
	if (err->text[0] && strcmp(err->text, usage->error.text) != 0)
		log_error("usage", "%s; it is tried again, and counters keep what is not written",
			  err->text);
	if (!err->text[0] && usage->error.text[0])
		log_info("usage", "written again");
	usage->error = *err;
}

/* counters */

static bool is_limit(enum mtlb_reason reason)
{
	return reason == MTLB_REASON_over_packets || reason == MTLB_REASON_over_bits ||
	       reason == MTLB_REASON_over_new_flows || reason == MTLB_REASON_over_client_flows ||
	       reason == MTLB_REASON_over_share;
}

static void add_reasons(const struct registry *registry, uint32_t tenant, struct usage *to)
{
	for (int reason = 0; reason < MTLB_REASON_COUNT; reason++) {
		struct mtlb_reason_counter sum;

		/* a fragment that is held is counted again when it is put back */
		if (reason == MTLB_REASON_fragment_held ||
		    (reason != MTLB_REASON_local && reason_verdict(reason) != MTLB_VERDICT_DROP))
			continue;
		dataplane_sum_reason(registry->dataplane, tenant, reason, &sum);
		if (reason == MTLB_REASON_local) {
			to->value[USAGE_packets_in] += sum.packets;
			to->value[USAGE_bytes_in] += sum.bytes;
		} else if (is_limit(reason)) {
			to->value[USAGE_dropped_by_limits] += sum.packets;
		} else {
			to->value[USAGE_dropped_otherwise] += sum.packets;
		}
	}
}

struct usage usage_read(const struct registry *registry, uint32_t tenant)
{
	struct mtlb_amount amount = registry_amount(registry, tenant);
	struct usage usage = {};

	usage.value[USAGE_packets_in] = amount.packets;
	usage.value[USAGE_bytes_in] = amount.bytes;
	usage.value[USAGE_new_flows] = amount.new_flows;
	usage.value[USAGE_packets_out] = amount.reply_packets;
	usage.value[USAGE_bytes_out] = amount.reply_bytes;
	add_reasons(registry, tenant, &usage);
	return usage;
}

/* booking */

/* A row that was a tenant's, and has not been given to another one, is still read. */
static void book(struct usage_part *usage, uint32_t tenant, bool skip)
{
	const struct dataplane_view *view = dataplane_view(usage->registry->dataplane);
	const struct registry_tenant *known = usage->registry->tenant_at[tenant];
	uint64_t id = view->totals[tenant].id;
	struct usage now;

	if (!id)
		return;
	now = usage_read(usage->registry, tenant);
	if (known)
		now.value[USAGE_peak_active_flows] =
			(uint64_t)(active_take_most(usage->active, known) + 0.5);
	if (!ledger_book(usage->ledger, id, view->tenants[tenant].name, &now, skip))
		log_error("usage",
			  "%s: its counters fell: somebody else changed them; they are booked as "
			  "if they had begun anew",
			  view->tenants[tenant].name);
}

/* Those of members that went count for their tenants only once; so that few are looked through. */
static void settle(struct usage_part *usage)
{
	int error = usage->registry->retired_count ? registry_settle(usage->registry) : 0;

	if (error)
		log_warn("usage", "counters of members that went cannot be carried over yet: %s",
			 strerror(-error));
}

/*
 * The L7 tier's counters begin anew with mtlbd, and have an id of their own then: what they say is
 * never taken for what was booked of the ones before.
 */
static void book_l7(struct usage_part *usage, uint32_t row)
{
	struct usage now = {};
	struct tally_tenant sum;
	const char *tenant;
	uint64_t id;

	if (!tallies_account(usage->tallies, row, &id, &tenant, &sum))
		return;
	now.value[USAGE_requests] = sum.requests;
	now.value[USAGE_request_bytes_in] = sum.bytes_in;
	now.value[USAGE_request_bytes_out] = sum.bytes_out;
	ledger_book(usage->ledger, id, tenant, &now, false);
}

static uint32_t tenants_of(const struct usage_part *usage)
{
	return dataplane_view(usage->registry->dataplane)->node->tenants;
}

/* Where the cursor ends: row 0 of the L7 tier is nobody's. */
static uint32_t end_of(const struct usage_part *usage)
{
	return tenants_of(usage) + (usage->tallies ? tallies_accounts(usage->tallies) - 1 : 0);
}

static void book_next(struct usage_part *usage)
{
	uint32_t tenants = tenants_of(usage), at = usage->cursor++;

	if (at < tenants)
		book(usage, at, false);
	else
		book_l7(usage, at - tenants + 1);
}

static bool run_slice(struct usage_part *usage)
{
	uint32_t end = end_of(usage);
	uint64_t began = clock_ns(CLOCK_MONOTONIC), took = 0;

	settle(usage);
	ledger_begin(usage->ledger, now_s(), &usage->place);
	for (uint32_t i = 1; usage->cursor < end && took < SLICE_NS; i++) {
		book_next(usage);
		if (i % LOOK_EVERY == 0)
			took = clock_ns(CLOCK_MONOTONIC) - began;
	}
	ledger_end(usage->ledger, usage->hourly && usage->cursor >= end);
	took = clock_ns(CLOCK_MONOTONIC) - began;
	usage->flush_ns += took;
	if (took > usage->status.slice_ns)
		usage->status.slice_ns = took;
	return usage->cursor >= end;
}

static void begin_reading(struct usage_part *usage)
{
	uint64_t now = now_s();

	usage->place = usage_place(usage->last, now);
	usage->hourly = usage->last / USAGE_HOUR != now / USAGE_HOUR;
	usage->last = now;
	usage->cursor = 1;
	usage->flush_ns = 0;
}

static void end_reading(struct usage_part *usage)
{
	usage->cursor = 0;
	usage->status.flushes++;
	usage->status.flush_ns = usage->flush_ns;
	ledger_forget(usage->ledger);
}

/* writing */

static void wait_for_next(struct usage_part *usage)
{
	loop_timer_set(usage->loop, &usage->timer,
		       usage_wait_ns(clock_ns(CLOCK_REALTIME), usage->flush_s));
}

static void *work(void *context)
{
	struct usage_part *usage = context;
	uint64_t one = 1;

	ledger_run(usage->job);
	/* an eventfd takes eight bytes, or its counter is full */
	while (write(usage->done.fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	return NULL;
}

static void take_back(struct usage_part *usage)
{
	struct err err = {};

	pthread_join(usage->thread, NULL);
	usage->status.sync_ns = clock_ns(CLOCK_MONOTONIC) - usage->job_began;
	ledger_done(usage->ledger, usage->job, &err);
	usage->job = NULL;
	tell(usage, &err);
}

static struct ledger_job *next_job(struct usage_part *usage)
{
	struct err err = {};
	struct ledger_job *job = ledger_job(usage->ledger, now_s() / USAGE_HOUR, usage->keep, &err);

	if (err.text[0])
		tell(usage, &err);
	return job;
}

/* What there is to be written, then a merge if one is due; then the next reading is waited for. */
static void write_next(struct usage_part *usage)
{
	usage->job = next_job(usage);
	if (!usage->job) {
		wait_for_next(usage);
		return;
	}
	usage->job_began = clock_ns(CLOCK_MONOTONIC);
	if (pthread_create(&usage->thread, NULL, work, usage)) {
		struct err err = {};

		/* no thread is to be had: better late than never */
		ledger_run(usage->job);
		ledger_done(usage->ledger, usage->job, &err);
		usage->job = NULL;
		tell(usage, &err);
		wait_for_next(usage);
	}
}

static void written(struct loop_fd *fd, uint32_t events)
{
	struct usage_part *usage = fd->context;
	uint64_t count;

	(void)events;
	if (read(fd->fd, &count, sizeof(count)) < 0 || !usage->job)
		return;
	take_back(usage);
	/* what failed is tried again at the next interval */
	if (usage->error.text[0])
		wait_for_next(usage);
	else
		write_next(usage);
}

static void due(struct loop_timer *timer)
{
	struct usage_part *usage = timer->context;
	const struct ledger_state *state = ledger_state(usage->ledger);

	if (!usage->cursor) {
		/* counters keep what cannot be written */
		if (state->retry || state->merging) {
			write_next(usage);
			return;
		}
		begin_reading(usage);
	}
	if (!run_slice(usage)) {
		loop_timer_set(usage->loop, &usage->timer, SLICE_GAP_NS);
		return;
	}
	end_reading(usage);
	write_next(usage);
}

/* A job at a time, waited for. */
static void write_all(struct usage_part *usage)
{
	struct err err = {};

	if (usage->job)
		take_back(usage);
	while ((usage->job = next_job(usage))) {
		ledger_run(usage->job);
		ledger_done(usage->ledger, usage->job, &err);
		usage->job = NULL;
		tell(usage, &err);
		if (err.text[0])
			return;
	}
}

/* The row loses its counters next: what they grew by must be where a kill does not reach. */
static void before_reset(void *context, uint32_t tenant)
{
	struct usage_part *usage = context;
	const struct dataplane_view *view = dataplane_view(usage->registry->dataplane);
	struct usage_place place = usage_place(usage->last, now_s());
	struct err err = {};

	if (!view->totals[tenant].id)
		return;
	if (usage->job) {
		take_back(usage);
		wait_for_next(usage);
	}
	if (ledger_state(usage->ledger)->merging)
		write_all(usage);
	if (ledger_state(usage->ledger)->merging) {
		log_error("usage",
			  "%s: what it used since the last reading is not recorded, since nothing "
			  "can be written",
			  view->tenants[tenant].name);
		return;
	}
	ledger_begin(usage->ledger, now_s(), &place);
	book(usage, tenant, false);
	ledger_end(usage->ledger, false);
	ledger_hand_over(usage->ledger, &err);
	if (err.text[0])
		tell(usage, &err);
}

/* start and stop */

/* Counters of before the ledger, or of a time that is missing in it: nobody knows what of them was
 * billed. */
static void skip_past(struct usage_part *usage)
{
	const struct dataplane_view *view = dataplane_view(usage->registry->dataplane);
	const struct ledger_state *state = ledger_state(usage->ledger);
	bool late = state->fresh && dataplane_adopted(usage->registry->dataplane);

	if (late)
		log_warn("usage",
			 "%s is new, but not the dataplane: what was counted before is not "
			 "recorded",
			 usage->directory);
	if (!late && !state->broken)
		return;
	ledger_begin(usage->ledger, now_s(), &usage->place);
	for (uint32_t i = 1; i < view->node->tenants; i++)
		book(usage, i, true);
	ledger_end(usage->ledger, false);
}

static void open_ledger(struct usage_part *usage)
{
	const struct ledger_state *state;
	struct err err = {};

	if (ledger_open(usage->directory, now_s(), &usage->ledger, &err)) {
		usage->error = err;
		log_error("usage",
			  "%s; usage is not recorded: put it right, or set node.usage.directory, "
			  "and start mtlbd anew",
			  err.text);
		return;
	}
	state = ledger_state(usage->ledger);
	if (state->torn)
		log_warn("usage",
			 "%s: the last %zu bytes of the journal were cut short by a crash; "
			 "counters have what was in them, unless the node itself was down",
			 usage->directory, state->torn);
	if (state->broken)
		log_error("usage", "%s: %zu bytes of the journal are damaged and left out",
			  usage->directory, state->broken);
	usage->last = state->read_at;
	usage->place = usage_place(usage->last, now_s());
	if (state->merging)
		write_all(usage);
	if (!ledger_state(usage->ledger)->merging)
		skip_past(usage);
	usage->reader = (struct registry_reader){.before_reset = before_reset, .context = usage};
	registry_on_reset(usage->registry, &usage->reader);
	wait_for_next(usage);
}

static int add_done(struct usage_part *usage)
{
	usage->done.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return usage->done.fd < 0 ? -errno : loop_fd_set(usage->loop, &usage->done, EPOLLIN);
}

int usage_start(struct registry *registry, struct active *active, struct loop *loop,
		const struct config_usage *config, struct usage_part **ret_usage)
{
	struct usage_part *usage = calloc(1, sizeof(*usage));
	int error;

	if (!usage)
		return -ENOMEM;
	*usage = (struct usage_part){.registry = registry, .active = active, .loop = loop};
	usage->timer = (struct loop_timer){.fire = due, .context = usage};
	usage->done = (struct loop_fd){.fd = -1, .ready = written, .context = usage};
	usage->directory = strdup(config->directory);
	usage_set(usage, config);
	error = usage->directory ? add_done(usage) : -ENOMEM;
	if (error) {
		usage_stop(usage);
		return error;
	}
	open_ledger(usage);
	*ret_usage = usage;
	return 0;
}

void usage_add_l7(struct usage_part *usage, const struct tallies *tallies)
{
	usage->tallies = tallies;
}

void usage_set(struct usage_part *usage, const struct config_usage *config)
{
	usage->flush_s = config->flush_s;
	usage->keep = config->keep;
	if (usage->directory && strcmp(usage->directory, config->directory) != 0)
		log_warn("config",
			 "node.usage.directory takes effect at the next start of the agent");
}

static void close_ledger(struct usage_part *usage)
{
	write_all(usage);
	if (!ledger_state(usage->ledger)->merging) {
		if (!usage->cursor)
			begin_reading(usage);
		while (!run_slice(usage))
			;
		end_reading(usage);
		write_all(usage);
	}
	ledger_close(usage->ledger);
}

void usage_stop(struct usage_part *usage)
{
	loop_timer_cancel(usage->loop, &usage->timer);
	registry_off_reset(usage->registry, &usage->reader);
	if (usage->ledger)
		close_ledger(usage);
	if (usage->done.fd >= 0) {
		loop_fd_remove(usage->loop, &usage->done);
		close(usage->done.fd);
	}
	free(usage->directory);
	free(usage);
}

struct usage_status usage_status(struct usage_part *usage)
{
	usage->status.directory = usage->directory;
	usage->status.ledger = usage->ledger ? ledger_state(usage->ledger) : NULL;
	usage->status.error = usage->error.text;
	return usage->status;
}

const struct ledger *usage_ledger(const struct usage_part *usage)
{
	return usage->ledger;
}
