// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "gather.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../model/l7/wanted.h"
#include "../agent.h"
#include "../report/report.h"

#define COLUMNS (COLUMN_COUNTERS + MTLB_COUNTER_COUNT)

enum phase {
	PHASE_SERVICES, /* and their members, by index */
	PHASE_TENANTS,	/* by index */
	PHASE_LIST,	/* who is shown */
	PHASE_OTHERS,
	PHASE_OVER,
};

/* Of a service, by its index: its members come and go, what they did stays. */
struct service_sum {
	uint64_t whose; /* indices are used again */
	struct page_traffic sum;
};

/* What of a member its service has. */
struct counted {
	uint64_t whose;
	struct page_traffic last;
};

struct gather {
	const struct agent *agent;
	struct registry *registry;
	struct accounts *accounts;
	struct registry_reader reader;
	struct service_sum *services;
	struct counted *members;
	struct page_gauges *gauges; /* of tenants */
	struct page *page;
	enum phase phase;
	uint32_t at;
	bool counts;
	uint64_t now;
	struct gather_totals totals;
	struct page_members shown; /* of services with series */
	struct tally_times times;  /* large: room for those of one tenant */
};

static const struct dataplane_view *view_of(const struct gather *gather)
{
	return dataplane_view(gather->agent->dataplane);
}

static void before_reset(void *context, uint32_t tenant);

int gather_new(struct agent *agent, struct gather **ret_gather)
{
	const struct mtlb_node *node = dataplane_view(agent->dataplane)->node;
	struct accounts_options options = {node->tenants, agent->config.metrics.top, COLUMNS,
					   COLUMN_RANKED};
	struct gather *gather = calloc(1, sizeof(*gather));

	if (!gather)
		return -ENOMEM;
	gather->agent = agent;
	gather->registry = &agent->registry;
	gather->phase = PHASE_OVER;
	/* pages of indices that are not used cost nothing */
	gather->members = calloc(node->members, sizeof(*gather->members));
	gather->services = calloc(node->services, sizeof(*gather->services));
	gather->gauges = calloc(node->tenants, sizeof(*gather->gauges));
	if (!gather->members || !gather->services || !gather->gauges ||
	    accounts_new(&options, &gather->accounts)) {
		gather_free(gather);
		return -ENOMEM;
	}
	gather->reader = (struct registry_reader){.before_reset = before_reset, .context = gather};
	registry_on_reset(gather->registry, &gather->reader);
	*ret_gather = gather;
	return 0;
}

void gather_free(struct gather *gather)
{
	if (!gather)
		return;
	registry_off_reset(gather->registry, &gather->reader);
	accounts_free(gather->accounts);
	free(gather->members);
	free(gather->services);
	free(gather->gauges);
	free(gather);
}

void gather_begin(struct gather *gather, struct page *page, uint64_t now)
{
	if (accounts_places(gather->accounts) != gather->agent->config.metrics.top)
		accounts_set_places(gather->accounts, gather->agent->config.metrics.top, now);
	gather->page = page;
	page->all = accounts_all(gather->accounts);
	gather->now = now;
	gather->phase = PHASE_SERVICES;
	gather->at = 0;
	gather->totals = (struct gather_totals){};
	gather->shown = (struct page_members){};
}

const struct gather_totals *gather_totals(const struct gather *gather)
{
	return &gather->totals;
}

/* what grew */

static uint64_t mix(uint64_t sum, const void *bytes, size_t length)
{
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < length; i++)
		sum = (sum ^ byte[i]) * 0x100000001b3; /* FNV-1a: chance, not malice */
	return sum;
}

static uint64_t name_service(const struct gather *gather, const struct registry_service *service)
{
	const struct mtlb_total *total = &view_of(gather)->totals[service->key.tenant];
	uint64_t name = mix(0xcbf29ce484222325, service->key.name, strlen(service->key.name));

	name = mix(name, &total->id, sizeof(total->id));
	return mix(name, &service->key.protocol, sizeof(service->key.protocol)) | 1;
}

