// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "track_world.h"
#include "userspace/base/log.h"
#include "userspace/agent/publish.h"
#include "userspace/model/table.h"

static void directory(char path[64])
{
	snprintf(path, 64, "/sys/fs/bpf/mtlb-track-%d", (int)getpid());
}

uint32_t world_random(struct world *world, uint32_t below)
{
	return (uint32_t)rand_r(&world->seed) % below;
}

uint64_t world_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * WORLD_SECOND + now.tv_nsec;
}

static struct addr ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	return (struct addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
}

/* what the test knows, as the configuration that says so */

static void make_service(const struct world_service *from, uint32_t tenant, uint32_t number,
			 struct state_service *to)
{
	*to = (struct state_service){
		.protocol = from->protocol,
		.forward = STATE_FORWARD_IPIP,
		.track_always = from->always,
		.idle_s = from->idle_s,
		.drain_deadline_s = from->drain_s,
		.stick_s = from->stick_s,
		.learn_s = WORLD_LEARN_S,
		.health = {.type = from->checked ? PROBE_TCP : PROBE_NONE},
	};
	snprintf(to->name, sizeof(to->name), "s%u", number);
	snprintf(to->pool, sizeof(to->pool), "p%u", number);
	to->vips = calloc(WORLD_PORTS, sizeof(*to->vips));
	to->members = calloc(WORLD_MEMBERS, sizeof(*to->members));
	assert_true(to->vips && to->members);
	for (uint16_t i = 0; i < WORLD_PORTS; i++)
		to->vips[to->vip_count++] = (struct state_vip){
			ipv4(198, 18, (uint8_t)tenant, (uint8_t)number), 80 + i, 80 + i};
	for (uint32_t i = 0; i < WORLD_MEMBERS; i++)
		if (from->members[i].present)
			to->members[to->member_count++] = (struct state_member){
				.address =
					ipv4(10, (uint8_t)tenant, (uint8_t)number, (uint8_t)i + 1),
				.weight = from->members[i].weight,
				.drain = from->members[i].drain,
			};
}

static void make_state(const struct world *world, struct state *to)
{
	to->tenant_count = WORLD_TENANTS;
	to->tenants = calloc(WORLD_TENANTS, sizeof(*to->tenants));
	assert_non_null(to->tenants);
	for (uint32_t i = 0; i < WORLD_TENANTS; i++) {
		struct state_tenant *tenant = &to->tenants[i];

		snprintf(tenant->name, sizeof(tenant->name), "t%u", i);
		tenant->flows = world->tenants[i].flows;
		/* some share their range, and move from that of one tier to that of another */
		if (i % 6 == 4)
			strcpy(tenant->flows_of, tenant->flows == 4096 ? "small" : "large");
		if (i % 12 == 11)
			strcpy(tenant->flows_of, "tight");
		tenant->addresses = calloc(WORLD_SERVICES, sizeof(*tenant->addresses));
		tenant->services = calloc(WORLD_SERVICES, sizeof(*tenant->services));
		assert_true(tenant->addresses && tenant->services);
		tenant->address_count = tenant->service_count = WORLD_SERVICES;
		for (uint32_t j = 0; j < WORLD_SERVICES; j++) {
			tenant->addresses[j].address = ipv4(198, 18, (uint8_t)i, (uint8_t)j);
			make_service(&world->tenants[i].services[j], i, j, &tenant->services[j]);
		}
	}
	state_sort(to);
}

static struct registry_service *find(const struct world *world, uint32_t tenant, uint32_t number)
{
	struct registry_tenant *owner;
	char name[16];

	snprintf(name, sizeof(name), "t%u", tenant);
	owner = registry_tenant(&world->registry, name);
	snprintf(name, sizeof(name), "s%u", number);
	return owner ? registry_service(&world->registry, owner->index, name,
					world->tenants[tenant].services[number].protocol)
		     : NULL;
}

bool world_learning(const struct world *world, uint32_t tenant, uint32_t number)
{
	struct registry_service *service = find(world, tenant, number);

	return dataplane_view(world->dataplane)->services[service->index].learn_until != 0;
}

/* What must not go unnoticed: a table whose flags are gone. */
static void take_flags_away(struct world *world)
{
	struct registry_service *service, *next;

	HASH_ITER (by_key, world->registry.services, service, next) {
		struct table table;

		assert_int_equal(publish_read_table(&world->registry, service, &table), 0);
		for (uint32_t i = 0; i < table.count; i++)
			dataplane_put_slot(world->dataplane, service->slot_first + i,
					   table.slots[i] & MTLB_SLOT_MEMBER);
		table_fini(&table);
	}
}

static struct reconcile reconcile_of(struct world *world, const struct state *wanted)
{
	return (struct reconcile){
		.registry = &world->registry,
		.members = &world->members,
		.wanted = wanted,
		.now = world_now(),
	};
}

static void publish(struct world *world)
{
	struct reconcile reconcile = reconcile_of(world, &world->running);
	struct err err = {};

	if (reconcile_publish_dirty(&reconcile, &err))
		fail_msg("%s", err.text);
	if (world->sabotage)
		take_flags_away(world);
}

