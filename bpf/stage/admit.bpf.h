/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * May the tenant have this packet? Its meters decide: abi/meter.h. A packet is charged to all of
 * them or, when one refuses it, to none. Owns mtlb_meter_times, mtlb_leases and mtlb_share.
 */
#ifndef MTLB_STAGE_ADMIT_H
#define MTLB_STAGE_ADMIT_H

#include <linux/in6.h>
#include <linux/udp.h>

#include "array.bpf.h"
#include "client.bpf.h"
#include "count.bpf.h"
#include "defence.bpf.h"
#include "meters.bpf.h"
#include "../core/packet.h"
#include "../core/quic.h"

ARRAY_MAP(mtlb_meter_times, struct mtlb_meter_time);
ARRAY_MAP(mtlb_leases, struct mtlb_lease);
ARRAY_MAP(mtlb_share, struct mtlb_share);

#define ADMIT_TRIES	   4
#define ADMIT_NO_SHARE	   (1ULL << 63) /* it is the node that has no more */
#define ADMIT_SECOND	   1000000000ULL
#define ADMIT_PERIOD	   8000000ULL	     /* ns */
#define ADMIT_SHARE_BURST  4000000ULL	     /* ns: how far a share may run ahead */
#define ADMIT_SILENCE	   ADMIT_SHARE_BURST /* ns: after more of it, time is lost to shares */
#define ADMIT_NODE_BURST   8000000ULL	     /* ns: and all of them together */
#define ADMIT_ANY_BURST	   (1ULL << 62)
#define ADMIT_RATIO_SHIFT  16
#define ADMIT_RATIO_MOST   (8ULL << ADMIT_RATIO_SHIFT)
#define ADMIT_RATIO_LEAST  (1ULL << (ADMIT_RATIO_SHIFT - 3))
#define ADMIT_RATIO_GENTLE (1ULL << (ADMIT_RATIO_SHIFT - 2))

static __always_inline __u64 admit_cost(__u64 units, __u64 interval)
{
	return units * interval >> (MTLB_METER_INTERVAL_SHIFT - MTLB_METER_TICK_SHIFT);
}

/* Moves a meter's time on by cost, if it is then at most burst ahead of the clock. Each try that
 * fails is another CPU's success. */
static __always_inline bool admit_advance(__u64 *due, __u64 now, __u64 cost, __u64 burst)
{
	for (int i = 0; i < ADMIT_TRIES; i++) {
		__u64 old = *(volatile __u64 *)due;
		__u64 next = ((__s64)(old - now) > 0 ? old : now) + cost;

		if (next - now > burst)
			return false;
		if (__sync_val_compare_and_swap(due, old, next) == old)
			return true;
	}
	return false;
}

/* Takes a batch, or what one packet needs if that is more; 0: it is not due yet. */
static __always_inline __u64 admit_take(__u64 *due, const struct mtlb_meter_rate *rate, __u32 need)
{
	__u64 units = need > rate->batch ? need : rate->batch;

	if (!rate->interval)
		return need; /* no limit any more, though a record still says so */
	return admit_advance(due, bpf_ktime_get_ns() << MTLB_METER_TICK_SHIFT,
			     admit_cost(units, rate->interval), rate->burst)
		       ? units
		       : 0;
}

/* Time in which nobody asked says nothing, but what may be made up for: CPUs may have stood still.
 */
static __always_inline void admit_listen(struct mtlb_share *share, __u64 now)
{
	__u64 gap = now - *(volatile __u64 *)&share->last;

	if ((__s64)gap < (__s64)ADMIT_SILENCE / 4)
		return;
	share->last = now;
	if (gap > ADMIT_SILENCE)
		__sync_fetch_and_add(&share->silent, gap - ADMIT_SILENCE);
}

/*
 * What was taken too much is taken back from the next periods, and the other way round, so that the
 * node's meter is away from its end: there it refuses large batches sooner than small ones, which
 * would be against heavy tenants.
 */
