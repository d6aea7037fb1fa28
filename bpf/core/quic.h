/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which server does a QUIC packet name? Servers that follow QUIC-LB
 * (draft-ietf-quic-load-balancers) put a server ID in the connection IDs they give out, in plain
 * text: one octet (three bits of configuration, where 7 stands for "cannot be routed", and five of
 * anything), then the ID. A client makes up the ID of its first packets itself, so Initial and
 * 0-RTT name nobody. Headers are those of RFC 8999 and RFC 9000; version 2 (RFC 9369) numbers its
 * packet types differently. Pure.
 */
#ifndef MTLB_CORE_QUIC_H
#define MTLB_CORE_QUIC_H

#include "packet.h"

#define QUIC_LONG	   0x80
#define QUIC_TYPE_SHIFT	   4
#define QUIC_VERSION_1	   1U
#define QUIC_VERSION_2	   0x6b3343cfU
#define QUIC_UNROUTABLE	   7
#define QUIC_ID_ROOM	   8 /* so many bytes are read, whatever the ID's length */
#define QUIC_LONG_ID	   6 /* where the destination's connection ID begins */
#define QUIC_SHORT_HEADERS (2 + QUIC_ID_ROOM)
#define QUIC_LONG_HEADERS  (QUIC_LONG_ID + 1 + QUIC_ID_ROOM)

/* Initial, 0-RTT and Retry are not the server's to name; what is left is Handshake. */
static __always_inline bool quic_is_handshake(const __u8 *at)
{
	__u32 version, type = at[0] >> QUIC_TYPE_SHIFT & 3;

	__builtin_memcpy(&version, at + 1, sizeof(version));
	if (version == core_be32(QUIC_VERSION_1))
		return type == 2;
	return version == core_be32(QUIC_VERSION_2) && type == 3;
}

/* A client's first packet, or of a version that is not known here: the server would take it for one
 * (RFC 9000, 17.2.2 and 6.1). */
static __always_inline bool quic_opens(const void *at, const void *end)
{
	const __u8 *header = at;
	__u32 version, type;

	if (at + 5 > end || !(header[0] & QUIC_LONG))
		return false;
	__builtin_memcpy(&version, header + 1, sizeof(version));
	type = header[0] >> QUIC_TYPE_SHIFT & 3;
	if (version == core_be32(QUIC_VERSION_1))
		return type == 0;
	return version != core_be32(QUIC_VERSION_2) || type == 1;
}

/* at: the UDP payload; left: how long it is; bytes: of a server ID, 1-8. Returns false when the
 * packet names nobody. A packet too short for eight bytes of ID is none that a peer would accept
 * (RFC 9000, 10.3).
 */
static __always_inline bool quic_server_id(const void *at, const void *end, __u32 left, __u32 bytes,
					   __u64 *ret_id)
{
	const __u8 *header = at, *id = at + 1;
	__u64 value;

	if (at + QUIC_SHORT_HEADERS > end || left < QUIC_SHORT_HEADERS)
		return false;
	if (header[0] & QUIC_LONG) {
		if (at + QUIC_LONG_HEADERS > end || left < QUIC_LONG_HEADERS ||
		    !quic_is_handshake(header) || header[QUIC_LONG_ID - 1] < 1 + bytes)
			return false;
		id = at + QUIC_LONG_ID;
	}
	if (id[0] >> 5 == QUIC_UNROUTABLE)
		return false;
	__builtin_memcpy(&value, id + 1, sizeof(value));
	*ret_id = bytes < QUIC_ID_ROOM ? value & ((1ULL << bytes * 8) - 1) : value;
	return true;
}

#endif
