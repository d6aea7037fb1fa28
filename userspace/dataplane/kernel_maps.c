// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel's maps that are no plain arrays, and so cannot be mapped into memory: hashes, the
 * interfaces packets may leave by, and the rings of held fragments and of samples.
 */
#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <unistd.h>

#include "bpf/l4_ingress.skel.h"

/* A system call for so many: with 10,000 VIPs they would take a tenth of a second one by one. More
 * than any bucket of the hash has, or the kernel refuses.
 */
#define KEYS_AT_A_TIME 512

static int prepare(struct kernel *kernel, struct bpf_map *map, uint32_t entries)
{
	char path[KERNEL_PATH_MAX];
	int error = kernel_pin_path(kernel, bpf_map__name(map), path);

	if (!error && entries)
		error = bpf_map__set_max_entries(map, entries);
	return error ?: bpf_map__set_pin_path(map, path);
}

/*
 * The kernel adds a flag of its own to a map of this kind, and libbpf then takes the pinned one for
 * another: so it is handed over by its descriptor.
 */
static int prepare_interfaces(struct kernel *kernel)
{
	struct bpf_map *map = kernel->skeleton->maps.mtlb_interfaces;
	char path[KERNEL_PATH_MAX];
	int error = kernel_pin_path(kernel, bpf_map__name(map), path);
	int fd = error ? -1 : bpf_obj_get(path);

	if (fd < 0)
		return error ?: prepare(kernel, map, 0);
	error = bpf_map__reuse_fd(map, fd);
	close(fd);
	return error;
}

int kernel_maps_prepare(struct kernel *kernel, const struct dataplane_options *options)
{
	struct l4_ingress *skeleton = kernel->skeleton;
	const struct dataplane_capacity *capacity = &options->capacity;
	int error = prepare(kernel, skeleton->maps.mtlb_vips,
			    dataplane_keys(capacity->vips, capacity->nat_sources));

	error = error ?: prepare(kernel, skeleton->maps.mtlb_quic_ids, capacity->members);
	error = error ?: prepare_interfaces(kernel);
	error = error ?: prepare(kernel, skeleton->maps.mtlb_events, 0);
	return error ?: prepare(kernel, skeleton->maps.mtlb_held, 0);
}

static int take_held(void *context, void *data, size_t size)
{
	struct kernel *kernel = context;

	if (size >= sizeof(struct mtlb_held) && kernel->each_held)
		kernel->each_held(kernel->held_context, data);
	return 0;
}

static int take_event(void *context, void *data, size_t size)
{
	struct kernel *kernel = context;

	if (size >= sizeof(struct mtlb_event) && kernel->each_event)
		kernel->each_event(kernel->event_context, data);
	return 0;
}

int kernel_maps_open(struct kernel *kernel)
{
	kernel->vips_fd = bpf_map__fd(kernel->skeleton->maps.mtlb_vips);
	kernel->held = ring_buffer__new(bpf_map__fd(kernel->skeleton->maps.mtlb_held), take_held,
					kernel, NULL);
	if (!kernel->held)
		return -errno;
	kernel->events = ring_buffer__new(bpf_map__fd(kernel->skeleton->maps.mtlb_events),
					  take_event, kernel, NULL);
	return kernel->events ? 0 : -errno;
}

void kernel_maps_close(struct kernel *kernel)
{
	ring_buffer__free(kernel->held);
	ring_buffer__free(kernel->events);
}

int kernel_put_vip_key(struct dataplane *dataplane, const struct mtlb_vip_key *key, uint32_t index)
{
	struct mtlb_vip_index value = {.record = index};

	/* in place: see abi/vip.h */
	return bpf_map_update_elem(kernel_of(dataplane)->vips_fd, key, &value, BPF_F_LOCK);
}

int kernel_delete_vip_key(struct dataplane *dataplane, const struct mtlb_vip_key *key)
{
	return bpf_map_delete_elem(kernel_of(dataplane)->vips_fd, key);
}