static uint64_t name_member(const struct mtlb_member_name *name, uint64_t service)
{
	return mix(mix(service, &name->address, sizeof(name->address)), &name->port,
		   sizeof(name->port)) |
	       1;
}

/* A total that is less than before began anew. */
static uint64_t grown(uint64_t now, uint64_t *last)
{
	uint64_t more = now < *last ? now : now - *last;

	*last = now;
	return more;
}

static void add(struct page_traffic *sum, const struct page_traffic *more)
{
	sum->packets += more->packets;
	sum->bytes += more->bytes;
	sum->new_flows += more->new_flows;
}

static struct page_traffic traffic_of(const struct gather *gather, uint32_t member)
{
	struct mtlb_member_counter sum;

	dataplane_sum_member(gather->agent->dataplane, member, &sum);
	return (struct page_traffic){sum.packets, sum.bytes, sum.new_flows};
}

/* What a member did since its service had it last. What it did before is not the service's: of one
 * that is seen for the first time nothing is known of who did what. */
static void take_member(struct gather *gather, uint32_t index, uint64_t whose, bool known,
			struct page_traffic *sum)
{
	struct counted *counted = &gather->members[index];
	struct page_traffic now = traffic_of(gather, index), more;

	if (counted->whose != whose)
		*counted = (struct counted){.whose = whose};
	more = (struct page_traffic){
		.packets = grown(now.packets, &counted->last.packets),
		.bytes = grown(now.bytes, &counted->last.bytes),
		.new_flows = grown(now.new_flows, &counted->last.new_flows),
	};
	if (known)
		add(sum, &more);
}

static struct page_traffic take_service(struct gather *gather,
					const struct registry_service *service)
{
	struct service_sum *kept = &gather->services[service->index];
	uint64_t whose = name_service(gather, service);
	bool known = kept->whose == whose;

	if (!known)
		*kept = (struct service_sum){.whose = whose};
	for (size_t i = 0; i < service->member_count; i++) {
		uint32_t member = service->members[i];
		const struct mtlb_member_name *name = &view_of(gather)->member_names[member];

		take_member(gather, member, name_member(name, whose), known, &kept->sum);
	}
	return kept->sum;
}

static bool is_reachable(const struct gather *gather, uint32_t index)
{
	return !(view_of(gather)->members[index].flags & MTLB_MEMBER_NO_NEXT_HOP);
}

static void count_members(const struct gather *gather, const struct registry_service *service,
			  struct page_members *ret_members, uint64_t *ret_gone)
{
	*ret_members = (struct page_members){};
	for (size_t i = 0; i < service->member_count; i++) {
		uint32_t index = service->members[i];
		const struct mtlb_member_name *name = &view_of(gather)->member_names[index];
		enum page_state state = name->drain ? PAGE_DRAIN : PAGE_UP;

		if (name->state == MTLB_MEMBER_GONE) {
			*ret_gone += 1;
			continue;
		}
		if (name->state == MTLB_MEMBER_DOWN || name->state == MTLB_MEMBER_CHECKING)
			state = PAGE_DOWN;
		ret_members->state[state]++;
		ret_members->usable += state == PAGE_UP && is_reachable(gather, index);
	}
}

static void add_members(struct page_members *sum, const struct page_members *more)
{
	for (int i = 0; i < PAGE_STATES; i++)
		sum->state[i] += more->state[i];
	sum->usable += more->usable;
}

static bool has_backends(const struct page_members *members)
{
	return members->state[PAGE_UP] + members->state[PAGE_DOWN] + members->state[PAGE_DRAIN];
}

static void read_service(struct gather *gather, uint32_t index)
{
	const struct registry_service *service = gather->registry->service_at[index];
	struct page_members members;

	if (!service)
		return;
	count_members(gather, service, &members, &gather->totals.gone);
	add_members(&gather->totals.members, &members);
	gather->totals.services++;
	gather->totals.deserted += has_backends(&members) && !members.usable;
}

static void read_gauges(struct gather *gather, const struct registry_tenant *tenant)
{
	const struct mtlb_tenant *names = &view_of(gather)->tenants[tenant->index];
	const uint32_t *counts = gather->agent->sweep.flow_counts;

	gather->gauges[tenant->index] = (struct page_gauges){
		.active = active_get(gather->agent->active, tenant).flows,
		.stored = counts ? counts[tenant->index] : 0,
		.limit = (double)names->flow_count * MTLB_FLOWS_PER_BUCKET,
	};
}

