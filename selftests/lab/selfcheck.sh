#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The lab itself, without a balancer: who reaches whom, that servers answer as the scenarios expect,
# that backends strip tunnels and keep quiet about the VIPs they hold. When this fails, no other
# scenario means anything.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

packets()
{
	local node=$1
	shift
	ns "$node" python3 "$LAB_DIR/packets.py" "$@"
}

mac_of()
{
	ns "$1" ip -br link show eth0 | awk '{ print $3 }'
}

# through_tunnel NODE OUTER-SOURCE OUTER-DESTINATION CLIENT VIP: prints who answered the client.
through_tunnel()
{
	local answer=$RUN/answer
	packets client1 answer "$4" 40053 >"$answer" &
	local waiting=$!
	wait_until "grep -q ready '$answer'" 20
	packets lb encap eth0 "$(mac_of "$1")" "$2" "$3" "$4" 40053 "$5"
	wait $waiting
	sed -n 2p "$answer"
}

arp_is_silent()
{
	ns lb ip route add 192.0.2.10/32 dev eth0
	! packets lb ping 192.0.2.10
}

scenario selfcheck bare

for node in client1 client2 be1 be4 lb; do
	for other in be2 be6 lb client2; do
		check "$node reaches $other (IPv4)" packets $node ping "$(node_ip4 $other)"
		check "$node reaches $other (IPv6)" packets $node ping "$(node_ip6 $other)"
	done
done

for node in $BACKENDS; do
	for address in "$(node_ip4 "$node")" "$(node_ip6 "$node")"; do
		requests client1 "$(url "$address" /)" 10 "$RUN/out"
		is "$node's web server names itself at $address" "$(answers "$RUN/out" | xargs)" "10 $node"
		is "and its name server" "$(ns client1 dig +short +tries=1 TXT whoami.lab "@$address")" \
			"\"$node\""
		is "and over TCP" "$(ns client1 dig +tcp +short +tries=1 TXT whoami.lab "@$address")" \
			"\"$node\""
	done
done

download client2 "$(url "$(node_ip6 be5)" :8080/big)" "$RUN/big"
check "10 MB arrive whole" download_is_whole "$RUN/big"
is "10 MB are read" "$(ns client2 curl -s --data-binary "@$RUN/data/big" \
	"$(url "$(node_ip4 be5)" /upload)")" "be5 10485760"

lb4=$(node_ip4 lb) lb6=$(node_ip6 lb)
client4=$(node_ip4 client1) client6=$(node_ip6 client1)
for node in be1 be3; do
	be4=$(node_ip4 $node) be6=$(node_ip6 $node)
	is "$node strips IPv4 in IPv4" \
		"$(through_tunnel $node "$lb4" "$be4" "$client4" 192.0.2.53)" "192.0.2.53 $node"
	is "$node strips IPv6 in IPv4" \
		"$(through_tunnel $node "$lb4" "$be4" "$client6" 2001:db8::53)" "2001:db8::53 $node"
	is "$node strips IPv4 in IPv6" \
		"$(through_tunnel $node "$lb6" "$be6" "$client4" 192.0.2.53)" "192.0.2.53 $node"
	is "$node strips IPv6 in IPv6" \
		"$(through_tunnel $node "$lb6" "$be6" "$client6" 2001:db8::53)" "2001:db8::53 $node"
	is "and counts them" "$(decap_counts $node)" "1 1 1 1 0"
done

check "no backend answers ARP for a VIP" arp_is_silent

lab_down
check "nothing is left" test -z "$(ip netns list | grep "^$LAB-")" -a ! -e "$RUN"

finish
