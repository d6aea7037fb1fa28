// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Nobody who asks for a backend's health ever needs one of these. */
static const int deadly[] = {
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(mount),
	SCMP_SYS(move_mount),
	SCMP_SYS(fsopen),
	SCMP_SYS(open_tree),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(setns),
	SCMP_SYS(unshare),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
};

/* Nor to become another program. */
static const int deadly_without_scripts[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(kill),
};

int sandbox_find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
	const struct passwd *user = getpwnam(name ? name : "mtlb");

	if (!user && !name)
		user = getpwnam("nobody");
	if (!user)
		return -ENOENT;
	if (!user->pw_uid || !user->pw_gid)
		return -EPERM;
	*ret_uid = user->pw_uid;
	*ret_gid = user->pw_gid;
	return 0;
}

/* What even a program with file capabilities could gain. It takes a capability to give these up; to
 * be without that one is as good.
 */
static int drop_bounds(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EPERM)
			return -errno;
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

static int become(uid_t uid, gid_t gid)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -errno;
	return 0;
}

int sandbox_drop(uid_t uid, gid_t gid)
{
	int error = drop_bounds() ?: become(uid, gid) ?: drop_capabilities();

	if (error)
		return error;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

int sandbox_drop_tied(uid_t uid, gid_t gid)
{
	pid_t parent = getppid();
	int error = sandbox_drop(uid, gid);

	if (error)
		return error;
	/* A change of user takes it back, so it comes last; and the parent may be gone already. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -errno;
	return getppid() == parent ? 0 : -ESRCH;
}

static int deny(scmp_filter_ctx filter, const int *list, size_t count)
{
	int error = 0;

	for (size_t i = 0; !error && i < count; i++) {
		error = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, list[i], 0);
		if (error == -EDOM)
			error = 0; /* this architecture has no such call */
	}
	return error;
}

static int allow(scmp_filter_ctx filter, const struct sandbox_call *call)
{
	int error;

	if (call->mask)
		error = seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, call->number, 1,
			SCMP_CMP(call->argument, SCMP_CMP_MASKED_EQ, call->mask, call->value));
	else
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call->number, 0);
	return error == -EDOM ? 0 : error;
}

static int filter_calls(const struct sandbox_call *calls, size_t count, bool scripts)
{
	/* Programs that are not ours ask for calls that a kernel may not have, and do without. */
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(scripts ? ENOSYS : EPERM));
	int error;

	if (!filter)
		return -ENOMEM;
	error = deny(filter, deadly, sizeof(deadly) / sizeof(deadly[0]));
	if (!scripts)
		error = error
				?: deny(filter, deadly_without_scripts,
					sizeof(deadly_without_scripts) /
						sizeof(deadly_without_scripts[0]));
	for (size_t i = 0; !error && i < count; i++)
		error = allow(filter, &calls[i]);
	error = error ?: seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	error = error ?: seccomp_load(filter);
	seccomp_release(filter);
	return error;
}

int sandbox_filter(const struct sandbox_call *calls, size_t count)
{
	return filter_calls(calls, count, false);
}

int sandbox_filter_scripts(const struct sandbox_call *calls, size_t count)
{
	return filter_calls(calls, count, true);
}

static uint64_t mask_of(const int *capabilities, size_t count)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < count; i++)
		mask |= 1ULL << capabilities[i];
	return mask;
}

static int read_capabilities(struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return syscall(SYS_capget, &header, data) ? -errno : 0;
}

size_t sandbox_missing(const int *capabilities, size_t count, int *ret_missing)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
	size_t missing = 0;

	read_capabilities(data);
	for (size_t i = 0; i < count; i++) {
		int capability = capabilities[i];

		if (!(data[capability / 32].permitted & 1U << capability % 32))
			ret_missing[missing++] = capability;
	}
	return missing;
}

int sandbox_keep(const int *capabilities, size_t count)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
	uint64_t keep = mask_of(capabilities, count);
	int error = read_capabilities(data);

	if (error)
		return error;
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(keep & 1ULL << cap) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EPERM)
			return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(keep >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, data))
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

/* Of these, what a service does not do either. */
static const int harmful[] = {
	SCMP_SYS(settimeofday),	 SCMP_SYS(clock_settime), SCMP_SYS(adjtimex),
	SCMP_SYS(clock_adjtime), SCMP_SYS(sethostname),	  SCMP_SYS(setdomainname),
	SCMP_SYS(syslog),	 SCMP_SYS(acct),	  SCMP_SYS(quotactl),
	SCMP_SYS(personality),	 SCMP_SYS(ioperm),	  SCMP_SYS(iopl),
	SCMP_SYS(mknod),	 SCMP_SYS(mknodat),	  SCMP_SYS(swapoff),
	SCMP_SYS(fsmount),	 SCMP_SYS(mount_setattr), SCMP_SYS(open_by_handle_at),
};

static int refuse(scmp_filter_ctx filter, const int *list, size_t count)
{
	int error = 0;

	for (size_t i = 0; !error && i < count; i++) {
		if (list[i] == SCMP_SYS(bpf))
			continue;
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), list[i], 0);
		if (error == -EDOM)
			error = 0;
	}
	return error;
}

/*
 * Children, but in no namespaces of their own, where they would have all capabilities. The flags of
 * clone3() lie in memory, where no filter sees them: as if the kernel had no such call, libraries
 * then take clone().
 */
static int refuse_namespaces(scmp_filter_ctx filter)
{
	static const scmp_datum_t flags[] = {CLONE_NEWUSER, CLONE_NEWNS,     CLONE_NEWNET,
					     CLONE_NEWPID,  CLONE_NEWCGROUP, CLONE_NEWIPC,
					     CLONE_NEWUTS};
	int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	for (size_t i = 0; !error && i < sizeof(flags) / sizeof(flags[0]); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
					 SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
	return error;
}

int sandbox_filter_service(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int error;

	if (!filter)
		return -ENOMEM;
	error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	/* to the kernel's log, where it keeps one of these */
	error = error ?: seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	error = error ?: refuse_namespaces(filter);
	error = error ?: refuse(filter, deadly, sizeof(deadly) / sizeof(deadly[0]));
	error = error ?: refuse(filter, harmful, sizeof(harmful) / sizeof(harmful[0]));
	error = error ?: seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	error = error ?: seccomp_load(filter);
	seccomp_release(filter);
	return error;
}
