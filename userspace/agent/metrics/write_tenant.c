// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Metrics of tenants, services and backends: they are all in the page already. */
#include "../report/reasons.h"
#include "writers.h"

/* Each class is there from the start, so that its first answer is not missed. */
void write_classes(struct page *page, size_t labels, const uint64_t answers[TALLY_STATUSES])
{
	static const char *const names[TALLY_STATUSES] = {"none", "1xx", "2xx",
							  "3xx",  "4xx", "5xx"};

	for (int i = 0; i < TALLY_STATUSES; i++)
		page_count(page, labels, names[i], answers[i]);
}

/* tenants */

#define ACCOUNT(name, column)                                                    \
	void write_##name(struct page *page, size_t i)                           \
	{                                                                        \
		const struct page_tenant *tenant = &page->tenants[i];            \
                                                                                 \
		page_count(page, tenant->labels, NULL, tenant->account[column]); \
	}

#define TENANT_GAUGE(name, field)                                             \
	void write_##name(struct page *page, size_t i)                        \
	{                                                                     \
		const struct page_tenant *tenant = &page->tenants[i];         \
                                                                              \
		page_gauge(page, tenant->labels, NULL, tenant->gauges.field); \
	}

ACCOUNT(tenant_packets_total, COLUMN_PACKETS)
ACCOUNT(tenant_bytes_total, COLUMN_BYTES)
ACCOUNT(tenant_new_flows_total, COLUMN_NEW_FLOWS)
ACCOUNT(tenant_reply_packets_total, COLUMN_REPLY_PACKETS)
ACCOUNT(tenant_reply_bytes_total, COLUMN_REPLY_BYTES)
#define COUNTER(name, sentence) \
	ACCOUNT(tenant_##name##_total, COLUMN_COUNTERS + MTLB_COUNTER_##name)
#include "../../../bpf/abi/counters.def"
#undef COUNTER
TENANT_GAUGE(tenant_active_flows, active)
TENANT_GAUGE(tenant_stored_flows, stored)
TENANT_GAUGE(tenant_stored_flows_limit, limit)

/* Of all others together each is there from the start, so that its first packet is not missed by
 * whoever looks at what was added.
 */
static void write_reasons(struct page *page, size_t i, enum mtlb_verdict verdict,
			  enum column column)
{
	const struct page_tenant *tenant = &page->tenants[i];

	for (int reason = 0; reason < MTLB_REASON_COUNT; reason++) {
		uint64_t number = tenant->account[column + reason];

		if (reason_verdict(reason) == verdict && (number || !tenant->index))
			page_count(page, tenant->labels, reason_name(reason), number);
	}
}

void write_tenant_dropped_packets_total(struct page *page, size_t i)
{
	write_reasons(page, i, MTLB_VERDICT_DROP, COLUMN_REASONS);
}

void write_tenant_dropped_bytes_total(struct page *page, size_t i)
{
	write_reasons(page, i, MTLB_VERDICT_DROP, COLUMN_REASON_BYTES);
}

/* What is sent to a member is counted there. */
void write_tenant_answered_packets_total(struct page *page, size_t i)
{
	write_reasons(page, i, MTLB_VERDICT_TX, COLUMN_REASONS);
}

void write_tenant_passed_packets_total(struct page *page, size_t i)
{
	write_reasons(page, i, MTLB_VERDICT_PASS, COLUMN_REASONS);
}

/* A tier says bits; metrics are in base units. */
void write_tenant_meter_rate(struct page *page, size_t i)
{
	const struct page_tenant *tenant = &page->tenants[i];
	const struct mtlb_meter *meter =
		&dataplane_view(page->agent->dataplane)->meters[tenant->index];
	static const char *const names[MTLB_METER_KINDS] = {
		[MTLB_METER_PACKETS] = "packets",
		[MTLB_METER_BYTES] = "bytes",
		[MTLB_METER_FLOWS] = "new_flows",
	};

	for (int kind = 0; tenant->index && kind < MTLB_METER_KINDS; kind++) {
		double rate = (double)meter->per_second[kind];

		if (meter->per_second[kind])
			page_gauge(page, tenant->labels, names[kind],
				   kind == MTLB_METER_BYTES ? rate / 8 : rate);
	}
	if (tenant->index && meter->client_per_second)
		page_gauge(page, tenant->labels, "new_flows_per_client",
			   (double)meter->client_per_second);
}

/* the L7 tier: of who has routes, and of the others */

#define REQUESTS(name, column)                                                           \
	void write_##name(struct page *page, size_t i)                                   \
	{                                                                                \
		const struct page_tenant *tenant = &page->tenants[i];                    \
                                                                                         \
		if (tenant->routes)                                                      \
			page_count(page, tenant->labels, NULL, tenant->account[column]); \
	}

REQUESTS(tenant_requests_total, COLUMN_REQUESTS)
REQUESTS(tenant_retries_total, COLUMN_RETRIES)
REQUESTS(tenant_request_bytes_total, COLUMN_REQUEST_BYTES)
REQUESTS(tenant_response_bytes_total, COLUMN_RESPONSE_BYTES)
REQUESTS(tenant_client_connections_total, COLUMN_CONNECTIONS)
REQUESTS(tenant_evicted_connections_total, COLUMN_EVICTED)

void write_tenant_responses_total(struct page *page, size_t i)
{
	const struct page_tenant *tenant = &page->tenants[i];

	if (tenant->routes)
		write_classes(page, tenant->labels, tenant->account + COLUMN_ANSWERS);
}

void write_tenant_refused_requests_total(struct page *page, size_t i)
{
	const struct page_tenant *tenant = &page->tenants[i];

	for (int why = 0; tenant->routes && why < REFUSALS; why++) {
		uint64_t number = tenant->account[COLUMN_REFUSED + why];

		if (number || !tenant->index)
			page_count(page, tenant->labels, refusal_names[why], number);
	}
}

void write_tenant_mirrored_requests_total(struct page *page, size_t i)
{
	const struct page_tenant *tenant = &page->tenants[i];

	if (!tenant->routes)
		return;
	page_count(page, tenant->labels, "sent", tenant->account[COLUMN_MIRRORED]);
	page_count(page, tenant->labels, "dropped", tenant->account[COLUMN_MIRRORS_DROPPED]);
}

void write_tenant_tls_handshakes_total(struct page *page, size_t i)
{
	static const struct {
		const char *name;
		uint32_t column;
	} results[] = {
		{"full", COLUMN_HANDSHAKES_FULL},
		{"resumed", COLUMN_HANDSHAKES_RESUMED},
		{"failed", COLUMN_HANDSHAKES_FAILED},
		{"shed", COLUMN_HANDSHAKES_SHED},
	};
	const struct page_tenant *tenant = &page->tenants[i];

	if (!tenant->routes)
		return;
	for (size_t j = 0; j < sizeof(results) / sizeof(results[0]); j++)
		page_count(page, tenant->labels, results[j].name,
			   tenant->account[results[j].column]);
}

void write_tenant_request_seconds(struct page *page, size_t i)
{
	const struct page_tenant *tenant = &page->tenants[i];
	struct page_bucket buckets[GATHER_TIMES + 1];

	if (!tenant->routes)
		return;
	for (int j = 0; j <= GATHER_TIMES; j++)
		buckets[j] = (struct page_bucket){.le = (double)gather_time_ns(j) / 1e9,
						  .count = tenant->account[COLUMN_TIMES + j]};
	page_histogram(page, tenant->labels, buckets, GATHER_TIMES + 1,
		       (double)tenant->account[COLUMN_TIMES_NS] / 1e9);
}

/* services */

#define SERVICE_TRAFFIC(name, field)                                                     \
	void write_##name(struct page *page, size_t i)                                   \
	{                                                                                \
		const struct page_service *service = &page->services[i];                 \
                                                                                         \
		if (!service->other)                                                     \
			page_count(page, service->labels, NULL, service->traffic.field); \
	}

SERVICE_TRAFFIC(service_packets_total, packets)
SERVICE_TRAFFIC(service_bytes_total, bytes)
SERVICE_TRAFFIC(service_new_flows_total, new_flows)

void write_service_members(struct page *page, size_t i)
{
	const struct page_service *service = &page->services[i];

	for (int state = 0; state < PAGE_STATES; state++)
		page_gauge(page, service->labels, page_state_names[state],
			   (double)service->members.state[state]);
}

void write_service_usable_members(struct page *page, size_t i)
{
	const struct page_service *service = &page->services[i];

	page_gauge(page, service->labels, NULL, (double)service->members.usable);
}

/* backends */

#define MEMBER_GAUGE(name, field)                                      \
	void write_##name(struct page *page, size_t i)                 \
	{                                                              \
		const struct page_member *member = &page->members[i];  \
                                                                       \
		page_gauge(page, member->labels, NULL, member->field); \
	}

#define MEMBER_COUNT(name, field)                                      \
	void write_##name(struct page *page, size_t i)                 \
	{                                                              \
		const struct page_member *member = &page->members[i];  \
                                                                       \
		page_count(page, member->labels, NULL, member->field); \
	}

MEMBER_GAUGE(member_up, up)
MEMBER_GAUGE(member_draining, drain)
MEMBER_GAUGE(member_reachable, reachable)
MEMBER_COUNT(member_packets_total, traffic.packets)
MEMBER_COUNT(member_bytes_total, traffic.bytes)
MEMBER_COUNT(member_new_flows_total, traffic.new_flows)

void write_member_probes_total(struct page *page, size_t i)
{
	if (page->members[i].probed)
		page_count(page, page->members[i].labels, NULL, page->members[i].probes);
}

void write_member_probe_failures_total(struct page *page, size_t i)
{
	if (page->members[i].probed)
		page_count(page, page->members[i].labels, NULL, page->members[i].failures);
}

void write_member_probe_seconds(struct page *page, size_t i)
{
	if (page->members[i].probed)
		page_gauge(page, page->members[i].labels, NULL,
			   (double)page->members[i].probe_ns / 1e9);
}
