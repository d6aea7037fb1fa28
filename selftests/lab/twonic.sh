#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A balancer with two network cards: clients come by eth0, rack B hangs on eth1, and packets for its
# members are redirected from one to the other. The second card goes away and comes back.
#
#   router ==== rackA ---- eth0 lb eth1 ---- rackB ==== router
#                          10.20.1.10   10.20.2.10

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

second_card()
{
	ip -n "$LAB-lb" -batch - <<-END || return 1
		link add eth1 mtu 1600 type veth peer name lb1 mtu 1600 netns $LAB-router
		address add 10.20.2.10/24 dev eth1
		address add fd00:20:2::10/64 dev eth1 nodad
		link set eth1 up
	END
	ip -n "$LAB-router" -batch - <<-END || return 1
		link set lb1 master rackB
		link set lb1 up
	END
	fabric_offloads lb eth1 && fabric_offloads router lb1 && xdp_attach router lb1 pass
}

# hops INTERFACE: how many members are reached by it.
hops()
{
	mtlb -j backend list | json "sum(b['nextHop']['interface'] == '$1' and b['nextHop']['status'] == 'ok' for b in items)"
}

packets_out()
{
	ns lb ip -j -s link show "$1" | json 'd[0]["stats64"]["tx"]["packets"]'
}

drops()
{
	api drops | json "sum(r['packets'] for r in d['items'] if r['reason'] == '$1')"
}

# answered VIP PATH COUNT: all of them, and by both racks.
answered()
{
	requests client1 "$(url "$1" "$2")" "$3" "$RUN/out"
	[ "$(succeeded "$RUN/out")" = "$3" ] || { tell_failed "$RUN/out"; return 1; }
	grep -q 'be[1-3]' "$RUN/out" && grep -q 'be[4-6]' "$RUN/out"
}

scenario twonic bare
check "a second card" second_card
sed -i 's/interfaces: .*/interfaces: [{name: eth0, mode: native}, {name: eth1, mode: native}]/' "$CONFIG/platform.yaml"
agent_start || exit 1
check "all members come up" wait_until all_up 10 || exit 1
check "rack B is reached by the second card" [ "$(hops eth1)" -gt 0 ]
before=$(packets_out eth1)
for target in "192.0.2.20 :8080/" "2001:db8::20 :8080/" "192.0.2.20 /" "2001:db8::20 /"; do
	# shellcheck disable=SC2086
	check "requests to $target are answered by both racks" answered $target 300
done
check "they went out there" [ "$(packets_out eth1)" -gt $((before + 1000)) ]
is "none was lost to an interface" "$(drops no_interface)" 0

ns lb ip link del eth1
check "without it, rack B is reached by the router" wait_until '[ "$(hops eth0)" = "$(mtlb -j backend list | json "len(items)")" ]' 20
check "and everything is answered" answered 192.0.2.20 :8080/ 300
check "the card comes back" second_card
check "and is used again" wait_until '[ "$(hops eth1)" -gt 0 ]' 20
before=$(packets_out eth1)
check "by requests" answered 192.0.2.20 :8080/ 300
check "that go out there" [ "$(packets_out eth1)" -gt $((before + 300)) ]
is "none was lost to an interface" "$(drops no_interface)" 0

finish
