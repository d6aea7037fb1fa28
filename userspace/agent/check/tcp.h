/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One TCP probe: connect, and nothing more. A backend that completes the handshake is good; not a
 * byte is read or written. It knows nothing of schedules and of what a failure means.
 */
#ifndef MTLB_AGENT_CHECK_TCP_H
#define MTLB_AGENT_CHECK_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../base/addr.h"
#include "../../sys/loop.h"

struct tcp_probe {
	/* error is 0 or a negative errno. Called from the loop, the probe is over by then; it may
	 * be started anew or freed.
	 */
	void (*done)(struct tcp_probe *self, int error);
	void *context;
	uint64_t took_ns; /* set before done */

	/* The rest is the probe's own. */
	struct loop *loop;
	struct loop_fd fd;
	struct loop_timer timer;
	uint64_t started_ns;
	int early; /* what was known before the loop could tell */
	bool has_early;
	bool running;
};

/* 0: done will be called. A negative errno: it will not, and no probe was made. */
int tcp_probe_start(struct tcp_probe *probe, struct loop *loop, const struct addr *address,
		    uint16_t port, uint32_t timeout_ms);

/* Without calling done. Harmless when none runs. */
void tcp_probe_stop(struct tcp_probe *probe);

/* True when error says something about this node and nothing about the backend. */
bool tcp_error_is_ours(int error);

/* In words: "connection refused", "timeout after 1s". Returns text. */
char *tcp_error_text(int error, uint32_t timeout_ms, char *text, size_t size);

#endif
