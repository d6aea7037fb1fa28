#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A flood of connections against globex, which may open five a second: `mtlb drop watch` shows who is
# refused, and why; an event tells the attack, its target and where it comes from, and another one
# that it is over. acme, which nothing limits, feels nothing of it, and is flooded in its turn: that is
# told by the flows that are opened. A backend that dies is told as well.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# watch OUT ARGS: in the background; its exit code goes to OUT.code. Returns when the agent has it.
watch()
{
	local out=$1
	shift
	{
		"$MTLB" -s "$SOCKET" "$@" >"$out" 2>"$out.err"
		echo $? >"$out.code"
	} &
	WATCHERS="${WATCHERS:-} $!"
}

watching()
{
	[ "$(api node | json "d['watchers']['clients']")" = "$1" ]
}

# event KIND FIELD: of the last event of that kind, nothing when there is none.
event()
{
	mtlb -j event list kind "$1" | json "items[-1]['$2'] if items else ''"
}

scenario watch
check "globex may open five connections a second" sed -i -e "/name: small/d" \
	-e "/name: standard, l4/a\\  - {name: small, l4: {flows: 16384, newFlows: 5/s, burst: 1s}}" \
	-e 's/\(name: globex, id: 2, tier:\) [a-z]*/\1 small/' "$CONFIG/platform.yaml"
check "2000 new flows a second are an attack" sed -i 's/^node:$/node:\n  attacks: {newFlows: 2k\/s}/' \
	"$CONFIG/platform.yaml"
is "as the agent would take it" "$(mtlb config diff "$CONFIG" | grep attacks)" "~ node: attacks.newFlows 10k/s -> 2k/s"
check "and all that holds" config_apply

watch "$RUN/globex" drop watch tenant globex reason over_new_flows
watch "$RUN/acme" -j drop watch tenant acme
watch "$RUN/lines" -j event watch
watch "$RUN/events" event watch tenant globex
check "four clients watch" wait_until 'watching 4' 20

rm -f "$RUN/flood.stop"
ns client1 "$LAB_DIR/packets.py" flood 203.0.113. 192.0.2.20 80 5000 "$RUN/flood.stop" &
FLOOD=$!
check "what is refused is shown" wait_until '[ -s "$RUN/globex" ]' 20
check "with its tenant, reason, source and destination" grep -Eq \
	'^20[0-9T:.-]+Z globex over_new_flows TCP 203\.0\.113\.[0-9]+:[0-9]+ > 192\.0\.2\.20:80 SYN 40 bytes' "$RUN/globex"
check "an attack begins" wait_until '[ -n "$(event attack-begins kind)" ]' 10
is "on globex" "$(event attack-begins tenant)" globex
is "at its address" "$(event attack-begins address)" 192.0.2.20
is "and port" "$(event attack-begins port)" 80
is "with connections" "$(event attack-begins attack)" syn
is "from there" "$(event attack-begins sources | grep -o "'prefix': '[^']*'" | head -n 1)" \
	"'prefix': '203.0.113.0/24'"
is "and not from everywhere" "$(event attack-begins spread)" False
check "at about 5000 a second" awk "BEGIN { r = $(event attack-begins rate); exit !(r > 1000 && r < 6000) }"
check "the log tells it" grep -q 'attack: attack on globex: syn flood to 192.0.2.20:80' "$AGENT_LOG"
check "who watches is told" wait_until 'grep -q "attack-begins attack on globex" "$RUN/events"' 5
requests client2 "$(url 192.0.2.10 /)" 50 "$RUN/requests"
is "acme: all answered meanwhile" "$(succeeded "$RUN/requests")" 50
check "a flood is no flood of lines" [ "$(wc -l <"$RUN/globex")" -lt 2000 ]

touch "$RUN/flood.stop"
wait $FLOOD
rm -f "$RUN/flood.stop"
# What comes in an agent's first five seconds is usual to it.
check "the agent knows by now what is usual" wait_until '[ "$(ps -o etimes= -p "$(server_pids lb mtlbd)")" -gt 6 ]' 10
ns client1 "$LAB_DIR/packets.py" flood 198.18.7. 192.0.2.10 80 5000 "$RUN/flood.stop" &
FLOOD=$!
check "a flood that nothing limits is an attack as well" \
	wait_until '[ "$(event attack-begins measure)" = newFlows ]' 15
is "on acme" "$(event attack-begins tenant)" acme
is "at its address" "$(event attack-begins address)" 192.0.2.10
is "with connections" "$(event attack-begins attack)" syn
is "from there" "$(event attack-begins sources | grep -o "'prefix': '[^']*'" | head -n 1)" \
	"'prefix': '198.18.7.0/24'"
touch "$RUN/flood.stop"
wait $FLOOD
is "nothing of acme's was dropped all the while" "$(wc -c <"$RUN/acme")" 0
check "the first attack is over ten seconds after its end" wait_until '[ -n "$(event attack-ends kind)" ]' 20
is "that of globex" "$(event attack-ends tenant)" globex
check "with all that was dropped" [ "$(event attack-ends packets)" -ge 5000 ]
check "and who watches is told" wait_until '[ "$(wc -l <"$RUN/lines")" = 3 ]' 5
check "as JSON, a line each" python3 -c 'import json, sys
kinds = [json.loads(line)["kind"] for line in open(sys.argv[1])]
sys.exit(kinds != ["attack-begins", "attack-begins", "attack-ends"])' "$RUN/lines"

check "a backend dies" server_kill be4 nginx
check "which is an event" wait_until '[ -n "$(event member-down kind)" ]' 5
check "with its reason" wait_until 'grep -q "member-down.*refused" "$RUN/lines"' 5

agent_stop
# shellcheck disable=SC2086 # a list
wait $WATCHERS
is "when the agent goes, who watches is told" "$(cat "$RUN/events.err")" \
	"mtlb: the agent on $SOCKET went away"
is "and it is an error" "$(sort -u "$RUN"/*.code)" 1

finish
