#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# 802.1Q: the balancer's one link is a trunk. Clients are on VLAN 10, backends on VLAN 20, so that
# every packet must leave with another tag than it came with. The way back leads through the
# balancer's own kernel, which routes between the two.

# shellcheck source=selftests/vm/fabric.sh
. "$(dirname "$0")/fabric.sh"

CLIENTS=10
MEMBERS=20

# port_join NODE VLAN: what it sends belongs to that VLAN, what it gets has no tag.
port_join()
{
	ns switch bridge vlan del dev "$1" vid 1 &&
		ns switch bridge vlan add dev "$1" vid "$2" pvid untagged
}

switch_split()
{
	local node
	ip -n switch link set bridge type bridge vlan_filtering 1 &&
		port_join client $CLIENTS || return 1
	for node in $BACKENDS; do
		port_join "$node" $MEMBERS || return 1
	done
	ns switch bridge vlan del dev lb vid 1 && ns switch bridge vlan add dev lb vid $CLIENTS &&
		ns switch bridge vlan add dev lb vid $MEMBERS
}

trunk_up()
{
	local vlan
	for vlan in $CLIENTS $MEMBERS; do
		ip -n lb link add link eth0 name eth0.$vlan type vlan id $vlan &&
			ip -n lb link set eth0.$vlan up && addresses_add lb eth0.$vlan $vlan || return 1
	done
	sysctls lb ipv4/ip_forward=1 ipv6/conf/all/forwarding=1
}

vlans_up()
{
	local node
	links_up && switch_split && trunk_up && addresses_add client eth0 $CLIENTS || return 1
	for node in $BACKENDS; do
		addresses_add "$node" eth0 $MEMBERS &&
			ip -n "$node" route add default via 10.0.$MEMBERS.10 &&
			ip -n "$node" route add default via "fd00:$MEMBERS::10" || return 1
	done
	ip -n client route add default via 10.0.$CLIENTS.10 &&
		ip -n client route add default via "fd00:$CLIENTS::10"
}

# With NET 20 of what config_pairs has, and without a tunnel on ports of their own.
config_vlans()
{
	config_write eth0 <<-END
		pools:
		  - name: four
		    backends: [{address: 10.0.$MEMBERS.21}, {address: 10.0.$MEMBERS.22}]
		  - name: six
		    backends: [{address: "fd00:$MEMBERS::21"}, {address: "fd00:$MEMBERS::22"}]
		services:
		  - {name: web4, vips: [v4, v6], protocol: TCP, ports: [80], pool: four, forward: ipip}
		  - {name: web6, vips: [v4, v6], protocol: TCP, ports: [8080], pool: six, forward: ipip}
		  - {name: say4, vips: [v4, v6], protocol: UDP, ports: [80], pool: four, forward: ipip}
		  - {name: say6, vips: [v4, v6], protocol: UDP, ports: [8080], pool: six, forward: ipip}
		  - {name: direct4, vips: [v4], protocol: TCP, ports: [8081], pool: four, forward: dsr}
		  - {name: direct6, vips: [v6], protocol: TCP, ports: [8081], pool: six, forward: dsr}
	END
}

must "the network comes up" vlans_up
must "the backends come up" peers_up
tap_ok "the client reaches them, by way of the balancer's kernel" \
	ns client ping -c 1 -W 10 10.0.$MEMBERS.21
config_vlans
balancer_up
pairs_check
for vip in $VIP4 $VIP6; do
	tap_is "$(names_tcp $vip 8081)" "be1 be2" "$vip, without a tunnel: both answer, and always"
	tap_is "$(page_sum $vip 8081)" "$(sum <"$RUN/big")" "$vip: a megabyte comes whole"
done
tap_ok "the kernel took packets out of every kind of tunnel, and found nothing wrong" tunnels_sound
tap_is "$(drops)" "" "nothing was dropped"
tap_done
