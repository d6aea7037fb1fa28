// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Bytes to facts: one frame through parse_packet alone. It reads nothing outside the frame, it says
 * only what its callers are ready for, and what lies behind the IP packet changes none of it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/core/parse.h"

#define REQUIRE(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

/* A byte beyond the end is the sanitizer's. */
static int parse(const uint8_t *data, size_t size, struct packet *p)
{
	uint8_t *copy = malloc(size);
	int reason;

	REQUIRE(copy || !size);
	memcpy(copy, data, size);
	memset(p, 0, sizeof(*p));
	reason = parse_packet(copy, copy + size, p);
	free(copy);
	return reason;
}

static bool is_drop(uint32_t reason)
{
	static const enum mtlb_verdict verdicts[] = {
#define REASON(name, verdict, sentence) MTLB_VERDICT_##verdict,
#include "bpf/abi/reasons.def"
#undef REASON
	};

	return reason < MTLB_REASON_COUNT && verdicts[reason] == MTLB_VERDICT_DROP;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p, exact;
	int reason = parse(data, size, &p);

	REQUIRE(p.ip_bytes <= size);
	if (reason) {
		REQUIRE(reason == MTLB_REASON_no_header || reason == MTLB_REASON_not_ip);
		return 0;
	}
	REQUIRE(p.l3 == 14 || p.l3 == 18 || p.l3 == 22);
	REQUIRE(p.l3 + (p.ipv6 ? 40U : 20U) <= size);
	REQUIRE(!p.trouble || is_drop(p.trouble));
	REQUIRE(p.trouble || p.key.protocol == IPPROTO_TCP || p.key.protocol == IPPROTO_UDP ||
		p.key.protocol == IPPROTO_SCTP);
	if (p.trouble == MTLB_REASON_bad_ip)
		return 0; /* there is no end of it */
	REQUIRE(p.l3 + p.ip_bytes <= size);
	REQUIRE(parse(data, p.l3 + p.ip_bytes, &exact) == 0);
	REQUIRE(!memcmp(&p, &exact, sizeof(p)));
	return 0;
}
