// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * XDP links: one pinned bpf_link per interface, named by its index (bpffs allows no dots in names,
 * interfaces have them). A link outlives the agent; replacing its program is atomic.
 */
#include "kernel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/log.h"

static int link_path(const struct kernel *kernel, uint32_t ifindex, char path[KERNEL_PATH_MAX])
{
	int length = snprintf(path, KERNEL_PATH_MAX, "%s/link_%u", kernel->directory, ifindex);

	return length < KERNEL_PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The interface a link is attached to; 0 when that interface is gone. */
static uint32_t link_ifindex(int fd)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.xdp.ifindex;
}

static bool link_is_native(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);

	return !bpf_xdp_query((int)ifindex, 0, &query) && query.attach_mode == XDP_ATTACHED_DRV;
}

/* Calls each for every pinned link; each closes nothing. Stops at the first error. */
static int each_link(struct kernel *kernel,
		     int (*each)(struct kernel *kernel, const char *path, int fd, void *context),
		     void *context)
{
	char path[KERNEL_PATH_MAX];
	struct dirent *entry;
	DIR *list = opendir(kernel->directory);
	int error = 0;

	if (!list)
		return -errno;
	while (!error && (entry = readdir(list))) {
		int fd;

		if (strncmp(entry->d_name, "link_", 5) != 0 ||
		    snprintf(path, sizeof(path), "%s/%s", kernel->directory, entry->d_name) >=
			    (int)sizeof(path))
			continue;
		fd = bpf_obj_get(path);
		if (fd < 0)
			continue;
		error = each(kernel, path, fd, context);
		close(fd);
	}
	closedir(list);
	return error;
}

static int upgrade(struct kernel *kernel, const char *path, int fd, void *context)
{
	struct err *err = context;
	int error;

	if (!link_ifindex(fd)) {
		unlink(path); /* the interface is gone, and the link with it */
		return 0;
	}
	error = bpf_link_update(fd, kernel->dataplane.program_fd, NULL);
	if (error)
		return err_set(err, error, "cannot replace the program of %s: %s", path,
			       strerror(-error));
	return 0;
}

int kernel_upgrade_links(struct kernel *kernel, struct err *err)
{
	return each_link(kernel, upgrade, err);
}

static int create(struct kernel *kernel, uint32_t ifindex, uint32_t flags, const char *path)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags);
	int fd = bpf_link_create(kernel->dataplane.program_fd, (int)ifindex, BPF_XDP, &options);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (bpf_obj_pin(fd, path))
		error = -errno;
	close(fd);
	return error;
}

static int refuse(const char *interface, int error, const char *how, struct err *err)
{
	if (error == -EBUSY || error == -EEXIST)
		return err_set(
			err, error,
			"%s: another XDP program is attached: remove it first (`ip link set dev %s "
			"xdp off`, or the program that owns it)",
			interface, interface);
	return err_set(
		err, error, "%s: cannot attach in %s mode: %s", interface, how,
		error == -EOPNOTSUPP ? "the driver has no native XDP: set mode: generic"
		: error == -ERANGE || error == -EINVAL
			? "the driver refused it; its MTU, or a setting such as LRO, may not "
			  "allow it: lower the MTU, or set mode: generic"
			: strerror(-error));
}

static void native_reason(int error, char *reason, size_t size)
{
	if (error == -EOPNOTSUPP)
		snprintf(reason, size, "the driver has no native XDP");
	else if (error == -EINVAL || error == -ERANGE || error == -E2BIG)
		snprintf(reason, size,
			 "the driver refused native XDP (%s): its MTU, or a setting such as LRO, "
			 "may not "
			 "allow it",
			 strerror(-error));
	else
		snprintf(reason, size, "the driver refused native XDP: %s", strerror(-error));
}

int kernel_attach(struct dataplane *dataplane, const char *interface, enum dataplane_mode mode,
		  struct dataplane_link *ret_link, struct err *err)
{
	struct kernel *kernel = kernel_of(dataplane);
	struct dataplane_link result = {.ifindex = if_nametoindex(interface)};
	char path[KERNEL_PATH_MAX];
	uint32_t was = 0;
	int error, fd;

	if (!result.ifindex)
		return err_set(err, -ENODEV,
			       "there is no interface \"%s\": `ip link` lists those there are",
			       interface);
	strncpy(result.interface, interface, sizeof(result.interface) - 1);
	error = link_path(kernel, result.ifindex, path);
	if (error)
		return err_set(err, error, "%s: the path is too long", kernel->directory);

	fd = bpf_obj_get(path);
	if (fd >= 0) {
		bool native = link_is_native(result.ifindex);
		bool fits = link_ifindex(fd) == result.ifindex &&
			    !(mode == DATAPLANE_MODE_NATIVE && !native) &&
			    !(mode == DATAPLANE_MODE_GENERIC && native);

		if (!fits)
			bpf_link_detach(fd); /* at once: closing it would do so some time later */
		close(fd);
		if (fits) {
			result.native = native;
			if (!native)
				snprintf(result.reason, sizeof(result.reason), "%s",
					 mode == DATAPLANE_MODE_GENERIC
						 ? "the configuration says so"
						 : "it was attached so before");
			*ret_link = result;
			return 0;
		}
		unlink(path);
		was = native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
	}
	if (mode != DATAPLANE_MODE_GENERIC) {
		error = create(kernel, result.ifindex, XDP_FLAGS_DRV_MODE, path);
		result.native = !error;
		if (error &&
		    (mode == DATAPLANE_MODE_NATIVE || error == -EBUSY || error == -EEXIST)) {
			/* what was attached before stays so */
			if (was)
				create(kernel, result.ifindex, was, path);
			return refuse(interface, error, "native", err);
		}
		if (error)
			native_reason(error, result.reason, sizeof(result.reason));
	} else {
		snprintf(result.reason, sizeof(result.reason), "the configuration says so");
	}
	if (!result.native) {
		error = create(kernel, result.ifindex, XDP_FLAGS_SKB_MODE, path);
		if (error)
			return refuse(interface, error, "generic", err);
	}
	*ret_link = result;
	return 0;
}

struct others {
	const struct dataplane_link *keep;
	size_t count;
};

static int detach_if_other(struct kernel *kernel, const char *path, int fd, void *context)
{
	const struct others *others = context;
	uint32_t ifindex = link_ifindex(fd);

	(void)kernel;
	for (size_t i = 0; i < others->count; i++)
		if (ifindex && others->keep[i].ifindex == ifindex)
			return 0;
	if (ifindex)
		log_info("dataplane", "detaching from interface %u, which is no longer configured",
			 ifindex);
	else
		log_info("dataplane", "interface %s, which is gone: letting go of it",
			 strrchr(path, '_') + 1);
	return unlink(path) ? -errno : 0;
}

int kernel_detach_others(struct dataplane *dataplane, const struct dataplane_link *keep,
			 size_t count)
{
	struct others others = {keep, count};

	return each_link(kernel_of(dataplane), detach_if_other, &others);
}

/* In generic mode it can send by any interface, whatever its driver has of XDP; and no link: the
 * program need not outlive the interface, which is this agent's alone.
 */
int kernel_attach_probe(struct dataplane *dataplane, uint32_t ifindex)
{
	return bpf_xdp_attach((int)ifindex, dataplane->probe_program_fd, XDP_FLAGS_SKB_MODE, NULL);
}
