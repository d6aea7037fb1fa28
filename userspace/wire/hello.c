// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "hello.h"

#include <arpa/inet.h>
#include <string.h>

#include "h1_scan.h"

#define RECORD_HEAD  5 /* type, version, length */
#define RECORD_MAX   16384
#define MESSAGE_HEAD 4 /* type, length */
#define TLS_1_0	     0x0301

enum {
	RECORD_HANDSHAKE = 22,
	MESSAGE_CLIENT_HELLO = 1,
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_ALPN = 16,
	EXTENSION_PRE_SHARED_KEY = 41,
};

static const struct {
	uint8_t alert;
	const char *name, *sentence;
} errors[] = {
#define HELLO_ERROR(name, alert, sentence) {alert, #name, sentence},
#include "hello_errors.def"
#undef HELLO_ERROR
};

static int error_row(int error)
{
	if (error >= -HELLO_ERROR_BASE || error <= -HELLO_ERROR_END)
		return -1;
	return -error - HELLO_ERROR_BASE - 1;
}

const char *hello_error_name(int error)
{
	return error_row(error) < 0 ? NULL : errors[error_row(error)].name;
}

const char *hello_error_sentence(int error)
{
	return error_row(error) < 0 ? NULL : errors[error_row(error)].sentence;
}

uint8_t hello_error_alert(int error)
{
	return error_row(error) < 0 ? 0 : errors[error_row(error)].alert;
}

/* The bytes of the message, one record's after another's. */
struct reader {
	const uint8_t *at, *record_end;
	uint32_t left; /* of what is read now: the message, or a part of it */
	bool short_of; /* more was asked for than there was */
};

static uint8_t take(struct reader *reader)
{
	if (!reader->left) {
		reader->short_of = true;
		return 0;
	}
	reader->left--;
	if (reader->at == reader->record_end) {
		reader->record_end =
			reader->at + RECORD_HEAD + (reader->at[3] << 8 | reader->at[4]);
		reader->at += RECORD_HEAD;
	}
	return *reader->at++;
}

static uint32_t take_number(struct reader *reader, unsigned bytes)
{
	uint32_t number = 0;

	while (bytes--)
		number = number << 8 | take(reader);
	return number;
}

static void skip(struct reader *reader, uint32_t count)
{
	while (count-- && !reader->short_of)
		take(reader);
}

/* What is left is from now on a part of so many bytes; returns what is behind it. */
static uint32_t enter(struct reader *reader, uint32_t length)
{
	uint32_t behind = reader->left - length;

	if (length > reader->left) {
		reader->short_of = true;
		return 0;
	}
	reader->left = length;
	return behind;
}

/* --- extensions --------------------------------------------------------------------------------
 */

static bool is_host(const char *name)
{
	struct in_addr address;
	char before = '.';

	for (const char *at = name; *at; at++) {
		if (!h1_is_class(*at, H1_CLASS_HOST) || *at == ':' || *at == '~')
			return false;
		if (*at == '.' && before == '.')
			return false;
		before = *at;
	}
	return before != '.' && inet_pton(AF_INET, name, &address) != 1;
}

static int read_name(struct reader *reader, struct hello *hello)
{
	uint32_t length = take_number(reader, 2);

	if (reader->short_of || length != reader->left)
		return -HELLO_ERROR_bad_length;
	if (take(reader) != 0)
		return -HELLO_ERROR_bad_name;
	length = take_number(reader, 2);
	if (reader->short_of || length > reader->left)
		return -HELLO_ERROR_bad_length;
	if (length != reader->left || length > HELLO_NAME_MAX)
		return -HELLO_ERROR_bad_name;
	for (uint32_t i = 0; i < length; i++)
		hello->name[i] = (char)take(reader);
	hello->name[length] = 0;
	hello->name_length = (uint16_t)length;
	return strlen(hello->name) == length && is_host(hello->name) ? 0 : -HELLO_ERROR_bad_name;
}

static int read_alpn(struct reader *reader, struct hello *hello)
{
	uint32_t length = take_number(reader, 2);
	char name[8];

	if (reader->short_of || length != reader->left)
		return -HELLO_ERROR_bad_length;
	if (!length)
		return -HELLO_ERROR_bad_alpn;
	hello->has_alpn = true;
	while (reader->left) {
		length = take(reader);
		if (!length)
			return -HELLO_ERROR_bad_alpn;
		if (length > reader->left)
			return -HELLO_ERROR_bad_length;
		for (uint32_t i = 0; i < length; i++) {
			char c = (char)take(reader);

			if (i < sizeof(name))
				name[i] = c;
		}
		if (length == 8 && !memcmp(name, "http/1.1", 8))
			hello->protocols |= HELLO_HTTP1;
		else if (length == 2 && !memcmp(name, "h2", 2))
			hello->protocols |= HELLO_H2;
		else
			hello->protocols |= HELLO_OTHER;
	}
	return 0;
}

static int read_extension(struct reader *reader, uint32_t type, struct hello *hello)
{
	if (type == EXTENSION_SERVER_NAME)
		return read_name(reader, hello);
	if (type == EXTENSION_ALPN)
		return read_alpn(reader, hello);
	skip(reader, reader->left);
	return 0;
}

