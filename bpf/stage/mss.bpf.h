/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * MSS clamping (services[].mss): lowers the segment size that a SYN announces (RFC 9293, 3.7.1), so
 * that its receiver sends no more than fits. A SYN that announces none means 536 or 1220 bytes, and
 * is left alone. Owns no map.
 */
#ifndef MTLB_STAGE_MSS_H
#define MTLB_STAGE_MSS_H

#include <linux/tcp.h>

#include "knobs.bpf.h"

#define MSS_OPTION	 2
#define MSS_OPTION_BYTES 4
#define MSS_OPTIONS_MAX	 40

/* RFC 1624, equation 3. */
static __always_inline __u16 mss_update(__u16 checksum, __u16 was, __u16 is)
{
	__u32 sum = (__u16)~checksum + (__u32)(__u16)~was + is;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

struct mss_walk {
	struct xdp_md *ctx;
	__u32 at, last; /* offsets in the frame: the next option, and where they end */
	__u32 found;	/* offset of the size; 0: not yet */
};

/* A callback, which the verifier checks once. */
static long mss_look(__u32 i, void *context)
{
	struct mss_walk *walk = context;
	__u8 option[2];

	(void)i;
	if (walk->at >= walk->last || bpf_xdp_load_bytes(walk->ctx, walk->at, option, 1))
		return 1;
	if (option[0] == 0)
		return 1;
	if (option[0] == 1) {
		walk->at++;
		return 0;
	}
	if (walk->at + 2 > walk->last || bpf_xdp_load_bytes(walk->ctx, walk->at, option, 2) ||
	    option[1] < 2)
		return 1;
	if (option[0] == MSS_OPTION) {
		if (option[1] == MSS_OPTION_BYTES && walk->at + MSS_OPTION_BYTES <= walk->last)
			walk->found = walk->at + 2;
		return 1;
	}
	walk->at += option[1];
	return 0;
}

/* What a SYN announces; 0: nothing. at: its TCP header, as an offset in the frame. */
__attribute__((noinline)) __u32 mss_read(struct xdp_md *ctx, __u32 at)
{
	struct mss_walk walk = {.ctx = ctx, .at = at + sizeof(struct tcphdr)};
	struct tcphdr tcp;
	__be16 mss;

	if (bpf_xdp_load_bytes(ctx, at, &tcp, sizeof(tcp)))
		return 0;
	walk.last = at + tcp.doff * 4U;
	bpf_loop(MSS_OPTIONS_MAX, mss_look, &walk, 0);
	if (!walk.found || bpf_xdp_load_bytes(ctx, walk.found, &mss, sizeof(mss)))
		return 0;
	return core_be16(mss);
}

/* at: the TCP header, as an offset in the frame. Packet pointers are lost. Out of line for the sake
 * of the stack of those who call it.
 */
__attribute__((noinline)) int mss_clamp(struct xdp_md *ctx, __u32 at, __u32 limit)
{
	struct mss_walk walk = {.ctx = ctx, .at = at + sizeof(struct tcphdr)};
	struct tcphdr tcp;
	__be16 was, is = core_be16(limit);
	__u16 from, to;

	if (bpf_xdp_load_bytes(ctx, at, &tcp, sizeof(tcp)))
		return 0;
	walk.last = at + tcp.doff * 4U;
	bpf_loop(MSS_OPTIONS_MAX, mss_look, &walk, 0);
	if (!walk.found || bpf_xdp_load_bytes(ctx, walk.found, &was, sizeof(was)) ||
	    core_be16(was) <= limit)
		return 0;
	/* behind an odd number of padding bytes it lies across two words of the sum */
	from = (walk.found - at) & 1 ? core_be16(was) : was;
	to = (walk.found - at) & 1 ? core_be16(is) : is;
	tcp.check = mss_update(tcp.check, from, to);
	bpf_xdp_store_bytes(ctx, walk.found, &is, sizeof(is));
	bpf_xdp_store_bytes(ctx, at + offsetof(struct tcphdr, check), &tcp.check,
			    sizeof(tcp.check));
	return 0;
}

#endif
