/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The chain of an audit log: what each line says of the line before it. Of a log's first line that
 * is the digest of nothing, or of the last line of the log that was before it.
 */
#ifndef MTLB_MODEL_CHAIN_H
#define MTLB_MODEL_CHAIN_H

#include "digest.h"

/* line: without its newline; empty: there is none. */
void chain_digest(const char *line, char ret_digest[DIGEST_TEXT_MAX]);

#endif
