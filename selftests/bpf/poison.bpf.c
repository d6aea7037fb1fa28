// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Stands before the program under test: fills the room in front of the packet with a pattern, so
 * that a header byte which the program does not write shows, and takes room away when told to.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define POISON_ROOM 64
#define FRAME_SMALL 128

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tested SEC(".maps");

/*
 * Bytes of the room in front that are not there, as if metadata lay in them. The packet is moved
 * forward instead: older kernels refuse metadata of more than 32 bytes.
 */
__u32 metadata;

static __always_inline int take_room(struct xdp_md *ctx, __u32 bytes)
{
	unsigned char *to, *from, *end;

	if (ctx->data_end - ctx->data > FRAME_SMALL || bpf_xdp_adjust_head(ctx, -(int)bytes))
		return -1;
	to = (unsigned char *)(long)ctx->data;
	end = (unsigned char *)(long)ctx->data_end;
	from = to + bytes;
	for (int i = 0; i < FRAME_SMALL && from + i + 1 <= end; i++) {
		if (to + i + 1 > end)
			return -1;
		*(volatile unsigned char *)(to + i) = *(volatile unsigned char *)(from + i);
	}
	return (int)bpf_xdp_adjust_tail(ctx, -(int)bytes);
}

SEC("xdp.frags")
int poison(struct xdp_md *ctx)
{
	unsigned char *room;

	if (bpf_xdp_adjust_head(ctx, -POISON_ROOM))
		return XDP_ABORTED;
	room = (unsigned char *)(long)ctx->data;
	if (room + POISON_ROOM > (unsigned char *)(long)ctx->data_end)
		return XDP_ABORTED;
	for (int i = 0; i < POISON_ROOM; i++)
		*(volatile unsigned char *)(room + i) = 0xa5;
	if (bpf_xdp_adjust_head(ctx, POISON_ROOM))
		return XDP_ABORTED;
	if (metadata && take_room(ctx, metadata & 0xff))
		return XDP_ABORTED;
	bpf_tail_call(ctx, &tested, 0);
	return XDP_ABORTED;
}

char poison_license[] SEC("license") = "Dual BSD/GPL";
