// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "routing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "maglev_table.h"
#include "pending.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_WRITE)

#define BUDGET_AT_FIRST 10.0F

static void release(struct routing *routing)
{
	for (uint32_t i = 0; routing->tables && i < routing->pools_count; i++)
		maglev_table_free(routing->tables[i]);
	for (uint32_t i = 0; routing->pending && i < routing->pools_count; i++)
		pending_put(routing->upstreams, routing->pending[i]);
	free(routing->pending);
	free(routing->tables);
	free(routing->sessions);
	free(routing->has_sessions);
	free(routing->members);
	free(routing->budgets);
	free(routing->pipes);
	free(routing->requests);
	free(routing->mirrors);
	free(routing);
}

static int make_room(struct routing *routing)
{
	const struct image *image = &routing->image;

	routing->members = calloc(image->members_count + 1, sizeof(struct upstream_member *));
	routing->budgets = calloc(image->pools_count + 1, sizeof(*routing->budgets));
	routing->pipes = calloc(image->tenants_count + 1, sizeof(*routing->pipes));
	routing->requests = calloc(image->tenants_count + 1, sizeof(*routing->requests));
	routing->mirrors = calloc(image->tenants_count + 1, sizeof(*routing->mirrors));
	routing->tables = calloc(image->pools_count + 1, sizeof(*routing->tables));
	routing->sessions = calloc(image->members_count + 1, sizeof(*routing->sessions));
	routing->has_sessions = calloc(image->pools_count + 1, sizeof(*routing->has_sessions));
	routing->pending = calloc(image->pools_count + 1, sizeof(*routing->pending));
	if (!routing->mirrors || !routing->members || !routing->budgets || !routing->pipes ||
	    !routing->requests || !routing->tables || !routing->pending || !routing->sessions ||
	    !routing->has_sessions)
		return -ENOMEM;
	routing->pools_count = image->pools_count;
	for (uint32_t i = 0; i < image->pools_count; i++)
		routing->budgets[i] = BUDGET_AT_FIRST;
	return 0;
}

/* Those that are in use stay so: the image before this one is about to let go of them. */
static void take_over(struct routing *routing)
{
	for (uint32_t i = 0; routing->upstreams->members && i < routing->image.members_count; i++)
		routing->members[i] =
			upstream_member_find(routing->upstreams, routing->image.members[i].key);
}

int routing_open_bytes(struct upstreams *upstreams, const void *base, size_t size,
		       struct routing **ret_routing, struct err *err)
{
	struct routing *routing = calloc(1, sizeof(*routing));
	int error;

	if (!routing)
		return -ENOMEM;
	error = image_open(base, size, &routing->image, err);
	if (error) {
		free(routing);
		return error;
	}
	error = make_room(routing);
	if (error) {
		image_close(&routing->image);
		release(routing);
		return error;
	}
	routing->refs = 1;
	routing->upstreams = upstreams;
	take_over(routing);
	*ret_routing = routing;
	return 0;
}

int routing_open(struct upstreams *upstreams, int fd, struct routing **ret_routing, struct err *err)
{
	int seals = fcntl(fd, F_GET_SEALS), error;
	struct stat stat;
	void *base;

	if (seals < 0 || (seals & SEALS) != SEALS)
		return err_set(err, -EINVAL, "the image is no sealed memfd");
	if (fstat(fd, &stat) || stat.st_size <= 0)
		return err_set(err, -EINVAL, "the image is empty");
	base = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return err_set(err, -errno, "the image cannot be mapped: %s", strerror(errno));
	error = routing_open_bytes(upstreams, base, (size_t)stat.st_size, ret_routing, err);
	if (error) {
		munmap(base, (size_t)stat.st_size);
		return error;
	}
	(*ret_routing)->base = base;
	(*ret_routing)->size = (size_t)stat.st_size;
	return 0;
}

int routing_open_states(struct routing *routing, int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat stat;
	void *down;

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &stat) ||
	    (uint64_t)stat.st_size < routing->image.members_count)
		return -EINVAL;
	if (!routing->image.members_count)
		return 0;
	down = mmap(NULL, routing->image.members_count, PROT_READ, MAP_SHARED, fd, 0);
	if (down == MAP_FAILED)
		return -errno;
	routing->down = down;
	return 0;
}

void routing_drop(struct routing *routing)
{
	if (!routing || --routing->refs)
		return;
	if (routing->down)
		munmap((void *)routing->down, routing->image.members_count);
	for (uint32_t i = 0; i < routing->image.members_count; i++)
		if (routing->members[i])
			upstream_member_put(routing->upstreams, routing->members[i]);
	image_close(&routing->image);
	vault_drop(routing->vault);
	if (routing->base)
		munmap(routing->base, routing->size);
	release(routing);
}

struct upstream_member *routing_member(struct routing *routing, uint32_t index)
{
	const struct image_member *member = &routing->image.members[index];

	if (!routing->members[index])
		routing->members[index] =
			upstream_member_get(routing->upstreams, member->key, &member->address.any);
	return routing->members[index];
}
