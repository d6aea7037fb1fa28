#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The object loads on this kernel and attaches in native mode, outlives its agents, is adopted by the
# next, and is taken down again.

# shellcheck source=selftests/vm/fabric.sh
. "$(dirname "$0")/fabric.sh"

is_jited()
{
	bpftool prog show id "$(program)" | grep -q ' jited '
}

says()
{
	grep -q "$1" <<<"$(mtlb -j node show)" || {
		mtlb -j node show
		return 1
	}
}

must "the network comes up" fabric_up
config_pairs ipip
tap_ok "the configuration is accepted" mtlbd -c "$RUN/config" --check
tap_ok "mtlbd starts" agent_start
tap_ok "in native mode" says '"mode": *"native"'
tap_like "$(program)" '^[0-9]+$' "the program is attached"
tap_ok "and compiled" is_jited
for signal in TERM KILL; do
	loaded=$(program)
	tap_ok "SIG$signal ends mtlbd" agent_stop $signal
	tap_is "$(program)" "$loaded" "the program stays"
	tap_ok "mtlbd starts again" agent_start
	tap_ok "and adopts what it finds" says '"adopted": *true'
	tap_like "$(program)" '^[0-9]+$' "a program is attached"
done
tap_ok "it is taken down" agent_remove
tap_is "$(program)" "" "and gone"
tap_done
