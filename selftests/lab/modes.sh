#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Every way of forwarding to other hosts (IPIP, GUE, NAT), in both families, with real servers, while
# the pools change all the time: iperf3's long connections, which need all of a client's on one
# server; 8 KB questions and answers in fragments; QUIC packets of a client that changes its port.
# Nothing may be lost. Then a way too narrow for full packets, which the balancer must tell.

set -u -o pipefail
LAB_CONFIG=$(dirname "$0")/modes
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

SECONDS_OF_LOAD=${SECONDS_OF_LOAD:-8}
QUESTIONS=${QUESTIONS:-60}
QUIC_PACKETS=${QUIC_PACKETS:-300}
MODES=${MODES:-ipip gue nat}

vip_of()
{
	local number=60
	case $1 in gue) number=61 ;; nat) number=62 ;; esac
	case $2 in v4) echo "192.0.2.$number" ;; v6) echo "2001:db8::$number" ;; esac
}

# Six iperf3 servers each: one for each load that runs at a time.
mode_servers()
{
	local node port
	for node in $BACKENDS; do
		for port in 5201 5202 5203 5204 5205 5206; do
			ns "$node" iperf3 -s -D -p $port >/dev/null 2>&1 || return 1
		done
		ns "$node" setsid "$LAB_DIR/servers.py" serve "$node" "$(node_ip4 "$node")" "$(node_ip6 "$node")" \
			$VIPS4 $VIPS6 </dev/null >"$RUN/servers.$node" 2>&1 &
		disown
	done
	for node in $BACKENDS; do
		wait_until "grep -q ready '$RUN/servers.$node'" 10 || return 1
		wait_until "[ \"\$(ns $node ss -Hltn 'sport >= 5201 and sport <= 5206' | wc -l)\" -ge 6 ]" 10 || return 1
	done
}

# Members come and go, and their weights change; be1 (the last byte tells) stays, so that no pool is
# ever empty. Each change is applied before the next one.
change_pools()
{
	local mode=$1 round=0 host family address pool
	while [ ! -e "$RUN/stop" ]; do
		host=be$((2 + round % 5))
		for family in 4 6; do
			pool=v$family
			address=$(node_ip$family $host)
			case $((round / 5 % 3)) in
			0) member_remove "$mode" $pool "$address" ;;
			1) member_add "$mode" $pool "$address" ;;
			2) member_set "$mode" $pool "$address" "weight: $((1 + round % 4))" ;;
			esac
		done
		config_apply || return 1
		round=$((round + 1))
		echo $round >"$RUN/rounds.$mode"
	done
	tenant_restore "$mode"
}

changes_start()
{
	local mode
	rm -f "$RUN/stop"
	CHANGES=
	# One at a time: each apply takes the whole configuration.
	(for mode; do
		change_pools "$mode" || echo "apply failed: $mode" >>"$RUN/changes.failed"
	done) &
	CHANGES=$!
}

changes_stop()
{
	touch "$RUN/stop"
	wait $CHANGES
	config_apply
	check "every change was taken" [ ! -e "$RUN/changes.failed" ] || diag "$(tail -n 3 "$RUN/apply.log")"
	is "the pools changed meanwhile" "$(cat "$RUN/rounds.$1" | awk '{ print ($1 > 5) ? "often" : $1 }')" often
}

# iperf PORT VIP OUT: a load that ends with exit code 0 went on to its end on one connection each.
iperf()
{
	ns client1 iperf3 -c "$2" -p "$1" -t "$SECONDS_OF_LOAD" -b 30M -J >"$3" 2>&1
	echo $? >"$3.done"
}

# went_through OUT: no error, and bytes arrived at the other side in each of its seconds.
went_through()
{
	[ "$(cat "$1.done")" = 0 ] || { diag "$(json 'd.get("error")' <"$1")"; return 1; }
	[ "$(json 'min(i["sum"]["bytes"] for i in d["intervals"]) > 0 and d["end"]["sum_received"]["bytes"] > 0' <"$1")" = True ]
}

