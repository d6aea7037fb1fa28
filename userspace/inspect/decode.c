// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "decode.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16 /* types in types; a type of the kernel's that holds itself is a fault */
/* Values in all: no element of a map has so many. Types in types, each of which holds the next one
 * several times, would be more than there is memory for, and need no bytes.
 */
#define VALUES_MAX (1U << 18)

struct decoding {
	const struct btf *btf;
	const struct decode_reader *reader;
	uint32_t *left; /* of VALUES_MAX */
};

static json_t *decode_type(const struct decoding *decoding, uint32_t type,
			   struct decode_field *field, int depth);

json_t *decode_hex(const void *bytes, size_t size)
{
	char *text = malloc(3 * size + 1);
	json_t *value;

	if (!text)
		return NULL;
	text[0] = 0;
	for (size_t i = 0; i < size; i++)
		sprintf(text + 3 * i, "%02x ", ((const uint8_t *)bytes)[i]);
	value = json_stringn(text, size ? 3 * size - 1 : 0);
	free(text);
	return value;
}

static const char *name_of(const struct btf *btf, uint32_t offset)
{
	const char *name = btf__name_by_offset(btf, offset);

	return name ? name : "";
}

static const struct btf_type *type_of(const struct decoding *decoding, uint32_t type)
{
	return btf__type_by_id(decoding->btf, type);
}

static bool is_modifier(const struct btf_type *type)
{
	return btf_is_typedef(type) || btf_is_mod(type);
}

/* Through typedefs, const and the like. NULL: BTF that contradicts itself. */
static const struct btf_type *resolve(const struct decoding *decoding, uint32_t *type)
{
	const struct btf_type *is = type_of(decoding, *type);

	for (int i = 0; is && is_modifier(is); i++) {
		if (i == DEPTH_MAX)
			return NULL;
		*type = is->type;
		is = type_of(decoding, *type);
	}
	return is;
}

static json_t *number(uint64_t value)
{
	char text[32];

	if (value <= INT64_MAX)
		return json_integer((json_int_t)value);
	snprintf(text, sizeof(text), "0x%016" PRIx64, value);
	return json_string(text);
}

static uint64_t sign_extend(uint64_t value, unsigned bits)
{
	if (!bits || bits >= 64)
		return value;
	return (uint64_t)((int64_t)(value << (64 - bits)) >> (64 - bits));
}

/* BTF names its bits by the machine's own order. */
static uint64_t read_bits(const void *bytes, unsigned offset, unsigned bits)
{
	const uint8_t *byte = bytes;
	uint64_t value = 0;

	for (unsigned i = 0; i < bits && i < 64; i++) {
		unsigned at = offset + i;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		value |= (uint64_t)(byte[at / 8] >> (at % 8) & 1) << i;
#else
		value = value << 1 | (byte[at / 8] >> (7 - at % 8) & 1);
#endif
	}
	return value;
}

static json_t *integer(const struct btf_type *type, uint64_t value, unsigned bits)
{
	uint8_t encoding = btf_int_encoding(type);

	if (encoding & BTF_INT_BOOL)
		return json_boolean(value != 0);
	if (encoding & BTF_INT_SIGNED)
		return json_integer((json_int_t)sign_extend(value, bits));
	return number(value);
}

/* Its name; a value that has none stays a number. */
static json_t *enumeration(const struct decoding *decoding, const struct btf_type *type,
			   uint64_t value, unsigned bits)
{
	uint64_t mask = bits < 64 ? (1ULL << bits) - 1 : UINT64_MAX;
	uint16_t count = btf_vlen(type);

	for (uint16_t i = 0; i < count; i++) {
		bool wide = btf_is_enum64(type);
		uint64_t named = wide ? btf_enum64_value(&btf_enum64(type)[i])
				      : (uint64_t)(uint32_t)btf_enum(type)[i].val;
		uint32_t name = wide ? btf_enum64(type)[i].name_off : btf_enum(type)[i].name_off;

		if ((named & mask) == (value & mask))
			return json_string(name_of(decoding->btf, name));
	}
	return btf_kflag(type) ? json_integer((json_int_t)sign_extend(value, bits)) : number(value);
}

