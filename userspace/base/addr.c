// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Addresses as text and bytes. It owns both directions, so that what is printed can be read back;
 * it refuses names, zones and prefix lengths.
 */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

int addr_parse(const char *text, struct addr *ret_addr)
{
	struct addr addr;

	if (strchr(text, ':')) {
		if (inet_pton(AF_INET6, text, addr.byte) != 1)
			return -EINVAL;
	} else {
		memcpy(addr.byte, mapped, sizeof(mapped));
		if (inet_pton(AF_INET, text, addr.byte + 12) != 1)
			return -EINVAL;
	}
	*ret_addr = addr;
	return 0;
}

static int parse_port(const char *text, uint16_t *ret_port)
{
	unsigned long port;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	port = strtoul(text, &end, 10);
	if (*end || port == 0 || port > 65535)
		return -EINVAL;
	*ret_port = (uint16_t)port;
	return 0;
}

int addr_parse_endpoint(const char *text, struct addr *ret_addr, uint16_t *ret_port)
{
	char copy[ADDR_TEXT_MAX];
	char *host = copy, *port = NULL;
	struct addr addr;
	uint16_t number = 0;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	if (copy[0] == '[') {
		char *close = strchr(copy, ']');

		if (!close || (close[1] && close[1] != ':'))
			return -EINVAL;
		if (close[1])
			port = close + 2;
		*close = 0;
		host = copy + 1;
		if (!strchr(host, ':'))
			return -EINVAL;
	} else {
		char *colon = strchr(copy, ':');

		if (colon && !strchr(colon + 1, ':')) {
			*colon = 0;
			port = colon + 1;
		}
	}
	if (addr_parse(host, &addr) || (port && parse_port(port, &number)))
		return -EINVAL;
	*ret_addr = addr;
	*ret_port = number;
	return 0;
}

char *addr_format(const struct addr *addr, char text[ADDR_TEXT_MAX])
{
	if (addr_is_ipv4(addr))
		inet_ntop(AF_INET, addr->byte + 12, text, ADDR_TEXT_MAX);
	else
		inet_ntop(AF_INET6, addr->byte, text, ADDR_TEXT_MAX);
	return text;
}

char *addr_format_endpoint(const struct addr *addr, uint16_t port, char text[ADDR_TEXT_MAX])
{
	char host[ADDR_TEXT_MAX];

	if (!port)
		return addr_format(addr, text);
	addr_format(addr, host);
	snprintf(text, ADDR_TEXT_MAX, addr_is_ipv4(addr) ? "%.46s:%u" : "[%.46s]:%u", host, port);
	return text;
}

bool addr_is_ipv4(const struct addr *addr)
{
	return memcmp(addr->byte, mapped, sizeof(mapped)) == 0;
}

bool addr_is_zero(const struct addr *addr)
{
	static const uint8_t zero[16];
	size_t skip = addr_is_ipv4(addr) ? sizeof(mapped) : 0;

	return memcmp(addr->byte + skip, zero, sizeof(zero) - skip) == 0;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	return memcmp(a->byte, b->byte, sizeof(a->byte));
}

struct addr addr_client(const struct addr *addr)
{
	struct addr client = *addr;

	if (!addr_is_ipv4(addr))
		memset(client.byte + 8, 0, 8);
	return client;
}

/* Filled by copying: a sockaddr_storage must not be written through a pointer to another type. */
socklen_t addr_to_sockaddr(const struct addr *addr, uint16_t port, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (addr_is_ipv4(addr)) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

		memcpy(&in.sin_addr, addr->byte + 12, 4);
		memcpy(ret, &in, sizeof(in));
		return sizeof(in);
	} else {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

		memcpy(&in6.sin6_addr, addr->byte, 16);
		memcpy(ret, &in6, sizeof(in6));
		return sizeof(in6);
	}
}
