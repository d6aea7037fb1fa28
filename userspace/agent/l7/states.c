// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "states.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../model/l7/wanted.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE)

struct entry {
	uint64_t key;
	uint32_t number; /* in the image */
	uint32_t tenant, pool, member;
};

struct states {
	const struct config *config;
	uint8_t secret[16];
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

static size_t count_members(const struct config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->state.tenant_count; i++) {
		const struct wanted *wanted = config->state.tenants[i].l7;

		for (size_t j = 0; wanted && j < wanted->pool_count; j++)
			count += wanted->pools[j].member_count;
	}
	return count;
}

static void add_pool(struct states *states, uint32_t tenant, uint32_t pool)
{
	const struct state_tenant *of = &states->config->state.tenants[tenant];
	const struct wanted_pool *from = &of->l7->pools[pool];

	for (size_t i = 0; i < from->member_count; i++) {
		const struct build_member *member = &from->members[i];

		states->entries[states->count] = (struct entry){
			.key = build_member_key(states->secret, of->name, from->pool.name,
						&member->address, member->port),
			.number = (uint32_t)states->count,
			.tenant = tenant,
			.pool = pool,
			.member = (uint32_t)i,
		};
		states->count++;
	}
}

/* In the order in which they come into the image. */
static void add_all(struct states *states)
{
	const struct state *state = &states->config->state;

	for (uint32_t i = 0; i < state->tenant_count; i++)
		for (uint32_t j = 0; state->tenants[i].l7 && j < state->tenants[i].l7->pool_count;
		     j++)
			add_pool(states, i, j);
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
	size_t count = count_members(config);
	struct states *states = calloc(1, sizeof(*states) + count * sizeof(states->entries[0]));
	int error;

	if (!states)
		return -ENOMEM;
	states->config = config;
	memcpy(states->secret, secret, sizeof(states->secret));
	states->fd = -1;
	add_all(states);
	error = map(states);
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
	const struct state_tenant *tenant = &states->config->state.tenants[entry->tenant];
	const struct wanted_pool *pool = &tenant->l7->pools[entry->pool];
	const struct build_member *member = &pool->members[entry->member];

	return (struct states_member){
		.tenant = tenant->name,
		.pool = pool->pool.name,
		.address = &member->address,
		.port = member->port,
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