static void read_totals(struct gather *gather, uint32_t index)
{
	const struct dataplane *dataplane = gather->agent->dataplane;
	const struct mtlb_amount amount = registry_amount(gather->registry, index);
	struct mtlb_tenant_counter counters;

	accounts_total(gather->accounts, index, COLUMN_PACKETS, amount.packets);
	accounts_total(gather->accounts, index, COLUMN_BYTES, amount.bytes);
	accounts_total(gather->accounts, index, COLUMN_NEW_FLOWS, amount.new_flows);
	accounts_total(gather->accounts, index, COLUMN_REPLY_PACKETS, amount.reply_packets);
	accounts_total(gather->accounts, index, COLUMN_REPLY_BYTES, amount.reply_bytes);
	for (int reason = 0; reason < MTLB_REASON_COUNT; reason++) {
		struct mtlb_reason_counter sum;

		dataplane_sum_reason(dataplane, index, reason, &sum);
		accounts_total(gather->accounts, index, COLUMN_REASONS + reason, sum.packets);
		accounts_total(gather->accounts, index, COLUMN_REASON_BYTES + reason, sum.bytes);
	}
	dataplane_sum_tenant(dataplane, index, &counters);
	for (uint32_t i = 0; i < MTLB_COUNTER_COUNT; i++)
		accounts_total(gather->accounts, index, COLUMN_COUNTERS + i, counters.value[i]);
}

static bool is_used(const struct tally_tenant *tenant)
{
	return tenant->requests || tenant->handshakes || tenant->handshakes_failed ||
	       tenant->handshakes_shed;
}

/* By name: one that is gone has none there. */
static void read_l7(struct gather *gather, uint32_t index, const char *name)
{
	struct accounts *accounts = gather->accounts;
	const struct tallies *tallies = l7_tallies(gather->agent->l7);
	const struct histogram *times = &gather->times.request;
	struct tally_tenant sum;

	if (!tallies_tenant(tallies, name, &sum) || !is_used(&sum))
		return;
	accounts_total(accounts, index, COLUMN_REQUESTS, sum.requests);
	for (uint32_t i = 0; i < TALLY_STATUSES; i++)
		accounts_total(accounts, index, COLUMN_ANSWERS + i, sum.answers[i]);
	for (uint32_t i = 0; i < REFUSALS; i++)
		accounts_total(accounts, index, COLUMN_REFUSED + i, sum.refused[i]);
	accounts_total(accounts, index, COLUMN_RETRIES, sum.retries);
	accounts_total(accounts, index, COLUMN_MIRRORED, sum.mirrored);
	accounts_total(accounts, index, COLUMN_MIRRORS_DROPPED, sum.mirrors_dropped);
	accounts_total(accounts, index, COLUMN_REQUEST_BYTES, sum.bytes_in);
	accounts_total(accounts, index, COLUMN_RESPONSE_BYTES, sum.bytes_out);
	accounts_total(accounts, index, COLUMN_CONNECTIONS, sum.connections);
	accounts_total(accounts, index, COLUMN_EVICTED, sum.connections_evicted);
	accounts_total(accounts, index, COLUMN_HANDSHAKES_FULL,
		       sum.handshakes - sum.handshakes_resumed);
	accounts_total(accounts, index, COLUMN_HANDSHAKES_RESUMED, sum.handshakes_resumed);
	accounts_total(accounts, index, COLUMN_HANDSHAKES_SHED, sum.handshakes_shed);
	accounts_total(accounts, index, COLUMN_HANDSHAKES_FAILED, sum.handshakes_failed);
	tallies_times(tallies, name, &gather->times);
	for (int i = 0; i < GATHER_TIMES; i++)
		accounts_total(accounts, index, COLUMN_TIMES + (uint32_t)i,
			       histogram_below(times, gather_time_ns(i)));
	accounts_total(accounts, index, COLUMN_TIMES + GATHER_TIMES, histogram_count(times));
	accounts_total(accounts, index, COLUMN_TIMES_NS, times->sum_ns);
}

