// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The layer 4 benchmark's programs: the balancer's pipeline for each kind of frame. */
#include "flow.bpf.h"
#include "../../bpf/stage/names.bpf.h"

FLOW_PROGRAM(bench_floor, FLOW_TCP4, flow_floor, XDP_TX)
FLOW_PROGRAM(bench_harness_tcp4, FLOW_TCP4, flow_nothing, XDP_TX)
FLOW_PROGRAM(bench_harness_tcp6, FLOW_TCP6, flow_nothing, XDP_TX)
FLOW_PROGRAM(bench_harness_udp4, FLOW_UDP4, flow_nothing, XDP_TX)
FLOW_PROGRAM(bench_harness_no_vip, FLOW_NO_VIP, flow_nothing, XDP_TX)
FLOW_PROGRAM(bench_tcp4, FLOW_TCP4, flow_mtlb, XDP_TX)
FLOW_PROGRAM(bench_tcp6, FLOW_TCP6, flow_mtlb, XDP_TX)
FLOW_PROGRAM(bench_udp4, FLOW_UDP4, flow_mtlb, XDP_TX)
FLOW_PROGRAM(bench_harness_first, FLOW_FIRST, flow_nothing, XDP_TX)
FLOW_PROGRAM(bench_harness_later, FLOW_LATER, flow_nothing, XDP_TX)
FLOW_PROGRAM(bench_harness_icmp, FLOW_ICMP, flow_nothing, XDP_TX)
FLOW_PROGRAM(bench_first, FLOW_FIRST, flow_mtlb, XDP_TX)
FLOW_PROGRAM(bench_later, FLOW_LATER, flow_mtlb, XDP_TX)
FLOW_PROGRAM(bench_icmp, FLOW_ICMP, flow_mtlb, XDP_TX)
FLOW_PROGRAM(bench_harness_over, FLOW_OVER, flow_nothing, XDP_TX)
FLOW_PROGRAM(bench_over, FLOW_OVER, flow_mtlb, XDP_DROP)
FLOW_PROGRAM(bench_no_vip, FLOW_NO_VIP, flow_mtlb, XDP_PASS)

struct flow_cpu flow_cpus[FLOW_CPUS];
const volatile __u32 flow_wire; /* the interface that packets go out by */

static __always_inline struct flow_cpu *flow_cpu(void)
{
	return &flow_cpus[bpf_get_smp_processor_id() & (FLOW_CPUS - 1)];
}

/*
 * What one line of the flow table costs that is in no cache, and nothing else: a compare and
 * exchange that changes nothing, of a word which is chosen by what came of the one before.
 */
const volatile __u32 flow_lines; /* a power of two */

SEC("xdp")
int bench_line(struct xdp_md *ctx)
{
	struct flow_cpu *cpu = flow_cpu();
	__u64 next = cpu->at * 6364136223846793005ULL + 1442695040888963407ULL; /* Knuth's MMIX */
	__u32 at = (__u32)(next >> 40) & (flow_lines - 1);
	struct mtlb_flow_bucket *bucket = bpf_map_lookup_elem(&mtlb_flows, &at);
	__u64 word;

	(void)ctx;
	if (!bucket)
		return XDP_ABORTED;
	word = *(volatile __u64 *)&bucket->word[0];
	cpu->at = next + (__sync_val_compare_and_swap(&bucket->word[0], word, word) - word);
	return XDP_DROP;
}

/* Over the wire: see lib/wire.h. */
SEC("xdp")
int bench_generate(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct flow_cpu *cpu = flow_cpu();

	if (data + FLOW_FRAME_BYTES > end)
		return XDP_ABORTED;
	flow_write(data, cpu->at++ & 0xffff, FLOW_TCP4);
	return (int)bpf_redirect(flow_wire, 0);
}

SEC("xdp")
int bench_sink(struct xdp_md *ctx)
{
	(void)ctx;
	flow_cpu()->sunk++;
	return XDP_DROP;
}

SEC("xdp")
int bench_wire_floor(struct xdp_md *ctx)
{
	return flow_floor(ctx);
}

char _license[] SEC("license") = "Dual BSD/GPL";
