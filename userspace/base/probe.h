/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The vocabulary of health probes, which the configuration, the agent and the prober share: the
 * kinds, and what exactly is asked and wanted as an answer.
 */
#ifndef MTLB_BASE_PROBE_H
#define MTLB_BASE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

enum probe_kind {
	PROBE_NONE, /* backends are taken to be up */
#define PROBE_KIND(divider, word, ID) PROBE_##ID,
#include "probe.def"
	PROBE_KINDS
};

enum probe_text {
#define PROBE_TEXT(ID, key) PROBE_TEXT_##ID,
#include "probe.def"
	PROBE_TEXTS
};

#define PROBE_TEXT_MAX 8192 /* bytes of one of them */

/* All zero for the kinds that have nothing to set. A text that is not given has length 0. */
struct probe_question {
	uint16_t status_first, status_last; /* of HTTP: what is wanted */
	bool head;			    /* HEAD instead of GET */
	uint16_t length[PROBE_TEXTS];
	const char *text[PROBE_TEXTS]; /* may hold any byte, NUL too */
};

const char *probe_kind_name(enum probe_kind kind);
const char *probe_text_key(enum probe_text text);

/* In one block, for free(); each text ends with a NUL of its own. NULL: no memory. */
struct probe_question *probe_copy_question(const struct probe_question *from);
bool probe_same_question(const struct probe_question *a, const struct probe_question *b);

#endif
