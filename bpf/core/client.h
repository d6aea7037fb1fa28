/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A line of abi/client.h: who stands in it, and who gives way. Pure; all times in its ticks. */
#ifndef MTLB_CORE_CLIENT_H
#define MTLB_CORE_CLIENT_H

#include "compiler.h"
#include "../abi/client.h"

#define CLIENT_DUE ((1ULL << MTLB_CLIENT_DUE_BITS) - 1) /* of an entry; the other bits are who */

struct client_place {
	__u64 entry; /* what stands there */
	__u64 ahead; /* of the clock, that is the client's; 0 when it is another one's place */
	__u32 at;
};

/* How far an entry is ahead of the clock. */
static __always_inline __u64 client_ahead(__u64 entry, __u64 now)
{
	__u64 ahead = (entry - now) & CLIENT_DUE;

	return ahead <= MTLB_CLIENT_SECOND ? ahead : 0;
}

/* Its own place, or else that of who is the least ahead. */
static __always_inline struct client_place client_find(const volatile __u64 *entries, __u64 who,
						       __u64 now)
{
	struct client_place least = {};
	__u64 least_ahead = ~0ULL;

	for (__u32 i = 0; i < MTLB_CLIENTS_PER_LINE; i++) {
		__u64 entry = entries[i], ahead = client_ahead(entry, now);

		if ((entry & ~CLIENT_DUE) == who)
			return (struct client_place){.entry = entry, .ahead = ahead, .at = i};
		if (ahead < least_ahead) {
			least_ahead = ahead;
			least = (struct client_place){.entry = entry, .at = i};
		}
	}
	return least;
}

/* The entry once it has opened one more; 0: it is too soon. */
static __always_inline __u64 client_charge(const struct client_place *place, __u64 who, __u64 now,
					   __u64 interval)
{
	__u64 ahead = place->ahead + interval;

	return ahead > MTLB_CLIENT_SECOND ? 0 : who | ((now + ahead) & CLIENT_DUE);
}

#endif
