/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two messages of grpc.health.v1.Health/Check, as they lie in an HTTP/2 stream: gRPC's prefix
 * of five bytes, then Protocol Buffers. A request names a service in its field 1; an answer has its
 * status there. Fields that are not known are skipped. Pure.
 */
#ifndef MTLB_WIRE_GRPC_HEALTH_H
#define MTLB_WIRE_GRPC_HEALTH_H

#include <stddef.h>
#include <stdint.h>

#define GRPC_HEALTH_SERVICE_MAX 255
#define GRPC_HEALTH_REQUEST_MAX (5 + 3 + GRPC_HEALTH_SERVICE_MAX)
#define GRPC_HEALTH_ANSWER_MAX	1024 /* more than that is none */

/* Returns its length. A service of length 0 is the server as a whole. */
size_t grpc_health_write(const char *service, size_t length,
			 uint8_t ret_request[GRPC_HEALTH_REQUEST_MAX]);
/* 0 and what it says, such as "SERVING"; -EBADMSG when it is no such answer. */
int grpc_health_read(const uint8_t *answer, size_t length, const char **ret_status);

/* Of a grpc-status: "NOT_FOUND" for 5. */
const char *grpc_health_code_name(unsigned code);

#endif
