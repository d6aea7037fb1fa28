/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the numbers in this project's maps mean, as the reader that decode.h asks: tenants, services
 * and members by their names, reasons, states and flags by theirs, times as times. The hash secret
 * is never shown.
 */
#ifndef MTLB_INSPECT_MEANING_H
#define MTLB_INSPECT_MEANING_H

#include "decode.h"
#include "view.h"

/* view: whose names are used; NULL: numbers stay numbers where they would be names. */
struct decode_reader meaning_reader(const struct view *view);

/* What the map is for; "" of one that is not known. */
const char *meaning_of_map(const char *map);

/* The struct that the records of that ring buffer are; NULL: nobody knows. */
const char *meaning_record_of(const char *map);

/* The index of an array, and what it stands for: {"index": 3, "cpu": 0, "tenant": "acme"}. */
json_t *meaning_of_index(const struct view *view, const char *map, uint32_t index);

/* The kinds of an index. */
enum meaning_key {
	MEANING_KEY_NUMBER,
	MEANING_KEY_ONE,
	MEANING_KEY_TENANT,
	MEANING_KEY_SERVICE,
	MEANING_KEY_MEMBER,
	MEANING_KEY_CPU,
	MEANING_KEY_CPU_TENANT,
	MEANING_KEY_CPU_MEMBER,
	MEANING_KEY_CPU_TENANT_REASON,
	MEANING_KEY_BUCKET,
	MEANING_KEY_POSITION,
};

enum meaning_key meaning_key_of(const char *map);

/* -1: there is none of that name. */
int meaning_find_reason(const char *name);
const char *meaning_reason_name(uint32_t reason);
/* What it is, in a sentence; and "drop", "pass", "tx", "redirect" or "go". */
const char *meaning_reason_sentence(uint32_t reason);
const char *meaning_reason_verdict(uint32_t reason);

/* "?" of a number that has none. */
const char *meaning_member_state(uint32_t state);
const char *meaning_protocol(uint32_t protocol);

#endif