drops()
{
	api drops | json "sum(r['packets'] for r in d['items'] if r['reason'] == '$1')"
}

# Members see the node in place of the clients, and cannot know that the clients' network is narrower
# than the racks': they are told, as one would on a node's own backends, lest the first answer is lost
# to path MTU discovery.
ns_address()
{
	local node net
	ns lb ip addr add 10.20.1.100/24 dev eth0 && ns lb ip addr add fd00:20:1::100/64 dev eth0 nodad ||
		return 1
	for node in $BACKENDS; do
		case $node in be[123]) net= ;; *) net="via fd00:20:2::1" ;; esac
		# shellcheck disable=SC2086 # words
		ns "$node" ip -6 route add fd00:20:1::100/128 $net dev eth0 mtu 1500 || return 1
	done
}

scenario modes bare
check "the addresses to translate to are there" ns_address
check "servers on every backend" mode_servers || exit 1
agent_start || exit 1
check "all members come up" wait_until all_up 10 || exit 1

for mode in $MODES; do
	port=5201 loads=
	changes_start $mode
	for family in v4 v6; do
		iperf $port "$(vip_of $mode $family)" "$RUN/iperf.$mode.$family" &
		loads="$loads $!"
		port=$((port + 1))
	done
	for family in v4 v6; do
		vip=$(vip_of $mode $family)
		check "$mode $family: 8 KB questions and answers in fragments" \
			ns client2 "$LAB_DIR/servers.py" dns "$vip" "$QUESTIONS"
		# from the other client, whose kernel sends no fragments: an identification that was used a
		# moment ago stands for the older datagram (RFC 4963)
		check "$mode $family: fragments that come last to first" \
			ns client1 "$LAB_DIR/servers.py" dns "$vip" $((QUESTIONS / 4)) reversed || diag "$(mtlb drop list)"
		[ $mode = nat ] || check "$mode $family: a QUIC connection stays while its port changes" \
			ns client2 "$LAB_DIR/servers.py" quic "$vip" "$QUIC_PACKETS"
	done
	# shellcheck disable=SC2086 # a list
	wait $loads
	changes_stop $mode
	for family in v4 v6; do
		check "$mode $family: iperf3 went through" went_through "$RUN/iperf.$mode.$family"
	done
done
for reason in no_record no_member no_next_hop no_interface bad_l4 fragment no_flow no_port; do
	is "nothing was dropped for $reason" "$(drops $reason)" 0
done
check "fragments were held" [ "$(drops fragment_held)" -gt 0 ]
for kind in 1 4; do
	check "IPIP, kind $kind, was used" eval '[ "$(decap_counts be1 | cut -d" " -f'$kind')" -gt 0 ]'
	check "GUE, kind $kind, was used" eval '[ "$(decap_gue_counts be1 | cut -d" " -f'$kind')" -gt 0 ]'
done

check "a ping of a VIP that asks for it" ns client1 "$LAB_DIR/packets.py" ping 192.0.2.60 200 20
check "and in IPv6" ns client1 "$LAB_DIR/packets.py" ping 2001:db8::62 200 20
is "one that does not ask gives no answer" "$(ns client1 "$LAB_DIR/packets.py" ping 192.0.2.62 && echo answered)" ""

# A way too narrow: 1,500 bytes leave 1,472 (GUE, IPv4) or less; translation needs no room.
head -c 3145728 /dev/zero >"$RUN/body"
ns lb ip link set eth0 mtu 1500
check "the members' ways are narrow" wait_until \
	'[ "$(mtlb -j backend list | json "max(b[\"nextHop\"][\"mtu\"] for b in d)")" = 1500 ]' 20
for mode in $MODES; do
	for family in v4 v6; do
		vip=$(vip_of $mode $family)
		sent=$(ns client1 curl -sS -m 10 -o /dev/null -w '%{http_code} %{size_upload}' -T "$RUN/body" \
			"$(url "$vip" :8080/upload)")
		is "$mode $family: 3 MB arrive whole" "$sent" "200 3145728"
	done
done
check "the client was told what fits" [ "$(drops told_too_big)" -ge 4 ]

finish
