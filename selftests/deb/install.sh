#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The Debian package in a clean Debian 12 (debootstrap, kept in build/deb/bookworm): apt installs it
# with what it depends on from Debian's mirror, its example runs, it is upgraded to another version and
# back while it forwards, it is removed, and a purge leaves nothing. Run by `make test-deb`; not by
# `make test`, since it asks the network, and the first time takes minutes.
#
#   client eth0 .1 ======= eth0 .5 lb    192.0.2.0/24; acme4, 192.0.2.10, answers pings
#
# All of it lies in namespaces of its own (mounts, processes, network), with a bpffs of its own, and
# ends with them. There is no systemd that runs: selftests/lib/systemctl stands in for it.
set -u -o pipefail

# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"
# shellcheck source=selftests/lib/machine.sh
. "$(dirname "$0")/../lib/machine.sh"
# shellcheck source=selftests/lib/blocks.sh
. "$(dirname "$0")/../lib/blocks.sh"
VERSION=$1
STORE=$LAB_BUILD/deb
MIRROR=${MIRROR:-http://deb.debian.org/debian}

base_make()
{
	[ ! -d "$STORE/bookworm" ] || return 0
	rm -rf "$STORE/bookworm.new"
	debootstrap --variant=minbase bookworm "$STORE/bookworm.new" "$MIRROR" >"$STORE/debootstrap.log" 2>&1 ||
		complain "debootstrap failed: $(tail -n 1 "$STORE/debootstrap.log")" || return 1
	mv "$STORE/bookworm.new" "$STORE/bookworm"
}

network_up()
{
	local node
	ip netns add lb && ip netns add client &&
		ip -n lb link add eth0 type veth peer name eth0 netns client || return 1
	for node in lb client; do
		ip -n $node link set lo up && ip -n $node link set eth0 up || return 1
	done
	ip -n lb address add 192.0.2.5/24 dev eth0 && ip -n client address add 192.0.2.1/24 dev eth0 &&
		ip -n client route add 192.0.2.10 via 192.0.2.5 &&
		ip -n lb address add 2001:db8::5/64 dev eth0 nodad
	# As fabric.sh says of its own: a veth delivers what XDP sends back once its other end runs XDP too.
	xdp_attach client eth0 pass && echo /run/netns/lb >/run/mtlbd.netns
}

# What apt fetched is kept for the next time. It calls maintainer scripts with a PATH of its own.
packages_up()
{
	mkdir -p "$STORE/archives/partial" &&
		mount --bind "$STORE/archives" "$MACHINE/var/cache/apt/archives" &&
		cp "$STORE/mtlb_${VERSION}_$(dpkg --print-architecture).deb" "$MACHINE/tmp/mtlb.deb" &&
		cat >"$MACHINE/etc/apt/apt.conf.d/90test" <<-END
			APT::Keep-Downloaded-Packages "true";
			APT::Install-Recommends "false";
			Dpkg::Use-Pty "0";
			quiet "1";
			DPkg::Path "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
		END
}

# No lab prefix here.
ns()
{
	local node=$1
	shift
	nsenter --net="/run/netns/$node" "$@"
}

# packages COMMAND...: apt's, in the clean Debian.
packages()
{
	in_machine apt-get -y "$@"
}

# documented COMMAND: one of docs/operations.md's, where the packages are.
documented()
{
	doc_typed docs/operations.md "$1"
	check "docs/operations.md: $1" in_machine sh -c "cd /tmp && $1"
}

next_package()
{
	rm -rf "$RUN/next" && dpkg-deb -R "$MACHINE/tmp/mtlb.deb" "$RUN/next" &&
		sed -i "s/^Version: .*/Version: $VERSION+next/" "$RUN/next/DEBIAN/control" &&
		install -m 755 "$LAB_BUILD/next/mtlbd" "$RUN/next/usr/sbin/mtlbd" &&
		sed -i 's|^# What the operator decides|# In another version. What the operator decides|' \
			"$RUN/next/etc/mtlb/platform.yaml" &&
		dpkg-deb --root-owner-group -b "$RUN/next" "$MACHINE/tmp/mtlb-next.deb"
}

# files: every file there is, but for what packages of anybody leave: lists, logs, caches.
files()
{
	find "$MACHINE" -xdev -mindepth 1 \( -path "$MACHINE/var/cache" -o -path "$MACHINE/var/lib/apt" -o \
		-path "$MACHINE/var/log" -o -path "$MACHINE/var/lib/dpkg/*-old" -o -path "$MACHINE/tmp" \) -prune -o \
		-printf '%P %y %m %u\n' | sort
}

answers_ping() { ns client ping -q -c 3 -i 0.1 -W 2 192.0.2.10; }
node_answers() { in_machine mtlb node >/dev/null 2>&1; }
running_version() { in_machine mtlb -j node 2>/dev/null | json 'd["program"]["version"]' 2>/dev/null; }
running() { ip netns pids lb | xargs -r ps -o comm= -p | grep -c '^mtlbd$'; }
attached() { ip -n lb -d link show eth0 | grep -c 'prog/xdp'; }

# changes_to VERSION COMMAND: apt changes the version; pings are answered all the while.
changes_to()
{
	# bash has what it starts so ignore SIGINT; ping does not
	nsenter --net=/run/netns/client ping -q -i 0.02 -W 2 192.0.2.10 >"$RUN/ping" &
	local ping=$!
	documented "$2" || diag "$(tail -n 5 "$AGENT_LOG")"
	check "that version runs" wait_until '[ "$(running_version)" = "'"$1"'" ]' 60 ||
		diag "$(cat "$MACHINE/var/log/systemctl.log"; tail -n 5 "$AGENT_LOG")"
	documented 'mtlb node show'
	kill -INT $ping
	wait $ping
	check "no ping was lost meanwhile" grep -q ' 0% packet loss' "$RUN/ping" || diag "$(cat "$RUN/ping")"
}

trap 'exit 130' INT TERM HUP
lab_name deb-$$
if [ "${MTLB_MACHINE:-}" != own ]; then
	base_make || exit 1
fi
machine_own "$@"
network_up && machine_up "$STORE/bookworm" && packages_up || {
	echo "Bail out! the clean Debian or its network could not be made"
	exit 1
}
pins=$(ls "$MACHINE/sys/fs/bpf")

check "the mirror answers" packages -o APT::Update::Error-Mode=any update || exit 1
check "it has all that the package depends on" \
	packages satisfy "$(dpkg-deb -f "$MACHINE/tmp/mtlb.deb" Depends)" || exit 1
files >"$RUN/before"
documented 'apt-get install -y ./mtlb.deb' || exit 1
is "nothing was started" "$(running) $(grep -cE '(^| )(start|restart) mtlbd' "$MACHINE/var/log/systemctl.log")" "0 0"
is "the service is off" "$(in_machine /bin/systemctl is-enabled mtlbd.service)" disabled
check "the prober has a user, and so have scripts" in_machine id mtlb mtlb-script
documented 'mtlb config check'
is "and a conffile" "$(in_machine dpkg-query -W -f '${Conffiles}' mtlb | grep -c '/etc/mtlb/')" 3
check "there are manual pages" test -s "$MACHINE/usr/share/man/man8/mtlbd.8.gz"

in_machine systemctl start mtlbd.service
check "mtlbd starts with the example" wait_until node_answers 60 || {
	diag "$(tail -n 20 "$AGENT_LOG")"
	exit 1
}
is "it runs on the interface that the example names" \
	"$(in_machine mtlb -j node | json '[i["name"] for i in d["interfaces"]]')" "['eth0']"
check "the example's VIP answers" wait_until answers_ping 20
is "its prober is the user mtlb" \
	"$(ip netns pids lb | xargs ps -o comm=,uid= -p | awk '$1 == "mtlb-prober" { print $2 }' | sort -u)" \
	"$(in_machine id -u mtlb)"
# the example's backends are nobody's
ns lb env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$MACHINE" mtlb doctor >"$RUN/doctor" 2>&1
is "mtlb doctor misses the backends, and nothing else" \
	"$(awk '$1 == "bad" { printf "%s ", $2 }' "$RUN/doctor")" "members next-hops " ||
	diag "$(<"$RUN/doctor")"

echo "# of this machine" >>"$MACHINE/etc/mtlb/tenants.d/acme.yaml"
check "another version is packed" next_package
changes_to "$VERSION-next" 'apt-get install -y ./mtlb-next.deb'
check "what was changed in /etc/mtlb is still there" grep -q '^# of this machine' "$MACHINE/etc/mtlb/tenants.d/acme.yaml"
check "what was not is of the new version" grep -q '^# In another' "$MACHINE/etc/mtlb/platform.yaml"
changes_to "$VERSION" 'apt-get install -y --allow-downgrades ./mtlb.deb'

check "apt removes it" packages remove mtlb
is "mtlbd was stopped" "$(running)" 0
is "the dataplane goes on" "$(attached)" 1
check "and answers" answers_ping
check "the configuration is still there" test -e "$MACHINE/etc/mtlb/platform.yaml"
mkdir -p "$MACHINE/var/lib/mtlb" "$MACHINE/etc/mtlb/api.d" && touch "$MACHINE/var/lib/mtlb/state" "$MACHINE/etc/mtlb/api.d/audit.log"
check "apt purges it" packages purge mtlb
is "the program is detached" "$(attached)" 0
is "nothing is pinned" "$(ls "$MACHINE/sys/fs/bpf")" "$pins"
is "nor in /run" "$(ls -d /run/mtlb 2>&1 | grep -v 'No such file')" ""
is "nor are its users" "$(in_machine getent passwd mtlb mtlb-script)" ""
files >"$RUN/after"
is "no file is left" "$(diff "$RUN/before" "$RUN/after" | grep '^>')" "" 
is "and none is missing" "$(diff "$RUN/before" "$RUN/after" | grep '^<')" ""
is "no command of this test was left out" "$(doc_untyped install)" ""
FINISHED=yes
echo "1..$TESTS"
[ $FAILURES -eq 0 ]