static void apply(struct world *world)
{
	struct state wanted = {}, actual = {};
	struct reconcile reconcile;
	struct plan plan;
	struct err err = {};

	make_state(world, &wanted);
	assert_int_equal(
		registry_read_state(&world->registry, &world->running, &wanted, NULL, &actual), 0);
	assert_int_equal(plan_make(&actual, &wanted, &plan), 0);
	reconcile = reconcile_of(world, &wanted);
	if (reconcile_check_room(&world->registry, &plan, &err) ||
	    reconcile_apply(&reconcile, &plan, &err))
		fail_msg("%s", err.text);
	plan_fini(&plan);
	state_fini(&actual);
	state_fini(&world->running);
	world->running = wanted;
	if (world->sabotage)
		take_flags_away(world);
}

/* changes */

static uint32_t present(const struct world_service *service)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < WORLD_MEMBERS; i++)
		count += service->members[i].present;
	return count;
}

/* running: as it was before this change; NULL: the service is new. */
static void add(struct world_service *service, uint32_t number, const struct world_service *running)
{
	struct world_member *member = &service->members[number];
	uint32_t weight = member->weight;

	if (running && running->members[number].present) {
		*member = running->members[number];
		return;
	}
	*member = (struct world_member){.present = true, .weight = weight ? weight : 1};
	if (running && service->checked)
		member->health = WORLD_CHECKING;
}

static void take(struct world_service *service, uint32_t number, const struct world_service *before)
{
	struct world_member *member = &service->members[number];

	/* also what else was changed of it just now is not to be */
	*member = before->members[number];
	if (member->present) {
		member->present = false;
		member->gone_since = world_now();
	}
}

/* There and back within one change is no change: then the deadline stays what it was. */
static void toggle_drain(struct world_member *member, const struct world_member *before)
{
	member->drain = !member->drain;
	if (before->present && before->drain == member->drain) {
		member->drain_since = before->drain_since;
		member->let_go = before->let_go;
	} else {
		member->drain_since = world_now();
		member->let_go = false;
	}
}

static void configure(struct world *world, struct world_tenant *tenant,
		      struct world_service *service, const struct world_service *before)
{
	uint32_t number = world_random(world, WORLD_MEMBERS);
	struct world_member *member = &service->members[number];

	switch (world_random(world, 12)) {
	case 0:
	case 1:
	case 2:
	case 3: /* comes or goes */
		if (!member->present) {
			add(service, number, before);
		} else if (present(service) > 1 || world_random(world, 4) == 0) {
			take(service, number, before);
		}
		break;
	case 4: /* across the size where tables change */
		for (uint32_t i = 0, few = present(service) > 5; i < WORLD_MEMBERS; i++) {
			if (few && service->members[i].present && present(service) > 4) {
				take(service, i, before);
			} else if (!few && !service->members[i].present && present(service) < 7) {
				add(service, i, before);
			}
		}
		break;
	case 5:
	case 6:
		member->weight = 1 + world_random(world, 4);
		break;
	case 7:
	case 8:
	case 9:
		if (!member->present)
			break;
		toggle_drain(member, &before->members[number]);
		break;
	case 10:
		service->always = !service->always;
		break;
	default:
		if (!tenant->tight)
			tenant->flows = tenant->flows == 4096 ? 8192 : 4096;
	}
}

static void set_health(struct world *world, uint32_t t, uint32_t s)
{
	struct world_service *service = &world->tenants[t].services[s];
	uint32_t number = world_random(world, WORLD_MEMBERS);
	struct world_member *member = &service->members[number];
	struct registry_service *known = find(world, t, s);
	struct addr address = ipv4(10, (uint8_t)t, (uint8_t)s, (uint8_t)number + 1);
	bool goes_down = member->health == WORLD_UP;
	uint32_t index = registry_member(&world->registry, known, &address, 0);

	if (!member->present)
		return;
	assert_int_not_equal(index, 0);
	member->health = goes_down ? WORLD_DOWN : WORLD_UP;
	member->down_since = world_now();
	if (!goes_down)
		member->let_go = false;
	service->unplanned_at = world_now();
	assert_int_equal(members_set_state(&world->members, known, index,
					   goes_down ? MTLB_MEMBER_DOWN : MTLB_MEMBER_UP,
					   world_now()),
			 0);
	publish(world);
	service->unplanned_at = world_now();
}

static bool any_wanted(const struct world_service *service)
{
	for (uint32_t i = 0; i < WORLD_MEMBERS; i++)
		if (service->members[i].present && !service->members[i].drain)
			return true;
	return false;
}

void world_change(struct world *world, uint32_t t, uint32_t s)
{
	struct world_tenant *tenant = &world->tenants[t];
	struct world_service before = tenant->services[s];

	world->changes++;
	if (world_random(world, 4) == 0) {
		set_health(world, t, s);
		return;
	}
	do
		configure(world, tenant, &tenant->services[s], &before);
	while (world_random(world, 3) == 0);
	tenant->services[s].ever_orphaned |= !any_wanted(&tenant->services[s]);
	apply(world);
}

