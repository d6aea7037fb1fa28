// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the kernel says of a veth's driver, in a namespace of the test's own. Needs root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

#include "userspace/sys/device.h"

/* Linux tells since 6.3. */
static bool kernel_tells(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	uname(&name);
	sscanf(name.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 3);
}

static void test_veth(void **state)
{
	uint64_t features = 0;
	int error;

	(void)state;
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link add near type veth peer name far"), 0);
	error = device_xdp_features(if_nametoindex("near"), &features);
	if (!kernel_tells()) {
		assert_int_equal(error, -EOPNOTSUPP);
		return;
	}
	assert_int_equal(error, 0);
	assert_true(features & DEVICE_XDP_BASIC);
	assert_true(features & DEVICE_XDP_PIECES);
	assert_int_equal(device_xdp_features(12345, &features), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_veth),
	};

	return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
