// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * From one state to another on the fake dataplane, whole or cut off at every verb in turn: traffic
 * must find its way at each point, and whoever comes after the cut must end where it was going.
 */
#include "reconcile_acl.h"
#include "reconcile_counts.h"

/* random states */

static uint32_t pick(unsigned int *seed, uint32_t below)
{
	return (uint32_t)rand_r(seed) % below;
}

static void add_vip(struct state_service *to, struct addr address, uint32_t port, uint32_t last)
{
	to->vips = realloc(to->vips, (to->vip_count + 1) * sizeof(*to->vips));
	assert_non_null(to->vips);
	to->vips[to->vip_count++] = (struct state_vip){address, (uint16_t)port, (uint16_t)last};
}

/* The TCP services s0 and s2 share 1000-1099, and the border between them moves. */
static void add_ranges(unsigned int *seed, uint8_t s, uint32_t border, struct addr address,
		       struct state_service *to)
{
	uint32_t many = pick(seed, 4) ? 0 : pick(seed, 20);

	if (s == 0 && border)
		add_vip(to, address, 1000, 1000 + border * 20 - 1);
	if (s == 2 && border < 5)
		add_vip(to, address, 1000 + border * 20, 1099);
	for (uint32_t i = 0; s == 0 && i < many; i++)
		add_vip(to, address, 2000 + 10 * i, 2000 + 10 * i + pick(seed, 3));
}

static enum state_forward pick_forward(unsigned int *seed, const struct state_tenant *tenant)
{
	if (pick(seed, 5) == 0)
		return STATE_FORWARD_LOCAL;
	return tenant->nat_ports ? pick(seed, 4) : pick(seed, 3);
}

static void make_service(unsigned int *seed, uint8_t t, uint8_t s, uint32_t border,
			 const struct state_tenant *tenant, struct state_service *to)
{
	bool udp = s == 1, any = udp && pick(seed, 3) == 0;

	*to = (struct state_service){
		.protocol = udp ? IPPROTO_UDP : IPPROTO_TCP,
		.forward = pick_forward(seed, tenant),
		.affinity = pick(seed, udp ? 3 : 2),
		.quic_server_id_bytes = udp ? pick(seed, 3) : 0,
		.mss = !udp && pick(seed, 3) == 0 ? 1400 : 0,
		.idle_s = 60 * (1 + pick(seed, 2)),
		.drain_deadline_s = 600,
		.stick_s = 30,
		.learn_s = 10,
	};
	if (to->forward == STATE_FORWARD_NAT && to->affinity == STATE_AFFINITY_NONE)
		to->affinity = STATE_AFFINITY_CLIENT_PORT;
	if (to->forward == STATE_FORWARD_LOCAL) {
		to->affinity = STATE_AFFINITY_CLIENT_PORT;
		to->quic_server_id_bytes = 0;
		to->mss = 0;
	}
	to->track_always = to->affinity != STATE_AFFINITY_NONE && pick(seed, 3) == 0;
	snprintf(to->name, sizeof(to->name), "s%u", s);
	if (to->forward != STATE_FORWARD_LOCAL)
		snprintf(to->pool, sizeof(to->pool), "p%u", pick(seed, 2));
	to->members = calloc(MEMBERS, sizeof(*to->members));
	assert_non_null(to->members);
	for (size_t i = 0; i < tenant->address_count; i++) {
		struct addr address = tenant->addresses[i].address;

		for (uint32_t port = 0; port < 2; port++)
			if (!any && pick(seed, 4)) /* those of two TCP services differ; 90 moves */
				add_vip(to, address, port ? 80U + s : 70U + s,
					port ? 80U + s : 70U + s);
		if (any)
			add_vip(to, address, 0, 65535);
		add_ranges(seed, s, border, address, to);
	}
	if (tenant->address_count && !udp && pick(seed, 2) == s / 2 && tenant->id != s / 2U)
		add_vip(to, tenant->addresses[0].address, 90, 90);
	for (uint8_t i = 0; i < MEMBERS; i++) {
		struct state_member *member = &to->members[to->member_count];

		if (!pick(seed, 3) || to->forward == STATE_FORWARD_LOCAL)
			continue;
		*member = (struct state_member){
			.address = ipv4(10, t, s, i + 1),
			.weight = 1 + pick(seed, 3),
			.drain = pick(seed, 5) == 0,
			.server_id_bytes = to->quic_server_id_bytes,
		};
		/* they are exchanged between members: id + index is always the same set */
		for (uint8_t b = 0; b < member->server_id_bytes; b++)
			member->server_id[b] = b ? (uint8_t)(i ^ (border & 1)) : 7;
		if (member->server_id_bytes == 1)
			member->server_id[0] = (uint8_t)(i ^ (border & 1));
		to->member_count++;
	}
}

