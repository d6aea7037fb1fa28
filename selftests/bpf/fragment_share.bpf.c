// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Stores one word in a bucket of fragments as the real program does, for the tests of who gives way
 * to whom. */
#include "bpf/stage/pipeline.bpf.h"

__u64 word;
__u32 at, own_first, own_count;

SEC("xdp.frags")
int fragment_share(struct xdp_md *ctx)
{
	(void)ctx;
	return fragment_store(at, word, own_first, own_count);
}

char fragment_share_license[] SEC("license") = "Dual BSD/GPL";
