// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "accept.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define WEIGHT_MAX 1000 /* three digits behind the point */

struct word {
	const char *at;
	size_t length;
};

/* A media range with what of its parameters counts. */
struct range {
	struct word type, subtype, version; /* version.at NULL: it names none */
	int weight;			    /* of WEIGHT_MAX; -1: this is no media range */
};

static bool is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip_space(const char **at)
{
	while (**at == ' ' || **at == '\t')
		++*at;
}

static struct word take_token(const char **at)
{
	struct word word = {*at, 0};

	while (is_token(**at))
		++*at;
	word.length = (size_t)(*at - word.at);
	return word;
}

/* A token or a quoted string, without its quotes; what was escaped in it stays so. */
static struct word take_value(const char **at)
{
	struct word word;

	if (**at != '"')
		return take_token(at);
	word = (struct word){++*at, 0};
	while (**at && **at != '"')
		*at += **at == '\\' && (*at)[1] ? 2 : 1;
	word.length = (size_t)(*at - word.at);
	if (**at)
		++*at;
	return word;
}

static bool is_word(const struct word *word, const char *text)
{
	return word->length == strlen(text) && !strncasecmp(word->at, text, word->length);
}

/* 0, 0.5, 0.123, 1.000; -1: it is no weight. */
static int read_weight(const struct word *word)
{
	int weight = 0, digit = WEIGHT_MAX;

	if (!word->length || word->length > 5 || word->at[0] < '0' || word->at[0] > '1' ||
	    (word->length > 1 && word->at[1] != '.'))
		return -1;
	for (size_t i = 0; i < word->length; i++) {
		if (i == 1)
			continue;
		if (word->at[i] < '0' || word->at[i] > '9')
			return -1;
		weight += (word->at[i] - '0') * digit;
		digit /= 10;
	}
	return weight <= WEIGHT_MAX ? weight : -1;
}

static void take_parameter(const char **at, struct range *range)
{
	struct word name, value;

	skip_space(at);
	name = take_token(at);
	if (!name.length)
		return; /* a semicolon more than needed */
	if (**at != '=') {
		range->weight = -1;
		return;
	}
	++*at;
	value = take_value(at);
	if (is_word(&name, "q"))
		range->weight = range->weight < 0 ? -1 : read_weight(&value);
	else if (is_word(&name, "version"))
		range->version = value;
}

/* Up to the comma, or the end. */
static struct range take_range(const char **at)
{
	struct range range = {.weight = WEIGHT_MAX};

	skip_space(at);
	range.type = take_token(at);
	if (**at == '/')
		++*at;
	else
		range.weight = -1;
	range.subtype = take_token(at);
	if (!range.type.length || !range.subtype.length)
		range.weight = -1;
	skip_space(at);
	while (**at == ';') {
		++*at;
		take_parameter(at, &range);
		skip_space(at);
	}
	if (**at && **at != ',')
		range.weight = -1;
	*at += strcspn(*at, ",");
	return range;
}

/* 0: the range is not of the offer; else the more, the more precise it is. */
static int match(const struct range *range, const struct accept_offer *offer)
{
	const char *subtype = strchr(offer->type, '/') + 1;
	const struct word type = {offer->type, (size_t)(subtype - 1 - offer->type)};

	if (range->weight < 0)
		return 0;
	if (is_word(&range->type, "*"))
		return is_word(&range->subtype, "*");
	if (range->type.length != type.length ||
	    strncasecmp(range->type.at, type.at, type.length) != 0)
		return 0;
	if (is_word(&range->subtype, "*"))
		return 2;
	if (!is_word(&range->subtype, subtype))
		return 0;
	if (!range->version.at)
		return 3;
	return is_word(&range->version, offer->version) ? 4 : 0;
}

static int weigh(const char *field, const struct accept_offer *offer)
{
	int best = 0, weight = 0;

	while (*field) {
		struct range range = take_range(&field);
		int matched = match(&range, offer);

		if (matched > best) {
			best = matched;
			weight = range.weight;
		}
		if (*field == ',')
			field++;
	}
	return weight;
}

int accept_choose(const char *field, const struct accept_offer *offers, size_t count)
{
	int best = -1, most = 0;

	if (!field)
		return 0;
	for (size_t i = 0; i < count; i++) {
		int weight = weigh(field, &offers[i]);

		if (weight > most) {
			most = weight;
			best = (int)i;
		}
	}
	return best;
}