static json_t *floating(const void *bytes, size_t size)
{
	double wide;
	float narrow;

	if (size == sizeof(narrow)) {
		memcpy(&narrow, bytes, sizeof(narrow));
		wide = narrow;
	} else if (size == sizeof(wide)) {
		memcpy(&wide, bytes, sizeof(wide));
	} else {
		return decode_hex(bytes, size);
	}
	return json_real(wide) ?: json_null(); /* infinity is none of JSON's */
}

/* What the reader makes of it; NULL: nothing. */
static json_t *ask(const struct decoding *decoding, const struct decode_field *field,
		   bool *ret_skip)
{
	const struct decode_reader *reader = decoding->reader;

	*ret_skip = false;
	return reader ? reader->read(reader->context, field, ret_skip) : NULL;
}

/* A text, if that is what it is: printable up to its first zero, and nothing but zeros behind it.
 */
static json_t *text_of(const char *bytes, size_t size)
{
	size_t length = strnlen(bytes, size);

	for (size_t i = 0; i < length; i++)
		if (!isprint((unsigned char)bytes[i]))
			return NULL;
	for (size_t i = length; i < size; i++)
		if (bytes[i])
			return NULL;
	return json_stringn(bytes, length);
}

static bool is_char(const struct decoding *decoding, uint32_t type)
{
	const struct btf_type *is = resolve(decoding, &type);

	if (!is || !btf_is_int(is) || is->size != 1)
		return false;
	return btf_int_encoding(is) & BTF_INT_CHAR ||
	       !strcmp(name_of(decoding->btf, is->name_off), "char");
}

static json_t *list(const struct decoding *decoding, const struct btf_type *type,
		    const struct decode_field *whole, int depth)
{
	const struct btf_array *array = btf_array(type);
	int64_t size = btf__resolve_size(decoding->btf, array->type);
	json_t *items, *item;

	if (is_char(decoding, array->type)) {
		item = text_of(whole->bytes, whole->size);
		if (item)
			return item;
	}
	items = json_array();
	for (uint32_t i = 0; size >= 0 && i < array->nelems && *decoding->left; i++) {
		uint64_t at = (uint64_t)i * (uint64_t)size;
		struct decode_field field = *whole;

		if (at + (uint64_t)size > whole->size)
			break;
		field.bytes = (const char *)whole->bytes + at;
		field.size = (size_t)size;
		field.element = (int)i;
		json_array_append_new(items, decode_type(decoding, array->type, &field, depth));
	}
	return items;
}

/* A member without a name is a struct or union whose members are the outer one's. */
static void take_in(json_t *object, const char *name, json_t *value)
{
	if (*name) {
		json_object_set_new(object, name, value);
		return;
	}
	if (json_is_object(value))
		json_object_update_missing(object, value);
	json_decref(value);
}

static json_t *bit_field(const struct decoding *decoding, const struct decode_field *outer,
			 const struct btf_member *member, unsigned offset, unsigned bits,
			 bool *ret_skip)
{
	uint32_t id = member->type;
	const struct btf_type *type = resolve(decoding, &id);
	struct decode_field field = *outer;
	json_t *value;

	if ((uint64_t)offset + bits > (uint64_t)outer->size * 8)
		return json_null();
	field.value = read_bits(outer->bytes, offset, bits);
	field.scalar = true;
	field.bytes = &field.value;
	field.size = sizeof(field.value);
	field.member = name_of(decoding->btf, member->name_off);
	field.element = -1;
	value = ask(decoding, &field, ret_skip);
	if (value || !type)
		return value ?: json_null();
	if (btf_is_any_enum(type))
		return enumeration(decoding, type, field.value, bits);
	return btf_is_int(type) ? integer(type, field.value, bits) : number(field.value);
}

static json_t *plain_member(const struct decoding *decoding, const struct decode_field *outer,
			    const struct btf_member *member, unsigned offset, int depth)
{
	int64_t size = btf__resolve_size(decoding->btf, member->type);
	struct decode_field field = *outer;

	if (size < 0 || offset % 8 || offset / 8 + (uint64_t)size > outer->size)
		return json_null();
	field.member = name_of(decoding->btf, member->name_off);
	field.bytes = (const char *)outer->bytes + offset / 8;
	field.size = (size_t)size;
	field.element = -1;
	return decode_type(decoding, member->type, &field, depth);
}

