// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Metrics of the node: read when they are written. */
#include <dirent.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "../../base/version.h"
#include "../../sys/device.h"
#include "../report/reasons.h"
#include "metrics.h"
#include "writers.h"

#define NODE(name) void write_##name(struct page *page, __attribute__((unused)) size_t i)

static void count(struct page *page, uint64_t number)
{
	page_count(page, PAGE_NO_LABELS, NULL, number);
}

static void gauge(struct page *page, double number)
{
	page_gauge(page, PAGE_NO_LABELS, NULL, number);
}

NODE(build_info)
{
	const struct mtlb_node *node = dataplane_view(page->agent->dataplane)->node;
	size_t labels = page_begin_labels(page);
	char text[sizeof(node->program) + 1];

	page_add_label(page, "node", page->agent->config.name);
	page_add_label(page, "version", version_text);
	snprintf(text, sizeof(text), "%.*s", (int)sizeof(node->program), node->program);
	page_add_label(page, "program", text);
	snprintf(text, sizeof(text), "%u", node->abi_version);
	page_add_label(page, "abi", text);
	page_end_labels(page);
	page_gauge(page, labels, NULL, 1);
}

/* processes */

/* False when there is no such process, or this one may not know. */
static bool resident(pid_t pid, double *ret_bytes)
{
	unsigned long long size, pages;
	char path[48];
	FILE *file;
	bool good;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	good = fscanf(file, "%llu %llu", &size, &pages) == 2;
	fclose(file);
	*ret_bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);
	return good;
}

static bool cpu_time(pid_t pid, double *ret_seconds)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
		return false;
	*ret_seconds = (double)used.tv_sec + (double)used.tv_nsec / 1e9;
	return true;
}

NODE(start_time_seconds)
{
	gauge(page, (double)page->agent->started_at / 1e9);
}

NODE(process_cpu_seconds_total)
{
	double seconds;

	if (cpu_time(0, &seconds))
		gauge(page, seconds);
}

NODE(process_resident_memory_bytes)
{
	double bytes;

	if (resident(getpid(), &bytes))
		gauge(page, bytes);
}

NODE(process_open_fds)
{
	DIR *folder = opendir("/proc/self/fd");
	int entries = 0;

	if (!folder)
		return;
	while (readdir(folder))
		entries++;
	closedir(folder);
	gauge(page, entries - 3); /* "." and "..", and the folder's own */
}

/* the configuration, and what was made of it */

NODE(config_generation)
{
	gauge(page, (double)page->agent->generation);
}

NODE(config_loaded_timestamp_seconds)
{
	gauge(page, (double)page->agent->loaded_at / 1e9);
}

NODE(config_refused)
{
	gauge(page, page->agent->last_error[0] ? 1 : 0);
}

NODE(drift_entries_total)
{
	count(page, page->agent->drift.entries);
}

NODE(drift_repaired_total)
{
	count(page, page->agent->drift.repaired);
}

NODE(events_total)
{
	for (int kind = 0; kind < EVENTS_KINDS; kind++)
		page_count(page, PAGE_NO_LABELS, events_kind_name(kind),
			   events_count(page->agent->events, kind));
}

NODE(map_entries)
{
	struct registry_fill fills[REGISTRY_FILLS];

	registry_fill(&page->agent->registry, fills);
	for (size_t at = 0; at < REGISTRY_FILLS; at++)
		page_gauge(page, PAGE_NO_LABELS, fills[at].name, (double)fills[at].used);
}

NODE(map_entries_limit)
{
	struct registry_fill fills[REGISTRY_FILLS];

	registry_fill(&page->agent->registry, fills);
	for (size_t at = 0; at < REGISTRY_FILLS; at++)
		page_gauge(page, PAGE_NO_LABELS, fills[at].name, (double)fills[at].max);
}

