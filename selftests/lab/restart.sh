#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The agent is stopped, killed and started again under traffic: the dataplane goes on without it,
# the next agent adopts what runs, and takes up what changed in the configuration meanwhile.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

COUNT=${COUNT:-10000}
RATE=${RATE:-500}

# The program's id on the balancer's interface, empty when none is attached.
program()
{
	ns lb ip -d link show eth0 | sed -n 's/.*prog\/xdp id \([0-9]*\).*/\1/p'
}

# more_requests NUMBER: waits until that many more went through.
more_requests()
{
	local want=$(($(succeeded "$RUN/v4") + $1))
	wait_until '[ "$(succeeded "$RUN/v4")" -ge $want ] || ! kill -0 $v4 2>/dev/null' 30
}

# restart SIGNAL [COMMAND...]: the command runs while no agent does.
restart()
{
	local signal=$1
	shift
	check "SIG$signal ends the agent" agent_stop "$signal"
	check "the program stays attached" [ -n "$(program)" ]
	[ $# -eq 0 ] || "$@"
	more_requests 300
	check "it starts again" agent_start || exit 1
	is "it adopted the dataplane" "$(api node | json "d['adopted']")" True
	check "and says so" eval 'agent_log | grep -qi adopt'
	check "all members are up" wait_until all_up 10
	more_requests 300
}

requests_succeeded()
{
	local family
	for family in v4 v6; do
		is "all $COUNT requests over IP$family succeeded" "$(succeeded "$RUN/$family")" "$COUNT" ||
			diag "$(grep '^= ' "$RUN/$family" | grep -v '^= 200' | sort | uniq -c | head -n 5)"
	done
}

remove_be3()
{
	member_remove acme web 10.20.1.23
}

reaches_be3()
{
	requests client1 http://192.0.2.10/ 300 "$RUN/out"
	[ "$(succeeded "$RUN/out")" = 300 ] && grep -q be3 "$RUN/out"
}

scenario restart

for number in 1 2 3; do
	download client2 'http://192.0.2.10/slow?rate=400k' "$RUN/acme.$number" &
	download client1 'http://[2001:db8::20]/slow?rate=400k' "$RUN/globex.$number" &
done
requests client1 http://192.0.2.10/ "$COUNT" "$RUN/v4" --rate "$RATE/s" &
v4=$!
requests client2 'http://[2001:db8::20]/' "$COUNT" "$RUN/v6" --rate "$RATE/s" &
v6=$!
more_requests 300
for signal in TERM KILL TERM KILL KILL; do
	restart $signal
done
restart TERM remove_be3
check "what changed meanwhile is in force" eval '! reaches_be3'
wait $v4 $v6
requests_succeeded
wait
for file in "$RUN"/acme.? "$RUN"/globex.?; do
	check "the download ${file##*/} from $(download_backend "$file") came whole" \
		download_is_whole "$file"
done

tenant_restore acme
check "be3 is put back" config_apply
check "and answers" wait_until reaches_be3 5

# A clean end of it all: with --detach, nothing stays.
agent_stop TERM
check "started with --detach" agent_start --detach
check "it ends" agent_stop TERM
is "and takes the program along" "$(program)" ""
is "and its maps" "$(find "$BPFFS" -type f 2>/dev/null)" ""

finish
