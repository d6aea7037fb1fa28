// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Handshakes: whose they are, how many a tenant may have, and that a flood of one's is nobody
 * else's. */
#include "tls_tenants.h"

#include "userspace/proxy/pace.h"

#define ACME   (&worker.tally.tenants[1])
#define BOLT   (&worker.tally.tenants[2])
#define NOBODY (&worker.tally.tenants[0])

#define PACE	      5
#define TRIED_AT_MOST 100000 /* a machine on which these take longer than a second is none */

static void whose_they_are(void **state)
{
	SSL_SESSION *session = session_for("acme.example", TLS1_3_VERSION);
	struct secure *client = secure_new("acme.example");

	(void)state;
	SSL_set_session(client->ssl, session);
	SSL_SESSION_free(session);
	assert_int_equal(secure_shake(client), 0);
	assert_true(SSL_session_reused(client->ssl));
	expect_count(&ACME->handshakes, 2);
	assert_int_equal(ACME->handshakes_resumed, 1);
	secure_free(client);
	client = shaken("bolt.example");
	expect_count(&BOLT->handshakes, 1);
	secure_free(client);
	/* one that is not gone on with */
	client = secure_new("bolt.example");
	SSL_set_max_proto_version(client->ssl, TLS1_2_VERSION);
	SSL_set_cipher_list(client->ssl, "AES128-SHA");
	assert_int_equal(secure_shake(client), SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE);
	expect_end(client->peer);
	secure_free(client);
	assert_int_equal(BOLT->handshakes_failed, 1);
	assert_int_equal(ACME->handshakes_failed + ACME->handshakes_shed, 0);
}

static void nobodys(void **state)
{
	struct secure *client = secure_new("other.example");

	(void)state;
	assert_int_equal(secure_shake(client), SSL_R_TLSV1_UNRECOGNIZED_NAME);
	expect_end(client->peer);
	secure_free(client);
	assert_int_equal(NOBODY->handshakes_failed, 1);
	assert_int_equal(worker.tls.counts.failed, 1);
}

/* As many as there may be at once go well, then one is refused, and all the time bolt's go well. */
static void a_flood(void **state)
{
	unsigned tried = 0;

	(void)state;
	pace_of_acme = PACE;
	use_tenants(&acme, false);
	while (!ACME->handshakes_shed && tried++ < TRIED_AT_MOST) {
		uint64_t before = ACME->handshakes;
		struct secure *client = secure_new("acme.example");
		int error = secure_shake(client);

		assert_true(!error || error == SSL_R_TLSV1_ALERT_INTERNAL_ERROR);
		expect_count(error ? &ACME->handshakes_shed : &ACME->handshakes,
			     error ? 1 : before + 1);
		secure_free(client);
		client = shaken("bolt.example");
		expect_count(&BOLT->handshakes, tried);
		secure_free(client);
	}
	assert_int_equal(ACME->handshakes_shed, 1);
	assert_true(ACME->handshakes >= PACE);
	assert_int_equal(ACME->handshakes_failed, 0);
	assert_int_equal(BOLT->handshakes, tried);
	/* another image is no way to get more */
	use_tenants(&acme, false);
	assert_true(worker.pace[1] > 0);
	pace_of_acme = 0;
}

static void the_pace(void **state)
{
	const uint64_t begin = 1000 * PACE_SECOND;
	uint64_t due = 0, at;
	unsigned good = 0;

	(void)state;
	for (unsigned i = 0; i < 3 * PACE; i++)
		good += pace_admit(&due, PACE, begin);
	assert_int_equal(good, PACE);
	assert_false(pace_admit(&due, PACE, begin + PACE_SECOND / PACE - 1));
	assert_true(pace_admit(&due, PACE, begin + PACE_SECOND / PACE));
	/* tried all the time for ten seconds more */
	for (good = 0, at = begin + PACE_SECOND / PACE; at <= begin + 10 * PACE_SECOND;
	     at += 1000000)
		good += pace_admit(&due, PACE, at);
	assert_int_equal(good, 10 * PACE - 1);
	/* one a second, and as many as one likes */
	due = 0;
	assert_true(pace_admit(&due, 1, begin));
	assert_false(pace_admit(&due, 1, begin + PACE_SECOND - 1));
	assert_true(pace_admit(&due, 1, begin + PACE_SECOND));
	assert_true(pace_admit(&due, 0, begin));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		tls_test(whose_they_are),
		tls_test(nobodys),
		tls_test(a_flood),
		cmocka_unit_test(the_pace),
	};

	return cmocka_run_group_tests(tests, make_pairs, free_pairs);
}
