// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "proxy_header.h"

#include <arpa/inet.h>
#include <stdio.h>

#define SIGNATURE	 "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_LENGTH 12
#define V2_HEAD		 16 /* signature, version and command, family and transport, length */
#define LINE_START	 "PROXY "

enum value_type {
	VALUE_ALPN = 0x01,
	VALUE_AUTHORITY = 0x02,
	VALUE_CRC32C = 0x03,
	VALUE_UNIQUE_ID = 0x05,
};

static const struct {
	const char *name, *sentence;
} errors[] = {
#define PROXY_HEADER_ERROR(name, sentence) {#name, sentence},
#include "proxy_header_errors.def"
#undef PROXY_HEADER_ERROR
};

static int error_number(int error)
{
	int number = -error - PROXY_HEADER_ERROR_BASE - 1;

	return number >= 0 && number < PROXY_HEADER_ERROR_END - PROXY_HEADER_ERROR_BASE - 1 ? number
											    : -1;
}

const char *proxy_header_error_name(int error)
{
	int number = error_number(error);

	return number < 0 ? NULL : errors[number].name;
}

const char *proxy_header_error_sentence(int error)
{
	int number = error_number(error);

	return number < 0 ? NULL : errors[number].sentence;
}

static int check_family(const struct proxy_header *header)
{
	return addr_is_ipv4(&header->source) == addr_is_ipv4(&header->destination)
		       ? 0
		       : -PROXY_HEADER_ERROR_bad_address;
}

/* --- version 1 */

/* The next word of a line, which ends with a space, or with the line for the last one. */
static bool take_word(const char **at, const char *end, bool last, char *ret_word, size_t size)
{
	const char *stop = last ? end : memchr(*at, ' ', (size_t)(end - *at));
	size_t length = stop ? (size_t)(stop - *at) : 0;

	if (!length || length >= size || memchr(*at, 0, length))
		return false;
	memcpy(ret_word, *at, length);
	ret_word[length] = 0;
	*at = last ? end : stop + 1;
	return true;
}

/*
 * An IPv4 address in its one usual form; or an IPv6 address in any, for there are many. One that
 * stands for an IPv4 address is what listeners for both families tell.
 */
static int take_address(const char **at, const char *end, bool ipv4, struct addr *ret)
{
	char word[ADDR_TEXT_MAX], usual[ADDR_TEXT_MAX];

	if (!take_word(at, end, false, word, sizeof(word)))
		return -PROXY_HEADER_ERROR_bad_line;
	if (addr_parse(word, ret) || !strchr(word, ':') != ipv4)
		return -PROXY_HEADER_ERROR_bad_address;
	if (ipv4 && strcmp(addr_format(ret, usual), word) != 0)
		return -PROXY_HEADER_ERROR_bad_address;
	return 0;
}

static int take_port(const char **at, const char *end, bool last, uint16_t *ret)
{
	uint32_t port = 0;
	char word[6];

	if (!take_word(at, end, last, word, sizeof(word)))
		return -PROXY_HEADER_ERROR_bad_port;
	if (word[0] == '0' && word[1])
		return -PROXY_HEADER_ERROR_bad_port;
	for (const char *digit = word; *digit; digit++) {
		if (*digit < '0' || *digit > '9')
			return -PROXY_HEADER_ERROR_bad_port;
		port = 10 * port + (uint32_t)(*digit - '0');
	}
	if (port > UINT16_MAX)
		return -PROXY_HEADER_ERROR_bad_port;
	*ret = (uint16_t)port;
	return 0;
}

/* at: behind "PROXY "; end: its line end. */
static int parse_line(const char *at, const char *end, struct proxy_header *ret)
{
	char family[8];
	bool ipv4;
	int error;

	ret->version = 1;
	/* what follows UNKNOWN is to be ignored, whatever it is */
	if (end - at >= 7 && !memcmp(at, "UNKNOWN", 7) && (end - at == 7 || at[7] == ' '))
		return 0;
	if (!take_word(&at, end, false, family, sizeof(family)))
		return -PROXY_HEADER_ERROR_bad_line;
	ipv4 = !strcmp(family, "TCP4");
	if (!ipv4 && strcmp(family, "TCP6") != 0)
		return -PROXY_HEADER_ERROR_bad_line;
	ret->transport = PROXY_TCP;
	error = take_address(&at, end, ipv4, &ret->source);
	error = error ?: take_address(&at, end, ipv4, &ret->destination);
	error = error ?: check_family(ret);
	error = error ?: take_port(&at, end, false, &ret->source_port);
	return error ?: take_port(&at, end, true, &ret->destination_port);
}

