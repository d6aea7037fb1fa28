// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a packet meets on arrival, as one sentence. Each stage returns 0 (go on) or a reason. */
#include "../core/parse.h"
#include "../stage/classify.bpf.h"
#include "../stage/pick.bpf.h"
#include "../stage/track.bpf.h"
#include "../stage/forward.bpf.h"
#include "../stage/answer.bpf.h"
#include "../stage/finish.bpf.h"
#include "../stage/names.bpf.h"

static __always_inline int read_headers(struct xdp_md *ctx, struct packet *p)
{
	return parse_packet((void *)(long)ctx->data, (void *)(long)ctx->data_end, p);
}

SEC("xdp")
int mtlb_ingress(struct xdp_md *ctx)
{
	struct packet p = {};

	int reason = read_headers(ctx, &p) ?: classify(&p) ?: pick(&p) ?: track(&p) ?: forward(ctx, &p);

	return finish(&p, answer(ctx, &p, reason));
}

char _license[] SEC("license") = "Dual BSD/GPL";
