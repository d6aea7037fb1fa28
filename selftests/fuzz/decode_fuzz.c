// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Bytes of types that nobody would write: types that hold themselves, each other, what comes later,
 * or nothing, with members anywhere. The decoder stays within the bytes, ends, and makes JSON of
 * it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/btf.h>

#include "../../userspace/inspect/decode.h"

#define TYPES_MAX  24
#define FIELDS_MAX 4
#define BYTES_MAX  64

static const char *const names[] = {"a", "b", "c", "d"};
static const uint32_t sizes[] = {0, 1, 2, 4, 8, 16, 63, 0x7fffffff};

struct input {
	const uint8_t *data;
	size_t size;
};

static uint32_t take(struct input *input, uint32_t below)
{
	if (!input->size)
		return 0;
	input->size--;
	return *input->data++ % below;
}

/* The types from 1 on, some of which come later or never. */
static int some_type(struct input *input)
{
	return 1 + (int)take(input, TYPES_MAX);
}

static void add_fields(struct input *input, struct btf *btf)
{
	for (uint32_t i = take(input, FIELDS_MAX + 1); i; i--)
		btf__add_field(btf, names[take(input, 4)], some_type(input), take(input, 256),
			       take(input, 4) ? 0 : take(input, 64));
}

static void add_type(struct input *input, struct btf *btf)
{
	const char *name = names[take(input, 4)];

	switch (take(input, 9)) {
	case 0:
		btf__add_int(btf, name, 1U << take(input, 5), (int)take(input, 5));
		break;
	case 1:
		btf__add_ptr(btf, some_type(input));
		break;
	case 2:
		btf__add_array(btf, some_type(input), some_type(input), sizes[take(input, 8)]);
		break;
	case 3:
		btf__add_struct(btf, take(input, 2) ? name : NULL, sizes[take(input, 8)]);
		add_fields(input, btf);
		break;
	case 4:
		btf__add_union(btf, take(input, 2) ? name : NULL, sizes[take(input, 8)]);
		add_fields(input, btf);
		break;
	case 5:
		btf__add_enum(btf, name, 1U << take(input, 4));
		btf__add_enum_value(btf, name, (int)take(input, 256) - 128);
		break;
	case 6:
		btf__add_typedef(btf, name, some_type(input));
		break;
	case 7:
		btf__add_float(btf, name, 2U << take(input, 4));
		break;
	default:
		btf__add_volatile(btf, some_type(input));
	}
}

static void decode_one(const struct btf *btf, uint32_t type, const uint8_t *bytes, size_t size)
{
	json_t *value = decode(btf, type, bytes, size, NULL);
	char *text = json_dumps(value, JSON_ENCODE_ANY);

	if (!value || !text)
		abort();
	free(text);
	json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct btf *btf = btf__new_empty();
	uint8_t *bytes;
	size_t count;

	libbpf_set_print(NULL);
	for (uint32_t i = take(&input, TYPES_MAX + 1); i; i--)
		add_type(&input, btf);
	count = input.size < BYTES_MAX ? input.size : BYTES_MAX;
	bytes = malloc(count + !count); /* of their own, so that a byte too many is seen */
	if (!btf || !bytes)
		abort();
	memcpy(bytes, input.data, count);
	decode_one(btf, btf__type_cnt(btf) - 1, bytes, count);
	decode_one(btf, 1, bytes, count);
	free(bytes);
	btf__free(btf);
	return 0;
}
