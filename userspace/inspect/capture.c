// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "capture.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define FILE_HEADER    24
#define PACKET_HEADER  16
#define MAGIC_US       0xa1b2c3d4U
#define MAGIC_NS       0xa1b23c4dU
#define MAGIC_NG       0x0a0d0d0aU
#define LINK_ETHERNET  1
#define LINK_RAW       101
#define LINK_MASK      0x0fffffffU
#define EXPECTED_FRAME "expected an Ethernet frame, or an IP packet"

static uint32_t read32(const uint8_t *from, bool swapped)
{
	if (swapped)
		return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 |
		       from[3];
	return (uint32_t)from[3] << 24 | (uint32_t)from[2] << 16 | (uint32_t)from[1] << 8 | from[0];
}

/* swapped: written by a machine that counts bytes from the other end than little endians do. */
static int read_header(const uint8_t *file, size_t size, bool *ret_swapped, struct err *err)
{
	uint32_t magic = size >= FILE_HEADER ? read32(file, false) : 0;
	uint32_t turned = size >= FILE_HEADER ? read32(file, true) : 0;

	if (magic == MAGIC_NG)
		return err_set(err, -EINVAL,
			       "it is a pcapng file: expected pcap, which `tcpdump -r FILE -w NEW` "
			       "makes of it");
	*ret_swapped = turned == MAGIC_US || turned == MAGIC_NS;
	if (!*ret_swapped && magic != MAGIC_US && magic != MAGIC_NS)
		return err_set(err, -EINVAL,
			       "it is no capture: expected a pcap file, as `tcpdump -w` "
			       "makes it");
	return 0;
}

static size_t no_frame(size_t length, struct err *err)
{
	err_set(err, -EINVAL, "a packet of %zu bytes: " EXPECTED_FRAME " of at most %d", length,
		SYNTH_FRAME_MAX - 64);
	return 0;
}

static size_t take(const uint8_t *bytes, size_t length, uint32_t link,
		   uint8_t frame[SYNTH_FRAME_MAX], struct err *err)
{
	size_t wrapped;

	if (link == LINK_RAW) {
		wrapped = synth_wrap(bytes, length, frame);
		return wrapped ? wrapped : no_frame(length, err);
	}
	if (length < 14 || length > SYNTH_FRAME_MAX - 64)
		return no_frame(length, err);
	memcpy(frame, bytes, length);
	return length;
}

size_t capture_pcap(const uint8_t *file, size_t size, uint32_t number,
		    uint8_t frame[SYNTH_FRAME_MAX], struct err *err)
{
	size_t at = FILE_HEADER, length;
	uint32_t link, count = 0;
	bool swapped = false;

	if (read_header(file, size, &swapped, err))
		return 0;
	link = read32(file + 20, swapped) & LINK_MASK;
	if (link != LINK_ETHERNET && link != LINK_RAW) {
		err_set(err, -EINVAL,
			"it is a capture of link type %u: expected Ethernet (1) or IP (101)", link);
		return 0;
	}
	while (size - at >= PACKET_HEADER) {
		length = read32(file + at + 8, swapped);
		at += PACKET_HEADER;
		if (length > size - at)
			break;
		if (++count == number && read32(file + at - 4, swapped) > length) {
			err_set(err, -EINVAL,
				"packet %u was cut to %zu of %u bytes when it was captured: "
				"capture it "
				"whole (tcpdump -s 0)",
				number, length, read32(file + at - 4, swapped));
			return 0;
		}
		if (count == number)
			return take(file + at, length, link, frame, err);
		at += length;
	}
	err_set(err, -EINVAL, "there is no packet %u in it: it has %u", number, count);
	return 0;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* How long what stands before a colon at the beginning of a line is, with the colon. */
static size_t offset_length(const char *text, size_t size)
{
	size_t i = 0;

	while (i < size && (text[i] == ' ' || text[i] == '\t'))
		i++;
	if (i + 1 < size && text[i] == '0' && text[i + 1] == 'x')
		i += 2;
	while (i < size && digit(text[i]) >= 0)
		i++;
	return i < size && text[i] == ':' ? i + 1 : 0;
}

/* Its own length says so. */
static bool is_packet(const uint8_t *bytes, size_t length)
{
	if (length >= 20 && bytes[0] >> 4 == 4)
		return ((size_t)bytes[2] << 8 | bytes[3]) == length;
	if (length >= 40 && bytes[0] >> 4 == 6)
		return ((size_t)bytes[4] << 8 | bytes[5]) + 40 == length;
	return false;
}

static int read_digits(const char *text, size_t size, uint8_t bytes[SYNTH_FRAME_MAX],
		       size_t *ret_digits, struct err *err)
{
	size_t digits = 0;

	for (size_t i = offset_length(text, size); i < size; i++) {
		int value = digit(text[i]);

		if (text[i] == '\n') {
			i += offset_length(text + i + 1, size - i - 1);
			continue;
		}
		if (isspace((unsigned char)text[i]))
			continue;
		if (value < 0)
			return err_set(err, -EINVAL,
				       "\"%.1s\" (character %zu) is no hexadecimal digit", text + i,
				       i + 1);
		if (digits / 2 == SYNTH_FRAME_MAX)
			return err_set(err, -EINVAL, "it is longer than %d bytes", SYNTH_FRAME_MAX);
		bytes[digits / 2] =
			digits % 2 ? (uint8_t)(bytes[digits / 2] << 4 | value) : (uint8_t)value;
		digits++;
	}
	*ret_digits = digits;
	if (digits % 2)
		return err_set(err, -EINVAL, "%zu hexadecimal digits: expected pairs", digits);
	return 0;
}

size_t capture_hex(const char *text, size_t size, uint8_t frame[SYNTH_FRAME_MAX], struct err *err)
{
	uint8_t bytes[SYNTH_FRAME_MAX];
	size_t digits = 0;

	if (read_digits(text, size, bytes, &digits, err))
		return 0;
	return take(bytes, digits / 2, is_packet(bytes, digits / 2) ? LINK_RAW : LINK_ETHERNET,
		    frame, err);
}
