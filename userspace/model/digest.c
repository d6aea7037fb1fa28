// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "digest.h"

#include <openssl/sha.h>
#include <stdio.h>

void digest_text(const void *data, size_t length, char ret_text[DIGEST_TEXT_MAX])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256(data, length, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(ret_text + 2 * i, 3, "%02x", digest[i]);
}
