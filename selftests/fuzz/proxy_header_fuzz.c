// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Headers of the PROXY protocol: with fewer bytes the answer is the same, or not known yet; what
 * was read and is written again is read as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/wire/proxy_header.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* In memory of just that size. */
static int parse(const uint8_t *input, size_t size, size_t *ret_length)
{
	char *copy = malloc(size + !size);
	struct proxy_header header;
	int error;

	REQUIRE(copy);
	if (size)
		memcpy(copy, input, size);
	error = proxy_header_parse(copy, size, &header, ret_length);
	REQUIRE(!error || error == -EAGAIN || proxy_header_error_name(error));
	free(copy);
	return error;
}

static void check_written(const struct proxy_header *header)
{
	char buffer[2 * PROXY_HEADER_MAX];
	struct proxy_header again;
	size_t length;
	int written = proxy_header_write(header, buffer, sizeof(buffer));

	REQUIRE(written > 0 || written == -ENOSPC);
	if (written < 0)
		return;
	REQUIRE(!proxy_header_parse(buffer, (size_t)written, &again, &length));
	REQUIRE(length == (size_t)written && again.version == header->version);
	REQUIRE(again.transport == header->transport);
	REQUIRE(again.local == header->local && again.source_port == header->source_port);
	REQUIRE(again.destination_port == header->destination_port);
	REQUIRE(!addr_compare(&again.source, &header->source));
	REQUIRE(!addr_compare(&again.destination, &header->destination));
	REQUIRE(again.authority.length == header->authority.length);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct proxy_header header;
	size_t length = 0, shorter = 0;
	int error = parse(input, size, &length), early;

	for (size_t cut = 0; cut < size && cut < 300; cut++) {
		early = parse(input, cut, &shorter);
		REQUIRE(early == -EAGAIN || early == error);
		REQUIRE(early || shorter == length);
	}
	if (error)
		return 0;
	REQUIRE(length && length <= size && length <= PROXY_HEADER_MAX);
	REQUIRE(!proxy_header_parse((const char *)input, size, &header, &length));
	check_written(&header);
	return 0;
}