static int parse_v1(const char *buf, size_t len, struct proxy_header *ret, size_t *ret_length)
{
	size_t start = sizeof(LINE_START) - 1;
	size_t room = len < PROXY_HEADER_V1_MAX ? len : PROXY_HEADER_V1_MAX;
	const char *end = memchr(buf, '\n', room);

	if (!end)
		return len < PROXY_HEADER_V1_MAX ? -EAGAIN : -PROXY_HEADER_ERROR_long_line;
	*ret_length = (size_t)(end + 1 - buf);
	end--;
	if (*end != '\r' || end < buf + start || memchr(buf, '\r', (size_t)(end - buf)))
		return -PROXY_HEADER_ERROR_bad_line;
	return parse_line(buf + start, end, ret);
}

/* --- version 2 */

static uint16_t read16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void write16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* CRC-32C (RFC 3720, appendix B.4), bit by bit: it is asked for once in a connection, if at all. */
static uint32_t checksum(uint32_t crc, uint8_t byte)
{
	crc ^= byte;
	for (int bit = 0; bit < 8; bit++)
		crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
	return crc;
}

/* Of the whole header, in which the four bytes of the checksum itself count as zero. */
static int check_checksum(const uint8_t *header, size_t length, const uint8_t *value)
{
	uint32_t crc = UINT32_MAX, sent = 0;

	for (size_t i = 0; i < length; i++) {
		const uint8_t *at = header + i;

		crc = checksum(crc, at >= value && at < value + 4 ? 0 : *at);
	}
	for (int i = 0; i < 4; i++)
		sent = sent << 8 | value[i];
	return sent == ~crc ? 0 : -PROXY_HEADER_ERROR_bad_checksum;
}

static int take_text(struct h1_text *text, const uint8_t *at, size_t length)
{
	if (text->at)
		return -PROXY_HEADER_ERROR_bad_value;
	*text = (struct h1_text){(const char *)at, length};
	return 0;
}

static int parse_value(const uint8_t *header, size_t length, uint8_t type, const uint8_t *value,
		       size_t value_length, struct proxy_header *ret)
{
	switch (type) {
	case VALUE_ALPN:
		return take_text(&ret->alpn, value, value_length);
	case VALUE_AUTHORITY:
		return take_text(&ret->authority, value, value_length);
	case VALUE_UNIQUE_ID:
		return take_text(&ret->unique_id, value, value_length);
	case VALUE_CRC32C:
		if (value_length != 4)
			return -PROXY_HEADER_ERROR_bad_length;
		return check_checksum(header, length, value);
	default:
		return 0;
	}
}

static int parse_values(const uint8_t *header, size_t length, size_t at, struct proxy_header *ret)
{
	int error = 0;

	while (at < length && !error) {
		size_t value_length;

		if (length - at < 3)
			return -PROXY_HEADER_ERROR_bad_length;
		value_length = read16(header + at + 1);
		if (length - at - 3 < value_length)
			return -PROXY_HEADER_ERROR_bad_length;
		error = parse_value(header, length, header[at], header + at + 3, value_length, ret);
		at += 3 + value_length;
	}
	return error;
}

static struct addr read_address(const uint8_t *at, bool ipv4)
{
	struct addr addr = {.byte = {[10] = 0xff, [11] = 0xff}};

	if (ipv4)
		memcpy(addr.byte + 12, at, 4);
	else
		memcpy(addr.byte, at, 16);
	return addr;
}

static int parse_addresses(const uint8_t *at, bool ipv4, struct proxy_header *ret)
{
	size_t size = ipv4 ? 4 : 16;

	ret->source = read_address(at, ipv4);
	ret->destination = read_address(at + size, ipv4);
	ret->source_port = read16(at + 2 * size);
	ret->destination_port = read16(at + 2 * size + 2);
	return check_family(ret);
}

static int parse_body(const uint8_t *header, size_t length, struct proxy_header *ret)
{
	static const uint8_t sizes[] = {0, 12, 36, 216}; /* none, IPv4, IPv6, AF_UNIX */
	uint8_t family = header[13] >> 4, transport = header[13] & 0xf;
	int error = 0;

	ret->local = (header[12] & 0xf) == 0;
	if (family > 3 || transport > 2 || (!family && transport) || (family && !transport))
		return -PROXY_HEADER_ERROR_bad_family;
	if (length < V2_HEAD + (size_t)sizes[family])
		return -PROXY_HEADER_ERROR_bad_length;
	/* of the sender's own connection it may tell addresses, which are to be ignored */
	if (!ret->local && (family == 1 || family == 2)) {
		ret->transport = transport;
		error = parse_addresses(header + V2_HEAD, family == 1, ret);
	}
	return error ?: parse_values(header, length, V2_HEAD + (size_t)sizes[family], ret);
}

