// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The board and the lists made of it: rates, history, sums, filter, order, and keys. */
#include "selftests/unit/tools/mtlb-top/top.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/mtlb-top/state.h"
#include "tools/mtlb-top/words.h"

struct world {
	struct sample sample;
	struct board board;
	struct state state;
	struct list list;
};

static void tenant(struct world *world, const char *name, uint64_t packets, uint64_t limit)
{
	struct row *row = sample_add(&world->sample, RECORD_TENANT);

	row->text[0] = word_force(name);
	row->value[VALUE_PACKETS] = packets;
	row->value[VALUE_BYTES] = 100 * packets;
	row->value[TENANT_ACTIVE] = 3;
	row->value[TENANT_LIMITS] = limit;
	row->value[TENANT_LIMITS + 1] = 1000 * limit;
}

static void drop(struct world *world, const char *name, const char *reason, uint64_t packets)
{
	struct row *row = sample_add(&world->sample, RECORD_DROP);

	row->text[0] = word_force(name);
	row->text[1] = word_force(reason);
	row->value[VALUE_PACKETS] = packets;
}

static void service(struct world *world, const char *name, const char *of)
{
	struct row *row = sample_add(&world->sample, RECORD_SERVICE);

	row->text[0] = word_force(of);
	row->text[1] = word_force(name);
	row->text[2] = row->text[3] = word_force("x");
}

/* Takes what was put into the sample, and empties it. */
static void look(struct world *world, uint64_t at_ms)
{
	world->sample.at_ms = at_ms;
	world->sample.kinds = 1 << RECORD_TENANT | 1 << RECORD_DROP | 1 << RECORD_SERVICE;
	assert_int_equal(board_update(&world->board, &world->sample), 0);
	sample_clear(&world->sample);
	assert_int_equal(state_list(&world->state, &world->board, &world->list), 0);
}

static struct entity *find(struct world *world, const char *name)
{
	const char *key[RECORD_TEXTS] = {word_force(name)};

	return board_find(&world->board, RECORD_TENANT, key);
}

static int begin(void **state)
{
	static struct world world;

	world = (struct world){};
	state_init(&world.state);
	world.state.rows = 3;
	*state = &world;
	return 0;
}

static int end(void **state)
{
	struct world *world = *state;

	list_fini(&world->list);
	board_fini(&world->board);
	sample_fini(&world->sample);
	words_fini();
	return 0;
}

static void rates_are_of_two_looks(void **state)
{
	struct world *world = *state;

	tenant(world, "a", 100, 0);
	look(world, 1000);
	assert_true(isnan(find(world, "a")->rate[VALUE_PACKETS]));
	tenant(world, "a", 300, 0);
	tenant(world, "b", 7, 0);
	look(world, 3000);
	assert_float_equal(find(world, "a")->rate[VALUE_PACKETS], 100, 1e-9);
	assert_float_equal(find(world, "a")->rate[VALUE_BYTES], 10000, 1e-9);
	assert_true(isnan(find(world, "b")->rate[VALUE_PACKETS]));
	assert_float_equal(world->board.totals.packets, 100, 1e-9);
	assert_int_equal(world->board.totals.tenants, 2);
	/* counters that go back are of a tenant that was made anew; one that is gone is forgotten
	 */
	tenant(world, "a", 5, 0);
	look(world, 4000);
	assert_true(isnan(find(world, "a")->rate[VALUE_PACKETS]));
	assert_null(find(world, "b"));
	tenant(world, "a", 6, 0);
	look(world, 4500);
	assert_float_equal(find(world, "a")->rate[VALUE_PACKETS], 2, 1e-9);
}

