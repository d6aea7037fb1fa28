#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What is for no VIP passes the balancer's program untouched: pings, fragments, TCP to the host
# itself, multicast, IGMP, ARP and neighbour discovery.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

packets()
{
	local node=$1
	shift
	ns "$node" python3 "$LAB_DIR/packets.py" "$@"
}

# heard KIND GROUP FROM: does lb hear what FROM sends to the group?
heard()
{
	local out=$RUN/heard
	: >"$out"
	packets lb listen "$1" "$2" >"$out" &
	local listening=$!
	wait_until 'grep -q ready "$out"' 5
	packets "$3" send "$1" "$2"
	wait "$listening"
}

# resolves ADDRESS: lb answers ARP or neighbour discovery, asked anew.
resolves()
{
	ns router ip neigh flush dev rackA
	packets router ping "$1" && ns router ip neigh show "$1" dev rackA | grep -q lladdr
}

passed()
{
	api node | json "sum(c['packets'] for c in d['counters'] if c['reason'] == 'not_vip')"
}

scenario untouched
lb4=$(node_ip4 lb) lb6=$(node_ip6 lb)

before=$(passed)
for node in client1 be1 be4; do
	for address in $lb4 $lb6; do
		check "$node pings $address" packets $node ping "$address" 56 10
		check "$node pings $address, 8000 bytes in fragments" packets $node ping "$address" 8000 10
	done
done
check "they are counted as nobody's" [ "$(passed)" -ge $((before + 120)) ]
for address in $(node_ip4 client2) $(node_ip6 be5); do
	check "lb pings $address, 8000 bytes in fragments" packets lb ping "$address" 8000 3
done

nginx_start lb
for address in $lb4 $lb6; do
	requests client1 "$(url "$address" /)" 200 "$RUN/out"
	is "TCP to lb itself at $address" "$(succeeded "$RUN/out")" 200
	download client2 "$(url "$address" /big)" "$RUN/big"
	check "10 MB come whole from $address" download_is_whole "$RUN/big"
	is "10 MB go whole to $address" "$(ns client2 curl -s --max-time 30 --data-binary \
		"@$RUN/data/big" "$(url "$address" /upload)")" "lb 10485760"
done

check "IPv4 multicast is heard" heard udp 224.0.0.251 be1
check "IPv6 multicast is heard" heard udp ff02::fb be1
check "IGMP is heard" heard igmp 224.0.0.1 be1
check "ARP resolves lb" resolves "$lb4"
check "neighbour discovery resolves lb" resolves "$lb6"

for tenant in acme globex initech; do
	is "$tenant was charged nothing" "$(mtlb -j drop list |
		json "sum(r['packets'] for r in items if r['tenant'] == '$tenant')")" 0
done

finish
