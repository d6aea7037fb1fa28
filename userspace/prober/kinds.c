// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "kinds.h"

const struct attempt_kind *const kinds[PROBE_KINDS] = {
	[PROBE_TCP] = &tcp_kind,    [PROBE_TLS] = &tls_kind,	   [PROBE_HTTP] = &http_kind,
	[PROBE_HTTPS] = &http_kind, [PROBE_GRPC] = &grpc_kind,	   [PROBE_UDP] = &udp_kind,
	[PROBE_ICMP] = &icmp_kind,  [PROBE_SCRIPT] = &script_kind,
};

int kinds_prepare(struct loop *loop)
{
	return tls_prepare() ?: http_prepare(loop) ?: icmp_prepare(loop);
}
