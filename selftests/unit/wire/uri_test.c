// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/wire/uri: paths as they are compared, and those that servers disagree on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "userspace/wire/uri.h"

/* In memory of just that size. Returns what it becomes, or the name of the error. */
static const char *path_of(const char *path, char result[256])
{
	size_t length = strlen(path);
	char *copy = malloc(length + !length), *buffer = malloc(length + !length);
	struct h1_text text = {copy, length}, found;
	int error;

	assert_non_null(copy);
	assert_non_null(buffer);
	memcpy(copy, path, length);
	error = uri_path(text, buffer, length, &found);
	if (!error) {
		assert_true(found.at == copy || found.at == buffer);
		assert_true(found.length < 256);
		memcpy(result, found.at, found.length);
		result[found.length] = 0;
	}
	free(copy);
	free(buffer);
	return error ? uri_error_name(error) : result;
}

static void normalises(void **state)
{
	static const struct {
		const char *path, *expected;
	} rows[] = {
		{"/", "/"},
		{"*", "*"},
		{"/a/b", "/a/b"},
		{"/a/b/", "/a/b/"},
		{"/a//b", "/a//b"},
		{"//", "//"},
		{"/A/b", "/A/b"},
		/* what need not be encoded */
		{"/%61%5A%30%2d%2E%5f%7e", "/aZ0-._~"},
		{"/%7Euser", "/~user"},
		/* what must, or may */
		{"/a%2fb", "/a%2Fb"},
		{"/a%5cb", "/a%5Cb"},
		{"/a%25b", "/a%25b"},
		{"/%252e%252e", "/%252e%252e"},
		{"/a%20b%3f%23", "/a%20b%3F%23"},
		{"/%c3%a9", "/%C3%A9"},
		{"/a+b;c=d,e", "/a+b;c=d,e"},
		{"/%0d%0a", "/%0D%0A"},
		/* dot segments, RFC 3986, 5.2.4 */
		{"/.", "/"},
		{"/./", "/"},
		{"/a/.", "/a/"},
		{"/a/./b", "/a/b"},
		{"/a/..", "/"},
		{"/a/../", "/"},
		{"/a/b/../c", "/a/c"},
		{"/a/b/..", "/a/"},
		{"/a/b/c/./../../g", "/a/g"},
		{"/a/%2e%2E/b", "/b"},
		{"/a/.%2e/b", "/b"},
		/* segments that only look like them */
		{"/...", "/..."},
		{"/.a/..b/c..", "/.a/..b/c.."},
		{"/a./b", "/a./b"},
		{"/a;..", "/a;.."},
		{"/a%2Fb..%2F.c", "/a%2Fb..%2F.c"},
	};
	char result[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(path_of(rows[i].path, result), rows[i].expected);
}

static void refuses(void **state)
{
	static const struct {
		const char *path, *error;
	} rows[] = {
		{"", "bad_path"},
		{"a", "bad_path"},
		{"**", "bad_path"},
		{"http://a.example/", "bad_path"},
		{"/a b", "bad_path"},
		{"/a?b", "bad_path"},
		{"/a#b", "bad_path"},
		{"/a\\b", "bad_path"},
		{"/\x01", "bad_path"},
		{"/\xc3\xa9", "bad_path"},
		{"/%", "bad_percent"},
		{"/%4", "bad_percent"},
		{"/%4/1", "bad_percent"},
		{"/%zz", "bad_percent"},
		{"/%%341", "bad_percent"},
		{"/%u002e", "bad_percent"},
		{"/a%00", "nul"},
		{"/%00/../a", "nul"},
		{"/..", "above_root"},
		{"/../a", "above_root"},
		{"/./..", "above_root"},
		{"/a/../../b", "above_root"},
		{"/%2e%2e/", "above_root"},
		/* an encoded slash, or a backslash, that a server decodes */
		{"/a/..%2fb", "hidden_dots"},
		{"/a/..%5Cb", "hidden_dots"},
		{"/a%2f..%2fb", "hidden_dots"},
		{"/a%2f%2e%2e", "hidden_dots"},
		{"/a%2F.", "hidden_dots"},
		{"/a/.%2F", "hidden_dots"},
		/* a parameter that one takes away first */
		{"/a/..;/b", "hidden_dots"},
		{"/a/..;x=y/b", "hidden_dots"},
		{"/a/.;/b", "hidden_dots"},
		{"/a/%2e%2e%3bx", "hidden_dots"},
		/* slashes that one merges first */
		{"/a//../b", "hidden_dots"},
		{"//..", "hidden_dots"},
	};
	char result[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(path_of(rows[i].path, result), rows[i].error);
}

static void needs_no_room_for_what_stays(void **state)
{
	struct h1_text plain = {"/a.b/c", 6}, other = {"/%61", 4}, found;
	char buffer[4];

	(void)state;
	assert_int_equal(uri_path(plain, NULL, 0, &found), 0);
	assert_ptr_equal(found.at, plain.at);
	assert_int_equal(uri_path(other, buffer, 3, &found), -ENOBUFS);
	assert_int_equal(uri_path(other, buffer, 4, &found), 0);
	assert_int_equal(found.length, 2);
	assert_null(uri_error_name(-ENOBUFS));
	assert_non_null(uri_error_sentence(-URI_ERROR_nul));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(normalises),
		cmocka_unit_test(refuses),
		cmocka_unit_test(needs_no_room_for_what_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
