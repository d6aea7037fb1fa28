/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the service manager (systemd) is told of the agent: that it is ready, reads its
 * configuration again, stops, and lives. It hears of its life from the agent's own loop: one that
 * hangs falls silent.
 */
#ifndef MTLB_AGENT_MANAGER_H
#define MTLB_AGENT_MANAGER_H

#include "../sys/notify.h"
#include "agent.h"

struct manager {
	struct notify notify;
	struct agent *agent;
	struct loop_timer alive;
	uint64_t alive_ns; /* 0: it does not ask */
};

int manager_open(struct manager *manager, struct agent *agent, struct err *err);
void manager_close(struct manager *manager);

/* What was told before is told again: how many tenants, and the last error there was. */
void manager_ready(struct manager *manager);
void manager_reloading(struct manager *manager);
void manager_stopping(struct manager *manager);

/* Signs of life from now on, twice as often as asked for. */
int manager_watch(struct manager *manager);

#endif
