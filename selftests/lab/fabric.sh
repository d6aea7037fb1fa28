#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The lab's network and its servers, in network namespaces of this machine. Sourced by lib.sh.
#
#   client1 .11  client2 .12      10.10.1.0/24  fd00:10:1::/64       MTU 1500
#         |          |
#     ====+=====+====+====  bridge "clients"
#               | .1
#          +----+----+    routes the VIPs to lb:
#          | router  |      192.0.2.0/24  via 10.20.1.10
#          +--+---+--+      2001:db8::/64 via fd00:20:1::10
#          .1 |   | .1
#    rack A   |   +---------------------------+   rack B
#   ====+=====+===+=======+=======+====   ====+=======+=======+=======+====
#       |         |       |       |               |       |       |
#      lb .10   be1 .21 be2 .22 be3 .23         be4 .24 be5 .25 be6 .26
#   10.20.1.0/24  fd00:20:1::/64                10.20.2.0/24  fd00:20:2::/64      MTU 1600
#
# A request goes client, router, lb, (XDP) member; the answer goes member, router, client: members
# hold the VIPs on their loopback and never answer ARP for them. Racks carry bigger packets than
# clients send, so that a full-size packet fits with an outer header around it.
#
# Every node is a namespace named $LAB-NODE with one interface, eth0; its other end, in the router,
# bears the node's name. Refuses to touch anything of the machine outside these namespaces but
# $RUN and the bpffs.

NODES="client1 client2 router lb be1 be2 be3 be4 be5 be6"
BACKENDS="be1 be2 be3 be4 be5 be6"
VIPS4="192.0.2.10 192.0.2.20 192.0.2.53 192.0.2.60 192.0.2.61"
VIPS6="2001:db8::10 2001:db8::20 2001:db8::53 2001:db8::60 2001:db8::61"

# Only the network namespace is entered: "ip netns exec" would also hide /sys/fs/bpf.
ns()
{
	local node=$1
	shift
	nsenter --net="/run/netns/$LAB-$node" "$@"
}

node_pids()
{
	ip netns pids "$LAB-$1" 2>/dev/null
}

# node_net NODE: which network (10.NET.x, fd00:NET:x) and which host number it has there.
node_net()
{
	case $1 in
	client[12]) echo "10 1 1${1#client} 1500 clients" ;;
	router) echo "20 1 1 1600 -" ;;
	lb) echo "20 1 10 1600 rackA" ;;
	be[123]) echo "20 1 2${1#be} 1600 rackA" ;;
	be[456]) echo "20 2 2${1#be} 1600 rackB" ;;
	esac
}

node_ip4()
{
	local net sub host rest
	read -r net sub host rest <<<"$(node_net "$1")"
	echo "10.$net.$sub.$host"
}

node_ip6()
{
	local net sub host rest
	read -r net sub host rest <<<"$(node_net "$1")"
	echo "fd00:$net:$sub::$host"
}

# sysctls NODE KEY=VALUE...
sysctls()
{
	local node=$1
	shift
	ns "$node" bash -c 'for s; do echo "${s#*=}" >"/proc/sys/net/${s%%=*}" || exit 1; done' _ "$@"
}

fabric_namespaces()
{
	local node
	# shellcheck disable=SC2086 # a list
	printf "netns add $LAB-%s\n" $NODES | ip -batch - || return 1
	for node in $NODES; do
		# New interfaces take the "default" values: no DAD, or addresses stay unusable for a second.
		local keys="ipv6/conf/default/accept_dad=0 ipv6/conf/all/accept_dad=0
			ipv6/conf/default/accept_ra=0 ipv4/conf/all/rp_filter=0 ipv4/conf/default/rp_filter=0"
		case $node in
		router) keys+=" ipv4/ip_forward=1 ipv6/conf/all/forwarding=1
			ipv4/conf/all/send_redirects=0 ipv4/conf/default/send_redirects=0" ;;
		be*) keys+=" ipv4/conf/all/arp_ignore=1 ipv4/conf/all/arp_announce=2" ;;
		esac
		# shellcheck disable=SC2086 # a list
		sysctls "$node" $keys || return 1
	done
}

fabric_bridges()
{
	local bridge net sub mtu
	while read -r bridge net sub mtu; do
		# Without multicast snooping, neighbour discovery works from the first packet on. And an
		# address of its own, or the router would change its MAC whenever a port comes or goes.
		cat <<-END
			link add $bridge address 02:00:0a:$net:0$sub:01 mtu $mtu type bridge stp_state 0 mcast_snooping 0
			address add 10.$net.$sub.1/24 dev $bridge
			address add fd00:$net:$sub::1/64 dev $bridge nodad
			link set $bridge up
		END
	done <<-END | ip -n "$LAB-router" -batch -
		clients 10 1 1500
		rackA 20 1 1600
		rackB 20 2 1600
	END
}