static void history_keeps_the_newest(void **state)
{
	struct world *world = *state;
	float values[BOARD_HISTORY];
	uint64_t packets = 0;

	for (unsigned i = 0; i <= 3 * BOARD_HISTORY + 5; i++) {
		tenant(world, "a", packets += i, 0);
		look(world, 1000 * (i + 1));
	}
	assert_int_equal(board_history(find(world, "a"), values, BOARD_HISTORY), BOARD_HISTORY);
	for (unsigned i = 0; i < BOARD_HISTORY; i++)
		assert_float_equal(values[i], 2 * BOARD_HISTORY + 6 + i, 1e-6);
	assert_int_equal(board_history(find(world, "a"), values, 2), 2);
	assert_float_equal(values[1], 3 * BOARD_HISTORY + 5, 1e-6);
}

static void drops_stand_with_their_tenant(void **state)
{
	struct world *world = *state;

	for (uint64_t i = 1; i <= 2; i++) {
		tenant(world, "a", 0, 0);
		drop(world, "-", "not_vip", 1000 * i); /* passed to the host: no drop */
		drop(world, "a", "no_member", 10 * i);
		drop(world, "a", "over_bits", 30 * i);
		drop(world, "a", "of_tomorrow", 5 * i);
		look(world, 1000 * i);
	}
	assert_float_equal(find(world, "a")->dropped, 45, 1e-9);
	assert_string_equal(find(world, "a")->why, "over_bits");
	assert_float_equal(world->board.totals.dropped, 45, 1e-9);
	assert_string_equal(world->board.totals.why, "over_bits");
	assert_string_equal(board_sentence("of_tomorrow"), "");
	assert_true(strlen(board_sentence("over_bits")) > 10);
}

static void the_nearest_limit_counts(void **state)
{
	struct world *world = *state;
	char which;

	for (uint64_t i = 1; i <= 2; i++) {
		tenant(world, "a", 100 * i, 200);
		tenant(world, "free", 100 * i, 0);
		look(world, 1000 * i);
	}
	/* 100 of 200 packets, 80,000 of 200,000 bits a second */
	assert_float_equal(board_meter(find(world, "a"), &which), 0.5, 1e-9);
	assert_int_equal(which, 'p');
	assert_true(isnan(board_meter(find(world, "free"), &which)));
	assert_int_equal(which, ' ');
}

static void expect(struct world *world, const char *names)
{
	char got[256] = "";

	assert_int_equal(state_list(&world->state, &world->board, &world->list), 0);
	for (size_t i = 0; i < world->list.count; i++) {
		strcat(got, i ? " " : "");
		strcat(got, world->list.rows[i].entity->key[world->state.panel == PANEL_SERVICES]);
	}
	assert_string_equal(got, names);
}

/* t10 has 10 packets a second, t9 9, ... */
static void ten_tenants(struct world *world)
{
	for (uint64_t look_number = 1; look_number <= 2; look_number++) {
		for (uint64_t i = 1; i <= 10; i++) {
			char name[8];

			snprintf(name, sizeof(name), "t%d", (int)i);
			tenant(world, name, i * look_number, 0);
			service(world, "web", name);
			service(world, "dns", name);
		}
		tenant(world, "-", 0, 0);
		look(world, 1000 * look_number);
	}
}

static void lists_are_sorted_and_filtered(void **state)
{
	struct world *world = *state;

	ten_tenants(world);
	expect(world, "t10 t9 t8 t7 t6 t5 t4 t3 t2 t1");
	world->state.reverse[PANEL_TENANTS] = true;
	expect(world, "t1 t2 t3 t4 t5 t6 t7 t8 t9 t10");
	world->state.reverse[PANEL_TENANTS] = false;
	world->state.sort[PANEL_TENANTS] = 0;
	expect(world, "t1 t2 t3 t4 t5 t6 t7 t8 t9 t10");
	strcpy(world->state.filter, "T1");
	expect(world, "t1 t10");
	strcpy(world->state.filter, "nobody");
	expect(world, "");
	world->state.filter[0] = 0;
	world->state.panel = PANEL_SERVICES;
	world->state.tenant = word_force("t3");
	expect(world, "dns web");
}

