// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/wire/probes: what one end writes the other one reads, and nothing else is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/wire/probes.h"

static struct probes_writer writer;

static struct probes_probe sample(uint32_t id)
{
	struct probes_probe probe = {
		.id = id,
		.generation = 7 * id + 1,
		.kind = PROBE_TCP,
		.port = 8080,
		.member = 0x12345 + id,
		.jitter = 20,
		.proxy_protocol = 2,
		.interval_ms = 2000,
		.timeout_ms = 1000,
	};

	assert_int_equal(addr_parse("2001:db8::1", &probe.address), 0);
	assert_int_equal(addr_parse("fd00::1", &probe.source), 0);
	return probe;
}

/* Texts of any bytes, of no length and of the greatest. */
static void test_questions(void **state)
{
	static char longest[PROBE_TEXT_MAX + 1];
	struct probes_probe probe, wanted = sample(1);
	struct probes_reader reader;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	wanted.kind = PROBE_HTTPS;
	wanted.question = (struct probe_question){
		.status_first = 200,
		.status_last = 299,
		.head = true,
		.text = {[PROBE_TEXT_HOST] = "a.example",
			 [PROBE_TEXT_SEND] = "\0\1\2",
			 [PROBE_TEXT_BODY] = longest},
		.length = {[PROBE_TEXT_HOST] = 9,
			   [PROBE_TEXT_SEND] = 3,
			   [PROBE_TEXT_BODY] = PROBE_TEXT_MAX},
	};
	probes_begin(&writer, PROBES_SET);
	assert_true(probes_add_probe(&writer, &wanted));
	assert_int_equal(probes_open(&reader, writer.bytes, writer.used), PROBES_SET);
	assert_int_equal(probes_next_probe(&reader, &probe), 1);
	assert_int_equal(probe.kind, PROBE_HTTPS);
	assert_true(probe_same_question(&probe.question, &wanted.question));
	assert_int_equal(probes_next_probe(&reader, &probe), 0);

	wanted.question.length[PROBE_TEXT_BODY] = PROBE_TEXT_MAX + 1;
	probes_begin(&writer, PROBES_SET);
	assert_true(probes_add_probe(&writer, &wanted));
	assert_int_equal(probes_open(&reader, writer.bytes, writer.used), PROBES_SET);
	assert_int_equal(probes_next_probe(&reader, &probe), -EBADMSG);
}

static void test_probes(void **state)
{
	struct probes_probe probe, wanted;
	struct probes_reader reader;

	(void)state;
	probes_begin(&writer, PROBES_SET);
	for (uint32_t id = 0; id < 3; id++) {
		probe = sample(id);
		assert_true(probes_add_probe(&writer, &probe));
	}
	assert_int_equal(probes_open(&reader, writer.bytes, writer.used), PROBES_SET);
	for (uint32_t id = 0; id < 3; id++) {
		wanted = sample(id);
		assert_int_equal(probes_next_probe(&reader, &probe), 1);
		assert_int_equal(probe.id, id);
		assert_int_equal(probe.generation, wanted.generation);
		assert_int_equal(probe.kind, PROBE_TCP);
		assert_int_equal(addr_compare(&probe.address, &wanted.address), 0);
		assert_int_equal(probe.port, 8080);
		assert_int_equal(probe.member, wanted.member);
		assert_int_equal(addr_compare(&probe.source, &wanted.source), 0);
		assert_int_equal(probe.jitter, 20);
		assert_int_equal(probe.proxy_protocol, 2);
		assert_int_equal(probe.interval_ms, 2000);
		assert_int_equal(probe.timeout_ms, 1000);
	}
	assert_int_equal(probes_next_probe(&reader, &probe), 0);
}

static void test_no_such_header(void **state)
{
	struct probes_probe probe = sample(1);
	struct probes_reader reader;

	(void)state;
	probe.proxy_protocol = 3;
	probe.question.length[0] = 0;
	probes_begin(&writer, PROBES_SET);
	assert_true(probes_add_probe(&writer, &probe));
	assert_int_equal(probes_open(&reader, writer.bytes, writer.used), PROBES_SET);
	assert_int_equal(probes_next_probe(&reader, &probe), -EBADMSG);
}

static void test_removals(void **state)
{
	struct probes_reader reader;
	uint32_t id = 0, count = 0;

	(void)state;
	probes_begin(&writer, PROBES_REMOVE);
	while (probes_add_removal(&writer, count))
		count++;
	assert_in_range(writer.used, PROBES_MESSAGE_MAX - 4, PROBES_MESSAGE_MAX);
	assert_int_equal(probes_open(&reader, writer.bytes, writer.used), PROBES_REMOVE);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(probes_next_removal(&reader, &id), 1);
		assert_int_equal(id, i);
	}
	assert_int_equal(probes_next_removal(&reader, &id), 0);
}

