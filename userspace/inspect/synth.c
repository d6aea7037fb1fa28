// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "synth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>
#include <strings.h>

#define IPV4_BYTES     20
#define IPV6_BYTES     40
#define FRAGMENT_BYTES 8
#define TCP_BYTES      20
#define UDP_BYTES      8
#define ICMP_BYTES     8
#define SCTP_BYTES     16 /* with the first chunk's header */
#define TTL	       64
#define SCTP_INIT      1
#define TCP_SYN	       0x02

static const struct {
	const char *name;
	uint8_t bit;
} flag_names[] = {
	{"fin", 0x01}, {"syn", 0x02}, {"rst", 0x04}, {"psh", 0x08},
	{"ack", 0x10}, {"urg", 0x20}, {"ece", 0x40}, {"cwr", 0x80},
};

/* Locally administered ones: whose they are makes no difference to a packet's way. */
static const uint8_t stations[2 * ETH_ALEN] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};

static void put16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value)
{
	put16(to, value >> 16);
	put16(to + 2, value);
}

/* RFC 1071. */
static uint32_t sum(const uint8_t *data, size_t size, uint32_t so_far)
{
	for (size_t i = 0; i < size; i++)
		so_far += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (so_far >> 16)
		so_far = (so_far & 0xffff) + (so_far >> 16);
	return so_far;
}

int synth_parse_flags(const char *text, uint8_t *ret_flags, struct err *err)
{
	*ret_flags = 0;
	for (const char *word = text; *word;) {
		size_t length = strcspn(word, ",+"), i = 0;

		while (i < 8 && (strlen(flag_names[i].name) != length ||
				 strncasecmp(flag_names[i].name, word, length) != 0))
			i++;
		if (i == 8 && (length != 4 || strncasecmp(word, "none", 4) != 0))
			return err_set(
				err, -EINVAL,
				"\"%.*s\" is no flag of TCP: expected some of syn, ack, fin, "
				"rst, psh, urg, ece, cwr with commas between them, or none",
				(int)length, word);
		*ret_flags |= i < 8 ? flag_names[i].bit : 0;
		word += length;
		word += *word != 0;
	}
	return 0;
}

static uint8_t protocol_number(const struct synth *fields, bool ipv4)
{
	if (fields->protocol == IPPROTO_ICMP || fields->protocol == IPPROTO_ICMPV6)
		return ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	return fields->protocol;
}

static size_t transport_bytes(const struct synth *fields)
{
	if (fields->is_fragment && fields->fragment)
		return 0;
	switch (fields->protocol) {
	case IPPROTO_TCP:
		return TCP_BYTES;
	case IPPROTO_UDP:
		return UDP_BYTES;
	case IPPROTO_SCTP:
		return SCTP_BYTES;
	default:
		return ICMP_BYTES;
	}
}

/* The pseudo header's sum (RFC 9293, 3.1; RFC 8200, 8.1); ICMP has none. */
static uint32_t pseudo(const struct synth *fields, uint8_t protocol, size_t bytes)
{
	bool ipv4 = addr_is_ipv4(&fields->source);
	size_t from = ipv4 ? 12 : 0;

	if (protocol == IPPROTO_ICMP)
		return 0;
	return sum(fields->source.byte + from, 16 - from,
		   sum(fields->destination.byte + from, 16 - from, (uint32_t)(protocol + bytes)));
}

static void put_transport(const struct synth *fields, uint8_t protocol, uint8_t *to, size_t bytes)
{
	uint32_t check;
	size_t at;

	if (fields->is_fragment && fields->fragment)
		return;
	put16(to, fields->source_port);
	put16(to + 2, fields->destination_port);
	switch (protocol) {
	case IPPROTO_TCP:
		to[12] = TCP_BYTES / 4 << 4;
		to[13] = fields->tcp_flags;
		put16(to + 14, 65535);
		at = 16;
		break;
	case IPPROTO_UDP:
		put16(to + 4, (uint32_t)bytes);
		at = 6;
		break;
	case IPPROTO_SCTP:
		/* its own checksum is looked at by nobody here */
		to[12] = fields->tcp_flags & TCP_SYN ? SCTP_INIT : 0;
		put16(to + 14, (uint32_t)(bytes - 12));
		return;
	default:
		put16(to, protocol == IPPROTO_ICMP ? 8 << 8 : 128 << 8);
		put16(to + 2, 0);
		at = 2;
	}
	check = ~sum(to, bytes, pseudo(fields, protocol, bytes)) & 0xffff;
	put16(to + at, check ? check : 0xffff);
}

