// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "selftests/unit/tools/mtlb-top/top.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mtlb-top/parse.h"
#include "tools/mtlb-top/words.h"

#define BEGIN  PARSE_TITLE "\nat 1000 tenant drop\n"
#define TENANT "tenant acme 1 2 3 4 5 6 7 8\n"

/* Parses it all; how many samples there were, or what parse_line() or parse_end() said. */
static int parse(const char *text, struct sample *sample, struct err *err)
{
	struct parse parse = {};
	int samples = 0, code = 0;

	while (*text && code >= 0) {
		size_t length = strcspn(text, "\n");

		code = parse_line(&parse, text, length, sample, err);
		samples += code == 1;
		text += length + (text[length] == '\n');
	}
	if (code >= 0)
		code = parse_end(&parse, err);
	return code < 0 ? code : samples;
}

static void a_sample_is_read(void **state)
{
	struct sample sample = {};
	struct err err;

	(void)state;
	assert_int_equal(parse(BEGIN TENANT "tenant bulk 18446744073709551615 0 0 0 0 0 0 0\n"
					    "drop acme no_member 9\nend\n",
			       &sample, &err),
			 1);
	assert_int_equal(sample.at_ms, 1000);
	assert_int_equal(sample.kinds, 1 << RECORD_TENANT | 1 << RECORD_DROP);
	assert_int_equal(sample.rows[RECORD_TENANT].count, 2);
	assert_string_equal(sample.rows[RECORD_TENANT].row[0].text[0], "acme");
	for (unsigned i = 0; i < RECORD_VALUES; i++)
		assert_int_equal(sample.rows[RECORD_TENANT].row[0].value[i], i + 1);
	assert_true(sample.rows[RECORD_TENANT].row[1].value[0] == UINT64_MAX);
	assert_ptr_equal(sample.rows[RECORD_DROP].row[0].text[0],
			 sample.rows[RECORD_TENANT].row[0].text[0]);
	assert_string_equal(sample.rows[RECORD_DROP].row[0].text[1], "no_member");
	sample_fini(&sample);
}

static void what_is_wrong_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "empty"},
		{"mtlb-top recording 2\n", "another version"},
		{BEGIN, "cut short"},
		{BEGIN TENANT, "cut short"},
		{PARSE_TITLE "\nend\n", "without a sample"},
		{PARSE_TITLE "\n" TENANT, "not among"},
		{PARSE_TITLE "\nat x tenant\n", "milliseconds"},
		{PARSE_TITLE "\nat 1 tenant tenant\n", "each once"},
		{PARSE_TITLE "\nat 1 nonsense\n", "each once"},
		{PARSE_TITLE "\nat 1\n", "nothing"},
		{PARSE_TITLE "\nat 0 tenant\n", "after 0"},
		{BEGIN "at 1001 tenant\n", "before \"end\""},
		{BEGIN "end\nat 1000 tenant\nend\n", "after 1000"},
		{BEGIN "service a b TCP dsr 1 1 1 1 1 1 1\n", "not among"},
		{BEGIN "nonsense\n", "expected \"at\""},
		{BEGIN "\n", "one blank"},
		{BEGIN "tenant  acme 1 2 3 4 5 6 7 8\n", "1 words"},
		{BEGIN "tenant acme 1 2 3 4 5 6 7\n", "8 numbers"},
		{BEGIN "tenant acme 1 2 3 4 5 6 7 8 \n", "8 numbers"},
		{BEGIN "tenant acme 1 2 3 4 5 6 7 8 9\n", "more than"},
		{BEGIN "tenant acme 1 2 3 4 5 6 7 -8\n", "8 numbers"},
		{BEGIN "tenant acme 1 2 3 4 5 6 7 08\n", "8 numbers"},
		{BEGIN "tenant acme 1 2 3 4 5 6 7 18446744073709551616\n", "8 numbers"},
		{BEGIN "tenant ac\x1bme 1 2 3 4 5 6 7 8\n", "print"},
		{BEGIN "tenant ac\xc3\xa9 1 2 3 4 5 6 7 8\n", "print"},
		{BEGIN TENANT TENANT, "in order"},
		{BEGIN "tenant b 1 2 3 4 5 6 7 8\n" TENANT, "in order"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sample sample = {};
		struct err err = {};

		if (parse(cases[i].text, &sample, &err) != -22 || !strstr(err.text, cases[i].says))
			fail_msg("case %zu: \"%s\" where \"%s\" was expected", i, err.text,
				 cases[i].says);
		sample_fini(&sample);
	}
}

static void a_word_that_is_too_long_is_refused(void **state)
{
	char text[PARSE_LINE_MAX + 100], word[WORD_MAX + 2];
	struct sample sample = {};
	struct err err;

	(void)state;
	memset(word, 'a', sizeof(word) - 1);
	word[WORD_MAX + 1] = 0;
	snprintf(text, sizeof(text), BEGIN "tenant %s 1 2 3 4 5 6 7 8\nend\n", word);
	assert_int_equal(parse(text, &sample, &err), -22);
	snprintf(text, sizeof(text), BEGIN "tenant %s 1 2 3 4 5 6 7 8\nend\n", word + 1);
	assert_int_equal(parse(text, &sample, &err), 1);
	snprintf(text, sizeof(text), BEGIN "tenant a %0*d\nend\n", PARSE_LINE_MAX, 0);
	assert_int_equal(parse(text, &sample, &err), -22);
	assert_non_null(strstr(err.text, "longer"));
	sample_fini(&sample);
}

static void what_is_written_is_read(void **state)
{
	struct sample sample = {.at_ms = 5, .kinds = ~0U}, back = {};
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct err err;

	(void)state;
	for (int kind = 0; kind < RECORD_KINDS; kind++)
		for (int i = 3; i > 0; i--) { /* not in order, and one of them twice */
			struct row *row = sample_add(&sample, kind);

			for (unsigned k = 0; k < RECORD_TEXTS; k++)
				row->text[k] = word_force(i == 3 ? "a" : "b");
			row->value[0] = (uint64_t)i;
		}
	assert_int_equal(parse_write(file, &sample, true), 0);
	sample.at_ms++;
	assert_int_equal(parse_write(file, &sample, false), 0);
	fclose(file);
	assert_int_equal(parse(text, &back, &err), 2);
	assert_int_equal(back.at_ms, 6);
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		assert_true(sample_has(&back, kind));
		assert_int_equal(back.rows[kind].count, 2);
		assert_string_equal(back.rows[kind].row[0].text[0], "a");
	}
	free(text);
	sample_fini(&sample);
	sample_fini(&back);
}

static void words_are_kept_once(void **state)
{
	char name[16];
	const char *first = word_keep("t0", 2);

	(void)state;
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		assert_ptr_equal(word_force(name), word_keep(name, strlen(name)));
	}
	assert_ptr_equal(word_keep("t0", 2), first);
	assert_null(word_keep("a b", 3));
	assert_null(word_keep("", 0));
	assert_string_equal(word_force("a b\x1b[2J\xc3\xa9"), "a?b?[2J??");
	assert_string_equal(word_force(""), "-");
	assert_string_equal(word_force(NULL), "-");
}

static int forget(void **state)
{
	(void)state;
	words_fini();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_is_read),
		cmocka_unit_test(what_is_wrong_is_refused),
		cmocka_unit_test(a_word_that_is_too_long_is_refused),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(words_are_kept_once),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, forget);
}
