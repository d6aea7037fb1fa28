// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Host and port (RFC 9110, 7.2; RFC 3986, 3.2.2), narrower than the grammar: names have no
 * percent-encoding and no sub-delimiters, which no name in the DNS has, no empty label but a last
 * one; a port is a number that one can connect to; userinfo is refused (RFC 9110, 4.2.4).
 */
#include <arpa/inet.h>

#include "h1_fields.h"
#include "h1_scan.h"

#define HOST_MAX 255 /* of a name in the DNS */

static bool port_of(const char *at, const char *end, uint16_t *ret_port)
{
	unsigned port = 0;

	if (at == end || end - at > 5)
		return false;
	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			return false;
		port = port * 10 + (unsigned)(*at - '0');
	}
	if (!port || port > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static bool is_name(const char *at, const char *end)
{
	char before = '.';

	if (at == end || end - at > HOST_MAX)
		return false;
	for (; at < end; at++) {
		if (!h1_is_class(*at, H1_CLASS_HOST) || *at == ':' || (*at == '.' && before == '.'))
			return false;
		before = *at;
	}
	return true;
}

static bool is_ipv6(const char *at, const char *end)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	size_t length = (size_t)(end - at);

	if (length >= sizeof(text) || memchr(at, 0, length))
		return false;
	memcpy(text, at, length);
	text[length] = 0;
	return inet_pton(AF_INET6, text, &address) == 1;
}

int h1_authority(struct h1_text text, struct h1_text *ret_host, uint16_t *ret_port)
{
	const char *at = text.at, *end = at + text.length, *stop;

	if (text.length && *at == '[') {
		stop = memchr(at, ']', text.length);
		if (!stop || !is_ipv6(at + 1, stop))
			return -H1_ERROR_bad_host;
		stop++;
	} else {
		stop = memchr(at, ':', text.length);
		stop = stop ? stop : end;
		if (!is_name(at, stop))
			return -H1_ERROR_bad_host;
	}
	*ret_port = 0;
	if (stop < end && (*stop != ':' || !port_of(stop + 1, end, ret_port)))
		return -H1_ERROR_bad_host;
	*ret_host = (struct h1_text){at, (size_t)(stop - at)};
	return 0;
}