# What XDP hands on is sent as it is, so checksums and segments must be made by whoever sends first.
fabric_offloads()
{
	local node=$1 device=$2
	ns "$node" ethtool -K "$device" tx off tso off gso off >/dev/null 2>&1
}

# What ip is told in NODE: all at once, as each ip takes longer to start than what it does.
fabric_node()
{
	local node=$1 net sub host mtu bridge vip
	read -r net sub host mtu bridge <<<"$(node_net "$node")"
	cat <<-END
		link set lo up
		address add 10.$net.$sub.$host/24 dev eth0
		address add fd00:$net:$sub::$host/64 dev eth0 nodad
		link set eth0 up
		route add default via 10.$net.$sub.1
		route add default via fd00:$net:$sub::1
	END
	# The racks' bigger packets do not fit the clients' network; known beforehand, not one is lost.
	[ "$mtu" = 1500 ] || cat <<-END
		route add 10.10.1.0/24 via 10.$net.$sub.1 mtu 1500
		route add fd00:10:1::/64 via fd00:$net:$sub::1 mtu 1500
	END
	case $node in be*)
		for vip in $VIPS4; do echo "address add $vip/32 dev lo"; done
		for vip in $VIPS6; do echo "address add $vip/128 dev lo nodad"; done
		;;
	esac
}

# And in the router, for each of them.
fabric_cables()
{
	local node net sub host mtu bridge
	echo "link set lo up"
	for node; do
		read -r net sub host mtu bridge <<<"$(node_net "$node")"
		cat <<-END
			link add $node mtu $mtu type veth peer name eth0 mtu $mtu netns $LAB-$node
			link set $node master $bridge
			link set $node up
		END
	done
}

fabric_links()
{
	local node nodes="client1 client2 lb $BACKENDS"
	# shellcheck disable=SC2086 # a list
	fabric_cables $nodes | ip -n "$LAB-router" -batch - || return 1
	for node in $nodes; do
		fabric_node "$node" | ip -n "$LAB-$node" -batch - && fabric_offloads "$node" eth0 &&
			fabric_offloads router "$node" || return 1
	done
	# A veth delivers what XDP sends back only once its other end runs XDP too: with GRO there
	# instead, packets are queued but nobody is woken to take them.
	xdp_attach router lb pass || return 1
	ip -n "$LAB-router" -batch - <<-END
		route add 192.0.2.0/24 via $(node_ip4 lb)
		route add 2001:db8::/64 via $(node_ip6 lb)
	END
}

# xdp_attach NODE INTERFACE NAME: the program of NAME.bpf.c, compiled when it is new.
xdp_attach()
{
	local source=$LAB_DIR/$3.bpf.c object=$LAB_BUILD/lab/$3.bpf.o
	if [ ! "$object" -nt "$source" ]; then
		mkdir -p "${object%/*}"
		# By way of a name of its own: labs may be raised side by side.
		"${CLANG:-clang}" -O2 -g -target bpf -Wall -Wextra -Werror \
			-I"/usr/include/$(uname -m)-linux-gnu" -c "$source" -o "$object.$$" &&
			mv "$object.$$" "$object" || return 1
	fi
	ns "$1" ip link set dev "$2" xdp obj "$object" sec xdp
}

# decap_counts NODE: packets stripped so far, as "4in4 6in4 4in6 6in6 refused".
decap_counts()
{
	decap_map "$1" | cut -d' ' -f1-5
}

# decap_gue_counts NODE: the same four kinds in UDP.
decap_gue_counts()
{
	decap_map "$1" | cut -d' ' -f6-9
}

decap_map()
{
	local prog map
	prog=$(ns "$1" ip -d link show eth0 | sed -n 's/.*prog\/xdp id \([0-9]*\).*/\1/p')
	map=$(bpftool prog show id "$prog" | sed -n 's/.*map_ids \([0-9]*\).*/\1/p')
	bpftool -j map dump id "$map" |
		python3 -c 'import json, sys
print(*(e["formatted"]["value"] for e in json.load(sys.stdin)))'
}

# The file everyone downloads, one for all labs of this run.
data_make()
{
	mkdir -p "$RUN/data"
	head -c 10485760 /dev/urandom >"$RUN/data/big" || return 1
	sha256sum <"$RUN/data/big" | cut -d' ' -f1 >"$RUN/data/big.sha256"
}

