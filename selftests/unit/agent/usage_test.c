// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What tenants use, on the fake dataplane: members that go, rows that are given to another tenant,
 * agents that come after one that was killed, and dataplanes that are new.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "userspace/agent/usage/usage.h"
#include "userspace/base/log.h"

#define ACME 1U
#define DAYS (UINT64_MAX / USAGE_DAY)

static char folder[64];
static struct dataplane *dataplane;
static struct registry registry;
static struct loop *loop;
static struct active *active;
static struct usage_part *usage;

static void start_agent(void)
{
	struct config_usage config = {folder, 10, 400};

	assert_int_equal(registry_open(&registry, dataplane), 0);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(active_new(&registry, loop, &active), 0);
	assert_int_equal(usage_start(&registry, active, loop, &config, &usage), 0);
	assert_non_null(usage_ledger(usage));
}

static void stop_agent(void)
{
	usage_stop(usage);
	active_free(active);
	registry_close(&registry);
	loop_free(loop);
}

static void new_dataplane(void)
{
	struct dataplane_options options = {.capacity = {.tenants = 4,
							 .vips = 1,
							 .services = 4,
							 .members = 8,
							 .slots = 16,
							 .flow_buckets = 64}};

	assert_int_equal(dataplane_open_memory(&options, &dataplane), 0);
}

