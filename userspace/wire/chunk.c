// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "chunk.h"
#include "h1_scan.h"

/* Of a size: as many as 64 bits have. */
#define DIGITS_MAX 16

enum state {
	SIZE,
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILERS,
};

static int hex(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit |= 0x20;
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static int size_digit(struct chunk_decoder *decoder, char byte)
{
	int digit = hex(byte);

	if (digit >= 0) {
		if (++decoder->digits > DIGITS_MAX || decoder->left >> 59)
			return -H1_ERROR_bad_chunk_size; /* 2^63 and above */
		decoder->left = decoder->left << 4 | (unsigned)digit;
		return 0;
	}
	if (!decoder->digits)
		return -H1_ERROR_bad_chunk_size;
	if (byte == '\n')
		return -H1_ERROR_bare_lf;
	if (byte != ';' && byte != '\r')
		return -H1_ERROR_bad_chunk_size;
	decoder->state = byte == ';' ? EXTENSION : SIZE_LF;
	decoder->extension = 0;
	return 0;
}

static int extension(struct chunk_decoder *decoder, char byte)
{
	if (byte == '\r') {
		decoder->state = SIZE_LF;
		return 0;
	}
	if (byte == '\n')
		return -H1_ERROR_bare_lf;
	if (!h1_is_class(byte, H1_CLASS_VALUE))
		return -H1_ERROR_bad_extension;
	return ++decoder->extension > CHUNK_EXTENSION_MAX ? -H1_ERROR_long_extension : 0;
}

static int line_feed(struct chunk_decoder *decoder, char byte, enum state next)
{
	if (byte != '\n')
		return -H1_ERROR_bare_cr;
	decoder->state = (uint8_t)next;
	return 0;
}

static int data_end(struct chunk_decoder *decoder, char byte)
{
	if (byte != '\r')
		return byte == '\n' ? -H1_ERROR_bare_lf : -H1_ERROR_bad_chunk_end;
	decoder->state = DATA_LF;
	decoder->digits = 0;
	return 0;
}

/* A byte between the data of two chunks. */
static int step(struct chunk_decoder *decoder, char byte)
{
	switch (decoder->state) {
	case SIZE:
		return size_digit(decoder, byte);
	case EXTENSION:
		return extension(decoder, byte);
	case SIZE_LF:
		return line_feed(decoder, byte, decoder->left ? DATA : TRAILERS);
	case DATA_CR:
		return data_end(decoder, byte);
	default:
		return line_feed(decoder, byte, SIZE);
	}
}

static int trailers(struct chunk_decoder *decoder, const char *buf, size_t len, size_t *used,
		    struct h1_head *ret_trailers)
{
	int error = h1_trailers_parse(buf + *used, len - *used, CHUNK_TRAILERS_MAX,
				      &decoder->scanned, ret_trailers);

	if (error)
		return error;
	*used += ret_trailers->length;
	return CHUNK_END;
}

int chunk_next(struct chunk_decoder *decoder, const char *buf, size_t len, size_t *ret_used,
	       struct h1_text *ret_data, struct h1_head *ret_trailers)
{
	size_t used = 0;
	int error = 0;

	while (used < len && decoder->state != DATA && decoder->state != TRAILERS && !error)
		error = step(decoder, buf[used++]);
	*ret_used = used;
	if (error)
		return error;
	if (decoder->state == TRAILERS)
		return trailers(decoder, buf, len, ret_used, ret_trailers);
	if (used == len)
		return -EAGAIN;
	len = len - used < decoder->left ? len - used : (size_t)decoder->left;
	decoder->left -= len;
	if (!decoder->left)
		decoder->state = DATA_CR;
	*ret_data = (struct h1_text){buf + used, len};
	*ret_used = used + len;
	return CHUNK_DATA;
}

int chunk_skip(struct chunk_decoder *decoder, const char *buf, size_t len, size_t *ret_used,
	       struct h1_head *ret_trailers)
{
	struct h1_text data;
	size_t used = 0, more;
	int event;

	do {
		event = chunk_next(decoder, buf + used, len - used, &more, &data, ret_trailers);
		used += more;
	} while (event == CHUNK_DATA);
	*ret_used = used;
	return event;
}

size_t chunk_head(uint64_t length, char ret_head[CHUNK_HEAD_MAX])
{
	unsigned digits = length ? (67 - (unsigned)__builtin_clzll(length)) / 4 : 1;

	for (unsigned i = 0; i < digits; i++)
		ret_head[i] = "0123456789abcdef"[length >> 4 * (digits - 1 - i) & 15];
	memcpy(ret_head + digits, CHUNK_LINE_END, 2);
	return digits + 2;
}