nginx_start()
{
	local node=$1 dir=$RUN/$1
	mkdir -p "$dir/tmp"
	cat >"$dir/nginx.conf" <<-END
		user root;
		worker_processes 1;
		pid $dir/nginx.pid;
		error_log $dir/nginx.log warn;
		events { worker_connections 4096; }
		http {
			access_log off;
			default_type text/plain;
			client_max_body_size 0;
			client_body_temp_path $dir/tmp/body;
			proxy_temp_path $dir/tmp/proxy;
			fastcgi_temp_path $dir/tmp/fastcgi;
			uwsgi_temp_path $dir/tmp/uwsgi;
			scgi_temp_path $dir/tmp/scgi;
			map \$arg_rate \$slow_rate { default \$arg_rate; "" 200k; }
			server {
				listen 80 backlog=4096;
				listen [::]:80 backlog=4096;
				listen 8080 backlog=4096;
				listen [::]:8080 backlog=4096;
				add_header X-Backend $node always;
				location / { return 200 "$node\n"; }
				location = /trace { return 200 "\$http_traceparent \$http_tracestate\n"; }
				location = /whose { return 200 "$node \$host \$http_x_forwarded_for\n"; }
				# There while a scenario says so.
				location = /health { alias $dir/health; add_header X-Ready yes; }
				location /data/ { alias $RUN/data/; }
				location = /big { alias $RUN/data/big; }
				# Holds a connection open: /slow?rate=1m lasts ten seconds.
				location = /slow { alias $RUN/data/big; limit_rate \$slow_rate; }
				# The proxy reads the whole body before it passes it on.
				location = /upload { proxy_pass http://127.0.0.1:8081; }
			}
			server {
				listen 127.0.0.1:8081;
				location / { return 200 "$node \$content_length\n"; }
			}
			# What a scenario adds, servers with TLS say.
			include $dir/more.conf*;
		}
	END
	ns "$node" nginx -p "$dir" -c "$dir/nginx.conf" 2>>"$dir/nginx.log"
}

# whoami.lab says who answers: TXT "beN", A and AAAA the backend's own addresses.
dnsmasq_start()
{
	local node=$1 dir=$RUN/$1 vip
	mkdir -p "$dir"
	{
		cat <<-END
			user=root
			group=root
			pid-file=$dir/dnsmasq.pid
			log-facility=$dir/dnsmasq.log
			no-resolv
			no-hosts
			local=/lab/
			txt-record=whoami.lab,$node
			host-record=whoami.lab,$(node_ip4 "$node"),$(node_ip6 "$node")
		END
		# One socket per address: answers leave from the address that was asked.
		echo "bind-interfaces"
		for vip in 127.0.0.1 "$(node_ip4 "$node")" "$(node_ip6 "$node")" $VIPS4 $VIPS6; do
			echo "listen-address=$vip"
		done
	} >"$dir/dnsmasq.conf"
	ns "$node" dnsmasq --conf-file="$dir/dnsmasq.conf" 2>>"$dir/dnsmasq.log"
}

# server_pids NODE nginx|dnsmasq
server_pids()
{
	local pid comm
	for pid in $(node_pids "$1"); do
		read -r comm 2>/dev/null <"/proc/$pid/comm" && [ "$comm" = "$2" ] && echo "$pid"
	done
}

# server_kill NODE nginx|dnsmasq: as a crash would, all its processes at once.
server_kill()
{
	local pids
	pids=$(server_pids "$1" "$2")
	# shellcheck disable=SC2086 # a list
	[ -z "$pids" ] || kill -KILL $pids
}

server_start()
{
	"$2_start" "$1"
}

server_ensure()
{
	[ -n "$(server_pids "$1" "$2")" ] || server_start "$1" "$2"
}

servers_up()
{
	local node pid pids=
	for node in $BACKENDS; do
		{ server_ensure "$node" nginx && server_ensure "$node" dnsmasq; } &
		pids+=" $!"
	done
	for pid in $pids; do
		wait "$pid" || return 1
	done
}

fabric_exists()
{
	local node
	[ -e "$RUN/fabric" ] || return 1
	for node in $NODES; do
		[ -e "/run/netns/$LAB-$node" ] || return 1
	done
}

fabric_up()
{
	local node
	fabric_namespaces && fabric_bridges && fabric_links || return 1
	for node in $BACKENDS; do
		xdp_attach "$node" eth0 decap || return 1
	done
	data_make && touch "$RUN/fabric"
}

# lab_pids: all that run in one of the lab's namespaces, found at one look at /proc.
lab_pids()
{
	local node spaces=()
	for node in $NODES; do
		[ ! -e "/run/netns/$LAB-$node" ] || spaces+=("/run/netns/$LAB-$node")
	done
	[ ${#spaces[@]} = 0 ] ||
		stat -Lc '%n %i' "${spaces[@]}" /proc/[0-9]*/ns/net 2>/dev/null |
		awk '$1 ~ /^.run/ { ours[$2] } $1 ~ /^.proc/ && $2 in ours { split($1, part, "/"); print part[3] }'
}

# Needs nothing but the lab's name, so it also removes what a crash left behind.
fabric_down()
{
	local node pids signal
	for signal in TERM KILL; do
		pids=$(lab_pids)
		[ -n "$pids" ] || break
		# shellcheck disable=SC2086 # a list
		kill -"$signal" $pids 2>/dev/null
		wait_until '[ -z "$(lab_pids)" ]' 3
	done
	for node in $NODES; do
		[ ! -e "/run/netns/$LAB-$node" ] || echo "netns del $LAB-$node"
	done | ip -batch -
}
