// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Stands before the program under test: fills the room in front of the packet with a pattern, so
 * that a header byte which the program does not write shows, and takes room away when told to.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define POISON_ROOM  64
#define CHUNK	     32
#define FRAME_CHUNKS 320

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

struct move {
	struct xdp_md *ctx;
	__u32 by, length;
};

/* A callback: moves the i-th chunk of the packet, which may lie in several pieces, forward. */
static long move_chunk(__u32 i, void *context)
{
	struct move *move = context;
	__u32 at = i * CHUNK;
	__u8 chunk[CHUNK];

	if (at + CHUNK <= move->length)
		return bpf_xdp_load_bytes(move->ctx, at + move->by, chunk, CHUNK) ||
		       bpf_xdp_store_bytes(move->ctx, at, chunk, CHUNK);
	for (__u32 j = 0; j < CHUNK && at + j < move->length; j++)
		if (bpf_xdp_load_bytes(move->ctx, at + j + move->by, chunk, 1) ||
		    bpf_xdp_store_bytes(move->ctx, at + j, chunk, 1))
			break;
	return 1;
}

static __always_inline int take_room(struct xdp_md *ctx, __u32 bytes)
{
	struct move move = {.ctx = ctx, .by = bytes, .length = (__u32)bpf_xdp_get_buff_len(ctx)};

	if (bpf_xdp_adjust_head(ctx, -(int)bytes))
		return -1;
	bpf_loop(FRAME_CHUNKS, move_chunk, &move, 0);
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