/* A row that was a tenant's has what was counted for it last, until it is given to another one. */
static void read_former(struct gather *gather, uint32_t index)
{
	const struct accounts_tenant *account = accounts_tenant(gather->accounts, index);

	if (!account || account->id != view_of(gather)->totals[index].id)
		return;
	accounts_part(gather->accounts, index);
	read_totals(gather, index);
}

static void before_reset(void *context, uint32_t tenant)
{
	read_former(context, tenant);
}

static void read_tenant(struct gather *gather, uint32_t index)
{
	const struct registry_tenant *tenant = gather->registry->tenant_at[index];
	uint64_t id = view_of(gather)->totals[index].id;

	if (!tenant) {
		read_former(gather, index);
		return;
	}
	if (accounts_meet(gather->accounts, index, id, tenant->name))
		return;
	read_totals(gather, index);
	read_l7(gather, index, tenant->name);
	read_gauges(gather, tenant);
	gather->totals.tenants++;
}

/* who has series */

static void list_member(struct gather *gather, const struct registry_tenant *tenant,
			const struct registry_service *service, uint32_t index)
{
	const struct mtlb_service *names = &view_of(gather)->services[service->index];
	const struct mtlb_member_name *name = &view_of(gather)->member_names[index];
	struct page_member *member = page_add_member(gather->page);
	struct addr address = registry_addr(&name->address);
	char text[ADDR_TEXT_MAX];
	const struct check_result *result;

	if (!member)
		return;
	*member = (struct page_member){
		.labels = page_begin_labels(gather->page),
		.up = name->state == MTLB_MEMBER_UP || name->state == MTLB_MEMBER_DRAIN,
		.drain = name->drain,
		.reachable = is_reachable(gather, index),
		.traffic = traffic_of(gather, index),
	};
	result = checks_get(gather->agent->checks, tenant->name, names->pool, &address,
			    ntohs(name->port));
	if (result) {
		member->probed = true;
		member->up = result->state == HEALTH_UP;
		member->probes = result->probes;
		member->failures = result->failures;
		member->probe_ns = result->last_ns;
	}
	page_add_label(gather->page, "tenant", tenant->name);
	page_add_label(gather->page, "service", service->key.name);
	page_add_label(gather->page, "protocol",
		       report_ip_protocol((uint8_t)service->key.protocol));
	page_add_label(gather->page, "pool", names->pool);
	page_add_label(gather->page, "backend",
		       name->port ? addr_format_endpoint(&address, ntohs(name->port), text)
				  : addr_format(&address, text));
	page_end_labels(gather->page);
}

static void list_service(struct gather *gather, const struct registry_tenant *tenant,
			 const struct registry_service *service)
{
	struct page *page = gather->page;
	size_t count = service->member_count + 1;
	struct page_service *entry;
	uint64_t gone = 0;

	if (page->service_count + page->member_count + count >
	    gather->agent->config.metrics.members) {
		gather->totals.withheld += count;
		return;
	}
	entry = page_add_service(page);
	if (!entry)
		return;
	entry->labels = page_begin_labels(page);
	entry->traffic = take_service(gather, service);
	count_members(gather, service, &entry->members, &gone);
	add_members(&gather->shown, &entry->members);
	page_add_label(page, "tenant", tenant->name);
	page_add_label(page, "service", service->key.name);
	page_add_label(page, "protocol", report_ip_protocol((uint8_t)service->key.protocol));
	page_add_label(page, "pool", view_of(gather)->services[service->index].pool);
	page_end_labels(page);
	for (size_t i = 0; i < service->member_count; i++)
		if (view_of(gather)->member_names[service->members[i]].state != MTLB_MEMBER_GONE)
			list_member(gather, tenant, service, service->members[i]);
}

static bool has_routes(const struct gather *gather, const char *name)
{
	const struct state_tenant *tenant = state_find_tenant(&gather->agent->config.state, name);

	return tenant && tenant->l7 && tenant->l7->route_count;
}

