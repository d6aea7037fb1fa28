/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Parameters in the query of a target: NAME=VALUE parted by &, each percent-encoded where its
 * sender likes (RFC 3986, 2.1). A plus is a plus: that it stands for a space is a matter of forms.
 * Pure.
 */
#ifndef MTLB_MODEL_L7_QUERY_H
#define MTLB_MODEL_L7_QUERY_H

#include <stdbool.h>
#include <stddef.h>

struct query_text {
	const char *at;
	size_t length;
};

/* Whether the parameter is there once, with just this value; both are given decoded. What is there
 * twice has no value that all would agree on. query.at may be NULL. */
bool query_has(struct query_text query, struct query_text name, struct query_text value);

#endif