static void make_limits(unsigned int *seed, struct state_limits *to)
{
	if (pick(seed, 2))
		to->packets = 1000 * (1 + pick(seed, 2));
	if (pick(seed, 3) == 0)
		to->bits = 1000000 * (1 + pick(seed, 2));
	if (pick(seed, 3) == 0)
		to->new_flows = 10;
	if (pick(seed, 3) == 0)
		to->guaranteed = 100 * (1 + pick(seed, 2));
	if (pick(seed, 2))
		to->weight = 1 + pick(seed, 2);
	if (!to->packets)
		to->client_flows = 10 + to->weight;
	if (to->packets || to->bits || to->new_flows || to->guaranteed)
		to->burst_ms = 100;
}

/* Of a few prefixes that lie in one another, so that lists have much in common. */
static void make_acl(unsigned int *seed, struct state_acl *to)
{
	if (pick(seed, 3) == 0)
		return;
	to->default_deny = pick(seed, 3) == 0;
	to->rules = calloc(ACL_PREFIXES, sizeof(*to->rules));
	assert_non_null(to->rules);
	for (size_t i = 0; i < ACL_PREFIXES; i++)
		if (pick(seed, 2))
			to->rules[to->rule_count++] =
				(struct state_rule){acl_prefix(i), pick(seed, 3) != 0};
}

/* Each tenant has an address of its own, and one of a few that move between tenants. */
static void make_state(unsigned int seed, bool nat, struct state *to)
{
	uint8_t owner = (uint8_t)pick(&seed, TENANTS);
	uint32_t border, of_tier[2] = {64U << pick(&seed, 2), 64U << pick(&seed, 2)};

	*to = (struct state){.tenants = calloc(TENANTS, sizeof(*to->tenants))};
	to->node = (struct state_node){.packets = pick(&seed, 3) * 100000,
				       .charge_new_flow = 1 + pick(&seed, 2),
				       .charge_fragment = 1 + pick(&seed, 2),
				       .charge_icmp = 1};
	assert_non_null(to->tenants);
	for (uint8_t t = 0; t < TENANTS; t++) {
		struct state_tenant *tenant = &to->tenants[to->tenant_count];

		if (pick(&seed, 5) == 0)
			continue;
		to->tenant_count++;
		snprintf(tenant->name, sizeof(tenant->name), "t%u", t);
		tenant->id = pick(&seed, 2);
		tenant->flows = 64U << pick(&seed, 3);
		if (pick(&seed, 2)) { /* of a tier that shares */
			uint32_t tier = pick(&seed, 2);

			tenant->flows = of_tier[tier];
			snprintf(tenant->flows_of, sizeof(tenant->flows_of), "tier%u", tier);
		}
		tenant->nat_ports = nat && pick(&seed, 3) ? 64U << pick(&seed, 9) : 0;
		make_limits(&seed, &tenant->limits);
		make_acl(&seed, &tenant->acl);
		border = pick(&seed, 6);
		tenant->addresses = calloc(2, sizeof(*tenant->addresses));
		tenant->services = calloc(SERVICES, sizeof(*tenant->services));
		assert_true(tenant->addresses && tenant->services);
		tenant->addresses[tenant->address_count++] = (struct state_address){
			.address = ipv4(198, 51, 100, t), .echo = pick(&seed, 2)};
		if (t == owner)
			tenant->addresses[tenant->address_count++] = (struct state_address){
				.address = ipv4(203, 0, 113, 1), .echo = pick(&seed, 2)};
		for (uint8_t s = 0; s < SERVICES; s++)
			if (pick(&seed, 4))
				make_service(&seed, t, s, border, tenant,
					     &tenant->services[tenant->service_count++]);
	}
	state_sort(to);
}

