#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Health checks on the way that packets take: for the VIP, through the dataplane, to one member. A
# member without the VIP, or that takes no tunnel, is found down, while a direct check says that it is
# well. What carries them is there once, whoever was killed, and nothing of it stays behind.

set -u -o pipefail
LAB_CONFIG=$(dirname "$0")/via
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# down: "POOL ADDRESS" of each check that says so.
down()
{
	mtlb -j health list state down | json "', '.join(sorted(c['pool'] + ' ' + c['address'] for c in items))"
}

# breaks WHAT WHO COMMAND...: those are down, and no other.
breaks()
{
	local what=$1 who=$2
	shift 2
	check "$what" "$@"
	check "so these are down: $who" wait_until "[ \"\$(down)\" = '$who' ]" 10 || diag "down: $(down)"
}

heals()
{
	local what=$1
	shift
	check "$what" "$@"
	check "and nobody is down" wait_until '[ -z "$(down)" ]' 10 || diag "down: $(down)"
}

ways()
{
	mtlb -j health list | json "' '.join(sorted({c['pool'] + '=' + c['via'] for c in items}))"
}

ALL_WAYS="dsr4=vip dsr6=vip gue4=vip gue6=vip ipip44=vip ipip46=vip ipip64=vip nat=direct ping=direct plain=direct"

# What there is of the passage: interfaces, rules, routes.
passage()
{
	echo "$(ns lb ip -o link show | grep -c 'mtlb-probe')" \
		"$(ns lb ip -4 rule | grep -c 1836346466) $(ns lb ip -6 rule | grep -c 1836346466)" \
		"$(ns lb ip -4 route show table 1836346466 2>/dev/null | wc -l)" \
		"$(ns lb ip -6 route show table 1836346466 2>/dev/null | wc -l)"
}

# No member but those of these checks gets tunnelled packets here.
tunnelled()
{
	decap_counts "$1" | awk -v f="$2" '{ print $f }'
}

vip()
{
	ns "$1" ip address "$2" "$3" dev lo ${4:-}
}

prober_pid()
{
	api node | json "d['health']['prober'].get('pid', '')"
}

survived()
{
	is "$1: the passage is there once" "$(passage)" "2 1 1 3 3"
	is "$1: checks go as before" "$(ways)" "$ALL_WAYS"
	check "$1: all are up" wait_until all_up 10 || diag "down: $(down)"
}

scenario via
is "the way of each check" "$(ways)" "$ALL_WAYS"
is "by which VIP" "$(mtlb -j health list pool ipip64 | json "items[0]['vip'] + ' ' + items[0]['source']")" \
	"2001:db8::60 fd00:20:1::10"
is "and on a terminal" "$(mtlb health list pool gue6 | awk 'NR == 2 { print $4, $6 }')" "http vip"
is "what carries them" "$(passage)" "2 1 1 3 3"
check "IPv4 in IPv4" [ "$(tunnelled be4 1)" -gt 0 ]
check "IPv6 in IPv4" [ "$(tunnelled be3 2)" -gt 0 ]
check "IPv4 in IPv6" [ "$(tunnelled be5 3)" -gt 0 ]
check "in UDP in IPv4, and in IPv6" [ "$(decap_gue_counts be6 | awk '{ print ($1 > 0) + ($4 > 0) }')" = 2 ]
is "and nothing that a member refuses" "$(for node in be3 be4 be5 be6; do tunnelled $node 5; done | xargs)" "0 0 0 0"
is "no check is counted as a client's packet" "$(mtlb -j backend list | json "sum(b['packets'] for b in items)")" 0

breaks "be1 loses its IPv4 VIP" "dsr4 10.20.1.21" vip be1 del 192.0.2.10/32
is "which a direct check does not see" "$(mtlb -j health list pool plain state up | json "len(items)")" 2
heals "it is put back" vip be1 add 192.0.2.10/32
breaks "be2 loses its IPv6 VIP" "dsr6 fd00:20:1::22" vip be2 del 2001:db8::10/128
heals "it is put back" vip be2 add 2001:db8::10/128 nodad
breaks "be4 takes no tunnels any more" "ipip44 10.20.2.24" ns be4 ip link set dev eth0 xdp off
heals "it takes them again" xdp_attach be4 eth0 decap
breaks "nor does be6" "gue4 10.20.2.26, gue6 fd00:20:2::26" ns be6 ip link set dev eth0 xdp off
heals "it takes them again" xdp_attach be6 eth0 decap

agent_stop KILL
check "mtlbd is killed; the next one" agent_start
survived "killed"
pid=$(prober_pid)
kill -KILL "$pid"
check "the prober is killed" wait_until '[ "$(prober_pid)" != "$pid" ] && [ -n "$(prober_pid)" ]' 10
survived "its prober killed"
check "somebody removes the interface" ns lb ip link del mtlb-probe
check "it is made anew" wait_until '[ "$(passage)" = "2 1 1 3 3" ]' 10
survived "removed"

check "the node has a VIP itself" vip lb add 192.0.2.60/32
check "so those checks go directly" wait_until '[ "$(mtlb -j health list via direct |
	json "sorted(c[\"pool\"] for c in items)")" = "['"'ipip44', 'ipip46', 'nat', 'ping', 'plain', 'plain'"']" ]' 10 ||
	diag "$(ways)"
check "and say why" [ "$(mtlb -j health list pool ipip44 | json "'address of this node' in items[0]['viaReason']")" = True ]
check "until it is gone" vip lb del 192.0.2.60/32
check "then as before" wait_until '[ "$(ways)" = "$ALL_WAYS" ]' 10

agent_stop
is "stopped: nothing is left of it" "$(passage)" "0 0 0 0 0"
check "mtlbd starts once more" agent_start
agent_stop KILL
check "mtlbd --remove" ns lb "$MTLBD" --remove --bpffs "$BPFFS"
is "takes all of it along" "$(passage)" "0 0 0 0 0"
check "and the pins" [ ! -e "$BPFFS" ]

finish