/* Index 0, the node, is no tenant: nobody has that place. */
static void list_tenant(struct gather *gather, uint32_t index)
{
	const struct registry_tenant *tenant = gather->registry->tenant_at[index];
	const struct accounts_tenant *account = accounts_tenant(gather->accounts, index);
	struct page_tenant *entry;

	if (!tenant || !account || account->gone || strcmp(tenant->name, account->name) != 0)
		return; /* it went a moment ago */
	entry = page_add_tenant(gather->page);
	if (!entry)
		return;
	*entry = (struct page_tenant){
		.labels = page_begin_labels(gather->page),
		.index = index,
		.account = account->own,
		.gauges = gather->gauges[index],
		.routes = has_routes(gather, tenant->name),
	};
	page_add_label(gather->page, "tenant", tenant->name);
	page_end_labels(gather->page);
	gather->totals.shown++;
	for (const struct registry_service *service = tenant->services; service;
	     service = service->of_tenant)
		list_service(gather, tenant, service);
}

static struct page_gauges sum_others(const struct gather *gather)
{
	struct page_gauges sum = {};

	for (uint32_t i = 1; i < view_of(gather)->node->tenants; i++) {
		const struct accounts_tenant *tenant = accounts_tenant(gather->accounts, i);

		if (!tenant || tenant->gone || tenant->place || tenant->until)
			continue;
		sum.active += gather->gauges[i].active;
		sum.stored += gather->gauges[i].stored;
		sum.limit += gather->gauges[i].limit;
	}
	return sum;
}

static void list_others(struct gather *gather)
{
	struct page_tenant *tenant = page_add_tenant(gather->page);
	struct page_service *service = page_add_service(gather->page);

	if (!tenant || !service)
		return;
	*tenant = (struct page_tenant){
		.labels = page_begin_labels(gather->page),
		.account = accounts_others(gather->accounts),
		.gauges = sum_others(gather),
		.routes = l7_workers(gather->agent->l7),
	};
	page_add_label(gather->page, "tenant", PAGE_OTHER);
	page_end_labels(gather->page);
	service->other = true;
	service->labels = page_begin_labels(gather->page);
	page_add_label(gather->page, "tenant", PAGE_OTHER);
	page_add_label(gather->page, "service", PAGE_OTHER);
	page_add_label(gather->page, "protocol", PAGE_OTHER);
	page_add_label(gather->page, "pool", PAGE_OTHER);
	page_end_labels(gather->page);
	/* between two pieces something may have changed */
	for (int i = 0; i < PAGE_STATES; i++)
		if (gather->totals.members.state[i] > gather->shown.state[i])
			service->members.state[i] =
				gather->totals.members.state[i] - gather->shown.state[i];
	if (gather->totals.members.usable > gather->shown.usable)
		service->members.usable = gather->totals.members.usable - gather->shown.usable;
}

static void next_phase(struct gather *gather)
{
	if (gather->phase == PHASE_TENANTS && !gather->counts) {
		/* from now on */
		gather->counts = true;
		accounts_count(gather->accounts, true);
		gather->phase = PHASE_OVER;
		return;
	}
	if (gather->phase == PHASE_TENANTS)
		accounts_rank(gather->accounts, gather->now);
	gather->phase++;
	gather->at = 0;
}

bool gather_step(struct gather *gather)
{
	const struct mtlb_node *node = view_of(gather)->node;

	switch (gather->phase) {
	case PHASE_SERVICES:
		if (++gather->at < node->services)
			read_service(gather, gather->at);
		else
			next_phase(gather);
		return true;
	case PHASE_TENANTS:
		if (++gather->at < node->tenants)
			read_tenant(gather, gather->at);
		else
			next_phase(gather);
		return gather->phase != PHASE_OVER;
	case PHASE_LIST:
		if (gather->at >= accounts_shown(gather->accounts))
			next_phase(gather);
		else
			list_tenant(gather, accounts_shown_at(gather->accounts, gather->at++));
		return true;
	case PHASE_OTHERS:
		list_others(gather);
		next_phase(gather);
		return false;
	default:
		return false;
	}
}
