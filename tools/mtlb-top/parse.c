// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

/* What is left of a line. */
struct rest {
	const char *at, *end;
};

/* The next word, which one blank parts from the one before. */
static bool take(struct rest *rest, const char **ret_word, size_t *ret_length)
{
	const char *blank;

	if (rest->at >= rest->end)
		return false;
	blank = memchr(rest->at, ' ', (size_t)(rest->end - rest->at));
	*ret_word = rest->at;
	*ret_length = (size_t)((blank ? blank : rest->end) - rest->at);
	rest->at = blank ? blank + 1 : rest->end;
	/* a blank at the end has nothing behind it */
	return *ret_length && !(blank && rest->at == rest->end);
}

static bool is(const char *word, size_t length, const char *text)
{
	return length == strlen(text) && !memcmp(word, text, length);
}

/* Digits alone, no leading zero, 64 bits. */
static bool take_number(struct rest *rest, uint64_t *ret)
{
	const char *word;
	size_t length;
	uint64_t value = 0;

	if (!take(rest, &word, &length) || length > 20 || (length > 1 && *word == '0'))
		return false;
	for (size_t i = 0; i < length; i++) {
		unsigned digit = (unsigned)(word[i] - '0');

		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*ret = value;
	return true;
}

static int find_kind(const char *word, size_t length)
{
	for (int kind = 0; kind < RECORD_KINDS; kind++)
		if (is(word, length, record_shapes[kind].word))
			return kind;
	return -1;
}

static int begin(struct parse *parse, struct rest *rest, struct sample *sample, struct err *err)
{
	const char *word;
	size_t length;
	uint64_t at;

	if (parse->begun)
		return err_set(err, -EINVAL, "a sample begins before \"end\" of the one before");
	sample_clear(sample);
	if (!take_number(rest, &at))
		return err_set(err, -EINVAL, "expected milliseconds after \"at\"");
	if (at <= parse->at_ms)
		return err_set(err, -EINVAL,
			       "expected a time after %" PRIu64 ", that of the sample before",
			       parse->at_ms);
	while (rest->at < rest->end) {
		int kind = take(rest, &word, &length) ? find_kind(word, length) : -1;

		if (kind < 0 || sample_has(sample, kind))
			return err_set(err, -EINVAL,
				       "expected kinds of records after the time, each once: node, "
				       "cpu, fill, tenant, drop, service, member, route");
		sample->kinds |= 1U << kind;
	}
	if (!sample->kinds)
		return err_set(err, -EINVAL, "a sample of nothing: no kind of record is named");
	sample->at_ms = parse->at_ms = at;
	parse->begun = true;
	parse->rows = 0;
	memset(parse->last, 0, sizeof(parse->last));
	return 0;
}

/* Texts are compared as such: the order must be the same everywhere. */
static int compare(const char *const *a, const char *const *b, unsigned keys)
{
	for (unsigned i = 0; i < keys; i++)
		if (a[i] != b[i])
			return strcmp(a[i], b[i]);
	return 0;
}

static int take_row(struct parse *parse, enum record_kind kind, struct rest *rest,
		    struct sample *sample, struct err *err)
{
	const struct record_shape *shape = &record_shapes[kind];
	struct row *row;
	const char *word;
	size_t length;

	if (!parse->begun || !sample_has(sample, kind))
		return err_set(err, -EINVAL, "\"%s\" is not among what the sample says it has",
			       shape->word);
	if (parse->rows++ >= PARSE_ROWS_MAX)
		return err_set(err, -EINVAL, "a sample of more than %d lines", PARSE_ROWS_MAX);
	row = sample_add(sample, kind);
	if (!row)
		return err_set(err, -ENOMEM, "no memory for the sample");
	for (unsigned i = 0; i < shape->texts; i++) {
		if (!take(rest, &word, &length) || !word_is_good(word, length))
			return err_set(err, -EINVAL,
				       "expected %u words after \"%s\", of at most %d characters "
				       "that print",
				       shape->texts, shape->word, WORD_MAX);
		row->text[i] = word_keep(word, length);
		if (!row->text[i])
			return err_set(err, -ENOMEM, "no memory for the sample");
	}
	for (unsigned i = 0; i < shape->values; i++)
		if (!take_number(rest, &row->value[i]))
			return err_set(err, -EINVAL,
				       "expected %u numbers after the words of \"%s\"",
				       shape->values, shape->word);
	if (rest->at < rest->end)
		return err_set(err, -EINVAL, "more than the %u numbers of \"%s\"", shape->values,
			       shape->word);
	if (parse->last[kind][0] && compare(parse->last[kind], row->text, shape->keys) >= 0)
		return err_set(err, -EINVAL, "lines of \"%s\" must be in order, each once",
			       shape->word);
	memcpy(parse->last[kind], row->text, sizeof(row->text));
	return 0;
}

int parse_line(struct parse *parse, const char *line, size_t length, struct sample *sample,
	       struct err *err)
{
	struct rest rest = {line, line + length};
	const char *word;
	size_t word_length;
	int kind;

	if (!parse->titled) {
		if (!is(line, length, PARSE_TITLE))
			return err_set(err, -EINVAL,
				       "expected \"%s\": not a recording of mtlb-top, or of "
				       "another version",
				       PARSE_TITLE);
		parse->titled = true;
		return 0;
	}
	if (length > PARSE_LINE_MAX)
		return err_set(err, -EINVAL, "longer than %d characters", PARSE_LINE_MAX);
	if (is(line, length, "end")) {
		if (!parse->begun)
			return err_set(err, -EINVAL, "\"end\" without a sample");
		parse->begun = false;
		return 1;
	}
	if (!take(&rest, &word, &word_length))
		return err_set(err, -EINVAL, "expected words with one blank between them");
	if (is(word, word_length, "at"))
		return begin(parse, &rest, sample, err);
	kind = find_kind(word, word_length);
	if (kind < 0)
		return err_set(err, -EINVAL,
			       "expected \"at\", \"end\" or a kind of record (node, cpu, fill, "
			       "tenant, drop, service, member, route)");
	return take_row(parse, kind, &rest, sample, err);
}

int parse_end(const struct parse *parse, struct err *err)
{
	if (!parse->titled)
		return err_set(err, -EINVAL, "empty: not a recording of mtlb-top");
	if (parse->begun)
		return err_set(err, -EINVAL, "cut short: the last sample has no \"end\"");
	return 0;
}

/* keys of the kind that is being sorted */
static int order(const void *a, const void *b, void *keys)
{
	const struct row *one = a, *other = b;

	return compare(one->text, other->text, *(const unsigned *)keys);
}

static bool in_order(const struct rows *rows, unsigned keys)
{
	for (size_t i = 1; i < rows->count; i++)
		if (compare(rows->row[i - 1].text, rows->row[i].text, keys) > 0)
			return false;
	return true;
}

static void write_row(FILE *file, enum record_kind kind, const struct row *row)
{
	const struct record_shape *shape = &record_shapes[kind];

	fputs(shape->word, file);
	for (unsigned i = 0; i < shape->texts; i++)
		fprintf(file, " %s", row->text[i]);
	for (unsigned i = 0; i < shape->values; i++)
		fprintf(file, " %" PRIu64, row->value[i]);
	fputc('\n', file);
}

int parse_write(FILE *file, struct sample *sample, bool title)
{
	if (title)
		fputs(PARSE_TITLE "\n", file);
	fprintf(file, "at %" PRIu64, sample->at_ms);
	for (int kind = 0; kind < RECORD_KINDS; kind++)
		if (sample_has(sample, kind))
			fprintf(file, " %s", record_shapes[kind].word);
	fputc('\n', file);
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		struct rows *rows = &sample->rows[kind];
		unsigned keys = record_shapes[kind].keys;

		if (!in_order(rows, keys))
			qsort_r(rows->row, rows->count, sizeof(*rows->row), order, &keys);
		for (size_t i = 0; i < rows->count; i++)
			if (!i || compare(rows->row[i - 1].text, rows->row[i].text, keys))
				write_row(file, kind, &rows->row[i]);
	}
	fputs("end\n", file);
	fflush(file);
	return ferror(file) ? -EIO : 0;
}
