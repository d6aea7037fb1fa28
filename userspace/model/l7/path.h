/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Paths that a configuration names: they must be written as requests' paths are compared, which is
 * as wire/uri.h leaves them (a unit test holds the two against each other), or nothing would ever
 * match them. Pure.
 */
#ifndef MTLB_MODEL_L7_PATH_H
#define MTLB_MODEL_L7_PATH_H

/* NULL: it is as it should be; else what is wrong, as in "PATH ...", and what to write instead. */
const char *path_check(const char *path);

#endif
