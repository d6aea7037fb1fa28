#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The time of day of mtlbd and its prober jumps an hour ahead, back, and an hour back, while clients ask and
# backends are checked: nobody goes down, no request is lost, what is billed is what was sent to the byte, and
# the audit log is whole. clock.c, preloaded, makes the time of day what it is told.

set -u -o pipefail
LAB_CONFIG=$(dirname "$0")/modes
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# jump SECONDS: from the machine's own time; what is mapped is written in place, in one piece.
jump()
{
	python3 -c 'import struct, sys; open(sys.argv[2], "r+b", 0).write(struct.pack("=q", int(sys.argv[1])))' \
		"$1" "$RUN/clock"
}

echo_servers()
{
	local node
	ns lb ip addr add 10.20.1.100/24 dev eth0 || return 1
	for node in $BACKENDS; do
		ns "$node" setsid "$LAB_DIR/usage.py" echo "$(node_ip4 "$node")" </dev/null >"$RUN/echo.$node" 2>&1 &
		disown
	done
	for node in $BACKENDS; do
		wait_until "grep -q ready '$RUN/echo.$node'" 10 || return 1
	done
}

readings()
{
	api node | json "d['usage']['readings']"
}

# checks: how often the backend was asked that was asked least.
checks()
{
	mtlb -j health list | json "min(c['probes'] for c in items)"
}

used()
{
	api "usage?from=2000-01-01&to=2100-01-01&by=$1&tenant=nat" | "$LAB_DIR/usage.py" sum nat
}

hours()
{
	api "usage?from=2000-01-01&to=2100-01-01&by=hour&tenant=nat" |
		json "len(items), len({i['from'] for i in items})"
}

# What is billed; not a peak, which may be told of at any moment.
billed()
{
	api "usage?from=2000-01-01&to=2100-01-01&by=hour&tenant=nat" |
		json "[{k: v for k, v in i.items() if k != 'peakActiveFlows'} for i in items]"
}

# A change that is written to the audit log, and that an event tells.
edit()
{
	curl -s --max-time 5 --unix-socket "$SOCKET" -X PUT -o "$RUN/answer" -w '%{http_code}' \
		-H 'Content-Type: application/json' -d "{\"name\": \"t$1\", \"l4\": {\"flows\": 64}}" "http://mtlb/v1/tiers/t$1"
}

# goes_on WHEN NUMBER
goes_on()
{
	asked=$(checks) read=$(readings)
	is "$1: an edit is made" "$(edit "$2")" 201 || diag "$(cat "$RUN/answer")"
	check "$1: all are checked" wait_until '[ "$(checks)" -ge $((asked + 2)) ]' 20 || diag "$asked, $(checks)"
	check "$1: counters are read" wait_until '[ "$(readings)" -gt "$read" ]' 20 || diag "$read, $(readings)"
}

scenario clock bare
check "the clock is built" gcc -O2 -Wall -Wextra -Werror -shared -fPIC -o "$RUN/clock.so" "$LAB_DIR/clock.c"
truncate -s 8 "$RUN/clock"
sed -i 's/^node:$/node:\n  usage: {flush: 1s}/' "$CONFIG/platform.yaml"
mkdir -p "$CONFIG/api.d"
export MTLB_CLOCK=$RUN/clock
LD_PRELOAD=$RUN/clock.so agent_start || exit 1
check "all members come up" wait_until all_up 10
check "servers answer" echo_servers
pid=$(api node | json "d['health']['prober']['pid']")
check "the prober has that clock as well" grep -q clock.so "/proc/$pid/maps"

ns client2 "$LAB_DIR/usage.py" ask 192.0.2.62 "$RUN/stop" "$RUN/nat" >/dev/null 2>&1 &
asking=$!
check "a client asks" wait_until '[ -s "$RUN/nat" ]' 10
goes_on "before" 0
jump 3600
goes_on "an hour ahead" 1
jump 0
goes_on "back" 2
jump -3600
goes_on "an hour back" 3
touch "$RUN/stop"
wait $asking
asked=$(readings)
check "what was sent last is read" wait_until '[ "$(readings)" -ge $((asked + 2)) ]' 20

is "no backend went down" "$(mtlb -j event list kind member-down | json "len(items)")" 0
is "the prober is the same one" "$(api node | json "d['health']['prober']['pid']")" "$pid"
is "the client lost nothing" "$(json "d['packetsIn'] - d['packetsOut']" <"$RUN/nat")" 0
is "billed is what it sent, by hour" "$(used hour)" "$(cat "$RUN/nat")"
is "and by day" "$(used day)" "$(cat "$RUN/nat")"
check "in hours that are there once" eval 'read -r rows times < <(hours | tr -d "(,)") && [ "$rows" -ge 3 ] && [ "$rows" = "$times" ]' ||
	diag "$(hours)"
before=$(billed)
agent_stop KILL
agent_start || exit 1
is "the next agent, whose clock is right, says the same" "$(billed)" "$before"
check "the audit log is whole" "$MTLB" node audit verify "$CONFIG/api.d/audit.log"
is "and has all edits" "$(grep -c '"status":201' "$CONFIG/api.d/audit.log")" 4

finish