static json_t *object_of(const struct decoding *decoding, const struct btf_type *type,
			 const struct decode_field *whole, int depth)
{
	const struct btf_member *members = btf_members(type);
	struct decode_field outer = *whole;
	json_t *object = json_object();

	/* a struct without a name is a part of the one that has one */
	if (*name_of(decoding->btf, type->name_off))
		outer.structure = name_of(decoding->btf, type->name_off);
	for (uint16_t i = 0; object && i < btf_vlen(type) && *decoding->left; i++) {
		unsigned offset = btf_member_bit_offset(type, i);
		unsigned bits = btf_member_bitfield_size(type, i);
		bool skip = false;
		json_t *value = bits ? bit_field(decoding, &outer, &members[i], offset, bits, &skip)
				     : plain_member(decoding, &outer, &members[i], offset, depth);

		if (skip || !value)
			json_decref(value);
		else
			take_in(object, name_of(decoding->btf, members[i].name_off), value);
	}
	return object;
}

/* The variables of a section, as .rodata has them. */
static json_t *section(const struct decoding *decoding, const struct btf_type *type,
		       const struct decode_field *whole, int depth)
{
	const struct btf_var_secinfo *variables = btf_var_secinfos(type);
	json_t *object = json_object();

	for (uint16_t i = 0; object && i < btf_vlen(type); i++) {
		const struct btf_type *variable = type_of(decoding, variables[i].type);
		struct decode_field field = *whole;
		json_t *value;

		if (!variable || !btf_is_var(variable) ||
		    (uint64_t)variables[i].offset + variables[i].size > whole->size)
			continue;
		field.member = name_of(decoding->btf, variable->name_off);
		field.bytes = (const char *)whole->bytes + variables[i].offset;
		field.size = variables[i].size;
		value = decode_type(decoding, variable->type, &field, depth);
		if (value)
			json_object_set_new(object, field.member, value);
	}
	return object;
}

static bool is_scalar(const struct btf_type *type)
{
	return btf_is_int(type) || btf_is_any_enum(type) || btf_is_ptr(type);
}

/* Of what is no scalar, and of scalars that the reader left alone. */
static json_t *by_kind(const struct decoding *decoding, const struct btf_type *type,
		       const struct decode_field *field, int depth)
{
	unsigned bits = (unsigned)field->size * 8;

	if (btf_is_composite(type))
		return object_of(decoding, type, field, depth + 1);
	if (btf_is_array(type))
		return list(decoding, type, field, depth + 1);
	if (btf_is_datasec(type))
		return section(decoding, type, field, depth + 1);
	if (btf_is_float(type))
		return floating(field->bytes, field->size);
	if (!field->scalar)
		return decode_hex(field->bytes, field->size);
	if (btf_is_any_enum(type))
		return enumeration(decoding, type, field->value, bits);
	return btf_is_int(type) ? integer(type, field->value, bits) : number(field->value);
}

/* field: where it is and how much of it there is. NULL: it is to be left out, or no memory. */
static json_t *decode_type(const struct decoding *decoding, uint32_t type,
			   struct decode_field *field, int depth)
{
	const struct btf_type *outermost = type_of(decoding, type);
	const struct btf_type *is = resolve(decoding, &type);
	json_t *value;
	bool skip;

	if (!is || !outermost || depth > DEPTH_MAX || !*decoding->left)
		return json_null();
	--*decoding->left;
	field->type = name_of(decoding->btf, (outermost->name_off ? outermost : is)->name_off);
	field->scalar = is_scalar(is) && field->size && field->size <= 8;
	if (field->scalar) {
		field->value = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		memcpy(&field->value, field->bytes, field->size);
#else
		memcpy((char *)&field->value + 8 - field->size, field->bytes, field->size);
#endif
	}
	value = ask(decoding, field, &skip);
	if (value || skip)
		return value;
	return by_kind(decoding, is, field, depth);
}

json_t *decode(const struct btf *btf, uint32_t type, const void *bytes, size_t size,
	       const struct decode_reader *reader)
{
	uint32_t left = VALUES_MAX;
	struct decoding decoding = {btf, reader, &left};
	int64_t whole = btf__resolve_size(btf, type);
	struct decode_field field = {.structure = "",
				     .member = "",
				     .type = "",
				     .element = -1,
				     .bytes = bytes,
				     .size = size};
	json_t *value;

	if (whole >= 0 && (uint64_t)whole < size)
		field.size = (size_t)whole;
	value = decode_type(&decoding, type, &field, 0);
	return value ?: json_null();
}
