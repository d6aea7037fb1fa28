// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/proxy/conn_turn.c: a tenant's request does not wait for all those of another one. */
#include "proxy_fixture.h"

#define MANY	  50
#define PIPELINED 20
#define CORD	  (&worker.tally.tenants[3])
#define BOLT	  (&worker.tally.tenants[2])

static struct peer *crowd[MANY];

/* Neither has a route: the worker itself answers. */
static void add_tenants(struct build *build, uint32_t tenant)
{
	(void)tenant;
	build_domain(build, build_tenant(build, "bolt", 8, 2), "bolt.example");
	build_domain(build, build_tenant(build, "cord", 9, 3), "cord.example");
}

static int begin(void **state)
{
	int error = proxy_begin(state);

	if (!error)
		use_image(NULL, add_tenants);
	return error;
}

static int end(void **state)
{
	for (int i = 0; i < MANY; i++)
		if (crowd[i])
			peer_free(crowd[i]);
	memset(crowd, 0, sizeof(crowd));
	return proxy_end(state);
}

/* Without a round of the worker's. */
static void sends(struct peer *peer, const char *text)
{
	assert_int_equal(send(peer->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* One that the worker knows. */
static struct peer *known(const char *request)
{
	struct peer *peer = client_new();

	say(peer, request);
	expect_text(peer, "}\n");
	peer_clear(peer);
	return peer;
}

static void test_crowd(void **state)
{
	static const char cord[] = "GET /none HTTP/1.1\r\nHost: cord.example\r\n\r\n";
	static const char bolt[] = "GET /none HTTP/1.1\r\nHost: bolt.example\r\n\r\n";
	struct peer *single = known(bolt);
	uint64_t before;

	(void)state;
	for (int i = 0; i < MANY; i++)
		crowd[i] = known(cord);
	for (int i = 0; i < MANY; i++)
		for (int k = 0; k < PIPELINED; k++)
			sends(crowd[i], cord);
	sends(single, bolt);
	before = CORD->answers[4];
	expect_count(&BOLT->answers[4], 2);
	/* what is in hand when it comes, and no more */
	assert_in_range(CORD->answers[4] - before, 0, 2 * PIPELINED);
	for (int i = 0; i < MANY; i++)
		peer_clear(crowd[i]);
	expect_count(&CORD->answers[4], before + MANY * PIPELINED);
	peer_free(single);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_crowd, begin, end),
	};

	return cmocka_run_group_tests_name("fairness", tests, NULL, NULL);
}