static void put_ipv4(const struct synth *fields, uint8_t *ip, uint32_t length)
{
	uint32_t fragment = fields->is_fragment ? fields->fragment / 8U : 0;

	/* a later one is taken for the last */
	if (fields->is_fragment && !fields->fragment)
		fragment = 0x2000;
	ip[0] = 0x45;
	put16(ip + 2, length);
	put16(ip + 4, fields->fragment_id);
	put16(ip + 6, fragment);
	ip[8] = TTL;
	ip[9] = protocol_number(fields, true);
	memcpy(ip + 12, fields->source.byte + 12, 4);
	memcpy(ip + 16, fields->destination.byte + 12, 4);
	put16(ip + 10, ~sum(ip, IPV4_BYTES, 0) & 0xffff);
}

static void put_ipv6(const struct synth *fields, uint8_t *ip, uint32_t length)
{
	uint8_t *extension = ip + IPV6_BYTES;

	ip[0] = 0x60;
	put16(ip + 4, length - IPV6_BYTES);
	ip[6] = protocol_number(fields, false);
	ip[7] = TTL;
	memcpy(ip + 8, fields->source.byte, 16);
	memcpy(ip + 24, fields->destination.byte, 16);
	if (!fields->is_fragment)
		return;
	extension[0] = ip[6];
	ip[6] = IPPROTO_FRAGMENT;
	put16(extension + 2, fields->fragment ? fields->fragment & ~7U : 1);
	put32(extension + 4, fields->fragment_id);
}

static uint8_t *put_ethernet(uint8_t *frame, const uint16_t *tags, size_t count, bool ipv4)
{
	uint8_t *to = frame + 2 * ETH_ALEN;

	memcpy(frame, stations, sizeof(stations));
	for (size_t i = 0; i < count; i++, to += 4) {
		put16(to, i + 1 < count ? ETH_P_8021AD : ETH_P_8021Q);
		put16(to + 2, tags[i]);
	}
	put16(to, ipv4 ? ETH_P_IP : ETH_P_IPV6);
	return to + 2;
}

static size_t header_bytes(const struct synth *fields)
{
	if (addr_is_ipv4(&fields->source))
		return IPV4_BYTES;
	return fields->is_fragment ? IPV6_BYTES + FRAGMENT_BYTES : IPV6_BYTES;
}

static int check(const struct synth *fields, uint32_t least, struct err *err)
{
	if (addr_is_ipv4(&fields->source) != addr_is_ipv4(&fields->destination))
		return err_set(
			err, -EINVAL,
			"source and destination are of different families: expected two IPv4 "
			"or two IPv6 addresses");
	if (fields->length && fields->length < least)
		return err_set(err, -EINVAL, "a length of %u: its headers alone have %u bytes",
			       fields->length, least);
	if (fields->length > SYNTH_FRAME_MAX - 64)
		return err_set(err, -EINVAL, "a length of %u: expected at most %d", fields->length,
			       SYNTH_FRAME_MAX - 64);
	if (fields->fragment % 8)
		return err_set(err, -EINVAL,
			       "a fragment at %u: expected a multiple of eight, as fragments have",
			       fields->fragment);
	return 0;
}

size_t synth_build(const struct synth *fields, uint8_t frame[SYNTH_FRAME_MAX], struct err *err)
{
	size_t headers = header_bytes(fields), transport = transport_bytes(fields);
	bool ipv4 = addr_is_ipv4(&fields->source), later = fields->is_fragment && fields->fragment;
	/* a later fragment has some bytes of what it is a part of */
	uint32_t least = (uint32_t)(headers + (later ? 8 : transport)), length;
	uint8_t *ip;

	if (check(fields, least, err))
		return 0;
	length = fields->length ? fields->length : least;
	memset(frame, 0, SYNTH_FRAME_MAX);
	ip = put_ethernet(frame, fields->tag, fields->tags, ipv4);
	put_transport(fields, protocol_number(fields, ipv4), ip + headers, length - headers);
	if (ipv4)
		put_ipv4(fields, ip, length);
	else
		put_ipv6(fields, ip, length);
	return (size_t)(ip - frame) + length;
}

size_t synth_wrap(const uint8_t *packet, size_t length, uint8_t frame[SYNTH_FRAME_MAX])
{
	uint8_t version = length ? packet[0] >> 4 : 0, *ip;

	if ((version != 4 && version != 6) || length > SYNTH_FRAME_MAX - 64)
		return 0;
	ip = put_ethernet(frame, NULL, 0, version == 4);
	memcpy(ip, packet, length);
	return (size_t)(ip - frame) + length;
}
