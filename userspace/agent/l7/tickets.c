// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tickets.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

/* A page of its own, which is neither swapped out nor dumped. */
struct tickets {
	struct handover_tickets now;
};

int tickets_rotate(struct tickets *tickets)
{
	struct handover_tickets *now = &tickets->now;
	struct handover_ticket_key key;

	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		return -EIO;
	memmove(now->keys + 1, now->keys, sizeof(now->keys) - sizeof(now->keys[0]));
	now->keys[0] = key;
	explicit_bzero(&key, sizeof(key));
	if (now->count < HANDOVER_TICKETS_MAX)
		now->count++;
	return 0;
}

int tickets_new(struct tickets **ret_tickets)
{
	struct tickets *tickets = mmap(NULL, sizeof(*tickets), PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int error;

	if (tickets == MAP_FAILED)
		return -ENOMEM;
	madvise(tickets, sizeof(*tickets), MADV_DONTDUMP);
	mlock(tickets, sizeof(*tickets)); /* as far as it may */
	error = tickets_rotate(tickets);
	if (error) {
		tickets_free(tickets);
		return error;
	}
	*ret_tickets = tickets;
	return 0;
}

void tickets_free(struct tickets *tickets)
{
	if (!tickets)
		return;
	explicit_bzero(tickets, sizeof(*tickets));
	munmap(tickets, sizeof(*tickets));
}

const struct handover_tickets *tickets_now(const struct tickets *tickets)
{
	return &tickets->now;
}
