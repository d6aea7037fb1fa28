// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "states.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../model/l7/wanted.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE)

struct entry {
	uint64_t key;
	uint32_t number; /* in the image */
	uint32_t pool;
	struct addr address;
	uint16_t port;
};

struct pool {
	char tenant[STATE_NAME_MAX], name[STATE_NAME_MAX];
};

/* Names are its own: the configuration changes before the image does. */
struct states {
	uint8_t secret[16];
	struct pool *pools;
	uint32_t pool_count;
	int fd;
	uint8_t *down; /* by number */
	size_t size;
	size_t count;
	struct entry entries[]; /* by key */
};

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

static void count(const struct config *config, size_t *ret_pools, size_t *ret_members)
{
	*ret_pools = *ret_members = 0;
	for (size_t i = 0; i < config->state.tenant_count; i++) {
		const struct wanted *wanted = config->state.tenants[i].l7;

		for (size_t j = 0; wanted && j < wanted->pool_count; j++) {
			++*ret_pools;
			*ret_members += wanted->pools[j].member_count;
		}
	}
}

static void add_pool(struct states *states, const char *tenant, const struct wanted_pool *from)
{
	struct pool *pool = &states->pools[states->pool_count];

	snprintf(pool->tenant, sizeof(pool->tenant), "%s", tenant);
	snprintf(pool->name, sizeof(pool->name), "%s", from->pool.name);
	for (size_t i = 0; i < from->member_count; i++) {
		const struct build_member *member = &from->members[i];

		states->entries[states->count] = (struct entry){
			.key = build_member_key(states->secret, tenant, from->pool.name,
						&member->address, member->port),
			.number = (uint32_t)states->count,
			.pool = states->pool_count,
			.address = member->address,
			.port = member->port,
		};
		states->count++;
	}
	states->pool_count++;
}

/* In the order in which they come into the image. */
static void add_all(struct states *states, const struct state *state)
{
	for (size_t i = 0; i < state->tenant_count; i++) {
		const struct state_tenant *tenant = &state->tenants[i];

		for (size_t j = 0; tenant->l7 && j < tenant->l7->pool_count; j++)
			add_pool(states, tenant->name, &tenant->l7->pools[j]);
	}
	qsort(states->entries, states->count, sizeof(states->entries[0]), compare);
}

static int map(struct states *states)
{
	states->size = states->count ? states->count : 1;
	states->fd = memfd_create("mtlb-l7-states", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (states->fd < 0)
		return -errno;
	if (ftruncate(states->fd, (off_t)states->size))
		return -errno;
	states->down = mmap(NULL, states->size, PROT_READ | PROT_WRITE, MAP_SHARED, states->fd, 0);
	if (states->down == MAP_FAILED) {
		states->down = NULL;
		return -errno;
	}
	return fcntl(states->fd, F_ADD_SEALS, SEALS) ? -errno : 0;
}

int states_new(const struct config *config, const uint8_t secret[16], struct states **ret_states)
{
	size_t pools, members;
	struct states *states;
	int error;

	count(config, &pools, &members);
	states = calloc(1, sizeof(*states) + members * sizeof(states->entries[0]));
	if (!states)
		return -ENOMEM;
	memcpy(states->secret, secret, sizeof(states->secret));
	states->fd = -1;
	states->pools = calloc(pools + 1, sizeof(*states->pools));
	if (states->pools)
		add_all(states, &config->state);
	error = states->pools ? map(states) : -ENOMEM;
	if (error)
		states_free(states);
	else
		*ret_states = states;
	return error;
}

void states_free(struct states *states)
{
	if (!states)
		return;
	if (states->down)
		munmap(states->down, states->size);
	if (states->fd >= 0)
		close(states->fd);
	free(states->pools);
	free(states);
}

int states_fd(const struct states *states)
{
	return states->fd;
}

static const struct entry *find(const struct states *states, uint64_t key)
{
	const struct entry wanted = {.key = key};

	return bsearch(&wanted, states->entries, states->count, sizeof(wanted), compare);
}

static struct states_member member_of(const struct states *states, const struct entry *entry)
{
	return (struct states_member){
		.tenant = states->pools[entry->pool].tenant,
		.pool = states->pools[entry->pool].name,
		.address = &entry->address,
		.port = entry->port,
	};
}

bool states_find(const struct states *states, uint64_t key, struct states_member *ret_member)
{
	const struct entry *entry = find(states, key);

	if (entry)
		*ret_member = member_of(states, entry);
	return entry;
}

int states_set(struct states *states, const struct states_member *member, bool down)
{
	const struct entry *entry =
		find(states, build_member_key(states->secret, member->tenant, member->pool,
					      member->address, member->port));

	if (!entry)
		return -ENOENT;
	return __atomic_exchange_n(&states->down[entry->number], down, __ATOMIC_RELAXED);
}

void states_each(struct states *states, const char *tenant, const char *pool,
		 bool (*is_down)(void *context, const struct states_member *member), void *context)
{
	for (size_t i = 0; i < states->count; i++) {
		const struct states_member member = member_of(states, &states->entries[i]);

		if (pool && (strcmp(member.pool, pool) || strcmp(member.tenant, tenant)))
			continue;
		__atomic_store_n(&states->down[states->entries[i].number],
				 is_down(context, &member), __ATOMIC_RELAXED);
	}
}
