// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* userspace/wire/hello: what OpenSSL says first, in any pieces, and what nobody may say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/wire/hello.h"

struct bytes {
	uint8_t at[HELLO_BYTES_MAX * 2];
	size_t length;
};

static void put(struct bytes *bytes, uint32_t number, unsigned width)
{
	while (width--)
		bytes->at[bytes->length++] = (uint8_t)(number >> width * 8);
}

static void put_bytes(struct bytes *bytes, const void *at, size_t length)
{
	assert_true(bytes->length + length <= sizeof(bytes->at));
	memcpy(bytes->at + bytes->length, at, length);
	bytes->length += length;
}

/* What a real client sends. */
static void say_hello(const char *name, const char *alpn, size_t alpn_length, struct bytes *ret)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	SSL *ssl = SSL_new(context);
	int length;

	assert_non_null(ssl);
	SSL_set_bio(ssl, in, out);
	if (name)
		assert_int_equal(SSL_set_tlsext_host_name(ssl, name), 1);
	if (alpn)
		assert_int_equal(
			SSL_set_alpn_protos(ssl, (const uint8_t *)alpn, (unsigned)alpn_length), 0);
	SSL_connect(ssl);
	length = BIO_read(out, ret->at, sizeof(ret->at));
	assert_true(length > 0);
	ret->length = (size_t)length;
	SSL_free(ssl);
	SSL_CTX_free(context);
}

/* At once, then byte by byte in memory of just that size; both must say the same. */
static int parse(const struct bytes *bytes, struct hello *ret)
{
	struct hello_scan at_once = {0}, scan = {0};
	int error = hello_parse(bytes->at, bytes->length, &at_once, ret), early = -EAGAIN;

	for (size_t cut = 0; cut <= bytes->length && early == -EAGAIN; cut++) {
		uint8_t *copy = malloc(cut + !cut);

		assert_non_null(copy);
		memcpy(copy, bytes->at, cut);
		early = hello_parse(copy, cut, &scan, ret);
		free(copy);
	}
	assert_int_equal(early, error);
	return error;
}

/* The same message in records of so many bytes. */
static void fragment(const struct bytes *from, size_t size, struct bytes *ret)
{
	size_t at = 5;

	ret->length = 0;
	while (at < from->length) {
		size_t now = from->length - at < size ? from->length - at : size;

		put_bytes(ret, from->at, 3);
		put(ret, (uint32_t)now, 2);
		put_bytes(ret, from->at + at, now);
		at += now;
	}
}

static void reads_what_openssl_says(void **state)
{
	static struct bytes bytes;
	struct hello hello;

	(void)state;
	say_hello("API.acme.example", "\2h2\10http/1.1", 12, &bytes);
	assert_int_equal(parse(&bytes, &hello), 0);
	assert_string_equal(hello.name, "API.acme.example");
	assert_int_equal(hello.name_length, strlen("API.acme.example"));
	assert_int_equal(hello.length, bytes.length);
	assert_int_equal(hello.protocols, HELLO_H2 | HELLO_HTTP1);
	say_hello(NULL, NULL, 0, &bytes);
	assert_int_equal(parse(&bytes, &hello), 0);
	assert_int_equal(hello.name_length, 0);
	assert_false(hello.has_alpn);
	say_hello("a.example", "\12acme-tls/1", 11, &bytes);
	assert_int_equal(parse(&bytes, &hello), 0);
	assert_int_equal(hello.protocols, HELLO_OTHER);
}

static void reads_fragments(void **state)
{
	static struct bytes whole, pieces;
	struct hello hello;

	(void)state;
	say_hello("a.long.name.of.some.host.acme.example", "\2h2", 3, &whole);
	for (size_t size = whole.length / HELLO_RECORDS_MAX + 1; size < whole.length; size++) {
		fragment(&whole, size, &pieces);
		assert_int_equal(parse(&pieces, &hello), 0);
		assert_string_equal(hello.name, "a.long.name.of.some.host.acme.example");
		assert_int_equal(hello.protocols, HELLO_H2);
		assert_int_equal(hello.length, pieces.length);
	}
	fragment(&whole, 1, &pieces);
	assert_int_equal(parse(&pieces, &hello), -HELLO_ERROR_long_hello);
	fragment(&whole, 100, &pieces);
	put_bytes(&pieces, "\x14\3\3\0\1\1", 6); /* what follows in its own record is not ours */
	assert_int_equal(parse(&pieces, &hello), 0);
	assert_int_equal(hello.length, pieces.length - 6);
}