/* Members whose time is up. The agent may let go of them from now on, and not before. */
static void pass_deadlines(struct world_service *service, uint64_t now)
{
	for (uint32_t i = 0; i < WORLD_MEMBERS; i++) {
		struct world_member *member = &service->members[i];
		uint64_t drain = service->drain_s * WORLD_SECOND;
		uint64_t stick = service->stick_s * WORLD_SECOND;

		if ((member->gone_since && !member->present && now - member->gone_since >= drain) ||
		    (member->drain && now - member->drain_since >= drain) ||
		    (member->health == WORLD_DOWN && now - member->down_since >= stick)) {
			/* With nobody else up, a member that is let go loses its slots as well: in
			 * this sweep or, since the agent's clock started after ours, in the next.
			 */
			if (!(member->let_go && member->gone_for_sure) && !world_any_ready(service))
				service->unplanned_at = now;
			member->gone_for_sure = member->let_go;
			member->let_go = true;
			service->ever_orphaned = true;
		}
	}
}

void world_sweep(struct world *world)
{
	const struct dataplane_view *view = dataplane_view(world->dataplane);
	struct registry_service *service, *next;
	uint64_t now = world_now();

	world->sweeps++;
	HASH_ITER (by_key, world->registry.services, service, next)
		world->cleared += view->services[service->index].changed_at != 0;
	world->sweep.flows_swept_at = 0;
	assert_int_equal(sweep_run(&world->sweep, now), 0);
	HASH_ITER (by_key, world->registry.services, service, next)
		world->cleared -= view->services[service->index].changed_at != 0;
	now = world_now();
	for (uint32_t t = 0; t < WORLD_TENANTS; t++)
		for (uint32_t s = 0; s < WORLD_SERVICES; s++)
			pass_deadlines(&world->tenants[t].services[s], now);
	publish(world);
}

static void start_agent(struct world *world)
{
	assert_int_equal(registry_open(&world->registry, world->dataplane), 0);
	world->members = (struct members){
		.registry = &world->registry,
		.encap_ipv4 = ipv4(192, 0, 2, 1),
	};
	world->sweep = (struct sweep){
		.registry = &world->registry,
		.members = &world->members,
		.settings = &world->running,
	};
}

void world_restart(struct world *world)
{
	world->restarts++;
	registry_close(&world->registry);
	start_agent(world);
	apply(world);
}

bool world_any_ready(const struct world_service *service)
{
	for (uint32_t i = 0; i < WORLD_MEMBERS; i++)
		if (service->members[i].present && !service->members[i].drain &&
		    service->members[i].health == WORLD_UP)
			return true;
	return false;
}

bool world_eligible(const struct world_service *service, uint32_t number)
{
	const struct world_member *member = &service->members[number];

	return member->present && !member->drain &&
	       (member->health == WORLD_UP || !world_any_ready(service));
}

void world_open(struct world *world, unsigned int seed)
{
	char path[64];
	struct dataplane_options options = {
		.directory = path,
		.capacity = {.tenants = WORLD_TENANTS + 1,
			     .vips = 512,
			     .services = 256,
			     .members = 4096,
			     .slots = 1 << 20,
			     .flow_buckets = 1 << 16},
		.stamp_shift = WORLD_STAMP_SHIFT,
	};
	struct err err = {};

	*world = (struct world){.seed = seed};
	log_set_level(LOG_LEVEL_WARN);
	directory(path);
	dataplane_remove(path, NULL);
	if (dataplane_open(&options, &world->dataplane, &err))
		fail_msg("%s", err.text);
	start_agent(world);
	for (uint32_t t = 0; t < WORLD_TENANTS; t++) {
		struct world_tenant *tenant = &world->tenants[t];

		tenant->tight = t % 6 == 5;
		tenant->flows = tenant->tight ? 64 : 4096;
		for (uint32_t s = 0; s < WORLD_SERVICES; s++) {
			struct world_service *service = &tenant->services[s];

			service->protocol = s == 0   ? IPPROTO_TCP
					    : s == 1 ? IPPROTO_UDP
					    : t % 2  ? IPPROTO_TCP
						     : IPPROTO_UDP;
			service->always = s == 2;
			service->checked = world_random(world, 2);
			service->idle_s =
				1 + (service->protocol == IPPROTO_TCP) * world_random(world, 3);
			/* where there is no room, nobody is let go: see is_bound() of the test */
			service->drain_s = tenant->tight ? 60 : 1 + world_random(world, 3);
			service->stick_s = tenant->tight ? 60 : 1 + world_random(world, 2);
			for (uint32_t i = 0, n = 1 + world_random(world, 7); i < n; i++)
				add(service, i, NULL);
		}
	}
	apply(world);
}

void world_close(struct world *world)
{
	char path[64];

	if (!world->dataplane)
		return;
	directory(path);
	state_fini(&world->running);
	registry_close(&world->registry);
	dataplane_close(world->dataplane);
	world->dataplane = NULL;
	dataplane_remove(path, NULL);
}
