// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Any Accept field is read to its end and no further. An offer that is chosen is one of those there
 * are; a field that takes everything as well leaves none unserved, unless it refuses them by name.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/wire/accept.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static const struct accept_offer offers[] = {
	{"text/plain", "0.0.4"},
	{"application/openmetrics-text", "1.0.0"},
	{"application/openmetrics-text", "0.0.1"},
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *field = malloc(length + sizeof("*/*,"));
	int chosen, alone;

	if (!field)
		return 0;
	memcpy(field, bytes, length);
	field[length] = 0;
	chosen = accept_choose(field, offers, 3);
	REQUIRE(chosen >= -1 && chosen < 3);
	for (int i = 0; i < 3; i++) {
		alone = accept_choose(field, &offers[i], 1);
		REQUIRE(alone == 0 || alone == -1);
		/* what is chosen of several is acceptable, and nothing is if none is */
		REQUIRE(i == chosen ? alone == 0 : chosen >= 0 || alone == -1);
	}
	memmove(field + 4, field, length + 1);
	memcpy(field, "*/*,", 4);
	REQUIRE(accept_choose(field, offers, 3) >= 0 || memchr(field, '0', length + 4));
	free(field);
	return 0;
}
