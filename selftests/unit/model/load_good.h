/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A configuration that a test knows to be good, from its text: any error in it fails the test. */
#ifndef MTLB_SELFTESTS_LOAD_GOOD_H
#define MTLB_SELFTESTS_LOAD_GOOD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "userspace/model/load.h"

static inline void load_good(const char *text, struct config *ret_config)
{
	struct load load = {};
	struct load_secret secret;

	assert_int_equal(load_text(&load, "t", text, strlen(text)), 0);
	assert_int_equal(load_check(&load, "t", ret_config, &secret), 0);
	if (load.errors.count)
		print_message("%s\n", load.errors.list[0].text);
	assert_int_equal(load.errors.count, 0);
	load_fini(&load);
}

#endif
