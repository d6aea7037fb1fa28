// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "usage_export.h"

#include <string.h>

#include "../../userspace/model/usage.h"

/* One row of FOCUS: what a tenant used of one kind. */
struct charge {
	const struct usage_export *export;
	const json_t *item;
	enum usage_kind kind;
};

static const char *text_of(const json_t *item, const char *key)
{
	const char *text = json_string_value(json_object_get(item, key));

	return text ? text : "";
}

/* RFC 4180; nothing stands for a value that is not there. */
static void put_text(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

static void put_integer(FILE *out, const json_t *item, const char *key)
{
	fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(item, key)));
}

/* FOCUS */

static void put_tenant(const struct charge *charge)
{
	put_text(charge->export->out, text_of(charge->item, "tenant"));
}

/* The month that the charge is of, and the one after it. */
static void put_month(const struct charge *charge, int later)
{
	const char *from = text_of(charge->item, "from");
	int year = 0, month = 0;

	if (sscanf(from, "%4d-%2d", &year, &month) != 2)
		return;
	month += later;
	fprintf(charge->export->out, "%04d-%02d-01T00:00:00Z", year + (month - 1) / 12,
		(month - 1) % 12 + 1);
}

static void put_month_start(const struct charge *charge)
{
	put_month(charge, 0);
}

static void put_month_end(const struct charge *charge)
{
	put_month(charge, 1);
}

static void put_from(const struct charge *charge)
{
	put_text(charge->export->out, text_of(charge->item, "from"));
}

static void put_to(const struct charge *charge)
{
	put_text(charge->export->out, text_of(charge->item, "to"));
}

static void put_sentence(const struct charge *charge)
{
	put_text(charge->export->out, usage_sentence(charge->kind));
}

static void put_quantity(const struct charge *charge)
{
	put_integer(charge->export->out, charge->item, usage_key(charge->kind));
}

static void put_unit(const struct charge *charge)
{
	put_text(charge->export->out, usage_unit(charge->kind));
}

static void put_sku(const struct charge *charge)
{
	put_text(charge->export->out, usage_key(charge->kind));
}

static void put_provider(const struct charge *charge)
{
	put_text(charge->export->out, charge->export->provider);
}

static void put_approximate(const struct charge *charge)
{
	fputs(json_is_true(json_object_get(charge->item, "approximate")) ? "true" : "false",
	      charge->export->out);
}

/* Columns of FOCUS 1.0, then one of ours; put NULL: fixed says it, "" is null. */
static const struct {
	const char *name;
	void (*put)(const struct charge *charge);
	const char *fixed;
} focus[] = {
	{"BillingAccountId", put_tenant, NULL},	   {"BillingAccountName", put_tenant, NULL},
	{"BillingPeriodEnd", put_month_end, NULL}, {"BillingPeriodStart", put_month_start, NULL},
	{"ChargeCategory", NULL, "Usage"},	   {"ChargeClass", NULL, ""},
	{"ChargeDescription", put_sentence, NULL}, {"ChargeFrequency", NULL, "Usage-Based"},
	{"ChargePeriodEnd", put_to, NULL},	   {"ChargePeriodStart", put_from, NULL},
	{"ConsumedQuantity", put_quantity, NULL},  {"ConsumedUnit", put_unit, NULL},
	{"InvoiceIssuerName", put_provider, NULL}, {"PricingQuantity", put_quantity, NULL},
	{"PricingUnit", put_unit, NULL},	   {"ProviderName", put_provider, NULL},
	{"PublisherName", put_provider, NULL},	   {"ServiceCategory", NULL, "Networking"},
	{"ServiceName", NULL, "Load Balancing"},   {"SkuId", put_sku, NULL},
	{"x_Approximate", put_approximate, NULL},
};

#define FOCUS_COLUMNS (sizeof(focus) / sizeof(focus[0]))

static void put_charge(const struct charge *charge)
{
	FILE *out = charge->export->out;

	for (size_t i = 0; i < FOCUS_COLUMNS; i++) {
		if (i)
			putc(',', out);
		if (focus[i].put)
			focus[i].put(charge);
		else
			fputs(focus[i].fixed, out);
	}
	putc('\n', out);
}

/* What was not used is no charge. */
static void put_charges(const struct usage_export *export, const json_t *item)
{
	for (int i = 0; i < USAGE_KINDS; i++) {
		struct charge charge = {export, item, i};

		if (json_integer_value(json_object_get(item, usage_key(i))))
			put_charge(&charge);
	}
}

/* CSV */

static void put_line(const struct usage_export *export, const json_t *item)
{
	FILE *out = export->out;

	put_text(out, text_of(item, "tenant"));
	putc(',', out);
	put_text(out, text_of(item, "from"));
	putc(',', out);
	put_text(out, text_of(item, "to"));
	for (int i = 0; i < USAGE_KINDS; i++) {
		putc(',', out);
		put_integer(out, item, usage_key(i));
	}
	fputs(json_is_true(json_object_get(item, "approximate")) ? ",true\n" : ",false\n", out);
}

void usage_export_begin(const struct usage_export *export)
{
	FILE *out = export->out;

	if (export->format == USAGE_EXPORT_CSV) {
		fputs("tenant,from,to", out);
		for (int i = 0; i < USAGE_KINDS; i++)
			fprintf(out, ",%s", usage_key(i));
		fputs(",approximate\n", out);
	}
	for (size_t i = 0; export->format == USAGE_EXPORT_FOCUS && i < FOCUS_COLUMNS; i++)
		fprintf(out, "%s%s", focus[i].name, i + 1 < FOCUS_COLUMNS ? "," : "\n");
}

int usage_export_items(void *context, const json_t *items)
{
	const struct usage_export *export = context;
	const json_t *item;
	size_t i;

	json_array_foreach (items, i, item) {
		if (export->format == USAGE_EXPORT_CSV) {
			put_line(export, item);
		} else if (export->format == USAGE_EXPORT_FOCUS) {
			put_charges(export, item);
		} else {
			json_dumpf(item, export->out, JSON_COMPACT);
			putc('\n', export->out);
		}
	}
	return 0;
}

void usage_export_end(const struct usage_export *export)
{
	fflush(export->out);
}