/* A ClientHello with these extensions; sizes are put in. */
static void make_hello(const void *extensions, size_t length, struct bytes *ret)
{
	size_t size = 2 + 32 + 1 + 2 + 2 + 1 + 1 + 2 + length;

	ret->length = 0;
	put_bytes(ret, "\x16\3\1", 3);
	put(ret, (uint32_t)size + 4, 2);
	put(ret, 1, 1);
	put(ret, (uint32_t)size, 3);
	put(ret, 0x0303, 2);
	put_bytes(ret, "01234567890123456789012345678901", 32);
	put_bytes(ret, "\0\0\2\x13\1\1\0", 7);
	put(ret, (uint32_t)length, 2);
	put_bytes(ret, extensions, length);
}

static int parse_extensions(const void *extensions, size_t length, struct hello *ret)
{
	static struct bytes bytes;

	make_hello(extensions, length, &bytes);
	return parse(&bytes, ret);
}

static int parse_name(const char *name, size_t length)
{
	static struct bytes extension;
	struct hello hello;

	extension.length = 0;
	put(&extension, 0, 2);
	put(&extension, (uint32_t)length + 5, 2);
	put(&extension, (uint32_t)length + 3, 2);
	put(&extension, 0, 1);
	put(&extension, (uint32_t)length, 2);
	put_bytes(&extension, name, length);
	return parse_extensions(extension.at, extension.length, &hello);
}

static void refuses_names(void **state)
{
	static const char *const good[] = {"a", "a.example", "_dmarc.a.example",
					   "xn--bcher-kva.example", "1.2.3"};
	static const char *const bad[] = {
		"",	      ".",     "a.",	".a",	       "a..b",	    "a b",
		"a/b",	      "a:443", "[::1]", "2001:db8::1", "192.0.2.1", "\xc3\xa9.example",
		"*.a.example"};
	char longest[HELLO_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(parse_name(good[i], strlen(good[i])), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_name(bad[i], strlen(bad[i])), -HELLO_ERROR_bad_name);
	assert_int_equal(parse_name("a\0b", 3), -HELLO_ERROR_bad_name);
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(parse_name(longest, HELLO_NAME_MAX), 0);
	assert_int_equal(parse_name(longest, HELLO_NAME_MAX + 1), -HELLO_ERROR_bad_name);
}

#define EXTENSIONS(bytes) (bytes), sizeof(bytes) - 1

static void refuses_extensions(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		int error;
	} rows[] = {
		{EXTENSIONS(""), 0},
		{EXTENSIONS("\x0a\x0a\0\0\xfe\x0d\0\3abc"), 0}, /* GREASE, ECH */
		{EXTENSIONS("\0\x23\0\0\0\x23\0\0"), HELLO_ERROR_twice},
		{EXTENSIONS("\0\0\0\6\0\4\0\0\1a\0\0\0\6\0\4\0\0\1a"), HELLO_ERROR_twice},
		{EXTENSIONS("\0\0\0\6\0\4\0\0\1a"), 0},
		{EXTENSIONS("\0\0\0\x0a\0\x08\0\0\1a\0\0\1b"),
		 HELLO_ERROR_bad_name},					   /* two of them */
		{EXTENSIONS("\0\0\0\6\0\4\1\0\1a"), HELLO_ERROR_bad_name}, /* another type */
		{EXTENSIONS("\0\0\0\0"), HELLO_ERROR_bad_length},
		{EXTENSIONS("\0\0\0\2\0\0"), HELLO_ERROR_bad_length},
		{EXTENSIONS("\0\0\0\6\0\5\0\0\1a"), HELLO_ERROR_bad_length},
		{EXTENSIONS("\0\0\0\6\0\4\0\0\2a"), HELLO_ERROR_bad_length},
		{EXTENSIONS("\0\0\0\7\0\4\0\0\1a"), HELLO_ERROR_bad_length},
		{EXTENSIONS("\0\x10\0\5\0\3\2h2"), 0},
		{EXTENSIONS("\0\x10\0\2\0\0"), HELLO_ERROR_bad_alpn},
		{EXTENSIONS("\0\x10\0\3\0\1\0"), HELLO_ERROR_bad_alpn},
		{EXTENSIONS("\0\x10\0\5\0\3\3h2"), HELLO_ERROR_bad_length},
		{EXTENSIONS("\0\x29\0\0"), 0},
		{EXTENSIONS("\0\x29\0\0\0\x23\0\0"), HELLO_ERROR_not_last},
		{EXTENSIONS("\0\x23"), HELLO_ERROR_bad_length},
	};
	static struct bytes many;
	struct hello hello;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(parse_extensions(rows[i].bytes, rows[i].length, &hello),
				 -rows[i].error);
	many.length = 0;
	for (uint32_t i = 0; i < HELLO_EXTENSIONS_MAX; i++)
		put(&many, (1000 + i) << 16, 4);
	assert_int_equal(parse_extensions(many.at, many.length, &hello), 0);
	put(&many, 2000u << 16, 4);
	assert_int_equal(parse_extensions(many.at, many.length, &hello),
			 -HELLO_ERROR_many_extensions);
}

