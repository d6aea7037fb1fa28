// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cell.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "safe.h"

#define PATH_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789."

static json_t *part_of(const json_t *item, const char *path, size_t path_length)
{
	const char *end = path + path_length;
	char key[64];

	while (item && path < end) {
		size_t length = strcspn(path, ".");

		if (length > (size_t)(end - path))
			length = end - path;
		snprintf(key, sizeof(key), "%.*s", (int)length, path);
		item = json_object_get(item, key);
		path += length + 1;
	}
	return (json_t *)item;
}

json_t *cell_value(const json_t *item, const char *path)
{
	return part_of(item, path, strlen(path));
}

bool cell_is_number(enum value_kind kind)
{
	switch (kind) {
	case VALUE_TEXT:
	case VALUE_STATE:
	case VALUE_LIST:
	case VALUE_BOOL:
		return false;
	default:
		return true;
	}
}

static void print_scaled(FILE *out, double value, double step, const char *const *units)
{
	/* 999.6k is shown as 1.0M, not as 1000k. */
	while (value >= step - 0.5 && units[1]) {
		value /= step;
		units++;
	}
	fprintf(out, value < 99.95 ? "%.1f%s" : "%.0f%s", value, *units);
}

static void print_plain(FILE *out, const json_t *value)
{
	if (json_is_integer(value))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else
		fprintf(out, "%g", json_number_value(value));
}

static void print_number(FILE *out, const json_t *value)
{
	static const char *const units[] = {"", "k", "M", "G", "T", "P", "E", NULL};

	if (json_number_value(value) < 1000)
		print_plain(out, value);
	else
		print_scaled(out, json_number_value(value), 1000, units);
}

static void print_bytes(FILE *out, const json_t *value)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", NULL};

	if (json_number_value(value) < 1024) {
		print_plain(out, value);
		fputc('B', out);
	} else {
		print_scaled(out, json_number_value(value), 1024, units);
	}
}

/* The two largest units: 3d4h, 5m12s, 15m, 0s. */
char *cell_duration(uint64_t seconds, char text[CELL_DURATION_MAX])
{
	static const struct {
		uint64_t seconds;
		char name;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	size_t i = 0;
	int length;

	while (i < 3 && seconds < units[i].seconds)
		i++;
	length = snprintf(text, CELL_DURATION_MAX, "%" PRIu64 "%c", seconds / units[i].seconds,
			  units[i].name);
	seconds %= units[i].seconds;
	if (i < 3 && seconds >= units[i + 1].seconds)
		snprintf(text + length, (size_t)(CELL_DURATION_MAX - length), "%" PRIu64 "%c",
			 seconds / units[i + 1].seconds, units[i + 1].name);
	return text;
}

static void print_duration(FILE *out, uint64_t seconds)
{
	char text[CELL_DURATION_MAX];

	fputs(cell_duration(seconds, text), out);
}

static bool print_time(FILE *out, const char *text)
{
	time_t now = time(NULL), then;
	struct tm tm = {};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (rest && *rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (!rest || strcmp(rest, "Z"))
		return false;
	then = timegm(&tm);
	print_duration(out, now > then ? now - then : 0);
	fputs(" ago", out);
	return true;
}

static void print_any(FILE *out, const json_t *value)
{
	char *text;

	if (!value || json_is_null(value)) {
		fputc('-', out);
	} else if (json_is_string(value)) {
		safe_print(out, *json_string_value(value) ? json_string_value(value) : "-");
	} else if (json_is_boolean(value)) {
		fputs(json_is_true(value) ? "yes" : "no", out);
	} else if (json_is_number(value)) {
		print_plain(out, value);
	} else {
		text = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII);
		safe_print(out, text ? text : "-");
		free(text);
	}
}

static bool print_list(FILE *out, const json_t *list)
{
	const json_t *element;
	size_t i;

	if (!json_is_array(list))
		return false;
	if (!json_array_size(list))
		fputc('-', out);
	json_array_foreach (list, i, element) {
		if (i)
			fputc(',', out);
		print_any(out, element);
	}
	return true;
}

static bool print_usage(FILE *out, const json_t *value, bool raw)
{
	const json_t *used = json_object_get(value, "used"), *max = json_object_get(value, "max");

	if (!json_is_number(used) || !json_is_number(max))
		return false;
	(raw ? print_plain : print_number)(out, used);
	fputc('/', out);
	(raw ? print_plain : print_number)(out, max);
	return true;
}

static bool print_humane(FILE *out, const json_t *value, enum value_kind kind)
{
	double number = json_number_value(value);

	if (kind == VALUE_TIME)
		return json_is_string(value) && print_time(out, json_string_value(value));
	if (!json_is_number(value) || number < 0)
		return false;
	switch (kind) {
	case VALUE_NUMBER:
		print_number(out, value);
		return true;
	case VALUE_BYTES:
		print_bytes(out, value);
		return true;
	case VALUE_PERCENT:
		fprintf(out, "%.1f%%", 100 * number);
		return true;
	case VALUE_SECONDS:
		print_duration(out, number);
		return true;
	case VALUE_MILLIS:
		if (json_is_real(value) && number >= 1000) /* measured, not set */
			fprintf(out, "%.3gs", number / 1000);
		else if (number < 1000 || json_integer_value(value) % 1000)
			fprintf(out, "%gms", number);
		else
			print_duration(out, number / 1000);
		return true;
	default:
		return false;
	}
}

/* An endpoint needs brackets around an IPv6 address and has nothing to say about port 0. */
static void join(FILE *out, const json_t *item, const char *path)
{
	size_t length = strspn(path, PATH_CHARS);
	const json_t *value = part_of(item, path, length);

	while (path[length]) {
		const char *next = path + length + 1;
		size_t next_length = strspn(next, PATH_CHARS);
		const json_t *next_value = part_of(item, next, next_length);
		const char *text = json_string_value(value);

		if (path[length] == ':' && !json_integer_value(next_value))
			break;
		if (path[length] == ':' && text && strchr(text, ':'))
			fprintf(out, "[%s]", text);
		else if (text)
			fputs(text, out);
		else
			print_any(out, value);
		fputc(path[length], out);
		path = next;
		length = next_length;
		value = next_value;
	}
	if (json_is_string(value))
		fputs(json_string_value(value), out);
	else
		print_any(out, value);
}

char *cell_join(const json_t *item, const char *path)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	join(out, item, path);
	return fclose(out) ? NULL : text;
}

char *cell_format(const json_t *item, const struct column *column, bool raw)
{
	char *text = NULL, *joined;
	json_t *value;
	size_t size;
	FILE *out;

	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	if (column->path[strspn(column->path, PATH_CHARS)]) {
		joined = cell_join(item, column->path);
		safe_print(out, joined ? joined : "-");
		free(joined);
		return fclose(out) ? NULL : text;
	}
	value = cell_value(item, column->path);
	if (column->kind == VALUE_LIST	  ? !print_list(out, value)
	    : column->kind == VALUE_USAGE ? !print_usage(out, value, raw)
					  : raw || !print_humane(out, value, column->kind))
		print_any(out, value);
	return fclose(out) ? NULL : text;
}