static __always_inline __u64 admit_steer(const struct mtlb_share *share, __u64 now, __u64 spare)
{
	__u64 due = *(volatile __u64 *)&share->due >> MTLB_METER_TICK_SHIFT;
	__u64 most = ADMIT_NODE_BURST * share->capacity / ADMIT_SECOND / 4; /* packets */
	__u64 ahead;

	now = now << MTLB_METER_TICK_SHIFT >> MTLB_METER_TICK_SHIFT; /* it wraps as due does */
	if (due <= now)
		return spare + most / 4;
	ahead = (due - now) * share->capacity / ADMIT_SECOND;
	if (ahead <= most)
		return spare + (most - ahead) / 4;
	ahead = (ahead - most) / 4;
	return spare > ahead ? spare - ahead : 0;
}

/*
 * Once in a period, by whoever comes first: had all been taken as it was, what rate would have used
 * up what there was? Half of a small difference is believed, since a batch more or less is chance.
 */
static __always_inline void admit_set_fair(struct mtlb_share *share, __u64 now)
{
	__u64 since = *(volatile __u64 *)&share->since, capacity = share->capacity;
	__u64 guaranteed, shared, refused, silent, room, spare, ratio, fair, time = now - since;

	if (time < ADMIT_PERIOD || __sync_val_compare_and_swap(&share->since, since, now) != since)
		return;
	guaranteed = *(volatile __u64 *)&share->guaranteed;
	shared = *(volatile __u64 *)&share->shared;
	refused = *(volatile __u64 *)&share->refused;
	silent = *(volatile __u64 *)&share->silent;
	__sync_fetch_and_add(&share->guaranteed, -guaranteed);
	__sync_fetch_and_add(&share->shared, -shared);
	__sync_fetch_and_add(&share->silent, -silent);
	share->refused = 0;
	time = time > silent + ADMIT_SILENCE ? time - silent : ADMIT_SILENCE;
	if (time > ADMIT_SECOND)
		time = ADMIT_SECOND;
	room = capacity * time / ADMIT_SECOND;
	spare = room > guaranteed ? room - guaranteed : 0;
	spare = admit_steer(share, now, spare);
	if (spare < room / 64)
		spare = room / 64;
	if (!refused && shared <= spare)
		return;
	ratio = shared ? (spare << ADMIT_RATIO_SHIFT) / shared : ADMIT_RATIO_MOST;
	if (ratio > (1ULL << ADMIT_RATIO_SHIFT) - ADMIT_RATIO_GENTLE &&
	    ratio < (1ULL << ADMIT_RATIO_SHIFT) + ADMIT_RATIO_GENTLE)
		ratio = (ratio + (1ULL << ADMIT_RATIO_SHIFT)) / 2;
	if (ratio > ADMIT_RATIO_MOST)
		ratio = ADMIT_RATIO_MOST;
	if (ratio < ADMIT_RATIO_LEAST)
		ratio = ADMIT_RATIO_LEAST;
	fair = share->fair * ratio >> ADMIT_RATIO_SHIFT;
	if (fair > capacity << MTLB_FAIR_SHIFT)
		fair = capacity << MTLB_FAIR_SHIFT;
	if (fair < (capacity << MTLB_FAIR_SHIFT >> MTLB_FAIR_MAX_SHRINK) + 1)
		fair = (capacity << MTLB_FAIR_SHIFT >> MTLB_FAIR_MAX_SHRINK) + 1;
	share->fair = fair;
}

/*
 * Of units, so many as the tenant is guaranteed or has a share of, but at least need; else 0. One
 * packet always fits into a share that has rested, however small that is.
 */
static __always_inline __u64 admit_of_node(struct mtlb_share *share, const struct mtlb_meter *meter,
					   struct mtlb_meter_time *time, __u64 units, __u32 need)
{
	__u64 ns = bpf_ktime_get_ns(), now = ns << MTLB_METER_TICK_SHIFT, interval, cost, most;
	__u64 rate, burst = ADMIT_SHARE_BURST << MTLB_METER_TICK_SHIFT;
	__u64 node_burst = ADMIT_NODE_BURST << MTLB_METER_TICK_SHIFT;

