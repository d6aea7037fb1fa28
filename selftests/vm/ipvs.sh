#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The same client and the same backends behind IPVS in tunnelling mode, and then behind mtlb: to either
# end of the tunnel the two are the same balancer.

# shellcheck source=selftests/vm/fabric.sh
. "$(dirname "$0")/fabric.sh"

# each_service COMMAND...: with -t or -u, VIP, port, and the backends' addresses.
each_service()
{
	local kind vip
	for kind in -t -u; do
		for vip in $VIP4 "[$VIP6]"; do
			"$@" $kind "$vip:80" 10.0.0.21 10.0.0.22 || return 1
			"$@" $kind "$vip:8080" '[fd00::21]' '[fd00::22]' || return 1
		done
	done
}

ipvs_add()
{
	local kind=$1 service=$2 backend
	shift 2
	ns lb ipvsadm -A $kind "$service" -s rr || return 1
	for backend; do
		ns lb ipvsadm -a $kind "$service" -r "$backend:${service##*:}" -i || return 1
	done
}

# IPVS takes what is for this machine, so the VIPs are its own as long as it is in use.
ipvs_up()
{
	ip -n lb address add $VIP4/32 dev lo && ip -n lb address add $VIP6/128 dev lo nodad &&
		each_service ipvs_add
}

ipvs_down()
{
	ns lb ipvsadm -C && ip -n lb address del $VIP4/32 dev lo && ip -n lb address del $VIP6/128 dev lo
}

# seen: all that a client can tell of the balancer, a line per service.
seen()
{
	local vip port
	for vip in $VIP4 $VIP6; do
		for port in 80 8080; do
			echo "$vip $port: TCP $(names_tcp $vip $port), UDP $(names_udp $vip $port)," \
				"page $(page_sum $vip $port), upload $(upload_sum $vip $port)"
		done
	done
}

# whole ANSWERS: every service was answered by both, and nothing was lost on the way.
whole()
{
	local vip port
	for vip in $VIP4 $VIP6; do
		for port in 80 8080; do
			echo "$vip $port: TCP be1 be2, UDP be1 be2," \
				"page $(sum <"$RUN/big"), upload $(sum <"$RUN/upload")"
		done
	done
}

must "the network comes up" fabric_up
must "the backends come up" peers_up
tap_ok "IPVS takes the services" ipvs_up
by_ipvs=$(seen)
tap_is "$by_ipvs" "$(whole)" "IPVS balances"
tap_ok "IPVS hands over" ipvs_down
tap_not_ok "now nobody answers" $SILENT get $VIP4 80 name
config_pairs ipip
balancer_up
tap_is "$(seen)" "$by_ipvs" "mtlb does the same"
tap_ok "the kernel took packets out of every kind of tunnel, and found nothing wrong" tunnels_sound
tap_done
