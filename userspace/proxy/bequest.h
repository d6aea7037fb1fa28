/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a keeper sends of each connection of a worker that was killed, with its descriptor, and the
 * next worker takes. Both are of one version, and the worker takes it for what anybody might send.
 */
#ifndef MTLB_PROXY_BEQUEST_H
#define MTLB_PROXY_BEQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "../base/addr.h"
#include "buffer.h"

struct bequest {
	uint32_t version; /* HANDOVER_VERSION */
	uint32_t listener;
	uint32_t header; /* bytes of the PROXY protocol, which told who the client is; 0: none */
	uint32_t length;
	uint64_t read, written; /* bytes, without the header */
	struct addr peer, local;
	uint16_t port, local_port; /* local_port 0: nobody told */
	char bytes[BUFFER_SIZE];   /* length of them are of a request, the last that were read */
};

static inline size_t bequest_size(const struct bequest *bequest)
{
	return offsetof(struct bequest, bytes) + bequest->length;
}

#endif