static void test_random_chains(void **state)
{
	(void)state;
	for (unsigned int chain = 0; chain < CHAINS; chain++) {
		bool nat = chain % 4 == 0;
		struct state wanted[CHAIN];
		struct node node;

		open_node(&node, nat ? NAT_SOURCES : 0);
		for (unsigned int i = 0; i < CHAIN; i++) {
			make_state(chain * CHAIN + i + 1, nat, &wanted[i]);
			expect_reach(&node, &wanted[i]);
			expect_reached(&node, &wanted[i]);
			check_keys(&node, &wanted[i], NULL);
			check_no_more(&node, &wanted[i]);
			check_settings(&node);
			check_ids(&node);
			check_tables(&node);
			check_acls(&node, &wanted[i], &wanted[i]);
			check_rules(&node, &wanted[i]);
			if (i % 2)
				let_time_pass(&node, &wanted[i]);
		}
		/* the next agent finds the same */
		registry_close(&node.registry);
		start_agent(&node);
		expect_reach(&node, &wanted[CHAIN - 1]);
		expect_reached(&node, &wanted[CHAIN - 1]);
		check_settings(&node);
		check_acls(&node, &wanted[CHAIN - 1], &wanted[CHAIN - 1]);
		for (unsigned int i = 0; i < CHAIN; i++)
			state_fini(&wanted[i]);
		close_node(&node);
	}
}

/* How far a run without a failure gets, and what it takes up in the end. */
static unsigned long run_whole(const struct state *before, const struct state *after, bool nat,
			       struct usage *ret_usage)
{
	unsigned long verbs;
	struct node node;

	open_node(&node, nat);
	expect_reach(&node, before);
	dataplane_memory_fail_at(node.dataplane, 0);
	expect_reach(&node, after);
	verbs = dataplane_memory_verbs(node.dataplane);
	let_time_pass(&node, after);
	*ret_usage = usage_of(&node);
	close_node(&node);
	return verbs;
}

static void run_cut(const struct state *before, const struct state *after, bool nat,
		    unsigned long verb, bool restart, const struct usage *expected)
{
	struct err err = {};
	struct carried carried;
	struct usage usage;
	struct node node;

	open_node(&node, nat);
	expect_reach(&node, before);
	count_packets(&node, &carried);
	dataplane_memory_fail_at(node.dataplane, verb);
	assert_int_not_equal(reach(&node, after, &err), 0);
	assert_true(strlen(err.text) > 0);
	dataplane_memory_fail_at(node.dataplane, 0);
	check_keys(&node, before, after);
	check_acls(&node, before, after);
	if (restart) {
		registry_close(&node.registry);
		start_agent(&node);
		watch_resets(&carried);
		check_keys(&node, before, after);
	}
	check_counts(&carried);
	expect_reach(&node, after);
	expect_reached(&node, after);
	check_keys(&node, after, NULL);
	check_no_more(&node, after);
	check_settings(&node);
	check_ids(&node);
	check_tables(&node);
	check_acls(&node, after, after);
	let_time_pass(&node, after);
	check_keys(&node, after, NULL);
	assert_int_equal(registry_settle(&node.registry), 0);
	check_counts(&carried);
	usage = usage_of(&node);
	if (restart)
		assert_memory_equal(&usage, expected, sizeof(usage));
	close_node(&node);
}

static void cut_everywhere(bool restart)
{
	unsigned long cuts = 0;

	for (unsigned int pair = 0; pair < PAIRS; pair++) {
		bool nat = pair % 6 == 0;
		struct state before, after;
		struct usage expected;
		unsigned long verbs;

		make_state(1000 + 2 * pair, nat, &before);
		make_state(1001 + 2 * pair, nat, &after);
		verbs = run_whole(&before, &after, nat, &expected);
		for (unsigned long verb = 1; verb <= verbs; verb++)
			run_cut(&before, &after, nat, verb, restart, &expected);
		cuts += verbs;
		state_fini(&before);
		state_fini(&after);
	}
	printf("# cut off at %lu verbs\n", cuts);
}

