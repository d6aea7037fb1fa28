#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Tenants at the generator's full speed, a CPU each: one is flooded with SYNs, or with datagrams, from
# random sources, while the other one's connections go on and its pool changes. It loses no packet and
# no flow; and where one limit guards both of them it does lose, so that the experiment would notice.
#
#   generator ==veth== mtlbd ==veth== sink       selftests/bench/isolation.c
#
# The generator takes all the time of both CPUs. On a machine that has something else to do as well a
# packet may be lost before the balancer sees it: what holds in one of three runs, holds.

set -u -o pipefail

BENCH=${MTLB_BUILD:-build}/bench/isolation
OUT=$(mktemp)
trap 'rm -f "$OUT"' EXIT
count=0 failed=0

# holds FIGURE NAME...: of these experiments every line says ok.
holds()
{
	local what=$1 try
	shift
	count=$((count + 1))
	for try in 1 2 3; do
		if "$BENCH" "${@/#/=}" >"$OUT" 2>&1; then
			echo "ok $count - $what"
			sed 's/^/# /' "$OUT"
			return
		fi
		sed "s/^/# try $try: /" "$OUT"
	done
	echo "not ok $count - $what"
	failed=$((failed + 1))
}

holds "a flood of SYNs takes nothing from another tenant" syn
holds "nor does one of UDP" udp
holds "one limit for both, and it does" syn_undefended_meter
echo "1..$count"
[ $failed = 0 ]
