// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

#define COLUMNS 4

struct rest {
	const char *at, *end;
};

/* The next ones are these; they are taken. */
static bool take(struct rest *rest, const char *text)
{
	size_t length = strlen(text);

	if ((size_t)(rest->end - rest->at) < length || memcmp(rest->at, text, length) != 0)
		return false;
	rest->at += length;
	return true;
}

static bool take_number(struct rest *rest, uint64_t *ret)
{
	const char *begin = rest->at;
	uint64_t value = 0;

	for (; rest->at < rest->end; rest->at++) {
		unsigned digit = (unsigned)(*rest->at - '0');

		if (digit > 9)
			break;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*ret = value;
	return rest->at > begin;
}

/* NULL: there is no name that is a word. */
static const char *take_name(struct rest *rest)
{
	const char *begin = rest->at + 1, *quote;

	if (!take(rest, "\""))
		return NULL;
	quote = memchr(begin, '"', (size_t)(rest->end - begin));
	if (!quote || memchr(begin, '\\', (size_t)(quote - begin)))
		return NULL;
	rest->at = quote + 1;
	return word_keep(begin, (size_t)(quote - begin));
}

/* "[1,2": so many numbers of a list that may go on. */
static bool take_numbers(struct rest *rest, uint64_t *ret, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!take(rest, i ? "," : "[") || !take_number(rest, &ret[i]))
			return false;
	return true;
}

static int take_reasons(struct rest *rest, const char *reasons[COUNTERS_REASONS_MAX])
{
	for (size_t i = 0; i < COUNTERS_REASONS_MAX; i++) {
		reasons[i] = take_name(rest);
		if (!reasons[i])
			return -EPROTO;
		if (!take(rest, ","))
			return 0;
	}
	return -EPROTO;
}

void counters_forget(struct counters *counters)
{
	struct limits *limits, *next;

	HASH_ITER (hh, counters->limits, limits, next) {
		HASH_DEL(counters->limits, limits);
		free(limits);
	}
	counters->known = false;
}

static int take_limits(struct counters *counters, struct rest *rest)
{
	counters_forget(counters);
	while (!take(rest, "}")) {
		struct limits *limits = calloc(1, sizeof(*limits)), *twice;

		if (!limits)
			return -ENOMEM;
		if (counters->limits && !take(rest, ",")) {
			free(limits);
			return -EPROTO;
		}
		limits->name = take_name(rest);
		HASH_FIND_PTR(counters->limits, &limits->name, twice);
		if (!limits->name || twice || !take(rest, ":") ||
		    !take_numbers(rest, limits->value, COUNTERS_LIMITS) || !take(rest, "]")) {
			free(limits);
			return -EPROTO;
		}
		HASH_ADD_PTR(counters->limits, name, limits);
	}
	counters->generation = counters->now;
	counters->known = true;
	return 0;
}

/* Pairs of a reason's place in the list of their names, and packets. */
static int take_drops(struct rest *rest, const char *tenant, const char *const *reasons,
		      struct sample *sample)
{
	while (!take(rest, "]")) {
		struct row *drop = sample_add(sample, RECORD_DROP);
		uint64_t reason;

		if (!drop)
			return -ENOMEM;
		if (!take(rest, ",") || !take_number(rest, &reason) || !take(rest, ",") ||
		    !take_number(rest, &drop->value[VALUE_PACKETS]) ||
		    reason >= COUNTERS_REASONS_MAX || !reasons[reason])
			return -EPROTO;
		drop->text[0] = tenant;
		drop->text[1] = reasons[reason];
	}
	return 0;
}

static int take_tenant(const struct counters *counters, struct rest *rest,
		       const char *const *reasons, struct sample *sample)
{
	struct row *tenant = sample_add(sample, RECORD_TENANT);
	struct limits *limits;

	if (!tenant)
		return -ENOMEM;
	tenant->text[0] = take_name(rest);
	if (!tenant->text[0] || !take(rest, ":") || !take_numbers(rest, tenant->value, COLUMNS))
		return -EPROTO;
	HASH_FIND_PTR(counters->limits, &tenant->text[0], limits);
	if (limits)
		memcpy(&tenant->value[TENANT_QUOTA], limits->value, sizeof(limits->value));
	return take_drops(rest, tenant->text[0], reasons, sample);
}

int counters_parse(struct counters *counters, const char *text, size_t length,
		   struct sample *sample)
{
	const char *reasons[COUNTERS_REASONS_MAX] = {};
	struct rest rest = {text, text + length};
	int code = 0;

	if (!take(&rest, "{\"generation\":") || !take_number(&rest, &counters->now) ||
	    !take(&rest, ",\"columns\":[\"packets\",\"bytes\",\"newFlows\",\"activeFlows\"],"
			 "\"reasons\":[") ||
	    take_reasons(&rest, reasons) || !take(&rest, "]"))
		return -EPROTO;
	if (take(&rest, ",\"limits\":{"))
		code = take_limits(counters, &rest);
	if (!code && (!counters->known || counters->generation != counters->now))
		return -ESTALE;
	if (!code && !take(&rest, ",\"tenants\":{"))
		return -EPROTO;
	for (bool first = true; !code && !take(&rest, "}"); first = false)
		code = first || take(&rest, ",") ? take_tenant(counters, &rest, reasons, sample)
						 : -EPROTO;
	if (!code && (!take(&rest, "}") || rest.at != rest.end))
		return -EPROTO;
	if (!code)
		sample->kinds |= 1U << RECORD_TENANT | 1U << RECORD_DROP;
	return code;
}