static void test_cut_at_every_verb_and_restarted(void **state)
{
	(void)state;
	cut_everywhere(true);
}

static void test_cut_at_every_verb_and_tried_again(void **state)
{
	(void)state;
	cut_everywhere(false);
}

static void test_counters_are_carried_over_once(void **state)
{
	struct node node;

	(void)state;
	open_node(&node, 0);
	check_resumed_fold(&node);
	close_node(&node);
}

/* room */

static void expect_no_room(const struct state *wanted, const char *key)
{
	struct err err = {};
	struct node node;
	struct plan plan;
	struct state actual;
	unsigned long verbs;

	open_node(&node, 0);
	verbs = dataplane_memory_verbs(node.dataplane);
	make_plan(&node, wanted, &actual, &plan);
	assert_int_equal(reconcile_check_room(&node.registry, &plan, &err), -ENOSPC);
	if (!strstr(err.text, key) || !strstr(err.text, "raise"))
		fail_msg("%s does not name %s", err.text, key);
	assert_int_equal(dataplane_memory_verbs(node.dataplane), verbs);
	plan_fini(&plan);
	state_fini(&actual);
	close_node(&node);
}

/* A tenant for each, services, VIPs and members in the first one. */
static void make_large(size_t tenants, uint32_t flows, size_t services, size_t vips, size_t members,
		       struct state *to)
{
	struct state_tenant *first;

	*to = (struct state){.tenants = calloc(tenants, sizeof(*to->tenants))};
	to->tenant_count = tenants;
	for (size_t t = 0; t < tenants; t++) {
		snprintf(to->tenants[t].name, sizeof(to->tenants[t].name), "t%zu", t);
		to->tenants[t].flows = flows;
	}
	first = &to->tenants[0];
	first->addresses = calloc(1, sizeof(*first->addresses));
	first->addresses[first->address_count++].address = ipv4(198, 51, 100, 1);
	first->services = calloc(services + 1, sizeof(*first->services));
	first->service_count = services;
	for (size_t s = 0; s < services; s++) {
		struct state_service *service = &first->services[s];

		snprintf(service->name, sizeof(service->name), "s%zu", s);
		service->protocol = IPPROTO_TCP;
		service->vips = calloc(vips + 1, sizeof(*service->vips));
		service->members = calloc(members + 1, sizeof(*service->members));
		for (size_t i = 0; i < vips; i++)
			service->vips[service->vip_count++] =
				one_port(ipv4(198, 51, 100, 1), (int)(1 + s * vips + i));
		for (size_t i = 0; i < members; i++)
			service->members[service->member_count++] = (struct state_member){
				.address = ipv4(10, 0, (uint8_t)s, (uint8_t)i), .weight = 1};
	}
	state_sort(to);
}

static void test_room(void **state)
{
	static const struct {
		const char *key;
		size_t tenants;
		uint32_t flows;
		size_t services, vips, members;
	} cases[] = {
		{"node.capacity.tenants", 6, 64, 1, 1, 1},
		{"node.capacity.flows", 5, 4096, 1, 1, 1},
		{"node.capacity.services", 1, 64, 15, 1, 1},
		{"node.capacity.vips", 1, 64, 4, 50, 1},
		{"node.capacity.members", 1, 64, 4, 1, 50},
		{"node.capacity.slots", 1, 64, 11, 1, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct state wanted;

		make_large(cases[i].tenants, cases[i].flows, cases[i].services, cases[i].vips,
			   cases[i].members, &wanted);
		if (strstr(cases[i].key, "slots"))
			for (size_t s = 0; s < cases[i].services; s++)
				wanted.tenants[0].services[s].members[0].weight = 256;
		expect_no_room(&wanted, cases[i].key);
		state_fini(&wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_chains),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_cut_at_every_verb_and_restarted),
		cmocka_unit_test(test_cut_at_every_verb_and_tried_again),
		cmocka_unit_test(test_counters_are_carried_over_once),
	};

	return cmocka_run_group_tests_name("reconcile", tests, NULL, close_spares);
}
