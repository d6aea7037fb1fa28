// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel behind the door: loads the program from the skeleton built into the agent, pins or
 * adopts the maps and maps them into memory. Interfaces are kernel_link.c's.
 */
#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/version.h"
#include "bpf/l4_ingress.skel.h"
#include "steer.h"

/* verbs behind the door; those of the maps are kernel_maps.c's */

/* MEMBARRIER_CMD_GLOBAL waits for an RCU grace period, and a packet is inside of one all along. */
static int grace(struct dataplane *dataplane)
{
	(void)dataplane;
	return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) ? -errno : 0;
}

static void close_kernel(struct dataplane *dataplane)
{
	struct kernel *kernel = kernel_of(dataplane);

	for (int i = 0; i < DATAPLANE_ARRAY_COUNT; i++) {
		void *memory = *dataplane_array_slot(&dataplane->arrays, i);

		if (memory)
			munmap(memory, kernel->mapped[i]);
	}
	kernel_maps_close(kernel);
	l4_ingress__destroy(kernel->skeleton);
	if (kernel->lock_fd >= 0)
		close(kernel->lock_fd);
	free(kernel->directory);
	free(kernel);
}

static const struct dataplane_ops kernel_ops = {
	.put_vip_key = kernel_put_vip_key,
	.delete_vip_key = kernel_delete_vip_key,
	.find_vip_key = kernel_find_vip_key,
	.each_vip_key = kernel_each_vip_key,
	.put_quic_id = kernel_put_quic_id,
	.delete_quic_id = kernel_delete_quic_id,
	.each_quic_id = kernel_each_quic_id,
	.put_interface = kernel_put_interface,
	.attach_probe = kernel_attach_probe,
	.events_fd = kernel_events_fd,
	.each_event = kernel_each_event,
	.held_fd = kernel_held_fd,
	.each_held = kernel_each_held,
	.put_back = kernel_put_back,
	.grace = grace,
	.attach = kernel_attach,
	.detach_others = kernel_detach_others,
	.close = close_kernel,
};

/* checks before anything is touched, so that the answer is a remedy and not a verifier's log */

static bool has_capability(int capability)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {};

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[capability / 32].effective & (1U << (capability % 32));
}

static int check_host(const char *directory, struct err *err)
{
	char parent[256];
	struct statfs fs;
	char *slash;

	if (!has_capability(CAP_SYS_ADMIN) &&
	    !(has_capability(CAP_BPF) && has_capability(CAP_NET_ADMIN)))
		return err_set(
			err, -EPERM,
			"loading XDP programs needs CAP_BPF and CAP_NET_ADMIN, which this process "
			"does not have: start it as root, or grant them (systemd: "
			"AmbientCapabilities=)");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return err_set(
			err, -ENOTSUP,
			"this kernel has no BTF (/sys/kernel/btf/vmlinux is missing): it needs "
			"CONFIG_DEBUG_INFO_BTF=y, as Debian's kernels since 5.10 have");
	if (strlen(directory) >= sizeof(parent))
		return err_set(err, -ENAMETOOLONG, "--bpffs %s: the path is too long", directory);
	strcpy(parent, directory);
	slash = strrchr(parent, '/');
	if (!slash || slash == parent)
		return err_set(err, -EINVAL, "--bpffs %s: expected an absolute path below a bpffs",
			       directory);
	*slash = 0;
	if (statfs(parent, &fs))
		return err_set(err, -errno,
			       "--bpffs %s: %s: %s; expected a directory in a bpf filesystem, such "
			       "as /sys/fs/bpf",
			       directory, parent, strerror(errno));
	if (fs.f_type != BPF_FS_MAGIC)
		return err_set(
			err, -ENOTSUP,
			"--bpffs %s: %s is not a bpf filesystem: mount one with `mount -t bpf bpf "
			"/sys/fs/bpf`",
			directory, parent);
	return 0;
}

/* Held until it is closed. -EBUSY: another agent works on this dataplane. */
static int lock_directory(const char *directory, struct err *err)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	int error;

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", directory,
			       errno == ENOENT ? "no dataplane is pinned there" : strerror(errno));
	if (fstatfs(fd, &fs) || fs.f_type != BPF_FS_MAGIC) {
		close(fd);
		return err_set(err, -ENOTSUP, "%s: is not in a bpf filesystem", directory);
	}
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	error = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	return err_set(err, error, "%s: %s", directory,
		       error == -EBUSY ? "another agent works on the dataplane that is pinned there"
				       : strerror(-error));
}