static int setup(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	strcpy(folder, "/tmp/usage-XXXXXX");
	assert_non_null(mkdtemp(folder));
	new_dataplane();
	start_agent();
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	stop_agent();
	dataplane_close(dataplane);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* As reconcile does it. */
static void add_tenant(uint32_t index, const char *name)
{
	struct mtlb_tenant tenant = {.used = 1};
	struct mtlb_service service = {.used = 1, .tenant = index};

	strcpy(tenant.name, name);
	registry_before_reset(&registry, index);
	assert_int_equal(dataplane_reset_tenant_counters(dataplane, index), 0);
	assert_int_equal(dataplane_put_tenant(dataplane, index, &tenant), 0);
	assert_non_null(registry_add_tenant(&registry, index, name));
	strcpy(service.name, "web");
	assert_int_equal(dataplane_put_service(dataplane, index, &service), 0);
	assert_non_null(registry_add_service(&registry, index, index, "web", 6));
}

static void add_member(uint32_t index, uint32_t tenant)
{
	struct mtlb_member member = {.service = tenant};
	struct mtlb_member_name name = {.used = 1, .service = tenant};

	assert_int_equal(dataplane_reset_member_counters(dataplane, index, tenant), 0);
	assert_int_equal(dataplane_put_member(dataplane, index, &member, &name), 0);
	assert_int_equal(registry_add_member(registry.service_at[tenant], index), 0);
}

static void remove_member(uint32_t index, uint32_t tenant)
{
	struct mtlb_member member = {};
	struct mtlb_member_name name = {};

	assert_int_equal(dataplane_put_member(dataplane, index, &member, &name), 0);
	assert_int_equal(registry_retire(&registry, index, tenant), 0);
	registry_remove_member(registry.service_at[tenant], index);
}

static void remove_tenant(uint32_t index)
{
	struct mtlb_tenant tenant = dataplane_view(dataplane)->tenants[index];
	struct mtlb_service service = {};

	assert_int_equal(dataplane_put_service(dataplane, index, &service), 0);
	registry_remove_service(&registry, registry.service_at[index]);
	tenant.used = 0;
	assert_int_equal(dataplane_put_tenant(dataplane, index, &tenant), 0);
	registry_remove_tenant(&registry, registry.tenant_at[index]);
}

static void receive(uint32_t member, uint64_t packets)
{
	struct mtlb_member_counter *row =
		(struct mtlb_member_counter *)&dataplane_view(dataplane)->member_counters[member];

	row->packets += packets;
	row->bytes += 100 * packets;
	row->reply_packets += 2 * packets;
	row->reply_bytes += 300 * packets;
	row->new_flows += 1;
}

/* The row of a member that was removed. */
static void leave_behind(uint32_t member, uint32_t tenant)
{
	assert_int_equal(dataplane_reset_member_counters(dataplane, member, tenant), 0);
}

static void drop(uint32_t tenant, enum mtlb_reason reason, uint64_t packets)
{
	struct mtlb_reason_counter *row =
		(struct mtlb_reason_counter *)dataplane_view(dataplane)->reason_counters;

	row[tenant * MTLB_REASONS_PER_TENANT + reason].packets += packets;
	row[tenant * MTLB_REASONS_PER_TENANT + reason].bytes += 10 * packets;
}

static void add_row(void *context, const struct usage_row *row)
{
	usage_add(context, &row->usage);
}

static struct usage used(const char *tenant)
{
	struct ledger_query query = {.tenant = tenant, .to = DAYS, .by_day = true, .limit = 10};
	struct usage sum = {};
	size_t damaged;
	bool more;

	assert_int_equal(ledger_query(usage_ledger(usage), &query, add_row, &sum, &more, &damaged),
			 0);
	return sum;
}

/* Killed is not stopped: it books nothing more. But all that it would have booked is in the
 * counters, so one that is stopped must come to the same. */
static void restart(void)
{
	stop_agent();
	start_agent();
}

static void assert_used(const char *tenant, uint64_t packets)
{
	struct usage sum = used(tenant);

	assert_int_equal(sum.value[USAGE_packets_in], packets);
	assert_int_equal(sum.value[USAGE_bytes_in], 100 * packets);
	assert_int_equal(sum.value[USAGE_packets_out], 2 * packets);
	assert_int_equal(sum.value[USAGE_bytes_out], 300 * packets);
}

static void counts_what_passes(void **state)
{
	struct usage sum;

	(void)state;
	add_tenant(ACME, "acme");
	add_member(1, ACME);
	receive(1, 5);
	drop(ACME, MTLB_REASON_over_bits, 3);
	drop(ACME, MTLB_REASON_over_share, 3);
	drop(ACME, MTLB_REASON_over_client_flows, 1);
	drop(ACME, MTLB_REASON_no_member, 1);
	drop(ACME, MTLB_REASON_denied_acl, 1);
	drop(ACME, MTLB_REASON_fragment_held, 9);
	drop(ACME, MTLB_REASON_echoed, 9);
	restart();
	assert_used("acme", 5);
	sum = used("acme");
	assert_int_equal(sum.value[USAGE_new_flows], 1);
	assert_int_equal(sum.value[USAGE_dropped_by_limits], 7);
	assert_int_equal(sum.value[USAGE_dropped_otherwise], 2);
	drop(ACME, MTLB_REASON_local, 2);
	restart();
	sum = used("acme");
	assert_int_equal(sum.value[USAGE_packets_in], 7);
	assert_int_equal(sum.value[USAGE_bytes_in], 520);
}

static void members_that_go(void **state)
{
	(void)state;
	add_tenant(ACME, "acme");
	add_member(1, ACME);
	add_member(2, ACME);
	receive(1, 10);
	receive(2, 1);
	restart();
	receive(1, 5);
	remove_member(1, ACME);
	/* one that was on its way */
	receive(1, 1);
	assert_int_equal(usage_read(&registry, ACME).value[USAGE_packets_in], 17);
	assert_int_equal(registry_settle(&registry), 0);
	assert_int_equal(usage_read(&registry, ACME).value[USAGE_packets_in], 17);
	restart();
	assert_used("acme", 17);
	/* of one that a killed agent did not carry over, the next one finds the counters */
	stop_agent();
	leave_behind(3, ACME);
	receive(3, 4);
	start_agent();
	restart();
	assert_used("acme", 21);
	add_member(1, ACME);
	receive(1, 3);
	restart();
	assert_used("acme", 24);
}

static void a_row_that_is_given_to_another(void **state)
{
	(void)state;
	add_tenant(ACME, "acme");
	add_member(1, ACME);
	receive(1, 10);
	remove_member(1, ACME);
	remove_tenant(ACME);
	assert_int_equal(registry_settle(&registry), 0);
	add_tenant(ACME, "globex");
	assert_used("acme", 10);
	assert_used("globex", 0);
	add_member(1, ACME);
	receive(1, 7);
	restart();
	assert_used("acme", 10);
	assert_used("globex", 7);
}

static void a_tenant_that_went_is_booked(void **state)
{
	(void)state;
	add_tenant(ACME, "acme");
	add_member(1, ACME);
	receive(1, 10);
	remove_member(1, ACME);
	remove_tenant(ACME);
	restart();
	assert_used("acme", 10);
	restart();
	assert_used("acme", 10);
}

static void a_dataplane_that_is_new(void **state)
{
	(void)state;
	add_tenant(ACME, "acme");
	add_member(1, ACME);
	receive(1, 10);
	stop_agent();
	dataplane_close(dataplane);
	new_dataplane();
	start_agent();
	add_tenant(ACME, "acme");
	add_member(1, ACME);
	receive(1, 25);
	restart();
	assert_used("acme", 35);
}

static void a_ledger_that_cannot_be(void **state)
{
	struct config_usage config = {"/proc/none", 10, 400};

	(void)state;
	stop_agent();
	assert_int_equal(registry_open(&registry, dataplane), 0);
	assert_int_equal(loop_new(&loop), 0);
	assert_int_equal(active_new(&registry, loop, &active), 0);
	assert_int_equal(usage_start(&registry, active, loop, &config, &usage), 0);
	assert_null(usage_ledger(usage));
	assert_non_null(strstr(usage_status(usage).error, "/proc/none"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(counts_what_passes),
		TEST(members_that_go),
		TEST(a_row_that_is_given_to_another),
		TEST(a_tenant_that_went_is_booked),
		TEST(a_dataplane_that_is_new),
		TEST(a_ledger_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
