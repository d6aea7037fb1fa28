/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The audit log: a line of JSON for each change that is asked for over the API, before it is made,
 * and one for how it ended. Each line holds the SHA-256 digest of the line before, so that none can
 * be altered, left out or added later without breaking the chain (B. Schneier and J. Kelsey,
 * "Secure audit logs to support computer forensics", ACM TISSEC 1999, without their encryption);
 * `mtlb node audit verify` follows it. What happens to the last line only shows by a digest that
 * was kept elsewhere.
 *
 * The file is opened for each line and locked meanwhile: several agents may share one, and it may
 * be moved away at any time; the chain then begins anew with the digest that it had.
 */
#ifndef MTLB_AGENT_AUDIT_H
#define MTLB_AGENT_AUDIT_H

#include <jansson.h>

#include "../base/err.h"

#define AUDIT_LINE_MAX 8192 /* bytes; what makes a line longer is cut */

/* Takes the reference; adds "sequence", "at" and "previous". On disk when it returns 0; otherwise a
 * negative errno and a sentence. ret_sequence may be NULL.
 */
int audit_append(const char *path, json_t *record, json_int_t *ret_sequence, struct err *err);

#endif