	admit_listen(share, ns);
	admit_set_fair(share, ns);
	if (meter->guarantee.interval &&
	    admit_advance(&time->guarantee_due, now, admit_cost(units, meter->guarantee.interval),
			  meter->guarantee.burst)) {
		__sync_fetch_and_add(&share->guaranteed, units);
		admit_advance(&share->due, now, admit_cost(units, share->interval),
			      ADMIT_ANY_BURST);
		return units;
	}
	rate = *(volatile __u64 *)&share->fair * meter->weight;
	if (!rate)
		return 0;
	interval = (ADMIT_SECOND << (MTLB_METER_INTERVAL_SHIFT + MTLB_FAIR_SHIFT)) / rate;
	cost = admit_cost(1, interval);
	most = cost ? burst / cost / 4 : units;
	if (units > most)
		units = most > need ? most : need;
	cost = admit_cost(units, interval);
	if (!admit_advance(&time->share_due, now, cost, burst > cost ? burst : cost)) {
		if (!share->refused)
			share->refused = 1;
		return 0;
	}
	/* what was within the share counts, so that the fair rate falls until all of it is there */
	__sync_fetch_and_add(&share->shared, units);
	return admit_advance(&share->due, now, admit_cost(units, share->interval), node_burst)
		       ? units
		       : 0;
}

static __always_inline __u64 admit_packets(const struct mtlb_meter *meter,
					   struct mtlb_meter_time *time, __u32 need)
{
	const struct mtlb_meter_rate *rate = &meter->rate[MTLB_METER_PACKETS];
	__u32 zero = 0;
	struct mtlb_share *share = bpf_map_lookup_elem(&mtlb_share, &zero);
	__u64 units = need > rate->batch ? need : rate->batch, granted;

	if (!share || !share->capacity || !meter->weight)
		return admit_take(&time->due[MTLB_METER_PACKETS], rate, need);
	if (rate->interval && !admit_take(&time->due[MTLB_METER_PACKETS], rate, need))
		return 0;
	granted = admit_of_node(share, meter, time, units, need);
	if (rate->interval && granted < units)
		__sync_fetch_and_add(&time->due[MTLB_METER_PACKETS],
				     -admit_cost(units - granted, rate->interval));
	return granted ?: ADMIT_NO_SHARE;
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
		return admit_packets(meter, time, need);
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
	__u64 left = *(volatile __u64 *)&lease->left[kind], more;

	if (unlikely(left < need)) {
		more = admit_lease(tenant, kind, need);
		if (more & ADMIT_NO_SHARE)
			*ret_left = ADMIT_NO_SHARE;
		if (!more || more & ADMIT_NO_SHARE)
			return false;
		left += more;
		lease->left[kind] = left;
	}
	*ret_left = left;
	return left >= need;
}

/* Does the datagram begin with a packet that may open a connection? at: where in the frame the UDP
 * header begins. */
__attribute__((noinline)) int admit_initial(struct xdp_md *ctx, __u32 at)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	/* the mask tells the verifier what parse knows; eight extension headers fit in */
	return quic_opens(data + (at & 0x7fff) + sizeof(struct udphdr), end);
}

static __always_inline bool admit_opens(struct xdp_md *ctx, const struct packet *p, __u32 flags)
{
	if (p->related)
		return false;
	if (packet_opens(p))
		return true;
	return unlikely(flags & MTLB_VIP_QUIC_MASK << MTLB_VIP_QUIC_SHIFT) && !p->trouble &&
	       p->key.protocol == IPPROTO_UDP && admit_initial(ctx, p->l3 + p->l4);
}

