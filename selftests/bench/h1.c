// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What it costs to read and write heads: userspace/wire/h1 against a plain parser that goes byte by
 * byte, looks names up one after the other, and understands none: it makes fewer checks. One
 * thread, its own CPU time, the median of ROUNDS.
 */
#include <ctype.h>
#include <strings.h>

#include "measure.h"
#include "../../userspace/wire/h1.h"

#define ROUNDS 15
#define TURNS  20000

struct sample {
	const char *name, *bytes;
};

static const struct sample samples[] = {
	{"small", "GET /index.html HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/8.5.0\r\n"
		  "Accept: */*\r\n\r\n"},
	{"browser",
	 "GET /shop/articles/4711/details?colour=blue&size=42&ref=newsletter HTTP/1.1\r\n"
	 "Host: shop.example.com\r\nConnection: keep-alive\r\n"
	 "sec-ch-ua: \"Chromium\";v=\"126\", \"Not.A/Brand\";v=\"24\"\r\nsec-ch-ua-mobile: ?0\r\n"
	 "sec-ch-ua-platform: \"Linux\"\r\nUpgrade-Insecure-Requests: 1\r\n"
	 "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
	 "Chrome/126.0.0.0 Safari/537.36\r\n"
	 "Accept: "
	 "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
	 "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\n"
	 "Sec-Fetch-Dest: document\r\nReferer: https://shop.example.com/shop/articles\r\n"
	 "Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
	 "Cookie: "
	 "session=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0; "
	 "theme=dark; consent=all; _ga=GA1.2.1234567890.1700000000\r\n"
	 "If-None-Match: \"33a64df551425fcc55e4d42a148795d9f25f89d4\"\r\n\r\n"},
};

/* --- the plain way ------------------------------------------------------------------------------
 */

static bool plain_token(int byte)
{
	return isalnum(byte) || (byte && strchr("!#$%&'*+-.^_`|~", byte));
}

static unsigned plain_name(const char *name, size_t length)
{
	for (int id = 1; id < H1_NAMES; id++) {
		const char *known = h1_name_text((enum h1_name)id);

		if (strlen(known) == length && !strncasecmp(name, known, length))
			return (unsigned)id;
	}
	return 0;
}

static const char *plain_line(const char *at, const char *end, struct h1_header *ret_header)
{
	const char *name = at;

	while (at < end && plain_token((unsigned char)*at))
		at++;
	if (at == end || *at != ':' || at == name)
		return NULL;
	ret_header->name = name;
	ret_header->name_length = (uint16_t)(at - name);
	for (at++; at < end && (*at == ' ' || *at == '\t'); at++)
		;
	ret_header->value = at;
	while (at < end && *at != '\r') {
		if ((unsigned char)*at < ' ' ? *at != '\t' : *at == 0x7f)
			return NULL;
		at++;
	}
	ret_header->value_length = (uint32_t)(at - ret_header->value);
	if (end - at < 2 || at[1] != '\n')
		return NULL;
	ret_header->id = (uint8_t)plain_name(name, ret_header->name_length);
	return at + 2;
}

static int plain_parse(const char *at, size_t len, struct h1_request *ret)
{
	const char *end = at + len;

	ret->head.count = 0;
	while (at < end && plain_token((unsigned char)*at))
		at++;
	if (at == end || *at++ != ' ')
		return -1;
	while (at < end && *at != ' ') {
		if (!isgraph((unsigned char)*at) || strchr("\"#<>", *at))
			return -1;
		at++;
	}
	if (end - at < 11 || memcmp(at, " HTTP/1.1\r\n", 11) != 0)
		return -1;
	for (at += 11; at < end && *at != '\r';) {
		at = plain_line(at, end, &ret->head.headers[ret->head.count++]);
		if (!at)
			return -1;
	}
	return 0;
}

/* --- turns: all take the sample, and return 0 ----------------------------------------------------
 */

static struct h1_request request;
static char written[4096];

static int turn_plain(const char *bytes, size_t len)
{
	return plain_parse(bytes, len, &request);
}

static int turn_parse(const char *bytes, size_t len)
{
	size_t scanned = 0;

	return h1_request_parse(bytes, len, H1_HEAD_DEFAULT, &scanned, &request);
}

/* As it comes in two segments. */
static int turn_in_two(const char *bytes, size_t len)
{
	size_t scanned = 0;

	if (h1_request_parse(bytes, len / 2, H1_HEAD_DEFAULT, &scanned, &request) != -EAGAIN)
		return -1;
	return h1_request_parse(bytes, len, H1_HEAD_DEFAULT, &scanned, &request);
}

static int turn_write(const char *bytes, size_t len)
{
	struct h1_writer writer = {.buffer = written, .size = sizeof(written)};

	(void)bytes;
	(void)len;
	return h1_write_request(&writer, &request) > 0 ? 0 : -1;
}

static int measure(const struct sample *sample, const char *what,
		   int (*turn)(const char *bytes, size_t len))
{
	double times[ROUNDS];
	size_t len = strlen(sample->bytes);
	int failed = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double start = measure_ns();

		for (int i = 0; i < TURNS; i++)
			failed |= turn(sample->bytes, len);
		times[round] = (measure_ns() - start) / TURNS;
	}
	if (failed) {
		fprintf(stderr, "h1: %s of the %s request failed\n", what, sample->name);
		return -1;
	}
	printf("bench h1.%s_%s %.0f ns\n", what, sample->name, measure_median(times, ROUNDS));
	return 0;
}

int main(void)
{
	int error = 0;

	measure_pin();
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		printf("# %s: %zu bytes\n", samples[i].name, strlen(samples[i].bytes));
		error |= measure(&samples[i], "plain", turn_plain);
		error |= measure(&samples[i], "parse", turn_parse);
		error |= measure(&samples[i], "parse_in_two", turn_in_two);
		error |= measure(&samples[i], "write", turn_write);
	}
	return error ? 1 : 0;
}
