// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Whose series what is counted goes to: nothing goes backwards, nothing is lost or counted twice,
 * whoever comes and goes; and places do not change hands for a trifle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/agent/metrics/accounts.h"

#define SECOND	1000000000ULL
#define TENANTS 40
#define PLACES	6
#define COLUMNS 3

enum {
	PACKETS, /* ranked */
	BYTES,
	FLOWS,
};

static struct accounts *open_accounts(uint32_t places)
{
	struct accounts_options options = {TENANTS, places, COLUMNS, 1};
	struct accounts *accounts = NULL;

	assert_int_equal(accounts_new(&options, &accounts), 0);
	accounts_count(accounts, true);
	return accounts;
}

static uint64_t ids[TENANTS]; /* of whom is at an index */

static void meet(struct accounts *accounts, uint32_t index)
{
	char name[16];

	snprintf(name, sizeof(name), "tenant-%u", index);
	assert_int_equal(accounts_meet(accounts, index, ids[index], name), 0);
}

static uint32_t place_of(const struct accounts *accounts, uint32_t index)
{
	return accounts_tenant(accounts, index)->place;
}

static void test_first_come(void **state)
{
	struct accounts *accounts = open_accounts(2);

	(void)state;
	for (uint32_t i = 1; i <= 3; i++) {
		meet(accounts, i);
		accounts_total(accounts, i, PACKETS, 10 * i);
		accounts_total(accounts, i, FLOWS, i);
	}
	assert_int_equal(accounts_at(accounts, 1), 1);
	assert_int_equal(accounts_at(accounts, 2), 2);
	assert_int_equal(place_of(accounts, 3), 0);
	assert_int_equal(accounts_tenant(accounts, 2)->own[PACKETS], 20);
	assert_int_equal(accounts_tenant(accounts, 2)->own[FLOWS], 2);
	assert_int_equal(accounts_others(accounts)[PACKETS], 30);
	assert_int_equal(accounts_others(accounts)[FLOWS], 3);
	assert_int_equal(accounts_all(accounts)[PACKETS], 60);
	accounts_free(accounts);
}

/* What was there before anybody looked, totals that begin anew, an index that somebody else gets.
 */
static void test_beginnings(void **state)
{
	struct accounts *accounts = open_accounts(2);

	(void)state;
	accounts_count(accounts, false);
	meet(accounts, 1);
	accounts_total(accounts, 1, PACKETS, 1000);
	accounts_total(accounts, 1, FLOWS, 7);
	accounts_count(accounts, true);
	accounts_total(accounts, 1, PACKETS, 1005);
	assert_int_equal(accounts_tenant(accounts, 1)->own[PACKETS], 5);
	assert_int_equal(accounts_tenant(accounts, 1)->own[FLOWS], 0);
	accounts_total(accounts, 1, PACKETS, 3);
	assert_int_equal(accounts_tenant(accounts, 1)->own[PACKETS], 8);

	/* somebody else, and then the same one anew */
	assert_int_equal(accounts_meet(accounts, 1, 1, "somebody-else"), 0);
	accounts_total(accounts, 1, PACKETS, 2);
	assert_int_equal(accounts_tenant(accounts, 1)->own[PACKETS], 2);
	assert_int_equal(accounts_meet(accounts, 1, 2, "somebody-else"), 0);
	accounts_total(accounts, 1, PACKETS, 5);
	assert_int_equal(accounts_tenant(accounts, 1)->own[PACKETS], 5);
	accounts_total(accounts, 2, PACKETS, 9); /* of nobody */
	assert_int_equal(accounts_others(accounts)[PACKETS], 0);
	assert_int_equal(accounts_all(accounts)[PACKETS], 8 + 2 + 5);
	accounts_free(accounts);
}

/* What is counted for one that is gone is the others', and it gets no place for it. */
static void test_gone(void **state)
{
	struct accounts *accounts = open_accounts(2);

	(void)state;
	meet(accounts, 1);
	meet(accounts, 2);
	accounts_total(accounts, 1, PACKETS, 100);
	accounts_part(accounts, 1);
	accounts_part(accounts, 1);
	accounts_part(accounts, 3); /* nobody */
	assert_int_equal(accounts_at(accounts, 1), 0);
	accounts_total(accounts, 1, PACKETS, 107);
	accounts_rank(accounts, SECOND);
	assert_int_equal(accounts_at(accounts, 1), 0);
	assert_int_equal(accounts_others(accounts)[PACKETS], 7);
	assert_int_equal(accounts_all(accounts)[PACKETS], 107);
	accounts_free(accounts);
}