NODE(interface_up)
{
	for (size_t at = 0; at < page->agent->link_count; at++) {
		const struct dataplane_link *link = &page->agent->links[at];
		bool up;
		int mtu;

		device_link(link->interface, &mtu, &up);
		page_gauge(page, PAGE_NO_LABELS, link->interface, up);
	}
}

NODE(interface_native)
{
	for (size_t at = 0; at < page->agent->link_count; at++)
		page_gauge(page, PAGE_NO_LABELS, page->agent->links[at].interface,
			   page->agent->links[at].native);
}

static void node_reasons(struct page *page, enum mtlb_verdict verdict)
{
	for (int reason = 0; reason < MTLB_REASON_COUNT; reason++) {
		struct mtlb_reason_counter sum;

		if (reason_verdict(reason) != verdict)
			continue;
		dataplane_sum_reason(page->agent->dataplane, 0, reason, &sum);
		page_count(page, PAGE_NO_LABELS, reason_name(reason), sum.packets);
	}
}

NODE(node_dropped_packets_total)
{
	node_reasons(page, MTLB_VERDICT_DROP);
}

NODE(node_passed_packets_total)
{
	node_reasons(page, MTLB_VERDICT_PASS);
}

/* all tenants together */

static const struct gather_totals *totals_of(const struct page *page)
{
	return metrics_totals(page->agent->metrics);
}

NODE(tenants)
{
	gauge(page, (double)totals_of(page)->tenants);
}

NODE(services)
{
	gauge(page, (double)totals_of(page)->services);
}

NODE(services_without_members)
{
	gauge(page, (double)totals_of(page)->deserted);
}

NODE(members)
{
	const struct gather_totals *totals = totals_of(page);

	for (int state = 0; state < PAGE_STATES; state++)
		page_gauge(page, PAGE_NO_LABELS, page_state_names[state],
			   (double)totals->members.state[state]);
	page_gauge(page, PAGE_NO_LABELS, "gone", (double)totals->gone);
}

#define OF_ALL(name, column)                    \
	NODE(name)                              \
	{                                       \
		count(page, page->all[column]); \
	}

OF_ALL(packets_total, COLUMN_PACKETS)
OF_ALL(bytes_total, COLUMN_BYTES)
OF_ALL(new_flows_total, COLUMN_NEW_FLOWS)
OF_ALL(reply_packets_total, COLUMN_REPLY_PACKETS)
OF_ALL(reply_bytes_total, COLUMN_REPLY_BYTES)

NODE(dropped_packets_total)
{
	for (int reason = 0; reason < MTLB_REASON_COUNT; reason++)
		if (reason_verdict(reason) == MTLB_VERDICT_DROP)
			page_count(page, PAGE_NO_LABELS, reason_name(reason),
				   page->all[COLUMN_REASONS + reason]);
}

/* health checks */

/* the L7 tier */

NODE(requests_total)
{
	count(page, page->all[COLUMN_REQUESTS]);
}

NODE(responses_total)
{
	write_classes(page, PAGE_NO_LABELS, page->all + COLUMN_ANSWERS);
}

/* Of nobody there is one series for each reason, from the start, so that rates are true. */
NODE(nobody_refused_total)
{
	struct tally_tenant nobody;

	if (!tallies_tenant(l7_tallies(page->agent->l7), NULL, &nobody))
		return;
	for (int why = 0; why < REFUSALS; why++)
		page_count(page, PAGE_NO_LABELS, refusal_names[why], nobody.refused[why]);
}

struct workers_sum {
	uint64_t runs, starts, away, restarts, connections, shed;
};

static struct workers_sum sum_workers(const struct page *page)
{
	const struct workers *workers = l7_workers(page->agent->l7);
	struct workers_sum sum = {};
	struct workers_status status;

	for (unsigned i = 0; workers && i < workers_count(workers); i++) {
		workers_status(workers, i, &status);
		sum.runs += status.answers;
		sum.starts += !status.answers && status.pid;
		sum.away += !status.answers && !status.pid;
		sum.restarts += status.starts ? status.starts - 1 : 0;
		sum.connections += status.counts.connections;
		sum.shed += status.counts.shed;
	}
	return sum;
}

