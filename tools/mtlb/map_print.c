// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "map_print.h"

#include <stdio.h>
#include <string.h>

#include "safe.h"

#define PATH_MAX_LENGTH 256

json_t *map_print_decode(const struct map_reading *reading, uint32_t type, const void *bytes,
			 size_t size)
{
	if (!reading->btf || !type)
		return decode_hex(bytes, size);
	return decode(reading->btf, type, bytes, size, &reading->reader);
}

static json_t *key_of(const struct map_reading *reading, const void *key)
{
	const struct pinned_map *map = &reading->map;
	uint32_t index;

	if (!pinned_is_array(map))
		return map_print_decode(reading, map->info.btf_key_type_id, key,
					map->info.key_size);
	memcpy(&index, key, sizeof(index));
	return meaning_of_index(reading->named ? &reading->view : NULL, map->name, index);
}

/* Of a map per CPU a list, in the order of the CPUs. */
static json_t *value_of(const struct map_reading *reading, const void *values)
{
	const struct pinned_map *map = &reading->map;
	uint32_t type = map->info.btf_value_type_id;
	json_t *list;

	if (map->cpus == 1)
		return map_print_decode(reading, type, values, map->info.value_size);
	list = json_array();
	for (unsigned cpu = 0; cpu < map->cpus; cpu++)
		json_array_append_new(
			list, json_pack("{s:I,s:o}", "cpu", (json_int_t)cpu, "value",
					map_print_decode(reading, type,
							 (const char *)values + cpu * map->stride,
							 map->info.value_size)));
	return list;
}

static void print_scalar(const json_t *value)
{
	const char *text = json_string_value(value);

	if (text)
		safe_print(stdout, *text ? text : "\"\"");
	else
		json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
}

static bool is_zero(const json_t *value)
{
	return json_is_null(value) || (json_is_integer(value) && !json_integer_value(value)) ||
	       (json_is_string(value) && !*json_string_value(value)) ||
	       ((json_is_array(value) || json_is_object(value)) && !json_object_size(value) &&
		!json_array_size(value));
}

/* name=value of all that is not zero, and of what is within as name.name or name[number]. */
void map_print_flat(const char *path, const json_t *value)
{
	char longer[PATH_MAX_LENGTH];
	const json_t *inner;
	const char *name;
	size_t i;

	if (is_zero(value))
		return;
	if (json_is_object(value)) {
		json_object_foreach ((json_t *)value, name, inner) {
			snprintf(longer, sizeof(longer), "%s%s%s", path, *path ? "." : "", name);
			map_print_flat(longer, inner);
		}
	} else if (json_is_array(value)) {
		json_array_foreach (value, i, inner) {
			snprintf(longer, sizeof(longer), "%s[%zu]", path, i);
			map_print_flat(longer, inner);
		}
	} else {
		printf(" %s%s", path, *path ? "=" : "");
		print_scalar(value);
	}
}

/* The words of a key, as a person would say it: "12 acme no_member". */
static void print_key(const json_t *key)
{
	const json_t *part;
	const char *name;
	bool first = true;

	if (!json_is_object(key)) {
		print_scalar(key);
		return;
	}
	json_object_foreach ((json_t *)key, name, part) {
		printf("%s%s", first ? "" : " ", strcmp(name, "cpu") ? "" : "cpu ");
		print_scalar(part);
		first = false;
	}
}

void map_print_begin(struct map_reading *reading)
{
	if (reading->options->json)
		stream_begin(&reading->stream, reading->options);
}

void map_print_element(struct map_reading *reading, const void *key, const void *values)
{
	json_t *name = key_of(reading, key), *value = value_of(reading, values);

	if (reading->options->json) {
		stream_add(&reading->stream, json_pack("{s:o,s:o}", "key", name, "value", value));
		return;
	}
	print_key(name);
	putchar(':');
	map_print_flat("", value);
	putchar('\n');
	json_decref(name);
	json_decref(value);
}

void map_print_end(struct map_reading *reading)
{
	if (reading->options->json)
		stream_end(&reading->stream);
}