static void test_places_change_hands(void **state)
{
	struct accounts *accounts = open_accounts(2);
	uint64_t total[4] = {0, 100, 100, 0}, now = SECOND;

	(void)state;
	for (uint32_t i = 1; i <= 3; i++) {
		meet(accounts, i);
		accounts_total(accounts, i, PACKETS, total[i]);
	}
	accounts_rank(accounts, now);
	/* nearly twice as many are not enough */
	accounts_total(accounts, 3, PACKETS, total[3] += 190);
	accounts_rank(accounts, now);
	assert_int_equal(place_of(accounts, 3), 0);
	assert_int_equal(accounts_others(accounts)[PACKETS], 190);
	accounts_total(accounts, 2, PACKETS, total[2] += 1);
	accounts_total(accounts, 3, PACKETS, total[3] += 20);
	accounts_rank(accounts, now);
	assert_int_equal(place_of(accounts, 3), 1);
	assert_int_equal(place_of(accounts, 1), 0);
	assert_int_equal(accounts_others(accounts)[PACKETS], 210);
	assert_int_equal(accounts_tenant(accounts, 3)->own[PACKETS], 0);

	/* it is shown for a while, at a standstill; meanwhile nobody else loses a place */
	assert_int_equal(accounts_shown(accounts), 3);
	assert_int_equal(accounts_shown_at(accounts, 2), 1);
	meet(accounts, 4);
	accounts_total(accounts, 4, PACKETS, 100000);
	accounts_total(accounts, 1, PACKETS, total[1] += 3);
	accounts_rank(accounts, now + ACCOUNTS_LINGER_NS - 1);
	assert_int_equal(accounts_tenant(accounts, 1)->own[PACKETS], 100);
	assert_int_equal(accounts_others(accounts)[PACKETS], 100213);
	assert_int_equal(place_of(accounts, 4), 0);
	assert_int_equal(accounts_shown_at(accounts, 2), 1);
	accounts_rank(accounts, now += ACCOUNTS_LINGER_NS);
	assert_int_not_equal(place_of(accounts, 4), 0);
	assert_int_equal(accounts_shown(accounts), 3);
	assert_int_not_equal(accounts_shown_at(accounts, 2), 1);

	/* what was long ago counts no more */
	now += 20 * ACCOUNTS_HALF_LIFE_NS;
	accounts_rank(accounts, now);
	accounts_total(accounts, 1, PACKETS, total[1] += 5);
	accounts_rank(accounts, now);
	assert_int_not_equal(place_of(accounts, 1), 0);
	assert_int_equal(accounts_others(accounts)[PACKETS], 100218);
	accounts_total(accounts, 1, PACKETS, total[1] += 7);
	assert_int_equal(accounts_tenant(accounts, 1)->own[PACKETS],
			 107); /* goes on where it was */
	accounts_free(accounts);
}

static void test_fewer_and_more_places(void **state)
{
	struct accounts *accounts = open_accounts(4);

	(void)state;
	for (uint32_t i = 1; i <= 6; i++) {
		meet(accounts, i);
		accounts_total(accounts, i, PACKETS, i);
	}
	assert_int_equal(accounts_set_places(accounts, 2, SECOND), 0);
	assert_int_equal(accounts_places(accounts), 2);
	assert_int_equal(place_of(accounts, 3), 0);
	assert_int_equal(place_of(accounts, 4), 0);
	/* both are still shown: until that is over, nobody else loses a place */
	assert_int_equal(accounts_shown(accounts), 4);
	accounts_rank(accounts, SECOND);
	assert_int_equal(accounts_at(accounts, 1), 1);
	accounts_rank(accounts, SECOND + ACCOUNTS_LINGER_NS);
	assert_int_equal(accounts_at(accounts, 1), 6); /* more than twice as many as 1 */
	accounts_rank(accounts, SECOND + 2 * ACCOUNTS_LINGER_NS);
	assert_int_equal(accounts_at(accounts, 2), 5);
	assert_int_equal(accounts_set_places(accounts, 0, SECOND), 0);
	accounts_rank(accounts, SECOND + 2 * ACCOUNTS_LINGER_NS);
	assert_int_equal(accounts_set_places(accounts, 5, SECOND), 0);
	meet(accounts, 7);
	assert_int_equal(place_of(accounts, 7), 1);
	accounts_rank(accounts, SECOND + 3 * ACCOUNTS_LINGER_NS);
	for (uint32_t i = 3; i <= 6; i++)
		assert_int_not_equal(place_of(accounts, i), 0);
	assert_int_equal(place_of(accounts, 1), 0);
	accounts_free(accounts);
}

/* The series as one sees them at a scrape. */
struct series {
	uint64_t value[TENANTS][COLUMNS];
	bool shown[TENANTS];
};