int kernel_pin_path(const struct kernel *kernel, const char *name, char path[KERNEL_PATH_MAX])
{
	int length = snprintf(path, KERNEL_PATH_MAX, "%s/%s", kernel->directory, name);

	return length < KERNEL_PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* 1: a complete dataplane is pinned and *ret_node tells of it. 0: there is none. */
static int read_pinned_node(const struct kernel *kernel, struct mtlb_node *ret_node)
{
	char path[KERNEL_PATH_MAX];
	uint32_t zero = 0;
	int fd, error;

	error = kernel_pin_path(kernel, "mtlb_node", path);
	if (error)
		return error;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	error = bpf_map_lookup_elem(fd, &zero, ret_node);
	close(fd);
	if (error)
		return error;
	return ret_node->abi_version != 0;
}

static int capacity_differs(struct err *err, const char *key, uint32_t wanted, uint32_t running)
{
	return err_set(
		err, -EEXIST,
		"node.capacity.%s: the running dataplane was made for %u, the configuration says "
		"%u, and maps cannot be resized under traffic: restore the setting, or take the "
		"dataplane down with `mtlbd --remove` and start anew",
		key, running, wanted);
}

static int check_adoptable(const struct mtlb_node *node, const struct dataplane_options *options,
			   struct err *err)
{
	const struct dataplane_capacity *capacity = &options->capacity;

	if (node->abi_version != MTLB_ABI_VERSION)
		return err_set(
			err, -EPROTO,
			"the dataplane pinned in %s has ABI version %u, this agent speaks %u: "
			"start the agent it came with, or take it down with `mtlbd --remove`",
			options->directory, node->abi_version, MTLB_ABI_VERSION);
	if (options->secret && memcmp(node->secret, options->secret, sizeof(node->secret)) != 0)
		return err_set(
			err, -EEXIST,
			"the hash secret is not the one the running dataplane was made with, and "
			"another would move every flow: restore it, or take the dataplane down "
			"with `mtlbd --remove` and start anew");
	if (node->tenants != capacity->tenants)
		return capacity_differs(err, "tenants", capacity->tenants - 1, node->tenants - 1);
	if (node->vips != capacity->vips)
		return capacity_differs(err, "vips", capacity->vips, node->vips);
	if (node->services != capacity->services)
		return capacity_differs(err, "services", capacity->services - 1,
					node->services - 1);
	if (node->members != capacity->members)
		return capacity_differs(err, "members", capacity->members - 1, node->members - 1);
	if (node->slots != capacity->slots)
		return capacity_differs(err, "slots", capacity->slots - MTLB_SLOTS_PER_LINE,
					node->slots - MTLB_SLOTS_PER_LINE);
	if (node->nat_sources != capacity->nat_sources)
		return capacity_differs(err, "natSources", capacity->nat_sources,
					node->nat_sources);
	if (node->acl_prefixes != capacity->acl_prefixes)
		return capacity_differs(err, "aclPrefixes", capacity->acl_prefixes,
					node->acl_prefixes);
	if (node->feed_prefixes != capacity->feed_prefixes)
		return capacity_differs(err, "feedPrefixes", capacity->feed_prefixes,
					node->feed_prefixes);
	if (node->flow_buckets != capacity->flow_buckets)
		return capacity_differs(err, "flows",
					(capacity->flow_buckets - 1) * MTLB_FLOWS_PER_BUCKET,
					(node->flow_buckets - 1) * MTLB_FLOWS_PER_BUCKET);
	return 0;
}

static void set_knobs(struct l4_ingress *skeleton, const struct mtlb_node *node)
{
	skeleton->rodata->knob_hash_key_0 = node->secret[0];
	skeleton->rodata->knob_hash_key_1 = node->secret[1];
	skeleton->rodata->knob_members = node->members;
	skeleton->rodata->knob_tenants = node->tenants;
	skeleton->rodata->knob_stamp_shift = node->stamp_shift;
	skeleton->rodata->knob_nat_first = node->nat_first;
	skeleton->rodata->knob_rules = dataplane_rules(node->acl_prefixes);
}

/* Sizes every map and names its place; loading then creates and pins it, or takes the pinned one.
 */
static int prepare_maps(struct kernel *kernel, const struct dataplane_options *options,
			uint32_t cpus)
{
	char path[KERNEL_PATH_MAX];
	int error;

	for (int i = 0; i < DATAPLANE_ARRAY_COUNT; i++) {
		const char *name = dataplane_array_map(i);
		struct bpf_map *map = bpf_object__find_map_by_name(kernel->skeleton->obj, name);
		size_t length = dataplane_array_length(i, &options->capacity, cpus);

		if (!map)
			return -ENOENT;
		error = length > UINT32_MAX ? -E2BIG : kernel_pin_path(kernel, name, path);
		error = error ?: bpf_map__set_max_entries(map, (uint32_t)length);
		error = error ?: bpf_map__set_pin_path(map, path);
		if (error)
			return error;
	}
	return kernel_maps_prepare(kernel, options);
}

static int map_arrays(struct kernel *kernel, const struct dataplane_options *options, uint32_t cpus)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (int i = 0; i < DATAPLANE_ARRAY_COUNT; i++) {
		const struct bpf_map *map =
			bpf_object__find_map_by_name(kernel->skeleton->obj, dataplane_array_map(i));
		size_t size = dataplane_array_length(i, &options->capacity, cpus) *
			      dataplane_array_size(i);
		void *memory;

		size = (size + page - 1) / page * page;
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
		if (memory == MAP_FAILED)
			return -errno;
		*dataplane_array_slot(&kernel->dataplane.arrays, i) = memory;
		kernel->mapped[i] = size;
	}
	dataplane_make_view(&kernel->dataplane);
	return 0;
}

