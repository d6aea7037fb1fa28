// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Passes everything. It sits on the far end of the balancer's veth: that end takes what the
 * balancer's program sends back (XDP_TX) at once only while it runs an XDP program of its own.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char pass_license[] SEC("license") = "Dual BSD/GPL";
