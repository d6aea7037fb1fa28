// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lines in Prometheus' text format, and the table they come from. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/agent/metrics/page.h"

static char *take(struct page *page)
{
	size_t length = 0;
	char *text;

	page_count(page, PAGE_NO_LABELS, NULL, 0); /* so that there is something behind it */
	text = page_take(page, &length);
	assert_non_null(text);
	text[length - 1] = 0;
	page_fini(page);
	return text;
}

static void test_lines(void **state)
{
	struct page page = {};
	size_t first, second;
	char *text;

	(void)state;
	first = page_begin_labels(&page);
	page_add_label(&page, "tenant", "acme");
	page_add_label(&page, "service", "a\"b\\c\nd");
	page_end_labels(&page);
	second = page_begin_labels(&page);
	page_add_label(&page, "tenant", PAGE_OTHER);
	page_end_labels(&page);
	page_begin(&page, METRIC_tenant_dropped_packets_total);
	page_count(&page, first, "icmp", UINT64_MAX);
	page_count(&page, second, "a\"b", 0);
	page.metric = METRIC_tenant_active_flows;
	page_gauge(&page, second, NULL, 0.25);
	page_gauge(&page, PAGE_NO_LABELS, NULL, 1795753040);
	page.metric = METRIC_map_entries;
	page_gauge(&page, PAGE_NO_LABELS, "vips", 1e15);
	page.metric = METRIC_drift_entries_total;
	text = take(&page);
	text = strstr(text, "# TYPE") ? text : NULL;
	assert_non_null(text);
	assert_non_null(strstr(text, "# TYPE mtlb_tenant_dropped_packets_total counter\n"
				     "mtlb_tenant_dropped_packets_total{tenant=\"acme\","
				     "service=\"a\\\"b\\\\c\\nd\",reason=\"icmp\"} "
				     "18446744073709551615\n"
				     "mtlb_tenant_dropped_packets_total{tenant=\"_other\","
				     "reason=\"a\\\"b\"} 0\n"
				     "mtlb_tenant_active_flows{tenant=\"_other\"} 0.25\n"
				     "mtlb_tenant_active_flows 1795753040\n"
				     "mtlb_map_entries{map=\"vips\"} 1e+15\n"
				     "mtlb_drift_entries_total 0"));
	free(text);
}

/* OpenMetrics: a counter's family has no _total, quotes in a help text are escaped, and it ends. */
static void test_openmetrics(void **state)
{
	struct page page = {.format = PAGE_OPENMETRICS};
	size_t length = 0;
	char *text;

	(void)state;
	page_begin(&page, METRIC_drift_entries_total);
	page_count(&page, PAGE_NO_LABELS, NULL, 7);
	page_begin(&page, METRIC_metrics_tenants);
	page_gauge(&page, PAGE_NO_LABELS, NULL, 3);
	text = page_take(&page, &length);
	assert_non_null(text);
	text[length - 1] = 0;
	assert_non_null(strstr(text, "# TYPE mtlb_drift_entries counter\n"
				     "mtlb_drift_entries_total 7\n"
				     "# HELP mtlb_metrics_tenants "));
	assert_non_null(strstr(text, "tenant=\\\"_other\\\".\n"
				     "# TYPE mtlb_metrics_tenants gauge\n"
				     "mtlb_metrics_tenants 3\n# EOF"));
	free(text);
	page.format = PAGE_TEXT; /* another one of the same page */
	page_begin(&page, METRIC_drift_entries_total);
	text = page_take(&page, &length);
	assert_non_null(text);
	assert_true(length > 2 && text[length - 1] == '\n');
	text[length - 1] = 0;
	assert_non_null(strstr(text, "\n# TYPE mtlb_drift_entries_total counter"));
	assert_null(strstr(text, "EOF"));
	free(text);
	page_fini(&page);
}

/* Lists grow, and what was in them stays. */
static void test_many(void **state)
{
	struct page page = {};

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct page_member *member = page_add_member(&page);
		char name[16];

		assert_non_null(member);
		member->labels = page_begin_labels(&page);
		member->probes = (uint64_t)i;
		snprintf(name, sizeof(name), "be-%d", i);
		page_add_label(&page, "backend", name);
		page_end_labels(&page);
	}
	for (int i = 0; i < 1000; i++) {
		char name[32];

		snprintf(name, sizeof(name), "backend=\"be-%d\"", i);
		assert_int_equal(page.members[i].probes, i);
		assert_string_equal(page.labels + page.members[i].labels, name);
	}
	page_fini(&page);
	assert_null(page.members);
}

/* The format's own rules, which promtool has as well. */
static void test_table(void **state)
{
	(void)state;
	for (int i = 0; i < METRICS; i++) {
		const struct metric_row *row = &metric_rows[i];
		size_t length = strlen(row->name), sentence = strlen(row->sentence);
		bool total = length > 6 && !strcmp(row->name + length - 6, "_total");

		assert_int_equal(total, row->type == METRIC_COUNTER);
		assert_false(strpbrk(row->sentence, "\n\\|"));
		assert_int_equal(row->sentence[sentence - 1], '.');
		for (const char *at = row->name; *at; at++)
			assert_true(islower((unsigned char)*at) || *at == '_');
		for (int j = 0; j < i; j++)
			assert_string_not_equal(row->name, metric_rows[j].name);
	}
}

static void test_reference(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	(void)state;
	assert_non_null(file);
	metrics_print_reference(file);
	assert_int_equal(fclose(file), 0);
	for (int i = 0; i < METRICS; i++) {
		char row[160];

		snprintf(row, sizeof(row), "\n| `%s` | %s | ", metric_rows[i].name,
			 metric_type_name(metric_rows[i].type));
		assert_non_null(strstr(text, row));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),	  cmocka_unit_test(test_openmetrics),
		cmocka_unit_test(test_many),	  cmocka_unit_test(test_table),
		cmocka_unit_test(test_reference),
	};

	return cmocka_run_group_tests_name("agent/page", tests, NULL, NULL);
}
