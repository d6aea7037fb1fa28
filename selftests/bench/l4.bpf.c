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
FLOW_PROGRAM(bench_no_vip, FLOW_NO_VIP, flow_mtlb, XDP_PASS)

char _license[] SEC("license") = "Dual BSD/GPL";
