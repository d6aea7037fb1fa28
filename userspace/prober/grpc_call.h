/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One call of grpc.health.v1.Health/Check, over HTTP/2: bytes in, bytes out, and what came of it.
 * nghttp2 speaks the protocol; what the messages say is wire/grpc_health.c's. Without sockets.
 */
#ifndef MTLB_PROBER_GRPC_CALL_H
#define MTLB_PROBER_GRPC_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nghttp2/nghttp2.h>

#include "../wire/grpc_health.h"

struct grpc_call {
	nghttp2_session *session;
	uint8_t request[GRPC_HEALTH_REQUEST_MAX], answer[GRPC_HEALTH_ANSWER_MAX];
	size_t request_length, request_sent, answer_length;
	int http_status, grpc_status; /* -1: none came */
	bool closed, too_long;
};

/* 0 or -ENOMEM. A service of length 0 is the server as a whole. */
int grpc_call_init(struct grpc_call *call, const char *authority, const char *service,
		   size_t service_length);
void grpc_call_fini(struct grpc_call *call);

/* What there is to be sent, in one piece: its length, or a negative errno. */
ssize_t grpc_call_send(struct grpc_call *call, uint8_t *bytes, size_t room);

enum grpc_call_state {
	GRPC_CALL_OPEN, /* more is to come; there may be something to be sent */
	GRPC_CALL_GOOD,
	GRPC_CALL_BAD, /* and why */
};

enum grpc_call_state grpc_call_take(struct grpc_call *call, const uint8_t *bytes, size_t length,
				    char *why, size_t size);

#endif
