/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the tests of mtlb-top share. */
#ifndef MTLB_TEST_TOP_H
#define MTLB_TEST_TOP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
