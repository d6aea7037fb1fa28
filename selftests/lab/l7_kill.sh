#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Workers are killed again and again (SIGKILL) under load, on connections that are kept and on new ones,
# with one request at a time or several in a row: clients, who never ask again, have an answer to each
# request, once, and nobody has another one's. Only what must not be asked twice may be lost, and is not
# asked twice.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/lib/sites.sh
. "$LAB_ROOT/selftests/lib/sites.sh"

KILLS=${KILLS:-12} # each time a worker dies soon, its place rests twice as long
ASKING=$LAB_ROOT/selftests/lab/kills.py

answers()
{
	local host
	for host in acme.test globex.test; do
		[ "$(ns client1 curl -s --max-time 5 -o /dev/null -w '%{http_code}' -H "Host: $host" "http://$SITE_V4/")" = 200 ] ||
			return 1
	done
}

# Whose request was another worker's already is not asked for it a third time: each has its own.
inherited()
{
	[ "$(agent_log | grep -c "connections of a worker that was killed go on here")" -gt "$1" ]
}

# kill_one NUMBER: now the one, now the other, when it works.
kill_one()
{
	local victim
	victim=$(server_pids lb mtlb-proxy | sed -n "$(($1 % 2 + 1))p")
	kill -KILL "$victim" && wait_until "inherited $1" 10 && wait_until answers 10
}

kill_all()
{
	local number
	for ((number = 0; number < KILLS; number++)); do
		kill_one $number || return 1
	done
}

# of KIND WHAT
of()
{
	json "d.get('$1', {}).get('$2', 0)" <"$RUN/asked"
}

scenario l7-kill bare
site_addresses
site_listener
site_domains acme acme.test
site_domains globex globex.test
site_pool acme site "" 10.20.1.21:9000
site_pool globex site "" 10.20.2.24:9000
site_routes acme '{name: site, listener: web, backendRefs: [{pool: site}]}'
site_routes globex '{name: site, listener: web, backendRefs: [{pool: site}]}'
for node in be1 be4; do
	ns $node python3 "$ASKING" serve 9000 >"$RUN/serve.$node" 2>&1 &
	SERVERS="${SERVERS:-} $!"
	wait_until 'grep -q ready "$RUN/serve.$node"' 10
done
agent_start || exit 1
wait_until answers 10
wait_until '[ "$(server_pids lb mtlb-proxy | wc -l)" = 2 ]' 10
is "each worker has a keeper" "$(server_pids lb mtlb-keeper | wc -l)" 2

ns client1 python3 "$ASKING" ask $SITE_V4 "$RUN/stop" >"$RUN/asked" 2>"$RUN/asked.err" &
ASKED=$!
check "requests come" wait_until 'grep -q running "$RUN/asked.err"' 10
check "$KILLS times a worker is killed, and another one comes" kill_all
touch "$RUN/stop"
wait $ASKED
diag "$(cat "$RUN/asked") $(cat "$RUN/asked.err")"
for kind in kept "in line" own idle; do
	is "$kind: none failed, or was cut" "$(of "$kind" failed)/$(of "$kind" unanswered)/$(of "$kind" cut)" 0/0/0
	check "$kind: there were such" [ "$(of "$kind" ok)" -gt 7 ]
done
is "none was answered with another one's" \
	"$(json 'sum(kind.get("wrong", 0) for kind in d.values())' <"$RUN/asked")" 0
check "post: there were such" [ "$(of post ok)" -gt 7 ]
is "no POST was asked twice" \
	"$(for node in be1 be4; do ns $node curl -s "http://127.0.0.1:9000/told" | json 'd["twice"]'; done | tr '\n' ' ')" "0 0 "
check "keepers went with their workers" wait_until '[ "$(server_pids lb mtlb-keeper | wc -l)" = 2 ]' 15
kill $SERVERS

finish
