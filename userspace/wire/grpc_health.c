// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "grpc_health.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define PREFIX 5

enum wire_type {
	VARINT = 0,
	FIXED64 = 1,
	BYTES = 2,
	FIXED32 = 5,
};

size_t grpc_health_write(const char *service, size_t length,
			 uint8_t ret_request[GRPC_HEALTH_REQUEST_MAX])
{
	uint8_t *at = ret_request + PREFIX;

	if (length > GRPC_HEALTH_SERVICE_MAX)
		length = GRPC_HEALTH_SERVICE_MAX;
	if (length) {
		*at++ = 1 << 3 | BYTES;
		if (length >= 0x80)
			*at++ = (uint8_t)(length | 0x80);
		*at++ = (uint8_t)(length >= 0x80 ? length >> 7 : length);
		memcpy(at, service, length);
		at += length;
	}
	length = (size_t)(at - ret_request) - PREFIX;
	memset(ret_request, 0, PREFIX); /* not compressed */
	ret_request[3] = (uint8_t)(length >> 8);
	ret_request[4] = (uint8_t)length;
	return PREFIX + length;
}

struct reader {
	const uint8_t *at, *end;
};

static bool take_varint(struct reader *reader, uint64_t *ret_number)
{
	uint64_t number = 0;

	for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
		uint8_t byte = *reader->at++;

		number |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret_number = number;
			return true;
		}
	}
	return false;
}

static bool skip(struct reader *reader, uint64_t length)
{
	if (length > (uint64_t)(reader->end - reader->at))
		return false;
	reader->at += length;
	return true;
}

static bool skip_field(struct reader *reader, unsigned type)
{
	uint64_t number;

	switch (type) {
	case VARINT:
		return take_varint(reader, &number);
	case FIXED64:
		return skip(reader, 8);
	case BYTES:
		return take_varint(reader, &number) && skip(reader, number);
	case FIXED32:
		return skip(reader, 4);
	default:
		return false;
	}
}

int grpc_health_read(const uint8_t *answer, size_t length, const char **ret_status)
{
	static const char *const names[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
	struct reader reader = {.at = answer + PREFIX, .end = answer + length};
	uint64_t status = 0, key; /* a field that is not there is 0 */

	if (length < PREFIX || answer[0] != 0 || answer[1] || answer[2] ||
	    ((size_t)answer[3] << 8 | answer[4]) != length - PREFIX)
		return -EBADMSG;
	while (reader.at < reader.end) {
		if (!take_varint(&reader, &key))
			return -EBADMSG;
		if (key == (1 << 3 | VARINT)) {
			if (!take_varint(&reader, &status))
				return -EBADMSG;
		} else if (!skip_field(&reader, (unsigned)(key & 7))) {
			return -EBADMSG;
		}
	}
	if (status >= sizeof(names) / sizeof(names[0]))
		return -EBADMSG;
	*ret_status = names[status];
	return 0;
}

const char *grpc_health_code_name(unsigned code)
{
	static const char *const names[] = {
		"OK",
		"CANCELLED",
		"UNKNOWN",
		"INVALID_ARGUMENT",
		"DEADLINE_EXCEEDED",
		"NOT_FOUND",
		"ALREADY_EXISTS",
		"PERMISSION_DENIED",
		"RESOURCE_EXHAUSTED",
		"FAILED_PRECONDITION",
		"ABORTED",
		"OUT_OF_RANGE",
		"UNIMPLEMENTED",
		"INTERNAL",
		"UNAVAILABLE",
		"DATA_LOSS",
		"UNAUTHENTICATED",
	};

	return code < sizeof(names) / sizeof(names[0]) ? names[code] : "a code that is not known";
}
