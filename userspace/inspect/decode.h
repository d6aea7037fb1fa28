/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bytes of a type that BTF describes, as JSON: structs and unions become objects, arrays lists or
 * texts, the rest numbers and names. It knows nothing of what this project's numbers mean: whoever
 * does gives a reader. Pure, and never looks beyond the bytes that it was given.
 */
#ifndef MTLB_INSPECT_DECODE_H
#define MTLB_INSPECT_DECODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct btf;

/* What is being decoded: a member of a struct, an element of one, or a value by itself. */
struct decode_field {
	const char *structure; /* whose member it is; "": nobody's */
	const char *member;    /* "": none */
	const char *type;      /* name of its type before typedefs are seen through; "": none */
	int element;	       /* of a member that is an array; -1: the whole of it */
	const void *bytes;
	size_t size;
	bool scalar;	/* then */
	uint64_t value; /* is what it is as a number */
};

struct decode_reader {
	/*
	 * The value, if it knows better; NULL: it does not. *ret_skip: the member is not worth a
	 * word.
	 */
	json_t *(*read)(void *context, const struct decode_field *field, bool *ret_skip);
	void *context;
};

/*
 * size: bytes there are; a type that is larger is cut, and what is missing is null. reader may be
 * NULL. Of types that make more of the bytes than a quarter of a million values the rest is left
 * out. A number that JSON's 63 bits do not hold becomes a text like "0xffffffffffffffff". NULL:
 * there is no memory.
 */
json_t *decode(const struct btf *btf, uint32_t type, const void *bytes, size_t size,
	       const struct decode_reader *reader);

/* The same of bytes of no known type: "0a 0b 0c". */
json_t *decode_hex(const void *bytes, size_t size);

#endif
