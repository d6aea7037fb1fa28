/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which of several forms of an answer a client wants: the Accept field of RFC 9110, 12.5.1. Pure.
 */
#ifndef MTLB_WIRE_ACCEPT_H
#define MTLB_WIRE_ACCEPT_H

#include <stddef.h>

/* A form that is offered: "text/plain", and what "version" would have to be. */
struct accept_offer {
	const char *type, *version;
};

/*
 * The offer that the field weighs most, the first one of several; each weighs what the most precise
 * range says that it is of. A range that names no version is of any; its other parameters are not
 * looked at, and what is no media range is of nothing. NULL: no such field, which is content with
 * the first one. -1: none of them is acceptable.
 */
int accept_choose(const char *field, const struct accept_offer *offers, size_t count);

#endif