/* The new pin takes the old one's place in one step. */
static int pin_program(struct kernel *kernel)
{
	char path[KERNEL_PATH_MAX], fresh[KERNEL_PATH_MAX];
	int error;

	error = kernel_pin_path(kernel, "program", path)
			?: kernel_pin_path(kernel, "program_new", fresh);
	if (error)
		return error;
	unlink(fresh);
	if (bpf_obj_pin(kernel->dataplane.program_fd, fresh))
		return -errno;
	if (rename(fresh, path)) {
		error = -errno;
		unlink(fresh);
	}
	return error;
}

/* Whose program runs now; on the way to a newer version as on the way back. */
static void sign_program(struct kernel *kernel)
{
	struct mtlb_node *node = kernel->dataplane.arrays.node;
	char before[sizeof(node->program)];
	struct timespec now;

	memcpy(before, node->program, sizeof(before));
	before[sizeof(before) - 1] = 0;
	snprintf(node->program, sizeof(node->program), "%s", version_text);
	clock_gettime(CLOCK_REALTIME, &now);
	node->program_at = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (kernel->dataplane.adopted && strcmp(before, version_text) != 0)
		log_info("dataplane", "the program of version %s took the place of version %s's",
			 version_text, before);
}

static int load(struct kernel *kernel, const struct dataplane_options *options, struct err *err)
{
	uint32_t cpus = (uint32_t)libbpf_num_possible_cpus();
	struct mtlb_node node = {};
	int error = read_pinned_node(kernel, &node);

	if (error < 0)
		return err_set(err, error,
			       "cannot read what is pinned in %s: %s; start mtlbd as root, or as "
			       "whom that belongs to",
			       kernel->directory, strerror(-error));
	kernel->dataplane.adopted = error;
	if (kernel->dataplane.adopted) {
		kernel->lock_fd = lock_directory(kernel->directory, err);
		if (kernel->lock_fd < 0)
			return kernel->lock_fd;
		error = check_adoptable(&node, options, err);
		if (error)
			return error;
	} else {
		/* what a start that was killed half way left behind */
		error = dataplane_remove(kernel->directory, err);
		if (error && error != -ENOENT)
			return error;
		if (mkdir(kernel->directory, 0700))
			return err_set(err, -errno,
				       "cannot make %s: %s; start mtlbd as the owner of the "
				       "directory above it, and look whether that is mounted for "
				       "reading only (`findmnt -t bpf`)",
				       kernel->directory, strerror(errno));
		kernel->lock_fd = lock_directory(kernel->directory, err);
		if (kernel->lock_fd < 0)
			return kernel->lock_fd;
		dataplane_fill_node(&node, options, cpus);
		if (!options->secret &&
		    getrandom(node.secret, sizeof(node.secret), 0) != sizeof(node.secret))
			return err_set(err, -errno, "no random bytes for a hash secret: %s",
				       strerror(errno));
	}
	kernel->skeleton = l4_ingress__open();
	if (!kernel->skeleton)
		return err_set(err, -errno,
			       "cannot open the built-in program: %s; it needs a few megabytes of "
			       "memory",
			       strerror(errno));
	set_knobs(kernel->skeleton, &node);
	error = prepare_maps(kernel, options, cpus) ?: l4_ingress__load(kernel->skeleton);
	if (error)
		return kernel_refused(kernel, error, err);
	kernel->dataplane.program_fd = bpf_program__fd(kernel->skeleton->progs.mtlb_ingress);
	kernel->dataplane.probe_program_fd =
		bpf_program__fd(kernel->skeleton->progs.mtlb_probe_out);
	kernel->dataplane.probes_fd = bpf_map__fd(kernel->skeleton->maps.mtlb_probes);
	error = kernel_maps_open(kernel) ?: map_arrays(kernel, options, cpus);
	if (error)
		return err_set(err, error,
			       "cannot map the maps into memory: %s; lower node.capacity, or raise "
			       "the limit of memory (ulimit -v; systemd: LimitAS=)",
			       strerror(-error));
	if (!kernel->dataplane.adopted) {
		uint32_t version = node.abi_version;

		/* the version makes it complete, so it comes last */
		node.abi_version = 0;
		*kernel->dataplane.arrays.node = node;
		__atomic_store_n(&kernel->dataplane.arrays.node->abi_version, version,
				 __ATOMIC_RELEASE);
	}
	error = pin_program(kernel);
	if (error)
		return err_set(err, error,
			       "cannot pin the program in %s: %s; look for an LSM that forbids it, "
			       "and for its mount options (`findmnt -t bpf`)",
			       kernel->directory, strerror(-error));
	error = kernel_upgrade_links(kernel, err);
	if (!error)
		sign_program(kernel);
	return error;
}

