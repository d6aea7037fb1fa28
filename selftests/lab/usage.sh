#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Usage for billing is what clients sent, to the byte: while mtlbd is killed at any moment, while
# backends come and go, after a tenant is gone, and after the dataplane was taken down and made anew.
# Tenant gue by tunnels, of which only the clients' packets pass the node, tenant nat both ways.

set -u -o pipefail
LAB_CONFIG=$(dirname "$0")/modes
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

KILLS=${KILLS:-3}

echo_servers()
{
	local node
	# replies of translated flows are for this address, which somebody must answer for
	ns lb ip addr add 10.20.1.100/24 dev eth0 || return 1
	for node in $BACKENDS; do
		ns "$node" setsid "$LAB_DIR/usage.py" echo "$(node_ip4 "$node")" 192.0.2.61 \
			</dev/null >"$RUN/echo.$node" 2>&1 &
		disown
	done
	for node in $BACKENDS; do
		wait_until "grep -q ready '$RUN/echo.$node'" 10 || return 1
	done
}

asking_start()
{
	rm -f "$RUN/stop" "$RUN/gue" "$RUN/nat"
	ns client1 "$LAB_DIR/usage.py" ask 192.0.2.61 "$RUN/stop" "$RUN/gue" >/dev/null 2>&1 &
	ASKING=$!
	ns client2 "$LAB_DIR/usage.py" ask 192.0.2.62 "$RUN/stop" "$RUN/nat" >/dev/null 2>&1 &
	ASKING="$ASKING $!"
	check "clients ask" wait_until '[ -s "$RUN/gue" ] && [ -s "$RUN/nat" ]' 10
}

asking_stop()
{
	touch "$RUN/stop"
	# shellcheck disable=SC2086 # a list
	wait $ASKING
}

# told TENANT: what its client sent and got; by tunnels nothing comes back this way.
told()
{
	json "[d['packetsIn'], d['bytesIn']] + ([d['packetsOut'], d['bytesOut']] if '$1' == 'nat' else [0, 0])" <"$RUN/$1"
}

# used TENANT: the same, as it is billed.
used()
{
	api "usage?from=2000-01-01&by=day&tenant=$1" | "$LAB_DIR/usage.py" sum "$1" |
		json "[d['packetsIn'], d['bytesIn'], d['packetsOut'], d['bytesOut']]"
}

plus()
{
	python3 -c 'import sys; print([a + b for a, b in zip(eval(sys.argv[1]), eval(sys.argv[2]))])' "$1" "$2"
}

# is_read TIME: counters were read after that second.
is_read()
{
	[ "$(api usage | json "d['readAt'] > '$1'")" = True ]
}

# all_read: what was counted up to now is booked.
all_read()
{
	local now
	now=$(date -u +%Y-%m-%dT%H:%M:%S.999Z)
	check "counters were read" wait_until "is_read $now" 10
}

counted()
{
	mtlb -j backend list | json "[sum(b['packets'] for b in items if b['tenant'] == '$1'),
		sum(b['bytes'] for b in items if b['tenant'] == '$1')]"
}

kill_and_start()
{
	# any moment will do
	sleep "0.$((RANDOM % 9))$((RANDOM % 10))"
	agent_stop KILL && agent_start
}

scenario usage bare
sed -i 's/^node:$/node:\n  usage: {flush: 1s}/' "$CONFIG/platform.yaml"
check "mtlbd starts" agent_start || exit 1
check "all members come up" wait_until all_up 10
check "servers answer" echo_servers
asking_start
for ((number = 1; number <= KILLS; number++)); do
	check "mtlbd is killed and started ($number)" kill_and_start
done
asking_stop
all_read
for tenant in gue nat; do
	is "$tenant: billed is what its client sent and got, to the byte" "$(used $tenant)" "$(told $tenant)"
	is "$tenant: and what its backends' counters say" "$(used $tenant | json 'd[:2]')" "$(counted $tenant)"
done
is "nothing was lost on the way" "$(json "d['packetsIn'] - d['packetsOut']" <"$RUN/nat")" 0

# Backends that are gone, and with them their counters; then killed before they are read.
gue=$(used gue) nat=$(used nat)
asking_start
member_remove nat v4 10.20.1.21
member_remove gue v4 10.20.1.22
check "backends are removed under traffic" config_apply
check "killed" kill_and_start
tenant_restore nat
tenant_restore gue
check "they come back" config_apply
check "killed once more" kill_and_start
asking_stop
all_read
for tenant in gue nat; do
	is "$tenant: still to the byte" "$(used $tenant)" "$(plus "${!tenant}" "$(told $tenant)")"
done

# The tenant goes, what it used stays.
gue=$(used gue)
nat=$(used nat)
rm "$CONFIG/tenants.d/gue.yaml"
sed -i '/name: gue,/d; /name: gue-v/d' "$CONFIG/platform.yaml"
check "tenant gue is taken off the node" config_apply
is "its usage is kept" "$(used gue)" "$gue"
agent_stop TERM
check "the dataplane is taken down" ns lb "$MTLBD" -c "$CONFIG" --bpffs "$BPFFS" --remove
check "and made anew" agent_start
all_read
is "gue: nothing is counted twice" "$(used gue)" "$gue"
is "nat: neither here" "$(used nat)" "$nat"
check "and its counters are gone" eval '! mtlb tenant show gue'

is "the export has the same bytes" "$(mtlb usage export format csv tenant nat from 2000-01-01 by day |
	awk -F, 'NR > 1 { packets += $4; bytes += $5; out += $6; back += $7 } END { print "[" packets ", " bytes ", " out ", " back "]" }')" \
	"$nat"
check "it is shown" mtlb usage show from 2000-01-01

finish