static void test_results(void **state)
{
	struct probes_result result = {.id = 9,
				       .generation = 3,
				       .outcome = PROBES_BAD,
				       .took_ns = 1ULL << 40,
				       .next_ns = 5};
	struct probes_reader reader;

	(void)state;
	/* what would steer a terminal, or forge a line of the log */
	strcpy(result.error, "bad \x1b[31m\n\xff end");
	probes_begin(&writer, PROBES_RESULTS);
	assert_true(probes_add_result(&writer, &result));
	assert_int_equal(probes_open(&reader, writer.bytes, writer.used), PROBES_RESULTS);
	memset(&result, 0xee, sizeof(result));
	assert_int_equal(probes_next_result(&reader, &result), 1);
	assert_int_equal(result.id, 9);
	assert_int_equal(result.generation, 3);
	assert_int_equal(result.outcome, PROBES_BAD);
	assert_true(result.took_ns == 1ULL << 40);
	assert_int_equal(result.next_ns, 5);
	assert_string_equal(result.error, "bad ?[31m?? end");
	assert_int_equal(probes_next_result(&reader, &result), 0);

	/* a sign of life */
	probes_begin(&writer, PROBES_RESULTS);
	assert_int_equal(probes_open(&reader, writer.bytes, writer.used), PROBES_RESULTS);
	assert_int_equal(probes_next_result(&reader, &result), 0);
}

/* Reads all of a message, whatever it is; 0 when it was taken for a whole one. */
static int read_all(const uint8_t *bytes, size_t length)
{
	struct probes_reader reader;
	struct probes_probe probe;
	struct probes_result result;
	uint32_t id;
	int type = probes_open(&reader, bytes, length), more = 0;

	if (type == PROBES_SET)
		while ((more = probes_next_probe(&reader, &probe)) > 0)
			;
	else if (type == PROBES_REMOVE)
		while ((more = probes_next_removal(&reader, &id)) > 0)
			;
	else if (type == PROBES_RESULTS)
		while ((more = probes_next_result(&reader, &result)) > 0)
			assert_true(strlen(result.error) < PROBES_ERROR_MAX);
	return type < 0 ? type : more;
}

/* Cut anywhere, or longer than it says: no message. The copy's end is the end of the heap block. */
static void test_lengths(void **state)
{
	struct probes_probe probe = sample(1);
	struct probes_result result = {.outcome = PROBES_GOOD, .error = "words"};

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		probes_begin(&writer, kind ? PROBES_SET : PROBES_RESULTS);
		assert_true(kind ? probes_add_probe(&writer, &probe)
				 : probes_add_result(&writer, &result));
		for (size_t length = 0; length <= writer.used + 1; length++) {
			uint8_t *copy = calloc(1, length + !length);

			memcpy(copy, writer.bytes, length > writer.used ? writer.used : length);
			assert_int_equal(read_all(copy, length),
					 length == writer.used ? 0 : -EBADMSG);
			free(copy);
		}
	}
}

static void test_other_version(void **state)
{
	(void)state;
	probes_begin(&writer, PROBES_HELLO);
	writer.bytes[4]++;
	assert_int_equal(read_all(writer.bytes, writer.used), -EPROTO);
	writer.bytes[0]++;
	assert_int_equal(read_all(writer.bytes, writer.used), -EBADMSG);
}

/* Any byte of it may be any other one: it is refused or taken, and nothing else happens. */
static void test_noise(void **state)
{
	struct probes_probe probe = sample(1);
	uint64_t random = 88172645463325252ULL;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint8_t copy[256];

		probes_begin(&writer, round % 2 ? PROBES_SET : PROBES_RESULTS);
		if (round % 2)
			probes_add_probe(&writer, &probe);
		else
			probes_add_result(&writer, &(struct probes_result){.error = "words"});
		memcpy(copy, writer.bytes, writer.used);
		for (int i = 0; i < 3; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			copy[random % writer.used] = (uint8_t)(random >> 32);
		}
		read_all(copy, writer.used);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probes),	       cmocka_unit_test(test_questions),
		cmocka_unit_test(test_no_such_header), cmocka_unit_test(test_removals),
		cmocka_unit_test(test_results),	       cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_noise),	       cmocka_unit_test(test_other_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