/* One byte of a good one is another. */
static int parse_changed(size_t at, uint8_t byte)
{
	static struct bytes bytes;
	struct hello hello;

	make_hello("\0\x23\0\0", 4, &bytes);
	bytes.at[at] = byte;
	return parse(&bytes, &hello);
}

static void refuses_garbage(void **state)
{
	static struct bytes bytes;
	struct hello hello;

	(void)state;
	assert_int_equal(parse_changed(0, 22), 0);
	assert_int_equal(parse_changed(0, 'G'), -HELLO_ERROR_no_tls);
	assert_int_equal(parse_changed(0, 21), -HELLO_ERROR_no_tls);
	assert_int_equal(parse_changed(1, 2), -HELLO_ERROR_no_tls);
	assert_int_equal(parse_changed(3, 0x41), -HELLO_ERROR_bad_record);
	assert_int_equal(parse_changed(4, 0), -HELLO_ERROR_bad_record);
	assert_int_equal(parse_changed(5, 2), -HELLO_ERROR_no_hello);
	assert_int_equal(parse_changed(6, 1), -HELLO_ERROR_long_hello);
	assert_int_equal(parse_changed(8, 3), -HELLO_ERROR_trailing);
	assert_int_equal(parse_changed(9, 2), -HELLO_ERROR_version);
	assert_int_equal(parse_changed(10, 0), -HELLO_ERROR_version);
	assert_int_equal(parse_changed(43, 33), -HELLO_ERROR_bad_length);
	assert_int_equal(parse_changed(45, 1), -HELLO_ERROR_bad_suites);
	assert_int_equal(parse_changed(45, 0), -HELLO_ERROR_bad_suites);
	assert_int_equal(parse_changed(48, 0), -HELLO_ERROR_bad_compression);
	assert_int_equal(parse_changed(49, 1), -HELLO_ERROR_bad_compression);
	assert_int_equal(parse_changed(51, 5), -HELLO_ERROR_bad_length);
	memset(bytes.at, 22, sizeof(bytes.at));
	bytes.length = 3;
	assert_int_equal(parse(&bytes, &hello), -HELLO_ERROR_no_tls);
	assert_int_equal(hello_error_alert(-HELLO_ERROR_version), 70);
	assert_string_equal(hello_error_name(-HELLO_ERROR_twice), "twice");
	assert_null(hello_error_sentence(-EAGAIN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_openssl_says), cmocka_unit_test(reads_fragments),
		cmocka_unit_test(refuses_names),	   cmocka_unit_test(refuses_extensions),
		cmocka_unit_test(refuses_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
