// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "l7/wanted.h"

static int compare_addresses(const void *left, const void *right)
{
	const struct state_address *a = left, *b = right;

	return addr_compare(&a->address, &b->address);
}

int state_compare_vips(const struct state_vip *a, const struct state_vip *b)
{
	int order = addr_compare(&a->address, &b->address);

	order = order ? order : (a->port > b->port) - (a->port < b->port);
	return order ? order : (a->last > b->last) - (a->last < b->last);
}

static int compare_vips(const void *left, const void *right)
{
	return state_compare_vips(left, right);
}

int state_compare_rules(const struct state_rule *a, const struct state_rule *b)
{
	return prefix_compare(&a->prefix, &b->prefix);
}

static int compare_rules(const void *left, const void *right)
{
	return state_compare_rules(left, right);
}

int state_compare_members(const struct state_member *a, const struct state_member *b)
{
	int order = addr_compare(&a->address, &b->address);

	return order ? order : (a->port > b->port) - (a->port < b->port);
}

static int compare_members(const void *left, const void *right)
{
	return state_compare_members(left, right);
}

/* By protocol as well: after a change of protocol was cut short, a node may hold both. */
static int compare_services(const void *left, const void *right)
{
	const struct state_service *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : (a->protocol > b->protocol) - (a->protocol < b->protocol);
}

static int compare_tenants(const void *left, const void *right)
{
	const struct state_tenant *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static void sort(void *list, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	if (count > 1)
		qsort(list, count, size, compare);
}

void state_sort(struct state *state)
{
	for (size_t i = 0; i < state->tenant_count; i++) {
		struct state_tenant *tenant = &state->tenants[i];

		for (size_t j = 0; j < tenant->service_count; j++) {
			struct state_service *service = &tenant->services[j];

			sort(service->vips, service->vip_count, sizeof(*service->vips),
			     compare_vips);
			sort(service->members, service->member_count, sizeof(*service->members),
			     compare_members);
		}
		sort(tenant->addresses, tenant->address_count, sizeof(*tenant->addresses),
		     compare_addresses);
		sort(tenant->acl.rules, tenant->acl.rule_count, sizeof(*tenant->acl.rules),
		     compare_rules);
		sort(tenant->services, tenant->service_count, sizeof(*tenant->services),
		     compare_services);
	}
	sort(state->tenants, state->tenant_count, sizeof(*state->tenants), compare_tenants);
}

void state_take_borrowed(struct state *to, struct state *from)
{
	for (size_t i = 0; i < to->tenant_count; i++) {
		if (!to->tenants[i].borrowed)
			continue;
		to->tenants[i].borrowed = false;
		from->tenants[i].borrowed = true;
	}
}

void state_fini(struct state *state)
{
	for (size_t i = 0; i < state->tenant_count; i++) {
		struct state_tenant *tenant = &state->tenants[i];

		if (tenant->borrowed)
			continue;
		for (size_t j = 0; j < tenant->service_count; j++) {
			free(tenant->services[j].health.question);
			free(tenant->services[j].vips);
			free(tenant->services[j].members);
		}
		free(tenant->services);
		free(tenant->addresses);
		free(tenant->acl.rules);
		wanted_free(tenant->l7);
	}
	free(state->tenants);
	*state = (struct state){};
}

int state_copy_health(const struct state_health *from, struct state_health *ret_to)
{
	struct state_health to = *from;

	if (from->question) {
		to.question = probe_copy_question(from->question);
		if (!to.question)
			return -ENOMEM;
	}
	*ret_to = to;
	return 0;
}

bool state_same_question(const struct state_health *a, const struct state_health *b)
{
	if (a->type != b->type)
		return false;
	return !a->question || !b->question ? a->question == b->question
					    : probe_same_question(a->question, b->question);
}

bool state_same_health(const struct state_health *a, const struct state_health *b)
{
	return state_same_question(a, b) && a->via == b->via && a->port == b->port &&
	       a->jitter == b->jitter && a->interval_ms == b->interval_ms &&
	       a->timeout_ms == b->timeout_ms && a->rise == b->rise && a->fall == b->fall &&
	       a->damped == b->damped && a->panic == b->panic &&
	       a->proxy_protocol == b->proxy_protocol;
}

static int tenant_name_order(const void *name, const void *tenant)
{
	return strcmp(name, ((const struct state_tenant *)tenant)->name);
}

static int service_name_order(const void *name, const void *service)
{
	return strcmp(name, ((const struct state_service *)service)->name);
}

const struct state_tenant *state_find_tenant(const struct state *state, const char *name)
{
	if (!state || !state->tenant_count)
		return NULL;
	return bsearch(name, state->tenants, state->tenant_count, sizeof(*state->tenants),
		       tenant_name_order);
}

const struct state_service *state_find_service(const struct state *state, const char *tenant,
					       const char *name)
{
	const struct state_tenant *found = state_find_tenant(state, tenant);

	if (!found || !found->service_count)
		return NULL;
	return bsearch(name, found->services, found->service_count, sizeof(*found->services),
		       service_name_order);
}
