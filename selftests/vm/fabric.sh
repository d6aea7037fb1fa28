# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The network of the scenarios in the guest, its servers and its clients. Sourced by them:
#
#   . "$(dirname "$0")/fabric.sh"
#   must "the network comes up" fabric_up; tap_ok "what must hold" COMMAND...; tap_done
#
#    client .1      lb .10       be1 .21      be2 .22     10.0.0.0/24  fd00::/64
#       |             |             |            |
#   ====+=============+=============+============+====    bridge in the namespace "switch"
#
# Every node is a network namespace with one interface, eth0; its other end, in the switch, bears the
# node's name. The client sends what is for the VIPs to lb; backends hold the VIPs on their loopback,
# strip tunnels by the kernel's own devices, and answer the client directly. The client's link carries
# 1500 bytes, the others 1600, so that a full packet fits with an outer header around it. Nothing is
# taken down at the end: a scenario has the guest's namespaces for itself, and fabric_up begins anew.

# shellcheck source=selftests/lib/tap.sh
. /mtlb/selftests/lib/tap.sh

NODES="client lb be1 be2"
BACKENDS="be1 be2"
VIP4=192.0.2.10
VIP6=2001:db8::10
RUN=/run/vm
SOCKET=$RUN/api.sock
BPFFS=/sys/fs/bpf/vm
# Requests to each service: one of two backends gets none of them by chance once in eight million.
COUNT=24
# What curl ends with when nobody answers in time.
SILENT=28

# Only the network namespace is entered: "ip netns exec" would also hide /sys/fs/bpf.
ns()
{
	local node=$1
	shift
	nsenter --net="/run/netns/$node" "$@"
}

# wait_until CONDITION SECONDS: polls a shell expression for that long.
wait_until()
{
	local end=$((SECONDS + $2))
	until eval "$1"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# --- the network

host_of()
{
	case $1 in
	client) echo 1 ;;
	lb) echo 10 ;;
	be?) echo "2${1#be}" ;;
	esac
}

sysctls()
{
	local node=$1
	shift
	ns "$node" bash -c 'for s; do echo "${s#*=}" >"/proc/sys/net/${s%%=*}" || exit 1; done' _ "$@"
}

# What XDP hands on is sent as it is, so checksums, segments and tags must be made by whoever sends
# first.
offloads_off()
{
	ns "$1" ethtool -K "$2" tx off tso off gso off txvlan off rxvlan off >/dev/null 2>&1
}

node_up()
{
	local node=$1 mtu=1600
	[ "$node" != client ] || mtu=1500
	ip netns add "$node" || return 1
	# New interfaces take the "default" values: no DAD, or addresses stay unusable for a second.
	sysctls "$node" ipv6/conf/default/accept_dad=0 ipv6/conf/all/accept_dad=0 \
		ipv6/conf/default/accept_ra=0 ipv4/conf/all/rp_filter=0 \
		ipv4/conf/default/rp_filter=0 ipv4/conf/all/arp_ignore=1 \
		ipv4/conf/all/arp_announce=2 || return 1
	ip -n "$node" link set lo up &&
		ip -n "$node" link add eth0 mtu $mtu type veth peer name "$node" mtu $mtu netns switch &&
		ip -n "$node" link set eth0 up &&
		ip -n switch link set "$node" master bridge up &&
		offloads_off "$node" eth0 && offloads_off switch "$node"
}

# addresses_add NODE DEVICE [NETWORK]: NETWORK is a number in place of the third byte.
addresses_add()
{
	local host net=${3:-0}
	host=$(host_of "$1")
	ip -n "$1" address add "10.0.$net.$host/24" dev "$2" &&
		ip -n "$1" address add "fd00:$net::$host/64" dev "$2" nodad
}

fabric_clear()
{
	local node pids
	for node in $NODES switch; do
		[ -e "/run/netns/$node" ] || continue
		pids=$(ip netns pids "$node")
		# shellcheck disable=SC2086 # a list
		[ -z "$pids" ] || kill -KILL $pids
		ip netns del "$node"
	done
	rm -rf "$RUN" "$BPFFS"
}

# links_up: nodes and the switch, without an address.
links_up()
{
	local node
	fabric_clear
	mkdir -p "$RUN"
	ip netns add switch &&
		ip -n switch link add bridge type bridge stp_state 0 mcast_snooping 0 &&
		ip -n switch link set bridge up || return 1
	for node in $NODES; do
		node_up "$node" || return 1
	done
	# A veth delivers what XDP sends back only once its other end runs XDP too.
	ns switch ip link set dev lb xdp obj /mtlb/build/pass.bpf.o sec xdp || return 1
	for node in $BACKENDS; do
		ip -n "$node" address add $VIP4/32 dev lo &&
			ip -n "$node" address add $VIP6/128 dev lo nodad || return 1
	done
}

