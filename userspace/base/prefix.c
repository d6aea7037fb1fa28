// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "prefix.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BITS 128

/* Without sign, spaces or leading zeros. */
static int parse_length(const char *text, int max, uint8_t *ret_length)
{
	int length = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		length = 10 * length + *text - '0';
		if (length > max)
			return -EINVAL;
	}
	*ret_length = (uint8_t)length;
	return 0;
}

/* The bits of this byte that belong to the prefix. */
static uint8_t mask_of(int length, int byte)
{
	int bits = length - 8 * byte;

	return bits >= 8 ? 0xff : bits <= 0 ? 0 : (uint8_t)(0xff00 >> bits);
}

int prefix_parse(const char *text, struct prefix *ret_prefix)
{
	const char *slash = strchr(text, '/');
	size_t size = slash ? (size_t)(slash - text) : strlen(text);
	struct prefix prefix = {.length = BITS};
	char address[ADDR_TEXT_MAX];
	bool ipv4, cut = false;
	int first;

	if (size >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, size);
	address[size] = 0;
	if (addr_parse(address, &prefix.address) < 0)
		return -EINVAL;
	ipv4 = addr_is_ipv4(&prefix.address);
	/* no packet has an IPv4-mapped address */
	if (ipv4 && strchr(address, ':'))
		return -EINVAL;
	first = ipv4 ? PREFIX_IPV4_BITS : 0;
	if (slash) {
		if (parse_length(slash + 1, BITS - first, &prefix.length) < 0)
			return -EINVAL;
		prefix.length += (uint8_t)first;
	}
	for (int i = 0; i < 16; i++) {
		uint8_t kept = prefix.address.byte[i] & mask_of(prefix.length, i);

		cut |= kept != prefix.address.byte[i];
		prefix.address.byte[i] = kept;
	}
	*ret_prefix = prefix;
	return cut ? -EDOM : 0;
}

char *prefix_format(const struct prefix *prefix, char text[PREFIX_TEXT_MAX])
{
	/* ::/0 to ::/95 are of IPv6 whatever follows */
	bool ipv4 = prefix->length >= PREFIX_IPV4_BITS && addr_is_ipv4(&prefix->address);
	size_t used;

	addr_format(&prefix->address, text);
	used = strlen(text);
	if (prefix->length < BITS)
		snprintf(text + used, PREFIX_TEXT_MAX - used, "/%d",
			 prefix->length - (ipv4 ? PREFIX_IPV4_BITS : 0));
	return text;
}

int prefix_compare(const struct prefix *a, const struct prefix *b)
{
	int order = addr_compare(&a->address, &b->address);

	return order ? order : (a->length > b->length) - (a->length < b->length);
}

bool prefix_holds(const struct prefix *prefix, const struct addr *addr)
{
	for (int i = 0; i < 16; i++)
		if ((addr->byte[i] ^ prefix->address.byte[i]) & mask_of(prefix->length, i))
			return false;
	return true;
}
