// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Time limits of the configuration, which a worker takes from its image, and changes at once. */
#include "proxy_fixture.h"

static struct image_limits settings;

static void add_settings(struct build *build, uint32_t tenant)
{
	(void)tenant;
	build_limits(build, &settings);
}

static void heads(void **state)
{
	struct peer *client;

	(void)state;
	settings = (struct image_limits){.head_ms = 50, .copy = 1};
	use_image(NULL, add_settings);
	assert_false(worker.limits.splice);
	client = client_new();
	say(client, "GET / HTTP/1.1\r\nHost: acme.exa");
	expect_text(client, "HTTP/1.1 408 ");
	expect_end(client);
	peer_free(client);
}

/* What is not said stays as it was. */
static void one_by_one(void **state)
{
	const uint64_t idle = worker.limits.idle;

	(void)state;
	settings = (struct image_limits){.head_ms = 70};
	use_image(NULL, add_settings);
	assert_int_equal(worker.limits.head, 70 * MS);
	assert_int_equal(worker.limits.idle, idle);
	assert_true(worker.limits.splice);
	worker.limits.can_splice = false; /* as mtlb-proxy was told when it was started */
	use_image(NULL, add_settings);
	assert_false(worker.limits.splice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		proxy_test(heads),
		proxy_test(one_by_one),
	};

	return cmocka_run_group_tests_name("timeouts", tests, NULL, NULL);
}
