// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "meters.h"

#include "../../bpf/abi/client.h"

#define SECOND		1000000000ULL
#define BATCHES		10000U /* a second */
#define PACKETS_LEAST	16U
#define BYTES_LEAST	66000U /* an IPv6 packet of the largest payload, with its header */
#define BITS_PER_BYTE	8U
#define FLOWS_LEAST	1U
#define BATCH_OF_BURSTS 4U
#define SHARE_BATCH	64U

/* burst: in units. */
static struct mtlb_meter_rate make_rate(uint64_t per_second, uint64_t burst)
{
	uint64_t batch = per_second / BATCHES;
	struct mtlb_meter_rate rate = {};

	if (!per_second)
		return rate;
	if (batch > burst / BATCH_OF_BURSTS)
		batch = burst / BATCH_OF_BURSTS;
	rate.interval = (SECOND << MTLB_METER_INTERVAL_SHIFT) / per_second;
	rate.batch = batch ? (uint32_t)batch : 1;
	rate.burst = (uint64_t)(((unsigned __int128)burst * rate.interval) >>
				(MTLB_METER_INTERVAL_SHIFT - MTLB_METER_TICK_SHIFT));
	return rate;
}

static uint64_t burst_of(uint64_t per_second, uint32_t burst_ms, uint64_t least)
{
	uint64_t burst = per_second * burst_ms / 1000;

	return burst > least ? burst : least;
}

/* What is guaranteed is taken in batches of the same size, and must be had in them. */
static uint32_t packets_batch(const struct mtlb_meter *meter, const struct state_limits *limits)
{
	uint32_t batch = meter->rate[MTLB_METER_PACKETS].batch;
	uint64_t most;

	if (!limits->weight)
		return batch;
	if (!limits->packets || batch > SHARE_BATCH)
		batch = SHARE_BATCH;
	if (!limits->guaranteed)
		return batch;
	most = burst_of(limits->guaranteed, limits->burst_ms, PACKETS_LEAST) / BATCH_OF_BURSTS;
	return batch < most ? batch : (uint32_t)most;
}

struct mtlb_meter meters_make(const struct state_limits *limits)
{
	uint64_t bytes = limits->bits / BITS_PER_BYTE;
	struct mtlb_meter meter = {
		.per_second = {limits->packets, limits->bits, limits->new_flows},
		.guaranteed = limits->guaranteed,
		.weight = limits->weight,
		.burst_ms = limits->burst_ms,
		.client_interval =
			limits->client_flows ? MTLB_CLIENT_SECOND / limits->client_flows : 0,
		.client_per_second = limits->client_flows,
	};

	meter.rate[MTLB_METER_PACKETS] = make_rate(
		limits->packets, burst_of(limits->packets, limits->burst_ms, PACKETS_LEAST));
	meter.guarantee = make_rate(limits->guaranteed,
				    burst_of(limits->guaranteed, limits->burst_ms, PACKETS_LEAST));
	meter.rate[MTLB_METER_PACKETS].batch = packets_batch(&meter, limits);
	meter.rate[MTLB_METER_BYTES] =
		make_rate(bytes, burst_of(bytes, limits->burst_ms, BYTES_LEAST));
	meter.rate[MTLB_METER_FLOWS] = make_rate(
		limits->new_flows, burst_of(limits->new_flows, limits->burst_ms, FLOWS_LEAST));
	return meter;
}

int meters_put(const struct registry *registry, uint32_t tenant, const struct state_limits *limits)
{
	struct mtlb_meter meter = meters_make(limits);

	return dataplane_put_meter(registry->dataplane, tenant, &meter);
}

uint32_t meters_flags(const struct mtlb_meter *meter)
{
	return (meter->per_second[MTLB_METER_PACKETS] || meter->weight ? MTLB_VIP_METER_PACKETS
								       : 0) |
	       (meter->per_second[MTLB_METER_BYTES] ? MTLB_VIP_METER_BYTES : 0) |
	       (meter->per_second[MTLB_METER_FLOWS] || meter->client_per_second
			? MTLB_VIP_METER_FLOWS
			: 0);
}

struct state_limits meters_read(const struct registry *registry,
				const struct registry_tenant *tenant)
{
	const struct dataplane_view *view = dataplane_view(registry->dataplane);
	const struct mtlb_meter *meter = &view->meters[tenant->index];

	struct state_limits limits = {
		.packets = meter->per_second[MTLB_METER_PACKETS],
		.bits = meter->per_second[MTLB_METER_BYTES],
		.new_flows = meter->per_second[MTLB_METER_FLOWS],
		.guaranteed = meter->guaranteed,
		.weight = meter->weight,
		.burst_ms = meter->burst_ms,
		.client_flows = meter->client_per_second,
	};

	for (const struct registry_vip *vip = tenant->addresses; vip; vip = vip->next)
		if ((view->vips[vip->record].flags & MTLB_VIP_METERED) != meters_flags(meter))
			limits.burst_ms = STATE_BURST_UNFINISHED;
	return limits;
}

struct mtlb_share meters_share(const struct state_node *node)
{
	return (struct mtlb_share){
		.capacity = node->packets,
		.interval =
			node->packets ? (SECOND << MTLB_METER_INTERVAL_SHIFT) / node->packets : 0,
		.charge = {node->charge_new_flow, node->charge_fragment, node->charge_icmp},
	};
}

struct state_node meters_read_node(const struct registry *registry)
{
	const struct mtlb_share *share = dataplane_view(registry->dataplane)->share;

	return (struct state_node){
		.packets = share->capacity,
		.charge_new_flow = share->charge[MTLB_CHARGE_NEW_FLOW] ?: 1,
		.charge_fragment = share->charge[MTLB_CHARGE_FRAGMENT] ?: 1,
		.charge_icmp = share->charge[MTLB_CHARGE_ICMP] ?: 1,
	};
}
