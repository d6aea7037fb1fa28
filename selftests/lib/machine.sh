#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A machine of its own for tests that install mtlb: a root directory that may be written to (an
# overlay over another one, in memory), an /etc, a bpffs, and systemctl, which stands in for a systemd
# that does not run. Source selftests/lab/lib.sh first.
#
#   machine_own "$@"        enters namespaces of its own (mounts, processes): all of it ends with them
#   machine_up BASE         BASE is a directory with a root in it; / for this machine's own
#   in_machine COMMAND...   in the network namespace that the caller is in

MACHINE_STORE=$LAB_BUILD/machine
MACHINE=$MACHINE_STORE/root

machine_own()
{
	if [ "${MTLB_MACHINE:-}" != own ]; then
		MTLB_MACHINE=own exec unshare --mount --propagation private --pid --fork --kill-child --mount-proc \
			"$0" "$@"
	fi
	unset MTLB_MACHINE
	# It may be a link to somewhere below /run, where something else comes now.
	MACHINE_RESOLVERS=$(cat /etc/resolv.conf)
	mount -t tmpfs -o mode=755 run /run && mkdir -p /run/netns "$RUN"
}

# Network namespaces that are there by now, and no others, have their names in it.
machine_up()
{
	local base=$1
	mkdir -p "$MACHINE_STORE" && mount -t tmpfs machine "$MACHINE_STORE" &&
		mkdir "$MACHINE" "$MACHINE_STORE/upper" "$MACHINE_STORE/work" &&
		mount -t overlay root -o "lowerdir=$base,upperdir=$MACHINE_STORE/upper,workdir=$MACHINE_STORE/work" \
			"$MACHINE" &&
		mount -t proc proc "$MACHINE/proc" && mount -t sysfs sys "$MACHINE/sys" &&
		mount -t bpf bpf "$MACHINE/sys/fs/bpf" && mount --rbind /dev "$MACHINE/dev" &&
		mount --rbind /run "$MACHINE/run" || return 1
	if [ "$base" = / ]; then
		# what commands write there is none of the source's
		mkdir -p "$MACHINE$LAB_ROOT" "$MACHINE$LAB_BUILD" "$MACHINE_STORE/source" "$MACHINE_STORE/source.work" &&
			mount -t overlay source -o \
				"lowerdir=$LAB_ROOT,upperdir=$MACHINE_STORE/source,workdir=$MACHINE_STORE/source.work" \
				"$MACHINE$LAB_ROOT" &&
			mount --bind "$LAB_BUILD" "$MACHINE$LAB_BUILD" || return 1
	fi
	mkdir -p /run/systemd/system && rm -f "$MACHINE/etc/resolv.conf" &&
		echo "$MACHINE_RESOLVERS" >"$MACHINE/etc/resolv.conf" &&
		cp "$LAB_ROOT/selftests/lib/systemctl" "$MACHINE/usr/local/bin/" &&
		touch "$MACHINE/var/log/systemctl.log" "$MACHINE/var/log/mtlbd.log"
	AGENT_LOG=$MACHINE/var/log/mtlbd.log
}

in_machine()
{
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root \
		DEBIAN_FRONTEND=noninteractive chroot "$MACHINE" "$@"
}
