// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "manager.h"

#include <stdio.h>
#include <string.h>

#include "../base/log.h"

static void told(int error)
{
	if (error)
		log_warn("agent", "the service manager cannot be told: %s", strerror(-error));
}

int manager_open(struct manager *manager, struct agent *agent, struct err *err)
{
	uint64_t interval;
	int error;

	*manager = (struct manager){.agent = agent, .notify.fd = -1};
	error = notify_watchdog(&interval);
	if (error)
		return err_set(err, error,
			       "WATCHDOG_USEC or WATCHDOG_PID is not a number: the service manager "
			       "sets them (systemd: WatchdogSec=); by hand, unset them");
	manager->alive_ns = interval / 2;
	error = notify_open(&manager->notify);
	if (error)
		return err_set(err, error,
			       "NOTIFY_SOCKET: %s: expected the path of a socket, or @ and an "
			       "abstract name; the service manager sets it; by hand, unset it",
			       strerror(-error));
	return 0;
}

void manager_close(struct manager *manager)
{
	notify_close(&manager->notify);
}

/* The status is one line: an error's words come from files that are anybody's. */
static void one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ')
			*text = ' ';
}

void manager_ready(struct manager *manager)
{
	const struct agent *agent = manager->agent;
	char status[512], lines[600];

	if (agent->last_error[0])
		snprintf(status, sizeof(status),
			 "%zu tenants; the last change was not taken: %.400s",
			 agent->config.state.tenant_count, agent->last_error);
	else
		snprintf(status, sizeof(status), "%zu tenants, generation %llu",
			 agent->config.state.tenant_count, (unsigned long long)agent->generation);
	one_line(status);
	snprintf(lines, sizeof(lines), "READY=1\nSTATUS=%s", status);
	told(notify_send(&manager->notify, lines));
}

void manager_reloading(struct manager *manager)
{
	told(notify_reloading(&manager->notify));
}

void manager_stopping(struct manager *manager)
{
	told(notify_send(&manager->notify, "STOPPING=1"));
}

static void say_alive(struct loop_timer *timer)
{
	struct manager *manager = timer->context;

	told(notify_send(&manager->notify, "WATCHDOG=1"));
	loop_timer_set(manager->agent->loop, timer, manager->alive_ns);
}

int manager_watch(struct manager *manager)
{
	if (!manager->alive_ns)
		return 0;
	manager->alive = (struct loop_timer){.fire = say_alive, .context = manager};
	return loop_timer_set(manager->agent->loop, &manager->alive, 0);
}
