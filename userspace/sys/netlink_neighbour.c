// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The neighbours that somebody relies on. It owns the memory of what was answered about each, so
 * that of all that the kernel tells only what contradicts an answer is passed on, and so that
 * neighbours whose packets the kernel never sees (they leave by XDP) do not go stale. What a
 * neighbour is reached for is not its business.
 */
#include "netlink_neighbour.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Without memory for the table a neighbour is not remembered, and we can say so. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "../base/log.h"
#include "netlink_message.h"

#define SECOND		 1000000000ULL
#define TICK_NS		 SECOND
#define USES_PER_TICK	 256
#define STALE_EVERY_NS	 (15 * SECOND)	/* by the tick, for one neighbour */
#define MISSING_EVERY_NS (5 * SECOND)	/* likewise: its return is waited for */
#define USE_ASKED_NS	 SECOND		/* by those who ask, for one neighbour */
#define FORGET_NS	 (600 * SECOND) /* after the last question */
#define KNOWN_NS	 (SECOND / 50)	/* what was heard is not asked for again so soon */
#define GRACE_NS	 (SECOND / 20)	/* for one that was flushed to say that it is there */
#define FULL_QUIET_NS	 (60 * SECOND)
#define NEIGHBOURS_MAX	 65536

#define NUD_HAS_MAC (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)

/* Compared as bytes: always cleared before it is filled. */
struct neighbour_key {
	struct addr address;
	uint32_t ifindex;
};

/* What was last answered, or told, about one neighbour. */
struct neighbour {
	struct neighbour_key key;
	UT_hash_handle hh;
	enum next_hop_status status;
	bool stale;
	uint8_t mac[6];
	uint64_t asked_ns, used_ns;
	uint64_t heard_ns; /* when the kernel last answered, or told */
};

struct netlink_neighbours {
	struct loop *loop;
	struct netlink_request *request;
	void (*changed)(void *context, uint64_t delay_ns);
	void *context;
	struct neighbour *table;
	uint64_t full_ns; /* when it was last said that the kernel has no room */
	bool overflow;	  /* some are relied on and not remembered */
	struct loop_timer tick;
};

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static struct neighbour *find(const struct netlink_neighbours *all, uint32_t ifindex,
			      const struct addr *address)
{
	struct neighbour *neighbour;
	struct neighbour_key key;

	memset(&key, 0, sizeof(key));
	key.address = *address;
	key.ifindex = ifindex;
	HASH_FIND(hh, all->table, &key, sizeof(key), neighbour);
	return neighbour;
}

/* NULL when there is no room; then every event about neighbours counts. */
static struct neighbour *add(struct netlink_neighbours *all, uint32_t ifindex,
			     const struct addr *address)
{
	struct neighbour *neighbour = NULL;

	if (HASH_COUNT(all->table) < NEIGHBOURS_MAX)
		neighbour = calloc(1, sizeof(*neighbour));
	if (neighbour) {
		neighbour->key.address = *address;
		neighbour->key.ifindex = ifindex;
		HASH_ADD(hh, all->table, key, sizeof(neighbour->key), neighbour);
		if (neighbour->hh.tbl)
			return neighbour;
		free(neighbour);
	}
	all->overflow = true;
	return NULL;
}

static void forget(struct netlink_neighbours *all, struct neighbour *neighbour)
{
	HASH_DEL(all->table, neighbour);
	free(neighbour);
}

/* known may be NULL. One that did not answer stays missing until it does: the kernel's next attempt
 * alone is no news.
 */
static enum next_hop_status judge(const struct netlink_neighbour *facts,
				  const struct neighbour *known)
{
	if (facts->state & NUD_HAS_MAC)
		return facts->has_mac ? NEXT_HOP_OK : NEXT_HOP_NO_NEIGHBOUR;
	if (facts->state & NUD_FAILED)
		return NEXT_HOP_NO_NEIGHBOUR;
	return known && known->status == NEXT_HOP_NO_NEIGHBOUR ? NEXT_HOP_NO_NEIGHBOUR
							       : NEXT_HOP_RESOLVING;
}

/* Returns true when that is another answer than the last one. */
static bool update(struct neighbour *neighbour, const struct netlink_neighbour *facts)
{
	enum next_hop_status status = judge(facts, neighbour);
	bool same = status == neighbour->status;

	neighbour->heard_ns = clock_now();
	neighbour->stale = facts->state & NUD_STALE;
	neighbour->status = status;
	if (status == NEXT_HOP_OK) {
		same = same && memcmp(neighbour->mac, facts->mac, sizeof(facts->mac)) == 0;
		memcpy(neighbour->mac, facts->mac, sizeof(facts->mac));
	}
	return !same;
}

/* Other errors (the link went down meanwhile) show in the next answer; this one would look like a
 * neighbour that takes forever.
 */
static void ask_to_resolve(struct netlink_neighbours *all, uint32_t ifindex,
			   const struct addr *address, uint64_t now)
{
	int ret = netlink_request_use(all->request, ifindex, address);

	if (ret != -ENOBUFS || (all->full_ns && now - all->full_ns < FULL_QUIET_NS))
		return;
	all->full_ns = now;
	log_warn("netlink",
		 "the kernel's table of neighbours is full: raise net.%s.neigh.default.gc_thresh3",
		 addr_is_ipv4(address) ? "ipv4" : "ipv6");
}

