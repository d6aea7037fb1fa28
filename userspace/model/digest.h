/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* SHA-256 (FIPS 180-4) as hexadecimal text, by OpenSSL. */
#ifndef MTLB_MODEL_DIGEST_H
#define MTLB_MODEL_DIGEST_H

#include <stddef.h>

#define DIGEST_TEXT_MAX 65 /* 64 digits and the NUL */

void digest_text(const void *data, size_t length, char ret_text[DIGEST_TEXT_MAX]);

#endif
