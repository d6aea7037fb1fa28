/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The verbs that change the configuration over the API, one object at a time. noun->object is the
 * path: each "{}" in it stands for a word that was typed, and TENANT/NAME is two of them.
 */
#ifndef MTLB_TOOLS_OBJECT_H
#define MTLB_TOOLS_OBJECT_H

#include "noun.h"

int object_get(const struct call *call);
int object_add(const struct call *call);
int object_set(const struct call *call);
int object_del(const struct call *call);
int object_adopt(const struct call *call);
int object_release(const struct call *call);
int object_drain(const struct call *call);
int object_undrain(const struct call *call);

#endif
