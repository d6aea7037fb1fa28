#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# `forward: gue` against the kernel's own GUE: the inner packet right behind the UDP header (variant 1
# of draft-ietf-intarea-gue), to port 6080. IPv4 and IPv6 clients, through IPv4 and IPv6.

# shellcheck source=selftests/vm/fabric.sh
. "$(dirname "$0")/fabric.sh"

PORT=6080
# From the client to the VIP's UDP port 80, without checksums but of the header; in it: "x".
INNER='\x45\x00\x00\x1d\x00\x00\x00\x00\x40\x11\xae\xc5\x0a\x00\x00\x01\xc0\x00\x02\x0a'
INNER+='\x0f\xa0\x00\x50\x00\x09\x00\x00\x78'

# ears VERB: add or del, on both backends, for both families.
ears()
{
	local node
	# shellcheck disable=SC2086 # del is said nothing more
	for node in $BACKENDS; do
		ip -n "$node" fou "$1" port $PORT ${2:-} && ip -n "$node" -6 fou "$1" port $PORT ${2:-} ||
			return 1
	done
}

# is_understood ADDRESS DEVICE: does the peer take variant 1, before anything is said of mtlb?
is_understood()
{
	local before
	before=$(received be1 "$2")
	# shellcheck disable=SC2059 # the escapes are to be expanded
	printf "$INNER" | ns client answer send "$1" $PORT || return 1
	wait_until "[ \"\$(received be1 $2)\" = '$((${before% *} + 1)) 0' ]" 10
}

must "the network comes up" fabric_up
must "the backends come up" peers_up
tap_ok "they listen for GUE" ears add gue
tap_ok "the kernel takes variant 1 out of UDP over IPv4" is_understood 10.0.0.21 t44
tap_ok "and over IPv6" is_understood fd00::21 t6
config_pairs gue
balancer_up
pairs_check
tap_ok "the kernel took packets out of every kind of tunnel, and found nothing wrong" tunnels_sound
tap_is "$(drops)" "" "nothing was dropped"
# It was GUE, and not some other way: without it nothing gets through.
tap_ok "they listen no more" ears del
tap_not_ok "now nobody answers" $SILENT get $VIP4 80 name
tap_not_ok "nor over IPv6" $SILENT get $VIP6 8080 name
tap_done
