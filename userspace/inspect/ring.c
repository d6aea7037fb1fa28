// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "ring.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEADER                                                                            \
	8 /* bytes before each record: its length and two flags, and what is the kernel's \
	   */
/* A writer takes its room first and tells afterwards. On some machines what it writes is seen even
 * before that: what lies so close to the place that is written next is not to be trusted.
 */
#define MARGIN 8192

static uint64_t position(const uint64_t *of)
{
	return __atomic_load_n(of, __ATOMIC_ACQUIRE);
}

bool pinned_is_ring(const struct pinned_map *map)
{
	return map->info.type == BPF_MAP_TYPE_RINGBUF;
}

/*
 * Only a descriptor that may write can be mapped shared. The pages themselves are mapped for
 * reading, and the descriptor is gone before anything is read.
 */
static void *map_pages(const char *path, size_t size)
{
	int fd = bpf_obj_get(path), error;
	void *pages;

	if (fd < 0)
		return MAP_FAILED;
	pages = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	error = errno;
	close(fd);
	errno = error;
	return pages;
}

/* A page of the reader's position, one of the writers', and the data twice, so that each record is
 * in one piece.
 */
int ring_open(const char *directory, const char *name, struct ring *ret_ring, struct err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct pinned_map map;
	char path[512];
	int error = pinned_open(directory, name, &map, err);

	*ret_ring = (struct ring){};
	if (error)
		return error;
	pinned_close(&map);
	if (!pinned_is_ring(&map))
		return err_set(err, -EINVAL, "%s is no ring buffer", name);
	ret_ring->size = map.info.max_entries;
	ret_ring->map_size = 2 * page + 2 * ret_ring->size;
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	ret_ring->map = map_pages(path, ret_ring->map_size);
	if (ret_ring->map == MAP_FAILED) {
		ret_ring->map = NULL;
		return pinned_explain(directory, name, -errno, err);
	}
	ret_ring->consumer = ret_ring->map;
	ret_ring->producer = (const void *)((const char *)ret_ring->map + page);
	ret_ring->data = (const uint8_t *)ret_ring->map + 2 * page;
	ret_ring->at = position(ret_ring->consumer);
	return 0;
}

void ring_close(struct ring *ring)
{
	if (ring->map)
		munmap(ring->map, ring->map_size);
	*ring = (struct ring){};
}

/* Whether what was read at ring->at before this was asked can be what was written there: the kernel
 * keeps what the agent has not taken, and of the rest what is not due to be overwritten.
 */
static bool stands(const struct ring *ring)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return ring->at >= position(ring->consumer) ||
	       position(ring->producer) + MARGIN <= ring->at + ring->size;
}

/* Where the next record begins for sure. */
static void catch_up(struct ring *ring)
{
	uint64_t to = position(ring->consumer);

	ring->overwritten += to - ring->at;
	ring->at = to;
}

static uint64_t room_of(uint32_t length)
{
	return ((uint64_t)length + HEADER + 7) / 8 * 8;
}

int ring_next(struct ring *ring, void *buffer, size_t max, struct ring_record *ret_record)
{
	uint64_t made;

	while (made = position(ring->producer), (int64_t)(made - ring->at) > 0) {
		const uint8_t *header = ring->data + (ring->at & (ring->size - 1));
		uint32_t word =
			__atomic_load_n((const uint32_t *)(const void *)header, __ATOMIC_ACQUIRE);
		uint32_t length = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		bool whole = !(word & BPF_RINGBUF_BUSY_BIT) && room_of(length) <= ring->size;

		if (whole && !(word & BPF_RINGBUF_DISCARD_BIT))
			memcpy(buffer, header + HEADER, length < max ? length : max);
		if (!stands(ring)) {
			catch_up(ring);
			continue;
		}
		if (ring->at % HEADER || made - ring->at > ring->size)
			return -EPROTO;
		if (!whole)
			return word & BPF_RINGBUF_BUSY_BIT ? 0 : -EPROTO;
		ring->at += room_of(length);
		if (word & BPF_RINGBUF_DISCARD_BIT)
			continue;
		*ret_record = (struct ring_record){length, ring->overwritten / room_of(length)};
		ring->overwritten = 0;
		return 1;
	}
	return 0;
}

double ring_waiting(const struct ring *ring)
{
	uint64_t taken = position(ring->consumer), made = position(ring->producer);

	return made > taken ? (double)(made - taken) / (double)ring->size : 0;
}
