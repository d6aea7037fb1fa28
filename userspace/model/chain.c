// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "chain.h"

#include <string.h>

void chain_digest(const char *line, char ret_digest[DIGEST_TEXT_MAX])
{
	if (*line) {
		digest_text(line, strlen(line), ret_digest);
		return;
	}
	memset(ret_digest, '0', DIGEST_TEXT_MAX - 1);
	ret_digest[DIGEST_TEXT_MAX - 1] = 0;
}