uint32_t kernel_find_vip_key(const struct dataplane *dataplane, const struct mtlb_vip_key *key)
{
	struct mtlb_vip_index value = {};

	if (bpf_map_lookup_elem(kernel_of(dataplane)->vips_fd, key, &value))
		return 0;
	return value.record;
}

int kernel_each_vip_key(const struct dataplane *dataplane,
			void (*each)(void *, const struct mtlb_vip_key *, uint32_t), void *context)
{
	int fd = kernel_of(dataplane)->vips_fd, error;
	struct mtlb_vip_key keys[KEYS_AT_A_TIME];
	struct mtlb_vip_index values[KEYS_AT_A_TIME];
	const void *from = NULL;
	uint32_t place;

	/* each may delete the key it is called with: it is read by then, and so are its neighbours
	 */
	do {
		uint32_t count = KEYS_AT_A_TIME;

		error = bpf_map_lookup_batch(fd, (void *)from, &place, keys, values, &count, NULL);
		if (error && error != -ENOENT) /* the end */
			return error;
		for (uint32_t i = 0; i < count; i++)
			each(context, &keys[i], values[i].record);
		from = &place;
	} while (!error);
	return 0;
}

int kernel_put_quic_id(struct dataplane *dataplane, const struct mtlb_quic_key *key,
		       uint32_t member)
{
	int fd = bpf_map__fd(kernel_of(dataplane)->skeleton->maps.mtlb_quic_ids);
	struct mtlb_quic_value value = {.key = *key, .member = member};

	return bpf_map_update_elem(fd, key, &value, BPF_ANY);
}

int kernel_delete_quic_id(struct dataplane *dataplane, const struct mtlb_quic_key *key)
{
	return bpf_map_delete_elem(bpf_map__fd(kernel_of(dataplane)->skeleton->maps.mtlb_quic_ids),
				   key);
}

int kernel_each_quic_id(const struct dataplane *dataplane,
			void (*each)(void *, const struct mtlb_quic_key *, uint32_t), void *context)
{
	int fd = bpf_map__fd(kernel_of(dataplane)->skeleton->maps.mtlb_quic_ids);
	struct mtlb_quic_value value;
	struct mtlb_quic_key key, next;
	const void *last = NULL;
	bool more = !bpf_map_get_next_key(fd, last, &next);

	while (more) {
		key = next;
		last = &key;
		/* before each, which may delete the key it is called with */
		more = !bpf_map_get_next_key(fd, last, &next);
		if (!bpf_map_lookup_elem(fd, &key, &value))
			each(context, &key, value.member);
	}
	return 0;
}

int kernel_put_interface(struct dataplane *dataplane, uint32_t ifindex)
{
	int fd = bpf_map__fd(kernel_of(dataplane)->skeleton->maps.mtlb_interfaces);

	return bpf_map_update_elem(fd, &ifindex, &ifindex, BPF_ANY);
}

int kernel_held_fd(const struct dataplane *dataplane)
{
	return ring_buffer__epoll_fd(kernel_of(dataplane)->held);
}

int kernel_each_held(struct dataplane *dataplane, void (*each)(void *, const struct mtlb_held *),
		     void *context)
{
	struct kernel *kernel = kernel_of(dataplane);
	int count;

	kernel->each_held = each;
	kernel->held_context = context;
	count = ring_buffer__consume(kernel->held);
	kernel->each_held = NULL;
	return count < 0 ? count : 0;
}

int kernel_events_fd(const struct dataplane *dataplane)
{
	return ring_buffer__epoll_fd(kernel_of(dataplane)->events);
}

int kernel_each_event(struct dataplane *dataplane, void (*each)(void *, const struct mtlb_event *),
		      void *context)
{
	struct kernel *kernel = kernel_of(dataplane);
	int count;

	kernel->each_event = each;
	kernel->event_context = context;
	count = ring_buffer__consume(kernel->events);
	kernel->each_event = NULL;
	return count < 0 ? count : 0;
}

int kernel_put_back(struct dataplane *dataplane, uint32_t ifindex, const void *frame,
		    uint32_t length)
{
	struct xdp_md context = {.data_end = length, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = length,
		    .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 1);

	return bpf_prog_test_run_opts(dataplane->program_fd, &run);
}
