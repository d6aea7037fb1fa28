// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Why the kernel took the program or a map not, in a sentence with what to do. What libbpf and the
 * verifier have to say of it is for -v.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bpf/l4_ingress.skel.h"
#include "kernel.h"

/* A map that is pinned and is another one than the program wants; or nothing is told. */
static int tell_other_map(const struct kernel *kernel, const struct bpf_map *map, struct err *err)
{
	char path[KERNEL_PATH_MAX];
	struct bpf_map_info info = {};
	uint32_t size = sizeof(info);
	int fd, error;

	if (!bpf_map__pin_path(map) || kernel_pin_path(kernel, bpf_map__name(map), path))
		return 0;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	error = bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	if (error || (info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
		      info.value_size == bpf_map__value_size(map) &&
		      info.max_entries == bpf_map__max_entries(map)))
		return 0;
	return err_set(
		err, -EEXIST,
		"%s has %u entries of %u bytes, and this agent needs %u of %u: that is no map "
		"of the dataplane that is pinned there; take that down with `mtlbd --remove` "
		"and start anew",
		path, info.max_entries, info.value_size, bpf_map__max_entries(map),
		bpf_map__value_size(map));
}

static const char *remedy(int error)
{
	switch (error) {
	case -ENOMEM:
		return "it has no memory for maps of this size: lower node.capacity, or raise the "
		       "limit of memory (systemd: MemoryMax=; docker: --memory)";
	case -EMFILE:
	case -ENFILE:
		return "there are too few file descriptors for all maps: raise the limit to 1024 "
		       "or "
		       "more (systemd: LimitNOFILE=; docker: --ulimit nofile=)";
	case -EPERM:
		return "it lets nobody load programs, or this process not: look for a seccomp "
		       "filter "
		       "(docker: --security-opt seccomp=), for an LSM, and into "
		       "/sys/kernel/security/lockdown";
	case -EACCES:
	case -EINVAL:
	case -E2BIG:
		return "its verifier does not take this program: run a kernel that mtlb is tested "
		       "with (6.1, 6.12), or report the end of the verifier's log, which `mtlbd "
		       "-v` "
		       "shows";
	case -ENOTSUP:
	case -ENOSYS:
		return "it lacks something of BPF: it needs CONFIG_BPF_SYSCALL=y, "
		       "CONFIG_BPF_JIT=y and version 6.1 or later";
	}
	return "`mtlbd -v` shows what libbpf and the kernel have to say";
}

int kernel_refused(const struct kernel *kernel, int error, struct err *err)
{
	const struct bpf_map *map;
	struct utsname host = {};

	if (kernel->dataplane.adopted) {
		bpf_object__for_each_map(map, kernel->skeleton->obj)
		{
			int told = tell_other_map(kernel, map, err);

			if (told)
				return told;
		}
	}
	uname(&host);
	return err_set(err, error, "kernel %s refused the program or a map (%s): %s", host.release,
		       strerror(-error), remedy(error));
}