static void use(struct netlink_neighbours *all, struct neighbour *neighbour, uint64_t now)
{
	neighbour->used_ns = now;
	ask_to_resolve(all, neighbour->key.ifindex, &neighbour->key.address, now);
}

void netlink_neighbours_told(struct netlink_neighbours *all, const struct nlmsghdr *message)
{
	struct netlink_neighbour facts;
	struct neighbour *neighbour;
	bool was_ok;

	if (netlink_parse_neighbour(message, &facts))
		return;
	if (message->nlmsg_type == RTM_DELNEIGH)
		facts.state = NUD_NONE;
	neighbour = find(all, facts.ifindex, &facts.address);
	if (!neighbour) {
		if (all->overflow)
			all->changed(all->context, 0);
		return;
	}
	was_ok = neighbour->status == NEXT_HOP_OK;
	if (!update(neighbour, &facts))
		return;
	/* Flushed from the table, and most likely still there: it gets the time to say so before
	 * anybody acts on its absence.
	 */
	if (was_ok && facts.state == NUD_NONE) {
		use(all, neighbour, clock_now());
		all->changed(all->context, GRACE_NS);
		return;
	}
	all->changed(all->context, 0);
}

static bool wants_use(const struct neighbour *neighbour, uint64_t now)
{
	uint64_t pause = neighbour->status == NEXT_HOP_OK ? STALE_EVERY_NS : MISSING_EVERY_NS;

	return (neighbour->status != NEXT_HOP_OK || neighbour->stale) &&
	       now - neighbour->used_ns >= pause;
}

static void tick(struct loop_timer *timer)
{
	struct netlink_neighbours *all = timer->context;
	struct neighbour *neighbour, *next;
	uint64_t now = clock_now();
	int uses = USES_PER_TICK;
	bool forgot = false;

	loop_timer_set(all->loop, timer, TICK_NS);
	HASH_ITER (hh, all->table, neighbour, next) {
		if (now - neighbour->asked_ns > FORGET_NS) {
			forget(all, neighbour);
			forgot = true;
			continue;
		}
		if (uses == 0 || !wants_use(neighbour, now))
			continue;
		uses--;
		use(all, neighbour, now);
		/* To the end of the queue, so that the budget reaches everyone in turn. */
		HASH_DEL(all->table, neighbour);
		HASH_ADD(hh, all->table, key, sizeof(neighbour->key), neighbour);
		if (!neighbour->hh.tbl) {
			free(neighbour);
			all->overflow = true;
		}
	}
	/* Who still relies on a forgotten one asks again and is followed again. */
	if (forgot) {
		all->overflow = false;
		all->changed(all->context, 0);
	}
}

int netlink_neighbours_ask(struct netlink_neighbours *all, uint32_t ifindex,
			   const struct addr *address, enum next_hop_status *ret_status,
			   uint8_t ret_mac[6])
{
	enum next_hop_status status;
	struct netlink_neighbour facts;
	struct neighbour *known;
	uint64_t now = clock_now();
	int ret;

	/* thousands of members may be behind one router; what changes meanwhile will be told */
	known = find(all, ifindex, address);
	if (known && known->status == NEXT_HOP_OK && !known->stale &&
	    now - known->heard_ns < KNOWN_NS) {
		known->asked_ns = now;
		*ret_status = NEXT_HOP_OK;
		memcpy(ret_mac, known->mac, sizeof(known->mac));
		return 0;
	}
	ret = netlink_request_neighbour(all->request, ifindex, address, &facts);
	if (ret == -ENOENT)
		memset(&facts, 0, sizeof(facts)); /* NUD_NONE */
	else if (ret)
		return ret;

	status = judge(&facts, known);
	*ret_status = status;
	memset(ret_mac, 0, 6);
	if (status == NEXT_HOP_OK)
		memcpy(ret_mac, facts.mac, 6);
	if (known) {
		/* Others may have had the old answer; the event to come will look like no news. */
		if (update(known, &facts))
			all->changed(all->context, 0);
	} else {
		known = add(all, ifindex, address);
		if (known)
			update(known, &facts);
	}
	if (known)
		known->asked_ns = now;
	if (status == NEXT_HOP_OK && !(facts.state & NUD_STALE))
		return 0;
	if (!known)
		ask_to_resolve(all, ifindex, address, now);
	else if (facts.state == NUD_NONE || now - known->used_ns >= USE_ASKED_NS)
		use(all, known, now);
	return 0;
}

int netlink_neighbours_new(struct loop *loop, struct netlink_request *request,
			   void (*changed)(void *context, uint64_t delay_ns), void *context,
			   struct netlink_neighbours **ret_neighbours)
{
	struct netlink_neighbours *all = calloc(1, sizeof(*all));
	int ret;

	if (!all)
		return -ENOMEM;
	all->loop = loop;
	all->request = request;
	all->changed = changed;
	all->context = context;
	all->tick = (struct loop_timer){.fire = tick, .context = all};
	ret = loop_timer_set(loop, &all->tick, TICK_NS);
	if (ret) {
		free(all);
		return ret;
	}
	*ret_neighbours = all;
	return 0;
}

void netlink_neighbours_free(struct netlink_neighbours *all)
{
	struct neighbour *neighbour, *next;

	if (!all)
		return;
	loop_timer_cancel(all->loop, &all->tick);
	HASH_ITER (hh, all->table, neighbour, next)
		forget(all, neighbour);
	free(all);
}