NODE(proxy_workers)
{
	struct workers_sum sum = sum_workers(page);

	page_gauge(page, PAGE_NO_LABELS, "runs", (double)sum.runs);
	page_gauge(page, PAGE_NO_LABELS, "starts", (double)sum.starts);
	page_gauge(page, PAGE_NO_LABELS, "away", (double)sum.away);
}

NODE(proxy_restarts_total)
{
	count(page, sum_workers(page).restarts);
}

NODE(proxy_connections)
{
	gauge(page, (double)sum_workers(page).connections);
}

NODE(proxy_shed_connections_total)
{
	count(page, sum_workers(page).shed);
}

NODE(prober_up)
{
	struct prober_status status;
	struct checks_totals totals;

	checks_prober(page->agent->checks, &status);
	checks_totals(page->agent->checks, &totals);
	gauge(page, status.answers || !totals.checks);
}

NODE(prober_restarts_total)
{
	struct prober_status status;

	checks_prober(page->agent->checks, &status);
	count(page, status.starts ? status.starts - 1 : 0);
}

NODE(prober_cpu_seconds_total)
{
	struct prober_status status;
	double seconds;

	checks_prober(page->agent->checks, &status);
	if (status.pid && cpu_time(status.pid, &seconds))
		gauge(page, seconds);
}

NODE(prober_resident_memory_bytes)
{
	struct prober_status status;
	double bytes;

	checks_prober(page->agent->checks, &status);
	if (status.pid && resident(status.pid, &bytes))
		gauge(page, bytes);
}

NODE(probes)
{
	struct checks_totals totals;

	checks_totals(page->agent->checks, &totals);
	gauge(page, (double)totals.checks);
}

NODE(probe_results_total)
{
	struct checks_totals totals;

	checks_totals(page->agent->checks, &totals);
	page_count(page, PAGE_NO_LABELS, "good", totals.good);
	page_count(page, PAGE_NO_LABELS, "failed", totals.failed);
}

/* deny feeds */

NODE(feed_entries)
{
	for (size_t at = 0; at < feeds_count(page->agent->feeds); at++) {
		struct feeds_status feed;

		feeds_get(page->agent->feeds, at, &feed);
		page_gauge(page, PAGE_NO_LABELS, feed.name, (double)feed.entries);
	}
}

NODE(feed_bad_lines)
{
	for (size_t at = 0; at < feeds_count(page->agent->feeds); at++) {
		struct feeds_status feed;

		feeds_get(page->agent->feeds, at, &feed);
		page_gauge(page, PAGE_NO_LABELS, feed.name, (double)feed.bad_lines);
	}
}

NODE(feed_loaded_timestamp_seconds)
{
	for (size_t at = 0; at < feeds_count(page->agent->feeds); at++) {
		struct feeds_status feed;

		feeds_get(page->agent->feeds, at, &feed);
		page_gauge(page, PAGE_NO_LABELS, feed.name, (double)feed.loaded_at / 1e9);
	}
}

/* the API, and this page */

NODE(watchers)
{
	gauge(page, (double)watchers_count(page->agent->watchers));
}

NODE(watch_missed_lines_total)
{
	count(page, watchers_missed(page->agent->watchers));
}

NODE(metrics_tenants)
{
	gauge(page, (double)totals_of(page)->shown);
}

NODE(metrics_series_withheld)
{
	gauge(page, (double)totals_of(page)->withheld);
}

NODE(metrics_seconds)
{
	gauge(page, (double)metrics_cost(page->agent->metrics)->cpu_ns / 1e9);
}

NODE(metrics_slice_seconds)
{
	gauge(page, (double)metrics_cost(page->agent->metrics)->slice_ns / 1e9);
}
