#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# `forward: ipip` against the kernel's own ends of tunnels: ipip (RFC 2003), sit (RFC 4213) and ip6tnl
# (RFC 2473). IPv4 and IPv6 clients, through IPv4 and IPv6.

# shellcheck source=selftests/vm/fabric.sh
. "$(dirname "$0")/fabric.sh"

must "the network comes up" fabric_up
must "the backends come up" peers_up
config_pairs ipip
balancer_up
pairs_check
tap_ok "the kernel took packets out of every kind of tunnel, and found nothing wrong" tunnels_sound
tap_is "$(drops)" "" "nothing was dropped"
tap_done
