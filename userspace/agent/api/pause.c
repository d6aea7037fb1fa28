// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pause.h"

#include <microhttpd.h>
#include <sys/epoll.h>

#include "../../base/log.h"

static void hung_up(struct loop_fd *fd, uint32_t events)
{
	struct pause *pause = fd->context;

	(void)events;
	pause->gone = true;
	pause_end(pause);
}

void pause_init(struct pause *pause, struct loop *loop, struct loop_timer *pump,
		struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	*pause = (struct pause){
		.loop = loop,
		.pump = pump,
		.connection = connection,
		.hangup = {.fd = info ? info->connect_fd : -1, .ready = hung_up, .context = pause},
	};
}

void pause_fini(struct pause *pause)
{
	if (pause->hangup.added)
		loop_fd_remove(pause->loop, &pause->hangup);
}

void pause_begin(struct pause *pause)
{
	/* without it a client that left keeps its place until there is something for it */
	if (pause->hangup.fd >= 0)
		loop_fd_set(pause->loop, &pause->hangup, EPOLLRDHUP);
	MHD_suspend_connection(pause->connection);
	pause->suspended = true;
}

void pause_end(struct pause *pause)
{
	if (!pause->suspended)
		return;
	pause->suspended = false;
	pause_fini(pause);
	MHD_resume_connection(pause->connection);
	if (loop_timer_set(pause->loop, pause->pump, 0))
		log_error("api", "no memory for a timer: who waits is told late");
}
