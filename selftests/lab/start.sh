#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A node on which mtlbd cannot start: rights, limits, drivers, kernels that refuse, and what is pinned
# already. Each time it says so in one line, with what to do; what libbpf and the verifier have to say is
# for -v. refuse.c, preloaded, stands for kernels that are not at hand. (badconfig.sh has those of
# configurations, and of a node without BTF or bpffs.)

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# with BPFFS COMMAND...: which runs mtlbd, on the lab's balancer.
with()
{
	local directory=$1
	shift
	COMMAND=(nsenter --net="/run/netns/$LAB-lb" timeout 20 "$@" "$MTLBD" -c "$CONFIG" --bpffs "$directory"
		--socket "$SOCKET")
}

# refused ERRNO COMMAND: of bpf(2), by number
refused()
{
	with "$BPFFS" env LD_PRELOAD="$RUN/refuse.so" MTLB_REFUSE="$2 $1"
}

# cannot WHAT PATTERN: in one line that has it, and no more
cannot()
{
	"${COMMAND[@]}" >"$RUN/out" 2>&1 </dev/null
	is "$1: mtlbd exits with 1" $? 1
	is "$1: and says why and what to do in a line" \
		"$(grep -vc ' info ' "$RUN/out") $(grep -v ' info ' "$RUN/out" | grep -cE "$2")" "1 1" ||
		diag "$(cat "$RUN/out")"
}

interface()
{
	sed -i "s/interfaces: .*/interfaces: [{name: $1, mode: $2}]/" "$CONFIG/platform.yaml"
}

scenario start bare
check "a library that refuses" gcc -O2 -Wall -Wextra -Werror -shared -fPIC -o "$RUN/refuse.so" "$LAB_DIR/refuse.c"

for right in bpf net_admin perfmon; do
	with "$BPFFS" capsh "--drop=cap_$right" --shell=/usr/bin/env --
	cannot "without $right" "has not CAP_${right^^}, .*: start it as root, or grant it"
done
with bpffs
cannot "a path that is relative" "expected an absolute path"
with /nosuch/mtlb
cannot "a path that is not there" "No such file or directory; expected a directory in a bpf filesystem"
with "$BPFFS" prlimit --nofile=40:40
cannot "few files" "too few file descriptors .*: raise the limit .*LimitNOFILE="

refused 13 5
cannot "a verifier that refuses" "kernel $(uname -r) refused .*: its verifier does not take this program: run a kernel"
COMMAND+=(-v)
"${COMMAND[@]}" >"$RUN/out" 2>&1 </dev/null
check "a verifier that refuses: -v has its log" grep -q "R1 type=scalar expected=fp" "$RUN/out"
refused 1 0
cannot "a kernel that forbids it" "lets nobody load programs.*seccomp.*lockdown"
refused 12 0
cannot "a kernel without memory" "no memory for maps of this size: lower node.capacity"
refused 34 28
interface eth0 native
cannot "a driver that refuses" "eth0: cannot attach in native mode: .*lower the MTU, or set mode: generic"
interface lo native
with "$BPFFS"
cannot "a driver without native XDP" "lo: .*has no native XDP: set mode: generic"
ns lb ip link set dev lo xdpgeneric obj "$LAB_BUILD/selftests/lab/pass.bpf.o" sec xdp
interface lo generic
cannot "another program" "lo: another XDP program is attached: remove it first .*ip link set dev lo xdp off"
ns lb ip link set dev lo xdp off
check "nothing of these is left" [ -z "$(ls -A "$BPFFS" 2>/dev/null)" ]

# What is pinned.
interface eth0 native
agent_start || exit 1
agent_stop
sed -i 's/vips: 256/vips: 512/' "$CONFIG/platform.yaml"
with "$BPFFS"
cannot "other sizes" "node.capacity.vips: the running dataplane was made for 256, .*: restore the setting, or take"
sed -i 's/vips: 512/vips: 256/' "$CONFIG/platform.yaml"
mv "$BPFFS/mtlb_vips" "$BPFFS/mtlb_aside"
bpftool map create "$BPFFS/mtlb_vips" type hash key 20 value 4 entries 3 name others
cannot "another map in the place of one" "mtlb_vips has 3 entries of 4 bytes, and this agent needs .*mtlbd --remove"
rm "$BPFFS/mtlb_vips" && mv "$BPFFS/mtlb_aside" "$BPFFS/mtlb_vips"
read -r -a node < <(bpftool -j map lookup pinned "$BPFFS/mtlb_node" key 0 0 0 0 |
	python3 -c 'import json, sys; print(*json.load(sys.stdin)["value"])')
bpftool map update pinned "$BPFFS/mtlb_node" key 0 0 0 0 value 0xff "${node[@]:1}"
cannot "another version" "has ABI version 255, this agent speaks .*start the agent it came with, or take it down"
bpftool map update pinned "$BPFFS/mtlb_node" key 0 0 0 0 value "${node[@]}"
agent_start
check "what was refused has changed nothing: it is adopted" [ "$(api node | json "d['adopted']")" = True ]

finish
