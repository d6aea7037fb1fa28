// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "page.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum room {
	ROOM_TENANTS,
	ROOM_SERVICES,
	ROOM_MEMBERS,
	ROOM_LABELS,
	ROOM_TEXT,
};

const char *const page_state_names[PAGE_STATES] = {
	[PAGE_UP] = "up",
	[PAGE_DOWN] = "down",
	[PAGE_DRAIN] = "drain",
};

void page_fini(struct page *page)
{
	free(page->tenants);
	free(page->services);
	free(page->members);
	free(page->labels);
	free(page->text);
	*page = (struct page){.agent = page->agent};
}

/* The list with room for more, which grows by doubling; as it was, and failed, for want of memory.
 */
static void *make_room(struct page *page, enum room room, void *list, size_t count, size_t more,
		       size_t size)
{
	size_t wanted = 2 * (count + more);
	void *larger;

	if (page->failed || count + more <= page->rooms[room])
		return list;
	larger = realloc(list, wanted * size);
	if (!larger) {
		page->failed = true;
		return list;
	}
	page->rooms[room] = wanted;
	return larger;
}

#define ADD(page, room, list, count)                                                           \
	((page)->list =                                                                        \
		 make_room(page, room, (page)->list, (page)->count, 1, sizeof(*(page)->list)), \
	 (page)->failed ? NULL : memset(&(page)->list[(page)->count++], 0, sizeof(*(page)->list)))

struct page_tenant *page_add_tenant(struct page *page)
{
	return ADD(page, ROOM_TENANTS, tenants, tenant_count);
}

struct page_service *page_add_service(struct page *page)
{
	return ADD(page, ROOM_SERVICES, services, service_count);
}

struct page_member *page_add_member(struct page *page)
{
	return ADD(page, ROOM_MEMBERS, members, member_count);
}

static void put_label(struct page *page, const char *text, size_t length)
{
	page->labels = make_room(page, ROOM_LABELS, page->labels, page->labels_length, length, 1);
	if (page->failed)
		return;
	memcpy(page->labels + page->labels_length, text, length);
	page->labels_length += length;
}

static void put(struct page *page, const char *text, size_t length)
{
	page->text = make_room(page, ROOM_TEXT, page->text, page->length, length, 1);
	if (page->failed)
		return;
	memcpy(page->text + page->length, text, length);
	page->length += length;
}

static void put_text(struct page *page, const char *text)
{
	put(page, text, strlen(text));
}

/* Calls put_some with value, what must be escaped escaped. */
static void escape(struct page *page, const char *value,
		   void (*put_some)(struct page *page, const char *text, size_t length))
{
	while (*value) {
		size_t plain = strcspn(value, "\\\"\n");

		put_some(page, value, plain);
		value += plain;
		if (!*value)
			return;
		put_some(page, *value == '\n' ? "\\n" : *value == '"' ? "\\\"" : "\\\\", 2);
		value++;
	}
}

size_t page_begin_labels(struct page *page)
{
	return page->labels_length;
}

void page_add_label(struct page *page, const char *name, const char *value)
{
	if (page->labels_length && page->labels && page->labels[page->labels_length - 1])
		put_label(page, ",", 1);
	put_label(page, name, strlen(name));
	put_label(page, "=\"", 2);
	escape(page, value, put_label);
	put_label(page, "\"", 1);
}

void page_end_labels(struct page *page)
{
	put_label(page, "", 1);
}

/* In a help text of Prometheus' format quotes stand as they are; no sentence has a backslash or a
 * line end. */
static void put_help(struct page *page, const char *sentence)
{
	if (page->format == PAGE_OPENMETRICS)
		escape(page, sentence, put);
	else
		put_text(page, sentence);
}

/* To OpenMetrics the name of a counter is what stands before _total. */
static void put_family(struct page *page, const struct metric_row *row)
{
	size_t length = strlen(row->name);

	if (page->format == PAGE_OPENMETRICS && row->type == METRIC_COUNTER)
		length -= strlen("_total");
	put(page, row->name, length);
}

void page_begin(struct page *page, enum metric metric)
{
	const struct metric_row *row = &metric_rows[metric];

	page->metric = metric;
	put_text(page, "# HELP ");
	put_family(page, row);
	put_text(page, " ");
	put_help(page, row->sentence);
	put_text(page, "\n# TYPE ");
	put_family(page, row);
	put_text(page, " ");
	put_text(page, metric_type_name(row->type));
	put_text(page, "\n");
}

static void put_name(struct page *page, size_t labels, const char *suffix, const char *value)
{
	const struct metric_row *row = &metric_rows[page->metric];

	put_text(page, row->name);
	put_text(page, suffix);
	if (labels == PAGE_NO_LABELS && !value)
		return;
	put_text(page, "{");
	if (labels != PAGE_NO_LABELS && !page->failed)
		put_text(page, page->labels + labels);
	if (value) {
		put_text(page, labels == PAGE_NO_LABELS ? "" : ",");
		put_text(page, row->label);
		put_text(page, "=\"");
		escape(page, value, put);
		put_text(page, "\"");
	}
	put_text(page, "}");
}

static void put_count(struct page *page, uint64_t number)
{
	char text[24], *at = text + sizeof(text);

	*--at = '\n';
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
	*--at = ' ';
	put(page, at, (size_t)(text + sizeof(text) - at));
}

static void put_gauge(struct page *page, double number)
{
	char text[40];

	snprintf(text, sizeof(text), " %.15g\n", number);
	put_text(page, text);
}

void page_count(struct page *page, size_t labels, const char *value, uint64_t number)
{
	put_name(page, labels, "", value);
	put_count(page, number);
}

void page_gauge(struct page *page, size_t labels, const char *value, double number)
{
	put_name(page, labels, "", value);
	put_gauge(page, number);
}

void page_histogram(struct page *page, size_t labels, const struct page_bucket *buckets,
		    size_t count, double sum)
{
	char le[32];

	for (size_t i = 0; i < count; i++) {
		if (i + 1 < count)
			snprintf(le, sizeof(le), "%.9g", buckets[i].le);
		else
			snprintf(le, sizeof(le), "+Inf");
		put_name(page, labels, "_bucket", le);
		put_count(page, buckets[i].count);
	}
	put_name(page, labels, "_sum", NULL);
	put_gauge(page, sum);
	put_name(page, labels, "_count", NULL);
	put_count(page, count ? buckets[count - 1].count : 0);
}

char *page_take(struct page *page, size_t *ret_length)
{
	char *text;

	if (page->format == PAGE_OPENMETRICS)
		put_text(page, "# EOF\n");
	text = page->failed ? NULL : page->text;
	if (!text)
		return NULL;
	*ret_length = page->length;
	page->text = NULL;
	page->length = 0;
	page->rooms[ROOM_TEXT] = 0;
	return text;
}