static void read_series(const struct accounts *accounts, struct series *ret)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->value[0], accounts_others(accounts), sizeof(ret->value[0]));
	ret->shown[0] = true;
	for (uint32_t i = 0; i < accounts_shown(accounts); i++) {
		uint32_t index = accounts_shown_at(accounts, i);

		if (!index)
			continue;
		assert_false(ret->shown[index]);
		ret->shown[index] = true;
		memcpy(ret->value[index], accounts_tenant(accounts, index)->own,
		       sizeof(ret->value[0]));
	}
}

/* One who scrapes: what it saw last, and what series grew by in its eyes, as rate() has it. */
struct scraper {
	struct series seen;
	uint64_t grown[COLUMNS];
};

static void scrape(struct scraper *scraper, const struct series *now)
{
	for (uint32_t i = 0; i < TENANTS; i++) {
		if (!now->shown[i])
			continue;
		for (uint32_t column = 0; column < COLUMNS; column++) {
			uint64_t last = scraper->seen.value[i][column];

			/* the last value of a series that comes back is still known */
			assert_true(now->value[i][column] >= last);
			scraper->grown[column] += now->value[i][column] - last;
		}
		memcpy(scraper->seen.value[i], now->value[i], sizeof(now->value[i]));
	}
}

static void grow(struct accounts *accounts, uint64_t total[TENANTS][COLUMNS], uint32_t i,
		 uint32_t loud, uint64_t done[COLUMNS])
{
	for (uint32_t column = 0; column < COLUMNS; column++) {
		uint64_t more = (uint64_t)(rand() % (i == loud ? 100000 : 10 * i));

		total[i][column] += more;
		done[column] += more;
		accounts_total(accounts, i, column, total[i][column]);
	}
}

/* One goes, with something that was counted for it last; another one of that name comes. */
static void replace(struct accounts *accounts, uint64_t total[TENANTS][COLUMNS], uint32_t i,
		    uint64_t done[COLUMNS])
{
	accounts_part(accounts, i);
	grow(accounts, total, i, 0, done);
	memset(total[i], 0, COLUMNS * sizeof(total[i][0]));
	ids[i]++;
}

/*
 * Tenants come, go and grow at random, places change hands; two scrape at different times. What
 * all series together grew by is what was done, in the eyes of each of them: nothing is lost,
 * nothing is seen twice, and no series ever falls.
 */
static void test_at_random(void **state)
{
	struct accounts *accounts = open_accounts(PLACES);
	uint64_t total[TENANTS][COLUMNS] = {}, now = 0, done[COLUMNS] = {};
	static struct scraper often, seldom;
	struct series series;
	unsigned int changes = 0, most = 0;

	(void)state;
	srand(17);
	for (int round = 0; round < 6000; round++) {
		uint32_t loud = 1 + (uint32_t)(round / 100) % (TENANTS - 1);
		bool before[TENANTS];

		memcpy(before, often.seen.shown, sizeof(before));
		now += SECOND * (1 + (uint64_t)(rand() % 30));
		for (uint32_t i = 1; i < TENANTS; i++) {
			if (rand() % 400 == 0 && accounts_tenant(accounts, i)) {
				/* what it did since it was last scraped is in no series then */
				read_series(accounts, &series);
				scrape(&seldom, &series);
				replace(accounts, total, i, done);
				/* whoever scrapes takes the new one's fall for what it is */
				memset(often.seen.value[i], 0, sizeof(often.seen.value[i]));
				memset(seldom.seen.value[i], 0, sizeof(seldom.seen.value[i]));
			}
			meet(accounts, i);
			grow(accounts, total, i, loud, done);
		}
		accounts_rank(accounts, now);
		read_series(accounts, &series);
		scrape(&often, &series);
		for (uint32_t column = 0; column < COLUMNS; column++)
			assert_true(accounts_all(accounts)[column] == done[column]);
		if (round % 8 == 7) /* 4 minutes at most */
			scrape(&seldom, &series);
		changes += memcmp(before, series.shown, sizeof(before)) != 0;
		memcpy(often.seen.shown, series.shown, sizeof(before));
		most = accounts_shown(accounts) > most ? accounts_shown(accounts) : most;
	}
	scrape(&seldom, &series);
	for (uint32_t column = 0; column < COLUMNS; column++) {
		assert_true(often.grown[column] == done[column]);
		assert_true(seldom.grown[column] == done[column]);
	}
	/* they change, or this shows nothing; and not all the time */
	assert_in_range(changes, 50, 1500);
	assert_in_range(most, PLACES + 1, PLACES + PLACES / ACCOUNTS_LINGER_SHARE);
	accounts_free(accounts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_come),
		cmocka_unit_test(test_beginnings),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_places_change_hands),
		cmocka_unit_test(test_fewer_and_more_places),
		cmocka_unit_test(test_at_random),
	};

	return cmocka_run_group_tests_name("agent/accounts", tests, NULL, NULL);
}
