#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# mtlb doctor: a node that is well, then each thing that can be wrong with one in a namespace, one
# after the other; with the agent and without it.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# doctor [OPTION...]: its answer as JSON, in $RUN/doctor.
doctor()
{
	ns "${NODE:-lb}" "$MTLB" -j -s "$SOCKET" --bpffs "${BPFFS_SEEN:-$BPFFS}" doctor >"$RUN/doctor"
}

# finds LEVEL CHECK [WORDS]: a finding of that level, with those words in its sentence or remedy.
finds()
{
	doctor
	found "$@"
}

# found LEVEL CHECK [WORDS]: the same, of the answer before.
found()
{
	sed 's/},{/}\n{/g' "$RUN/doctor" | grep "\"check\":\"$2\",\"level\":\"$1\"" | grep -qF -- "${3:-}"
}

finds_soon()
{
	wait_until "finds '$1' '$2' '${3:-}'" 10 || { cat "$RUN/doctor"; return 1; }
}

well()
{
	doctor && grep -q '"ok":true' "$RUN/doctor" && ! grep -q '"level":"bad"' "$RUN/doctor"
}

# Every backend of initech takes no new flows.
drain_initech()
{
	sed -i 's/, weight: 1}/, weight: 1, state: drain}/' "$CONFIG/tenants.d/initech.yaml" && config_apply
}

hide_vip()
{
	bpftool map delete pinned "$BPFFS/mtlb_vips" key hex 00 00 00 00 00 00 00 00 00 00 ff ff \
		c0 00 02 14 00 50 06 00
}

scenario doctor bare
sed -i 's/tenants: 16/tenants: 3/' "$CONFIG/platform.yaml"
BPFFS_SEEN=/sys/fs/bpf/mtlb-none check "nothing is pinned: bad" finds bad program "No dataplane is pinned"
BPFFS_SEEN=/tmp/none check "no bpf file system: bad" finds bad bpffs "mount -t bpf bpf"
check "no agent: bad" finds bad agent "start mtlbd"
doctor
is "and so the exit status" $? 1

agent_start || exit 1
check "all members come up" wait_until all_up 10 || exit 1
check "a node that is well: no finding is bad" well
for what in kernel btf bpffs rights program jit interface link rp_filter agent config prober drift flows members \
	next-hops mtu vips local; do
	check "$what is ok" found ok "$what"
done
check "it names driver and mode" found ok interface "eth0 (veth, MTU 1600) runs the dataplane in native mode"
check "three tenants of three: a word about capacity" found warn capacity "Nothing more fits into: tenants"
ns lb "$MTLB" -s "$SOCKET" --bpffs "$BPFFS" doctor >"$RUN/text"
is "as text: exit status" $? 0
check "as text: a finding and what to do" grep -A1 '^warn *capacity' "$RUN/text"
check "as text: the remedy" grep -q 'Do: raise node.capacity' "$RUN/text"

ns lb setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
	"$MTLB" -j -s "$SOCKET" --bpffs "$BPFFS" doctor >"$RUN/doctor"
check "somebody without rights is told" found warn rights

for node in client1 router; do
	NODE=$node check "asked in another network namespace: a word about that" \
		finds warn interface "is of another network namespace"
	NODE=$node check "and none about an interface of that number" eval '! found bad interface && ! found bad link'
done

ns lb ip addr add 192.0.2.10/32 dev lo
check "a VIP on lo: a warning with its remedy" finds warn vips "192.0.2.10 (on lo)"
ns lb ip addr del 192.0.2.10/32 dev lo
check "and it goes" finds ok vips

ns lb sysctl -qw net.ipv4.conf.all.rp_filter=1
check "a strict rp_filter: a warning" finds warn rp_filter "eth0"
ns lb sysctl -qw net.ipv4.conf.all.rp_filter=0

ns lb ip link set eth0 mtu 1400
check "no room for outer headers: a warning" finds_soon warn mtu "1360 fit"
ns lb ip link set eth0 mtu 1600
check "and it goes" finds_soon ok mtu

check "somebody deletes a key" hide_vip
check "drift: bad" finds bad drift "mtlb node repair"
check "and is repaired" mtlb node repair
check "and it goes" finds ok drift

member_add acme web 10.20.1.99
check "a backend that nobody answers for" config_apply
check "next-hops: bad" finds_soon bad next-hops "10.20.1.99"
tenant_restore acme
echo 'nonsense: 1' >>"$CONFIG/tenants.d/acme.yaml"
config_apply
check "files that are wrong: bad" finds bad config "mtlb config check"
tenant_restore acme
check "all backends of initech are drained" drain_initech
check "a service without a backend: bad" finds_soon bad members "initech/dns"
tenant_restore initech
sed -i 's/mode: native/mode: generic/' "$CONFIG/platform.yaml"
check "mode: generic is applied" config_apply
check "generic mode: a warning" finds warn interface "generic mode"
sed -i 's/mode: generic/mode: native/' "$CONFIG/platform.yaml"
check "native mode again" config_apply
check "all is well again" wait_until well 10

ns lb ip link set eth0 down
check "an interface that is down: bad" finds bad link "eth0 is down"
ns lb ip link set eth0 up

agent_stop KILL
check "the agent is killed: bad" finds bad agent "start mtlbd"
check "what needs no agent is still told" found ok interface "native mode"
finish
