// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "eject.h"

#include "../base/log.h"

/* All that becomes of it is told here. */
static void tell(const struct routing *routing, const struct upstream_member *member, bool ejected,
		 uint64_t span)
{
	const struct upstreams *upstreams = routing->upstreams;
	char text[ADDR_TEXT_MAX];
	uint16_t port;
	struct addr address;

	upstream_address_of(&member->address.any, &address, &port);
	addr_format_endpoint(&address, port, text);
	if (ejected) {
		tally_one(&member->tally->ejections);
		if (upstreams->ejected)
			upstreams->ejected(upstreams->ejected_context, member);
		log_warn("proxy", "backend %s gets no requests for %llu s: %u failures in a row",
			 text, (unsigned long long)(span / 1000000000), member->failures);
	} else {
		log_info("proxy", "backend %s gets requests again", text);
	}
}

/* One in any case; of more, half of the pool at most. */
static bool may_eject(const struct routing *routing, uint32_t pool)
{
	const struct image_range *range = &routing->image.pools[pool].members;
	unsigned active = 0, out = 1;

	for (uint32_t i = range->first; i < range->first + range->count; i++) {
		active += routing->image.members[i].state == IMAGE_ACTIVE;
		out += routing->members[i] && routing->members[i]->ejected_until;
	}
	return out == 1 || 2 * out <= active;
}

static void eject(const struct routing *routing, struct upstream_member *member, uint64_t now)
{
	/* who was in for longer than he was out begins anew */
	if (now - member->readmitted_at > member->ejected_for)
		member->ejected_for = 0;
	member->ejected_for = member->ejected_for ? 2 * member->ejected_for : EJECT_FIRST_NS;
	if (member->ejected_for > EJECT_MOST_NS)
		member->ejected_for = EJECT_MOST_NS;
	member->ejected_until = now + member->ejected_for;
	tell(routing, member, true, member->ejected_for);
}

void eject_failed(const struct routing *routing, uint32_t pool, struct upstream_member *member,
		  uint64_t now)
{
	unsigned most = routing->image.pools[pool].eject_after;

	member->failures++;
	if (!most || member->ejected_until > now)
		return;
	if (member->ejected_until) {
		member->readmitted_at = now; /* it was on trial */
		eject(routing, member, now);
	} else if (member->failures >= most && may_eject(routing, pool)) {
		eject(routing, member, now);
	}
}

void eject_succeeded(const struct routing *routing, struct upstream_member *member, uint64_t now)
{
	member->failures = 0;
	if (!member->ejected_until)
		return;
	member->ejected_until = 0;
	member->readmitted_at = now;
	tell(routing, member, false, 0);
}