fabric_up()
{
	local node
	links_up || return 1
	for node in $NODES; do
		addresses_add "$node" eth0 || return 1
	done
	ip -n client route add $VIP4 via 10.0.0.10 && ip -n client route add $VIP6 via fd00:0::10
}

# --- the ends of the tunnels

# address_of NODE -4|-6: the one of its eth0.
address_of()
{
	ip -n "$1" "$2" -o address show dev eth0 scope global | awk '{ sub("/.*", "", $4); print $4; exit }'
}

# tunnels_up NODE: one device of each kind, for whoever sends to this node's eth0.
tunnels_up()
{
	local four six
	four=$(address_of "$1" -4)
	six=$(address_of "$1" -6)
	ip -n "$1" -batch - <<-END
		link add t44 type ipip local $four
		link add t64 type sit local $four
		link add t6 type ip6tnl mode any local $six
		link set t44 up
		link set t64 up
		link set t6 up
	END
}

# received NODE DEVICE: "PACKETS ERRORS" that came out of it so far.
received()
{
	ns "$1" awk -v device="$2:" '$1 == device { print $3, $4 }' /proc/net/dev
}

# --- servers and clients

# servers_up NODE: a page that names the node, a page that is the same on all, one that tells what it
# was sent; and over UDP the name alone.
servers_up()
{
	local node=$1 port address root=$RUN/$1
	mkdir -p "$root/cgi-bin"
	echo "$node" >"$root/name"
	[ -e "$RUN/big" ] || head -c 1000000 /dev/urandom >"$RUN/big"
	ln "$RUN/big" "$root/big"
	printf '#!/bin/sh\necho "Content-Type: text/plain"\necho\nmd5sum\n' >"$root/cgi-bin/sum"
	chmod +x "$root/cgi-bin/sum"
	for port in 80 8080 8081; do
		ns "$node" httpd -p "[::]:$port" -h "$root" || return 1
		for address in $VIP4 $VIP6; do
			ns "$node" answer serve $address $port "$node" </dev/null >/dev/null 2>&1 &
		done
	done
}

url()
{
	case $1 in
	*:*) echo "http://[$1]:$2/$3" ;;
	*) echo "http://$1:$2/$3" ;;
	esac
}

# get VIP PORT PATH [CURL-OPTION...]
get()
{
	local where
	where=$(url "$1" "$2" "$3")
	shift 3
	ns client curl -s -f --connect-timeout 5 --max-time 30 -H 'Connection: close' "$@" "$where"
}

# names_tcp VIP PORT: "be1 be2": who answered COUNT requests, each on a connection of its own; and
# "?" when one of them was not answered.
names_tcp()
{
	{
		get "$1" "$2" "name?[1-$COUNT]" || echo "?"
	} | sort -u | xargs
}

# names_udp VIP PORT: the same of datagrams, each from a port of its own.
names_udp()
{
	{
		ns client answer ask "$1" "$2" $COUNT 2>/dev/null || echo "?"
	} | awk '{ print $1 }' | sort -u | xargs
}

sum()
{
	md5sum | cut -d' ' -f1
}

# page_sum VIP PORT: of a megabyte that comes from there.
page_sum()
{
	get "$1" "$2" big | sum
}

# upload_sum VIP PORT: of 200 kB that go there, as the backend saw them.
upload_sum()
{
	[ -e "$RUN/upload" ] || head -c 200000 "$RUN/big" | od -v -t x1 | head -c 200000 >"$RUN/upload"
	get "$1" "$2" cgi-bin/sum --data-binary "@$RUN/upload" | cut -d' ' -f1
}

# server_answers NODE: itself, over TCP and UDP.
server_answers()
{
	[ "$(ns "$1" curl -s --max-time 2 "$(url $VIP4 8080 name)")" = "$1" ] &&
		[ "$(ns "$1" answer ask $VIP6 8080 1)" = "$1 question 1" ]
}

peers_up()
{
	local node
	for node in $BACKENDS; do
		tunnels_up "$node" && servers_up "$node" &&
			wait_until 'server_answers "$node"' 20 || return 1
	done
}

# --- the balancer

# config_write INTERFACE: the platform, with both VIPs for one tenant; what the tenant wants is on
# stdin: pools and services.
config_write()
{
	mkdir -p "$RUN/config/tenants.d"
	cat >"$RUN/config/platform.yaml" <<-END
		apiVersion: mtlb/v1
		kind: Platform
		metadata: {name: vm}
		node:
		  interfaces: [{name: $1, mode: native}]
		  capacity: {tenants: 16, vips: 64, services: 16, members: 64, slots: 256k, flows: 16k}
		  encapSource: {ipv4: 10.0.0.10, ipv6: "fd00:0::10"}
		vips:
		  - {name: v4, address: $VIP4}
		  - {name: v6, address: "$VIP6"}
		tenants:
		  - {name: acme, id: 1, vips: [v4, v6]}
	END
	{
		printf '%s\n' 'apiVersion: mtlb/v1' 'kind: TenantConfig' 'metadata: {tenant: acme}'
		cat
	} >"$RUN/config/tenants.d/acme.yaml"
}

