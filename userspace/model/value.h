/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Single values: whether a text is what a row of the schema asks for, and the number it stands for.
 * Pure; places and sentences are the caller's.
 */
#ifndef MTLB_MODEL_VALUE_H
#define MTLB_MODEL_VALUE_H

#include "schema.h"
#include "suggest.h"

#define VALUE_NAME_MAX	 63 /* RFC 1123 */
#define VALUE_LABEL_MAX	 255
#define VALUE_PATH_MAX	 1023
#define VALUE_SOCKET_MAX 107 /* sun_path with its NUL */
#define VALUE_HEX_MAX	 8   /* bytes */
#define VALUE_HOST_MAX	 253 /* RFC 1035, as text */
#define VALUE_FIELD_MAX	 1024

/*
 * 0 or -EINVAL. ret_number is set for whatever stands for a number (see enum schema_type).
 * ret_remedy may be set to advice when the value is refused.
 */
int value_parse(const struct schema_row *row, const char *text, uint64_t *ret_number,
		const char **ret_remedy);

/* Bytes of a text that value_parse() took for hexadecimal; returns how many. */
size_t value_read_hex(const char *text, uint8_t ret_bytes[VALUE_HEX_MAX]);

/* What a text that value_parse() took for bytes stands for; returns how many. to: as many as it
 * takes characters.
 */
size_t value_read_bytes(const char *text, char *to);

bool value_is_label_key(const char *text);
bool value_is_field(const char *text);
/* Printable, and neither begins nor ends with a space. */
bool value_is_field_value(const char *text);
bool value_is_parameter(const char *text);
bool value_is_printable(const char *text);

/* Starts near and offers it each choice. */
void value_nearest_choice(const char *choices, const char *written, struct suggest *near);

#endif