static int parse_v2(const char *buf, size_t len, struct proxy_header *ret, size_t *ret_length)
{
	const uint8_t *header = (const uint8_t *)buf;
	size_t length;

	if (len > 12 && header[12] >> 4 != 2)
		return -PROXY_HEADER_ERROR_bad_version;
	if (len > 12 && (header[12] & 0xf) > 1)
		return -PROXY_HEADER_ERROR_bad_command;
	if (len < V2_HEAD)
		return -EAGAIN;
	length = V2_HEAD + (size_t)read16(header + 14);
	if (length > PROXY_HEADER_V2_MAX)
		return -PROXY_HEADER_ERROR_long_header;
	if (len < length)
		return -EAGAIN;
	ret->version = 2;
	*ret_length = length;
	return parse_body(header, length, ret);
}

/* --- both */

static bool begins(const char *buf, size_t len, const char *with, size_t length)
{
	return !memcmp(buf, with, len < length ? len : length);
}

int proxy_header_parse(const char *buf, size_t len, struct proxy_header *ret, size_t *ret_length)
{
	struct proxy_header header = {};
	size_t length = 0;
	int error;

	if (!len)
		return -EAGAIN;
	if (begins(buf, len, SIGNATURE, SIGNATURE_LENGTH))
		error = len < SIGNATURE_LENGTH ? -EAGAIN : parse_v2(buf, len, &header, &length);
	else if (begins(buf, len, LINE_START, sizeof(LINE_START) - 1))
		error = len < sizeof(LINE_START) - 1 ? -EAGAIN
						     : parse_v1(buf, len, &header, &length);
	else
		return -PROXY_HEADER_ERROR_no_header;
	if (error)
		return error;
	*ret = header;
	*ret_length = length;
	return 0;
}

static int write_v1(const struct proxy_header *header, char *buf, size_t size)
{
	char source[ADDR_TEXT_MAX], destination[ADDR_TEXT_MAX];
	int length;

	if (header->transport == PROXY_UDP)
		return -EINVAL;
	if (header->transport == PROXY_UNKNOWN || header->local)
		length = snprintf(buf, size, LINE_START "UNKNOWN\r\n");
	else
		length = snprintf(buf, size, LINE_START "TCP%c %s %s %u %u\r\n",
				  addr_is_ipv4(&header->source) ? '4' : '6',
				  addr_format(&header->source, source),
				  addr_format(&header->destination, destination),
				  header->source_port, header->destination_port);
	return (size_t)length < size ? length : -ENOSPC;
}

static size_t write_addresses(const struct proxy_header *header, uint8_t *to)
{
	size_t size = addr_is_ipv4(&header->source) ? 4 : 16;

	memcpy(to, header->source.byte + 16 - size, size);
	memcpy(to + size, header->destination.byte + 16 - size, size);
	write16(to + 2 * size, header->source_port);
	write16(to + 2 * size + 2, header->destination_port);
	return 2 * size + 4;
}

static size_t write_value(const struct h1_text *text, enum value_type type, uint8_t *to)
{
	if (!text->at)
		return 0;
	to[0] = (uint8_t)type;
	write16(to + 1, text->length);
	memcpy(to + 3, text->at, text->length);
	return 3 + text->length;
}

static int write_v2(const struct proxy_header *header, char *buf, size_t size)
{
	bool told = header->transport != PROXY_UNKNOWN && !header->local;
	uint8_t *to = (uint8_t *)buf, *at = to + V2_HEAD;
	size_t most = V2_HEAD + 36 + 3 + header->authority.length + 3 + header->unique_id.length;

	if (most > size || most > PROXY_HEADER_V2_MAX)
		return -ENOSPC;
	memcpy(to, SIGNATURE, SIGNATURE_LENGTH);
	to[12] = header->local ? 0x20 : 0x21;
	to[13] = 0;
	if (told) {
		to[13] = (uint8_t)((addr_is_ipv4(&header->source) ? 0x10 : 0x20) |
				   header->transport);
		at += write_addresses(header, at);
	}
	at += write_value(&header->authority, VALUE_AUTHORITY, at);
	at += write_value(&header->unique_id, VALUE_UNIQUE_ID, at);
	write16(to + 14, (size_t)(at - to) - V2_HEAD);
	return (int)(at - to);
}

int proxy_header_write(const struct proxy_header *header, char *buf, size_t size)
{
	if (header->transport > PROXY_UDP || check_family(header))
		return -EINVAL;
	if (header->version == 1)
		return write_v1(header, buf, size);
	return header->version == 2 ? write_v2(header, buf, size) : -EINVAL;
}
