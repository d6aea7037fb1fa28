// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "flow_log.h"

#include <inttypes.h>

#include "../base/log.h"
#include "../dataplane/dataplane.h"

void flow_log_init(struct flow_log *flow_log, struct dataplane *dataplane, uint64_t now)
{
	dataplane_read_flow_logs(dataplane);
	*flow_log = (struct flow_log){
		.dataplane = dataplane,
		.lost = dataplane_sum_lost_facts(dataplane),
		.told_at = now - FLOW_LOG_COMPLAINT_NS,
	};
}

uint64_t flow_log_run(struct flow_log *flow_log, uint64_t now)
{
	uint64_t lost;

	dataplane_read_flow_logs(flow_log->dataplane);
	lost = dataplane_sum_lost_facts(flow_log->dataplane) - flow_log->lost;
	if (!lost || now - flow_log->told_at < FLOW_LOG_COMPLAINT_NS)
		return 0;
	log_warn("flows",
		 "%" PRIu64 " new flows came faster than they could be noted: listings show them "
		 "without addresses; they are forwarded and kept like all others",
		 lost);
	flow_log->lost += lost;
	flow_log->told_at = now;
	return lost;
}
