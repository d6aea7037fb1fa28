/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Health checks that go the way of packets: for which member those of a probe's socket are, by the
 * port that it asks from. The prober, which has no rights, writes this table (it is mapped into its
 * memory) and the program takes what it finds there for what anybody might have written.
 */
#ifndef MTLB_ABI_PROBE_H
#define MTLB_ABI_PROBE_H

#include <linux/types.h>

struct mtlb_probe {
	__u32 member; /* index: mtlb_members; 0: nobody asks from this port */
	__u32 zero;
};

/* Sockets of one family and protocol never share a port: each has ports of its own. */
#define MTLB_PROBES (4U << 16)

/* Where the entry of a port, in host order, is. */
static inline __u32 mtlb_probe_at(__u32 ipv6, __u32 udp, __u32 port)
{
	return (ipv6 ? 1U << 17 : 0) | (udp ? 1U << 16 : 0) | (port & 0xffff);
}

#endif
