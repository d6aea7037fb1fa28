// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Asks the real admission for packets of several tenants in turn, and notes what it gave to whom in
 * each window of time. The clock is the test's own, so that shares can be told exactly on a machine
 * that others use as well, and so that it can stand still.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 clock_ns;

static __always_inline __u64 share_clock(void)
{
	return clock_ns;
}

#define bpf_ktime_get_ns share_clock
#include "bpf/stage/admit.bpf.h"
#include "selftests/bpf/share_drive.h"

struct share_tenant tenants[SHARE_TENANTS];
__u64 rounds, step_ns; /* of the clock in a round */
__u32 stall_every;     /* rounds; 0: never */
__u64 stall_ns;	       /* and then the clock moves on by so much at once */

static __always_inline void ask(struct xdp_md *ctx, __u32 tenant, __u32 window)
{
	struct packet p = {.tenant = tenant, .ip_bytes = 40, .key.protocol = IPPROTO_TCP};
	struct share_tenant *of = &tenants[tenant];
	int reason;

	if (window < of->from || window >= of->until || !of->every || rounds % of->every)
		return;
	window &= SHARE_WINDOWS - 1;
	reason = admit_metered(ctx, &p, MTLB_VIP_METER_PACKETS);
	of->asked[window]++;
	if (reason)
		of->reason[window] = (__u64)reason;
	else
		of->given[window]++;
}

SEC("xdp.frags")
int share_drive(struct xdp_md *ctx)
{
	__u32 window = (__u32)((clock_ns - SHARE_BEGIN_NS) / SHARE_WINDOW_NS);

	if (window >= SHARE_WINDOWS)
		return XDP_DROP;
	rounds++;
	clock_ns += step_ns;
	if (stall_every && rounds % stall_every == 0)
		clock_ns += stall_ns;
	for (__u32 tenant = 1; tenant < SHARE_TENANTS; tenant++)
		ask(ctx, tenant, window);
	return XDP_PASS;
}

char share_drive_license[] SEC("license") = "Dual BSD/GPL";