/* For how many packets it counts. */
static __always_inline __u32 admit_charge(const struct packet *p, bool opens)
{
	const struct mtlb_share *share;
	__u32 zero = 0, charge;

	if (likely(!opens && !p->fragment && p->protocol != IPPROTO_ICMP &&
		   p->protocol != IPPROTO_ICMPV6))
		return 1;
	share = bpf_map_lookup_elem(&mtlb_share, &zero);
	if (!share)
		return 1;
	charge = opens	       ? share->charge[MTLB_CHARGE_NEW_FLOW]
		 : p->fragment ? share->charge[MTLB_CHARGE_FRAGMENT]
			       : share->charge[MTLB_CHARGE_ICMP];
	return charge ?: 1;
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

/* A SYN that gets a cookie opens nothing yet, or a flood would use up the tenant's new flows. Those
 * in fragments get none. */
static __always_inline bool admit_unstored(const struct packet *p, __u32 flags)
{
	return flags & MTLB_VIP_LOCAL && p->key.protocol == IPPROTO_TCP && !p->fragment &&
	       defence_on(p->tenant);
}

/* By the meter of flows or its client's, an attempt to open a connection that did not get to the
 * node's own stack. */
static __always_inline int admit_open_refused(const struct packet *p, __u32 flags,
					      enum mtlb_reason reason)
{
	if (flags & MTLB_VIP_LOCAL && p->key.protocol == IPPROTO_TCP)
		count_tenant(p->tenant, MTLB_COUNTER_local_syns);
	return reason;
}

/* Of packets, a CPU writes only its own line, and XDP is not re-entered. */
static __always_inline int admit_metered(struct xdp_md *ctx, struct packet *p, __u32 flags)
{
	__u32 at = bpf_get_smp_processor_id() * knob_tenants + p->tenant;
	struct mtlb_lease *lease = bpf_map_lookup_elem(&mtlb_leases, &at);
	bool opens = admit_opens(ctx, p, flags);
	__u64 packets = 0, bytes = 0, flows = 0;
	__u32 charge = 1;
	__u16 unseen;

	if (unlikely(!lease))
		return MTLB_REASON_no_record;
	unseen = *(volatile __u16 *)&lease->unseen;
	if (unlikely(unseen)) {
		lease->unseen = unseen - 1;
		return (int)lease->reason;
	}
	if (flags & MTLB_VIP_METER_PACKETS) {
		charge = admit_charge(p, opens);
		if (!admit_has(lease, p->tenant, MTLB_METER_PACKETS, charge, &packets))
			return admit_refuse(lease, packets == ADMIT_NO_SHARE
							   ? MTLB_REASON_over_share
							   : MTLB_REASON_over_packets);
	}
	if (flags & MTLB_VIP_METER_BYTES &&
	    !admit_has(lease, p->tenant, MTLB_METER_BYTES, p->ip_bytes, &bytes))
		return admit_refuse(lease, MTLB_REASON_over_bits);
	if (unlikely(lease->refused))
		lease->refused = 0;
	if (flags & MTLB_VIP_METER_FLOWS && opens && !admit_unstored(p, flags)) {
		if (!admit_has(lease, p->tenant, MTLB_METER_FLOWS, 1, &flows))
			return admit_open_refused(p, flags, MTLB_REASON_over_new_flows);
		if (!client_may_open(&p->source, p->tenant, p->ipv6))
			return admit_open_refused(p, flags, MTLB_REASON_over_client_flows);
		lease->left[MTLB_METER_FLOWS] = flows - 1;
	}
	if (flags & MTLB_VIP_METER_PACKETS)
		lease->left[MTLB_METER_PACKETS] = packets - charge;
	if (flags & MTLB_VIP_METER_BYTES)
		lease->left[MTLB_METER_BYTES] = bytes - p->ip_bytes;
	return 0;
}

static __always_inline int admit(struct xdp_md *ctx, struct packet *p, const struct mtlb_vip *vip)
{
	if (likely(!(vip->flags & MTLB_VIP_METERED)))
		return 0;
	return admit_metered(ctx, p, vip->flags);
}

#endif
