// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/wire/grpc_health: the two messages, byte by byte, and whatever else a server may send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "userspace/wire/grpc_health.h"

static void writes(void **state)
{
	uint8_t request[GRPC_HEALTH_REQUEST_MAX];
	char longest[GRPC_HEALTH_SERVICE_MAX];

	(void)state;
	assert_int_equal(grpc_health_write("", 0, request), 5);
	assert_memory_equal(request, "\0\0\0\0\0", 5);
	assert_int_equal(grpc_health_write("a.B", 3, request), 10);
	assert_memory_equal(request, "\0\0\0\0\5\x0a\3a.B", 10);
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(grpc_health_write(longest, sizeof(longest), request), 5 + 3 + 255);
	assert_memory_equal(request, "\0\0\0\1\2\x0a\xff\1xxx", 11);
}

#define READ(bytes) grpc_health_read((const uint8_t *)(bytes), sizeof(bytes) - 1, &status)

static void reads(void **state)
{
	const char *status = "";

	(void)state;
	assert_int_equal(READ("\0\0\0\0\2\x08\1"), 0);
	assert_string_equal(status, "SERVING");
	assert_int_equal(READ("\0\0\0\0\2\x08\2"), 0);
	assert_string_equal(status, "NOT_SERVING");
	assert_int_equal(READ("\0\0\0\0\0"), 0); /* the default of a field is not sent */
	assert_string_equal(status, "UNKNOWN");
	/* fields of a later version, of each wire type, before it and after it */
	assert_int_equal(READ("\0\0\0\0\x1a\x10\xff\1\x19"
			      "12345678\x22\3abc\x2d"
			      "1234\x08\3\x30\0"),
			 0);
	assert_string_equal(status, "SERVICE_UNKNOWN");
}

static void refuses(void **state)
{
	const char *status = "";

	(void)state;
	assert_int_equal(READ(""), -EBADMSG);
	assert_int_equal(READ("\0\0\0\0"), -EBADMSG);
	assert_int_equal(READ("\1\0\0\0\2\x08\1"), -EBADMSG); /* compressed */
	assert_int_equal(READ("\0\0\0\0\3\x08\1"), -EBADMSG); /* cut off */
	assert_int_equal(READ("\0\0\0\0\1\x08\1"), -EBADMSG); /* two messages */
	assert_int_equal(READ("\0\1\0\0\2\x08\1"), -EBADMSG);
	assert_int_equal(READ("\0\0\0\0\2\x08\4"), -EBADMSG); /* no status that there is */
	assert_int_equal(READ("\0\0\0\0\1\x08"), -EBADMSG);
	assert_int_equal(READ("\0\0\0\0\2\x0a\5"), -EBADMSG); /* longer than what is left */
	assert_int_equal(READ("\0\0\0\0\1\x0b"), -EBADMSG);   /* a group */
	assert_int_equal(READ("\0\0\0\0\x0c\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"),
			 -EBADMSG);
}

static void names_codes(void **state)
{
	(void)state;
	assert_string_equal(grpc_health_code_name(0), "OK");
	assert_string_equal(grpc_health_code_name(5), "NOT_FOUND");
	assert_string_equal(grpc_health_code_name(16), "UNAUTHENTICATED");
	assert_string_equal(grpc_health_code_name(17), "a code that is not known");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes),
		cmocka_unit_test(reads),
		cmocka_unit_test(refuses),
		cmocka_unit_test(names_codes),
	};

	return cmocka_run_group_tests_name("grpc_health", tests, NULL, NULL);
}