int dataplane_open(const struct dataplane_options *options, struct dataplane **ret_dataplane,
		   struct err *err)
{
	struct kernel *kernel;
	int error = check_host(options->directory, err);

	if (error)
		return error;
	libbpf_set_print(kernel_print);
	kernel = calloc(1, sizeof(*kernel));
	if (!kernel)
		return err_set(err, -ENOMEM, "out of memory");
	kernel->dataplane.ops = &kernel_ops;
	kernel->lock_fd = -1;
	kernel->directory = strdup(options->directory);
	error = kernel->directory ? load(kernel, options, err) : -ENOMEM;
	if (error) {
		bool fresh = kernel->skeleton && !kernel->dataplane.adopted;

		close_kernel(&kernel->dataplane);
		if (fresh)
			dataplane_remove(options->directory, NULL);
		return error;
	}
	*ret_dataplane = &kernel->dataplane;
	return 0;
}

/* What this program pins: nothing else is ever unlinked. */
static bool is_ours(const char *name)
{
	return !strncmp(name, "link_", 5) || !strncmp(name, "mtlb_", 5) ||
	       !strcmp(name, "program") || !strcmp(name, "program_new");
}

static int unpin(DIR *list, const char *directory, bool links, struct err *err)
{
	char path[KERNEL_PATH_MAX];
	struct dirent *entry;

	rewinddir(list);
	while ((entry = readdir(list))) {
		if (entry->d_name[0] == '.')
			continue;
		if (!is_ours(entry->d_name))
			return err_set(err, -ENOTEMPTY,
				       "%s/%s is nothing that mtlbd pins: nothing more is removed; "
				       "is this the right directory?",
				       directory, entry->d_name);
		if (links != !strncmp(entry->d_name, "link_", 5))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) <
		    (int)sizeof(path))
			unlink(path);
	}
	return 0;
}

int dataplane_remove(const char *directory, struct err *err)
{
	int lock = lock_directory(directory, err), error;
	DIR *list;

	if (lock < 0)
		return lock;
	list = fdopendir(lock);
	if (!list) {
		close(lock);
		return err_set(err, -ENOMEM, "out of memory");
	}
	steer_remove(directory);
	/* unpinning a link detaches it: no packet may meet maps that are going away */
	error = unpin(list, directory, true, err) ?: unpin(list, directory, false, err);
	if (!error && rmdir(directory))
		error = err_set(err, -errno, "cannot remove %s: %s", directory, strerror(errno));
	closedir(list);
	return error;
}
