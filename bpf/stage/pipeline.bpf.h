/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a packet meets on arrival, as one sentence. Each stage returns 0 (go on) or a reason. */
#ifndef MTLB_STAGE_PIPELINE_H
#define MTLB_STAGE_PIPELINE_H

#include "active.bpf.h"
#include "admit.bpf.h"
#include "answer.bpf.h"
#include "classify.bpf.h"
#include "detour.bpf.h"
#include "finish.bpf.h"
#include "forward.bpf.h"
#include "fragment.bpf.h"
#include "guard.bpf.h"
#include "nat.bpf.h"
#include "pick.bpf.h"
#include "track.bpf.h"
#include "../core/parse.h"

/*
 * What is out of line here is so for the verifier's sake, and because few packets need it.
 *
 * A large packet may lie in several pieces: its headers are in the first one, which seems too short
 * for what they say.
 */
__attribute__((noinline)) int read_in_pieces(struct xdp_md *ctx, struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 piece = core_distance(data, end);

	if (!p)
		return MTLB_REASON_no_header;
	*p = (struct packet){.beyond = (__u32)(bpf_xdp_get_buff_len(ctx) - piece)};
	return parse_packet(data, end, p);
}

__attribute__((noinline)) int read_extensions(struct xdp_md *ctx, struct packet *p)
{
	if (!p)
		return MTLB_REASON_no_header;
	parse_extensions((void *)(long)ctx->data, (void *)(long)ctx->data_end, p);
	return p->trouble;
}

__attribute__((noinline)) int read_transport(struct xdp_md *ctx, struct packet *p)
{
	if (!p)
		return MTLB_REASON_no_header;
	parse_transport((void *)(long)ctx->data, (void *)(long)ctx->data_end, p);
	return 0;
}

static __always_inline int read_headers(struct xdp_md *ctx, struct packet *p)
{
	int reason = parse_packet((void *)(long)ctx->data, (void *)(long)ctx->data_end, p);

	if (unlikely(reason))
		p->ip_bytes = (__u32)bpf_xdp_get_buff_len(ctx); /* all pieces */
	if (likely(p->trouble != MTLB_REASON_bad_ip && p->trouble != MTLB_REASON_bad_extension))
		return reason;
	if (p->trouble == MTLB_REASON_bad_ip)
		reason = read_in_pieces(ctx, p);
	if (!reason && p->trouble == MTLB_REASON_bad_extension && !read_extensions(ctx, p))
		reason = read_transport(ctx, p);
	p->vip = NULL; /* the verifier does not know what is in it now */
	return reason;
}

/* A first fragment must be remembered before it is changed. */
static __always_inline int remember(struct xdp_md *ctx, struct packet *p)
{
	if (likely(!p->fragment))
		return 0;
	fragment_remember(ctx, p, MTLB_FRAGMENT_MEMBER);
	p->vip = bpf_map_lookup_elem(&mtlb_vip_records, &p->record);
	return p->vip ? 0 : MTLB_REASON_no_record;
}

static __always_inline int pipeline_straight(struct xdp_md *ctx, struct packet *p)
{
	return read_headers(ctx, p) ?: classify(p) ?: guard(ctx, p) ?: admit(ctx, p, p->vip)
		       ?: pick(ctx, p) ?: track(ctx, p) ?: remember(ctx, p) ?: forward(ctx, p);
}

/* PIPELINE_NOTE is defined by the program that only tells: stage/trace.bpf.h. */
static __always_inline int pipeline(struct xdp_md *ctx)
{
	struct packet p = {};
	int straight = pipeline_straight(ctx, &p), reason;

	if (likely(straight == MTLB_REASON_sent || straight == MTLB_REASON_redirected))
		active_mark(&p);
	reason = detour(ctx, &p, straight);
#ifdef PIPELINE_NOTE
	PIPELINE_NOTE(&p, straight, reason);
#endif
	return finish(ctx, &p, reason);
}

#endif