static void keys(struct world *world, const char *typed)
{
	for (; *typed; typed++) {
		state_key(&world->state,
			  *typed == '\n'  ? STATE_KEY_ENTER
			  : *typed == '!' ? STATE_KEY_ESCAPE
					  : *typed,
			  &world->list);
		assert_int_equal(state_list(&world->state, &world->board, &world->list), 0);
	}
}

static const char *marked(struct world *world)
{
	return world->list.rows[state_place(&world->state, &world->list)].entity->key[0];
}

static void the_mark_follows_its_thing(void **state)
{
	struct world *world = *state;

	ten_tenants(world);
	assert_string_equal(marked(world), "t10");
	keys(world, "jjjj");
	assert_string_equal(marked(world), "t6");
	assert_int_equal(world->state.top, 2);
	keys(world, "r");
	assert_string_equal(marked(world), "t6");
	keys(world, "G");
	assert_string_equal(marked(world), "t10");
	assert_int_equal(world->state.top, 7);
	keys(world, "gk");
	assert_string_equal(marked(world), "t1");
	/* at the top it stays at the top */
	keys(world, "r");
	assert_string_equal(marked(world), "t10");
}

static void keys_lead_in_and_out(void **state)
{
	struct world *world = *state;

	ten_tenants(world);
	keys(world, "jj\n");
	assert_int_equal(world->state.panel, PANEL_SERVICES);
	assert_string_equal(world->state.tenant, "t8");
	assert_int_equal(world->list.count, 2);
	keys(world, "\n");
	assert_int_equal(world->state.panel, PANEL_MEMBERS);
	assert_string_equal(world->state.service, "dns");
	keys(world, "!");
	assert_int_equal(world->state.panel, PANEL_SERVICES);
	keys(world, "!!");
	assert_int_equal(world->state.panel, PANEL_TENANTS);
	assert_null(world->state.tenant);
	keys(world, "4");
	assert_int_equal(world->state.panel, PANEL_DROPS);
	keys(world, "q");
	assert_true(world->state.quit);
}

static void filter_and_search(void **state)
{
	struct world *world = *state;

	ten_tenants(world);
	keys(world, "ft1\n");
	expect(world, "t10 t1");
	keys(world, "!");
	assert_int_equal(world->list.count, 10);
	keys(world, "/T4\n");
	assert_string_equal(marked(world), "t4");
	keys(world, "/t1");
	assert_string_equal(marked(world), "t1");
	keys(world, "\nn");
	assert_string_equal(marked(world), "t10");
	keys(world, "/zz");
	assert_true(world->state.missed);
	assert_string_equal(marked(world), "t10");
	keys(world, "!");
	assert_false(world->state.missed);
	keys(world, "h");
	assert_int_equal(world->state.mode, STATE_HELP);
	keys(world, "q"); /* leaves the help alone */
	assert_false(world->state.quit);
	keys(world, "up");
	assert_true(world->state.bytes && world->state.paused);
}

static void sort_keys_leave_pictures_out(void **state)
{
	struct world *world = *state;

	ten_tenants(world);
	for (unsigned i = 0; i < 2 * panel_columns(&tenants_panel); i++) {
		keys(world, i % 3 ? "s" : "<");
		assert_true(tenants_panel.columns[world->state.sort[0]].kind != COLUMN_SPARK);
		assert_true(tenants_panel.columns[world->state.sort[0]].kind != COLUMN_BAR);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(rates_are_of_two_looks),	     TEST(history_keeps_the_newest),
		TEST(drops_stand_with_their_tenant), TEST(the_nearest_limit_counts),
		TEST(lists_are_sorted_and_filtered), TEST(the_mark_follows_its_thing),
		TEST(keys_lead_in_and_out),	     TEST(filter_and_search),
		TEST(sort_keys_leave_pictures_out),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
