// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "echo.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>

static uint16_t checksum(const void *bytes, size_t length)
{
	const uint16_t *at = bytes;
	uint32_t sum = 0;

	for (size_t i = 0; i < length / 2; i++)
		sum += at[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

void echo_write(bool ipv4, uint16_t id, uint16_t sequence, const uint8_t secret[ECHO_SECRET],
		struct echo *ret_echo)
{
	*ret_echo = (struct echo){
		.type = ipv4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
		.id = id,
		.sequence = htons(sequence),
	};
	memcpy(ret_echo->secret, secret, ECHO_SECRET);
	if (ipv4)
		ret_echo->checksum = checksum(ret_echo, sizeof(*ret_echo));
}

bool echo_read(const uint8_t *bytes, size_t length, bool ipv4, struct echo *ret_echo)
{
	size_t head = 0;

	if (ipv4) {
		if (!length)
			return false;
		head = (bytes[0] & 0xfU) * 4;
		if (head < sizeof(struct iphdr))
			return false;
	}
	if (length < head + sizeof(*ret_echo))
		return false;
	memcpy(ret_echo, bytes + head, sizeof(*ret_echo));
	return ret_echo->type == (ipv4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) && !ret_echo->code;
}
