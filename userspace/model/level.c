// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "level.h"

#define BITS_PER_BYTE 8U

/* From ticks to packets, bytes or flows. Ticks were rounded down: this is rounded up. */
static uint64_t units_of(const struct mtlb_meter_rate *rate, uint64_t ticks)
{
	unsigned __int128 fine = (unsigned __int128)ticks
				 << (MTLB_METER_INTERVAL_SHIFT - MTLB_METER_TICK_SHIFT);

	return rate->interval ? (uint64_t)((fine + rate->interval - 1) / rate->interval) : 0;
}

/* A meter's time lies ahead of the clock by what is spent, or behind it: then nothing is. */
static double fill_of(const struct mtlb_meter_rate *rate, uint64_t due, uint64_t now)
{
	int64_t ahead = (int64_t)(due - (now << MTLB_METER_TICK_SHIFT));

	if (ahead <= 0 || !rate->burst)
		return 0;
	return (uint64_t)ahead >= rate->burst ? 1 : (double)ahead / (double)rate->burst;
}

size_t level_read(const struct mtlb_meter *meter, const struct mtlb_meter_time *time,
		  const struct mtlb_share *share, uint64_t now, struct level ret[LEVELS_MAX])
{
	static const struct {
		const char *name;
		enum mtlb_reason reason;
		uint32_t factor;
	} kinds[MTLB_METER_KINDS] = {
		[MTLB_METER_PACKETS] = {"packets", MTLB_REASON_over_packets, 1},
		[MTLB_METER_BYTES] = {"bits", MTLB_REASON_over_bits, BITS_PER_BYTE},
		[MTLB_METER_FLOWS] = {"newFlows", MTLB_REASON_over_new_flows, 1},
	};
	size_t count = 0;

	for (int kind = 0; kind < MTLB_METER_KINDS; kind++) {
		const struct mtlb_meter_rate *rate = &meter->rate[kind];

		if (meter->per_second[kind])
			ret[count++] = (struct level){
				.meter = kinds[kind].name,
				.rate = meter->per_second[kind],
				.burst = units_of(rate, rate->burst) * kinds[kind].factor,
				.fill = fill_of(rate, time->due[kind], now),
				.reason = kinds[kind].reason,
			};
	}
	if (meter->client_per_second)
		ret[count++] = (struct level){
			.meter = "newFlowsPerClient",
			.rate = meter->client_per_second,
			.burst = meter->client_per_second, /* as many at once: bpf/abi/client.h */
			.each_client = true,
			.reason = MTLB_REASON_over_client_flows,
		};
	if (meter->guaranteed)
		ret[count++] = (struct level){
			.meter = "guaranteed",
			.rate = meter->guaranteed,
			.burst = units_of(&meter->guarantee, meter->guarantee.burst),
			.fill = fill_of(&meter->guarantee, time->guarantee_due, now),
			.reason = MTLB_REASON_go_on,
		};
	if (meter->weight && share->capacity)
		ret[count++] = (struct level){
			.meter = "share",
			.rate = (uint64_t)(((unsigned __int128)share->fair * meter->weight) >>
					   MTLB_FAIR_SHIFT),
			.reason = MTLB_REASON_over_share,
		};
	return count;
}

json_t *level_json(const struct level *level, const char *tenant, uint64_t dropped)
{
	return json_pack("{s:s,s:s,s:I,s:I,s:o,s:I}", "tenant", tenant, "meter", level->meter,
			 "rate", (json_int_t)level->rate, "burst", (json_int_t)level->burst, "fill",
			 level->each_client ? json_null() : json_real(level->fill), "dropped",
			 (json_int_t)dropped);
}
