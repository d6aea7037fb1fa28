/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * May the tenant have this packet? Its meters decide: abi/meter.h. A packet is charged to all of
 * them or, when one refuses it, to none. Owns mtlb_meters, mtlb_meter_times and mtlb_leases.
 */
#ifndef MTLB_STAGE_ADMIT_H
#define MTLB_STAGE_ADMIT_H

#include "knobs.bpf.h"
#include "../abi/meter.h"
#include "../core/packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_meter);
} mtlb_meters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_meter_time);
} mtlb_meter_times SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mtlb_lease);
} mtlb_leases SEC(".maps");

#define ADMIT_TRIES 4

/*
 * Takes a batch, or what one packet needs if that is more; 0: it is not due yet. Each try that
 * fails is another CPU's success.
 */
static __always_inline __u64 admit_take(__u64 *due, const struct mtlb_meter_rate *rate, __u32 need)
{
	__u64 units = need > rate->batch ? need : rate->batch;
	__u64 cost = units * rate->interval >> (MTLB_METER_INTERVAL_SHIFT - MTLB_METER_TICK_SHIFT);
	__u64 now;

	if (!rate->interval)
		return need; /* no limit any more, though a record still says so */
	now = bpf_ktime_get_ns() << MTLB_METER_TICK_SHIFT;
	for (int i = 0; i < ADMIT_TRIES; i++) {
		__u64 old = *(volatile __u64 *)due;
		__u64 next = ((__s64)(old - now) > 0 ? old : now) + cost;

		if (next - now > rate->burst)
			return 0;
		if (__sync_val_compare_and_swap(due, old, next) == old)
			return units;
	}
	return 0;
}

/* Out of line for the verifier's sake, and since a CPU comes here once per batch. */
__attribute__((noinline)) __u64 admit_lease(__u32 tenant, __u32 kind, __u32 need)
{
	const struct mtlb_meter *meter = bpf_map_lookup_elem(&mtlb_meters, &tenant);
	struct mtlb_meter_time *time = bpf_map_lookup_elem(&mtlb_meter_times, &tenant);

	if (!meter || !time)
		return 0;
	switch (kind) {
	case MTLB_METER_PACKETS:
		return admit_take(&time->due[MTLB_METER_PACKETS], &meter->rate[MTLB_METER_PACKETS],
				  need);
	case MTLB_METER_BYTES:
		return admit_take(&time->due[MTLB_METER_BYTES], &meter->rate[MTLB_METER_BYTES],
				  need);
	default:
		return admit_take(&time->due[MTLB_METER_FLOWS], &meter->rate[MTLB_METER_FLOWS],
				  need);
	}
}

/*
 * The agent may clear a lease meanwhile (dataplane_put_meter): what is left is read once, so that
 * what is written back cannot have gone below nothing, which would be credit for ever.
 */
static __always_inline bool admit_has(struct mtlb_lease *lease, __u32 tenant,
				      enum mtlb_meter_kind kind, __u32 need, __u64 *ret_left)
{
	__u64 left = *(volatile __u64 *)&lease->left[kind];

	if (unlikely(left < need)) {
		left += admit_lease(tenant, kind, need);
		lease->left[kind] = left;
	}
	*ret_left = left;
	return left >= need;
}

#define ADMIT_FLOOD  8 /* refusals in a row */
#define ADMIT_UNSEEN 7

static __always_inline int admit_refuse(struct mtlb_lease *lease, enum mtlb_reason reason)
{
	if (++lease->refused >= ADMIT_FLOOD) {
		lease->refused = ADMIT_FLOOD;
		lease->unseen = ADMIT_UNSEEN;
		lease->reason = reason;
	}
	return reason;
}

/* Of packets, a CPU writes only its own line, and XDP is not re-entered. */
static __always_inline int admit_metered(const struct packet *p, __u32 flags)
{
	__u32 at = bpf_get_smp_processor_id() * knob_tenants + p->tenant;
	struct mtlb_lease *lease = bpf_map_lookup_elem(&mtlb_leases, &at);
	__u64 packets = 0, bytes = 0, flows = 0;
	__u16 unseen;

	if (unlikely(!lease))
		return MTLB_REASON_no_record;
	unseen = *(volatile __u16 *)&lease->unseen;
	if (unlikely(unseen)) {
		lease->unseen = unseen - 1;
		return (int)lease->reason;
	}
	if (flags & MTLB_VIP_METER_PACKETS &&
	    !admit_has(lease, p->tenant, MTLB_METER_PACKETS, 1, &packets))
		return admit_refuse(lease, MTLB_REASON_over_packets);
	if (flags & MTLB_VIP_METER_BYTES &&
	    !admit_has(lease, p->tenant, MTLB_METER_BYTES, p->ip_bytes, &bytes))
		return admit_refuse(lease, MTLB_REASON_over_bits);
	if (unlikely(lease->refused))
		lease->refused = 0;
	if (flags & MTLB_VIP_METER_FLOWS && packet_opens(p) && !p->related) {
		if (!admit_has(lease, p->tenant, MTLB_METER_FLOWS, 1, &flows))
			return MTLB_REASON_over_new_flows;
		lease->left[MTLB_METER_FLOWS] = flows - 1;
	}
	if (flags & MTLB_VIP_METER_PACKETS)
		lease->left[MTLB_METER_PACKETS] = packets - 1;
	if (flags & MTLB_VIP_METER_BYTES)
		lease->left[MTLB_METER_BYTES] = bytes - p->ip_bytes;
	return 0;
}

static __always_inline int admit(const struct packet *p, const struct mtlb_vip *vip)
{
	if (likely(!(vip->flags & MTLB_VIP_METERED)))
		return 0;
	return admit_metered(p, vip->flags);
}

#endif
