// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "doctor.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define OLDEST_MAJOR 6
#define OLDEST_MINOR 1

static void look_at_kernel(struct doctor *doctor)
{
	FILE *file = doctor_open(doctor, "/proc/sys/kernel/osrelease"), *types;
	char release[128] = "?";
	int major = 0, minor = 0;

	if (file && fscanf(file, "%127s", release) == 1)
		sscanf(release, "%d.%d", &major, &minor);
	if (file)
		fclose(file);
	if (!major)
		doctor_say(doctor, "kernel", DOCTOR_BAD, "mount /proc",
			   "/proc/sys/kernel/osrelease does not tell which kernel this is.");
	else if (major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR))
		doctor_say(doctor, "kernel", DOCTOR_BAD, "boot a kernel of at least 6.1",
			   "Linux %s is older than mtlb is made for.", release);
	else
		doctor_say(doctor, "kernel", DOCTOR_OK, NULL, "Linux %s.", release);
	types = doctor_open(doctor, "/sys/kernel/btf/vmlinux");
	if (!types)
		doctor_say(doctor, "btf", DOCTOR_BAD, "boot a kernel with CONFIG_DEBUG_INFO_BTF=y",
			   "The kernel's types (/sys/kernel/btf/vmlinux) are not there: %s.",
			   strerror(errno));
	else
		doctor_say(doctor, "btf", DOCTOR_OK, NULL, "The kernel tells its types.");
	if (types)
		fclose(types);
}

static void look_at_bpffs(struct doctor *doctor)
{
	char parent[256];
	struct statfs fs;
	char *slash;

	snprintf(parent, sizeof(parent), "%s", doctor->directory);
	slash = strrchr(parent, '/');
	if (slash && slash != parent)
		*slash = 0;
	if (statfs(parent, &fs))
		doctor_say(doctor, "bpffs", DOCTOR_BAD, "mount -t bpf bpf /sys/fs/bpf", "%s: %s.",
			   parent, strerror(errno));
	else if (fs.f_type != BPF_FS_MAGIC)
		doctor_say(doctor, "bpffs", DOCTOR_BAD, "mount -t bpf bpf /sys/fs/bpf",
			   "%s is no bpf file system: nothing can be pinned there.", parent);
	else
		doctor_say(doctor, "bpffs", DOCTOR_OK, NULL, "A bpf file system is at %s.", parent);
}

static void look_at_rights(struct doctor *doctor)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {};
	unsigned int wanted[] = {CAP_BPF, CAP_NET_ADMIN};
	bool all = !syscall(SYS_capget, &header, data);

	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		all = all && data[wanted[i] / 32].effective & (1U << (wanted[i] % 32));
	if (all)
		doctor_say(doctor, "rights", DOCTOR_OK, NULL,
			   "The kernel may be asked about its programs.");
	else
		doctor_say(doctor, "rights", DOCTOR_WARN, "ask again as root",
			   "Without CAP_BPF and CAP_NET_ADMIN the kernel says nothing of its "
			   "programs.");
}

/* -1: it is not there. */
static int read_number(const struct doctor *doctor, const char *path)
{
	FILE *file = doctor_open(doctor, path);
	int number = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

/* mtlb forwards before the kernel routes: what is left to the host is all that this is about. */
static void look_at_forwarding(struct doctor *doctor)
{
	int v4 = read_number(doctor, "/proc/sys/net/ipv4/ip_forward");
	int v6 = read_number(doctor, "/proc/sys/net/ipv6/conf/all/forwarding");

	doctor_say(
		doctor, "forwarding", DOCTOR_OK, NULL,
		"The host %s packets that mtlb leaves to it (ip_forward %d, IPv6 %d); mtlb needs "
		"neither.",
		v4 == 1 || v6 == 1 ? "routes" : "does not route", v4, v6);
}

void doctor_look_at_host(struct doctor *doctor)
{
	look_at_kernel(doctor);
	look_at_bpffs(doctor);
	look_at_rights(doctor);
	look_at_forwarding(doctor);
}