static int read_extensions(struct reader *reader, struct hello *hello)
{
	uint16_t seen[HELLO_EXTENSIONS_MAX];
	unsigned count = 0;

	while (reader->left) {
		uint16_t type = (uint16_t)take_number(reader, 2);
		uint32_t behind = enter(reader, take_number(reader, 2));
		int error;

		if (reader->short_of)
			return -HELLO_ERROR_bad_length;
		if (count == HELLO_EXTENSIONS_MAX)
			return -HELLO_ERROR_many_extensions;
		for (unsigned i = 0; i < count; i++)
			if (seen[i] == type)
				return -HELLO_ERROR_twice;
		if (count && seen[count - 1] == EXTENSION_PRE_SHARED_KEY)
			return -HELLO_ERROR_not_last;
		seen[count++] = type;
		error = read_extension(reader, type, hello);
		if (error)
			return error;
		reader->left = behind;
	}
	return 0;
}

/* --- the message -------------------------------------------------------------------------------
 */

static int read_hello(struct reader *reader, struct hello *hello)
{
	uint32_t version = take_number(reader, 2), length;
	bool uncompressed = false;

	if (!reader->short_of && (version >> 8 != 3 || version < TLS_1_0))
		return -HELLO_ERROR_version;
	skip(reader, 32); /* random */
	length = take(reader);
	if (length > 32)
		return -HELLO_ERROR_bad_length;
	skip(reader, length); /* session */
	length = take_number(reader, 2);
	if (!reader->short_of && (!length || length % 2))
		return -HELLO_ERROR_bad_suites;
	skip(reader, length);
	length = take(reader);
	for (uint32_t i = 0; i < length; i++)
		uncompressed |= !take(reader);
	if (reader->short_of)
		return -HELLO_ERROR_bad_length;
	if (!uncompressed)
		return -HELLO_ERROR_bad_compression;
	if (!reader->left) /* TLS 1.2 without extensions */
		return 0;
	length = take_number(reader, 2);
	if (reader->short_of || length != reader->left)
		return -HELLO_ERROR_bad_length;
	return read_extensions(reader, hello);
}

/* Of the message, as far as its head is there: 0 if it is a ClientHello, and *ret_size is its size
 * with its head. */
static int message_size(const uint8_t *buf, uint32_t got, uint32_t *ret_size)
{
	struct reader reader = {buf, buf, got, false};

	if (!got)
		return -EAGAIN;
	if (take(&reader) != MESSAGE_CLIENT_HELLO)
		return -HELLO_ERROR_no_hello;
	if (got < MESSAGE_HEAD)
		return -EAGAIN;
	*ret_size = take_number(&reader, 3) + MESSAGE_HEAD;
	return *ret_size > HELLO_MAX ? -HELLO_ERROR_long_hello : 0;
}

/* What of a record's head is there. */
static int check_record(const uint8_t *at, size_t len)
{
	unsigned length = len >= RECORD_HEAD ? (unsigned)(at[3] << 8 | at[4]) : 1;

	if ((len && at[0] != RECORD_HANDSHAKE) || (len > 1 && at[1] != 3))
		return -HELLO_ERROR_no_tls;
	if (!length || length > RECORD_MAX)
		return -HELLO_ERROR_bad_record;
	return len < RECORD_HEAD ? -EAGAIN : 0;
}

/* Adds records while the message is not whole; the last one may be there in part. *ret_size: see
 * message_size(). */
static int scan_records(const uint8_t *buf, size_t len, struct hello_scan *scan, uint32_t *ret_size)
{
	for (;;) {
		size_t left = len - scan->records_end;
		uint32_t length, here;
		int error;

		error = check_record(buf + scan->records_end, left);
		if (error)
			return error;
		if (scan->records == HELLO_RECORDS_MAX)
			return -HELLO_ERROR_long_hello;
		length = (uint32_t)(buf[scan->records_end + 3] << 8 | buf[scan->records_end + 4]);
		here = left - RECORD_HEAD < length ? (uint32_t)(left - RECORD_HEAD) : length;
		error = message_size(buf, scan->got + here, ret_size);
		if (error && error != -EAGAIN)
			return error;
		if (!error && scan->got + length > *ret_size)
			return -HELLO_ERROR_trailing;
		if (here < length)
			return -EAGAIN;
		scan->got += length;
		scan->records_end += RECORD_HEAD + length;
		scan->records++;
		if (!error && scan->got == *ret_size)
			return 0;
		if (scan->records_end >= len)
			return -EAGAIN;
	}
}

int hello_parse(const uint8_t *buf, size_t len, struct hello_scan *scan, struct hello *ret)
{
	struct reader reader = {buf, buf, 0, false};
	uint32_t size = 0;
	int error = len ? scan_records(buf, len, scan, &size) : -EAGAIN;

	if (error)
		return error;
	reader.left = size;
	memset(ret, 0, sizeof(*ret));
	skip(&reader, MESSAGE_HEAD);
	error = read_hello(&reader, ret);
	ret->length = scan->records_end;
	return error;
}