# config_pairs FORWARD: TCP and UDP, port 80 to the backends' IPv4 addresses, port 8080 to IPv6.
config_pairs()
{
	config_write eth0 <<-END
		pools:
		  - name: four
		    backends: [{address: 10.0.0.21}, {address: 10.0.0.22}]
		  - name: six
		    backends: [{address: "fd00:0::21"}, {address: "fd00:0::22"}]
		services:
		  - {name: web4, vips: [v4, v6], protocol: TCP, ports: [80], pool: four, forward: $1}
		  - {name: web6, vips: [v4, v6], protocol: TCP, ports: [8080], pool: six, forward: $1}
		  - {name: say4, vips: [v4, v6], protocol: UDP, ports: [80], pool: four, forward: $1}
		  - {name: say6, vips: [v4, v6], protocol: UDP, ports: [8080], pool: six, forward: $1}
	END
}

agent_pid()
{
	local pid
	for pid in $(ip netns pids lb); do
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" != mtlbd ] || echo "$pid"
	done
}

# agent_start [OPTION...]: waits until it is ready.
agent_start()
{
	ns lb mtlbd -c "$RUN/config" --bpffs "$BPFFS" --socket "$SOCKET" "$@" \
		</dev/null >"$RUN/mtlbd.log" 2>&1 &
	local pid=$!
	wait_until 'grep -q "agent: ready" "$RUN/mtlbd.log" || ! kill -0 $pid 2>/dev/null' 60
	grep -q 'agent: ready' "$RUN/mtlbd.log" || {
		cat "$RUN/mtlbd.log"
		# what the verifier says at its end is what matters
		! grep -q refused "$RUN/mtlbd.log" ||
			ns lb mtlbd -v -c "$RUN/config" --bpffs "$BPFFS" --socket "$SOCKET" 2>&1 </dev/null |
			tail -n 40
		return 1
	}
}

# agent_stop SIGNAL
agent_stop()
{
	kill "-$1" "$(agent_pid)" && wait_until '[ -z "$(agent_pid)" ]' 20
}

agent_remove()
{
	agent_stop TERM && ns lb mtlbd -c "$RUN/config" --bpffs "$BPFFS" --remove
}

mtlb()
{
	command mtlb -s "$SOCKET" "$@"
}

# hops_known: the way to every backend is.
hops_known()
{
	local statuses
	statuses=$(mtlb -j backend list 2>/dev/null | grep -o '"status": *"[a-z_]*"' | sort -u | cut -d'"' -f4)
	[ "$statuses" = ok ]
}

# drops: reasons for which packets were dropped so far.
drops()
{
	mtlb -j drop list | tr '}' '\n' | grep '"verdict": *"[Dd][Rr][Oo][Pp]"' |
		grep -v '"packets": *0\b' || true
}

# program: the number of the one attached to the balancer's interface.
program()
{
	ns lb ip -d link show eth0 | sed -n 's/.*prog\/xdp id \([0-9]*\).*/\1/p'
}

# must NAME COMMAND...: as tap_ok; without it, nothing after it means anything.
must()
{
	tap_ok "$@"
	[ "$tap_failed" = 0 ] || {
		tap_done
		exit 1
	}
}

# balancer_up: with the configuration that was written.
balancer_up()
{
	must "mtlbd starts" agent_start
	must "the way to every backend is known" wait_until hops_known 30
}

# --- what every kind of tunnel must do

# pairs_check: each family of clients through tunnels of each family, over TCP and UDP.
pairs_check()
{
	local vip port pair
	for vip in $VIP4 $VIP6; do
		for port in 80 8080; do
			case $vip-$port in
			*.*-80) pair="4 in 4" ;;
			*.*-8080) pair="4 in 6" ;;
			*:*-80) pair="6 in 4" ;;
			*:*-8080) pair="6 in 6" ;;
			esac
			tap_is "$(names_tcp $vip $port)" "be1 be2" "$pair, TCP: both answer, and always"
			tap_is "$(names_udp $vip $port)" "be1 be2" "$pair, UDP: both answer, and always"
			tap_is "$(page_sum $vip $port)" "$(sum <"$RUN/big")" "$pair: a megabyte comes whole"
			tap_is "$(upload_sum $vip $port)" "$(sum <"$RUN/upload")" "$pair: 200 kB go whole"
		done
	done
}

# tunnels_sound: the devices of every backend took out what came, and had nothing to object to.
tunnels_sound()
{
	local node device packets errors
	for node in $BACKENDS; do
		for device in t44 t64 t6; do
			read -r packets errors <<<"$(received "$node" $device)"
			[ "$packets" -gt 0 ] && [ "$errors" = 0 ] || {
				echo "$node $device: $packets packets, $errors errors"
				return 1
			}
		done
	done
}
