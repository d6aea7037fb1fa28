#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# mtlbd is killed, and upgraded to another version, while requests of routes come, on connections that are
# kept and on new ones: none fails, workers without an agent serve on and go when others have their
# place. Nothing is bound to the VIP: a server of the node's own on the same port is not in the way.
# And when the dataplane is taken down, no worker is left.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/lib/sites.sh
. "$LAB_ROOT/selftests/lib/sites.sh"

workers()
{
	server_pids lb mtlb-proxy | sort | tr '\n' ' '
}

status()
{
	ns client1 curl -s -o /dev/null -w '%{http_code}' --max-time 10 -H 'Host: acme.test' "$(url "$1" /)"
}

# hammer CURL-OPTIONS OUT ADDRESS: forty requests a connection, or each on its own, until loops_stop.
hammer()
{
	ns client2 bash -c 'while [ ! -e "$1" ]; do
		curl -s --max-time 10 $2 -H "Host: acme.test" -w "= %{http_code} %{errormsg}\n" "$3?[1-40]"
	done' _ "$RUN/stop" "$1" "$(url "$3" /)" >"$RUN/$2" 2>&1 &
	LOOPS="${LOOPS:-} $!"
}

# restarted HOW: by this signal; the old workers serve until the new ones do.
restarted()
{
	local old
	old=$(pgrep -P "$(agent_pid)" mtlb-proxy | tr '\n' ' ')
	agent_stop "$1"
	check "$1: workers stay" all_of "$old"
	is "$1: and serve new connections, IPv4" "$(status $SITE_V4)" 200
	is "$1: IPv6" "$(status $SITE_V6)" 200
	check "$1: mtlbd comes back" agent_start
	check "$1: with workers of its own" wait_until '[ "$(new_ones "$old")" -ge 2 ]' 20
	OLD+="$old "
}

# new_ones OLD: how many workers there are beside those.
new_ones()
{
	workers | tr ' ' '\n' | grep -c -v -x -F "$(tr ' ' '\n' <<<"$1" | sed '/^$/d')"
}

all_of()
{
	local pid
	for pid in $1; do
		[[ " $(workers) " == *" $pid "* ]] || return 1
	done
}

none_of()
{
	local pid
	for pid in $1; do
		[[ " $(workers) " != *" $pid "* ]] || return 1
	done
}

OLD=
scenario l7-restart bare
site_addresses
site_listener && site_domains acme acme.test && site_pool acme site '' 10.20.1.21:80 10.20.1.22:80 &&
	site_routes acme '{name: site, listener: web, backendRefs: [{pool: site}]}'
ns lb python3 -m http.server 80 --bind 0.0.0.0 --directory "$CONFIG" >/dev/null 2>&1 &
wait_until 'ns lb curl -s -o /dev/null http://127.0.0.1/' 10
agent_start || exit 1
check "routes are served" wait_until '[ "$(status $SITE_V4)" = 200 ]' 20
is "a server of the node's own as well" "$(ns lb curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1/)" 200

rm -f "$RUN/stop"
hammer "" kept $SITE_V4
hammer "-H Connection:close" closed $SITE_V4
hammer "-H Connection:close" closed6 $SITE_V6
check "requests come" wait_until '[ -s "$RUN/kept" ] && [ -s "$RUN/closed" ] && [ -s "$RUN/closed6" ]' 10
restarted KILL
sed -i 's/^listeners:/proxy: {workers: 3}\n&/' "$CONFIG/platform.yaml"
check "another number of workers is told of beforehand" grep -q 'workers by CPUs -> 3, at the next start' <(mtlb config diff)
check "and taken" config_apply
is "but not by those that serve" "$(api proxy | json 'len(d["items"])')" $(($(nproc) > 2 ? $(nproc) : 2))
MTLBD=$LAB_BUILD/next/mtlbd restarted TERM
is "there are as many workers as are wanted now" "$(api proxy | json 'len(d["items"])')" 3
check "that was an upgrade" [ "$(api node | json "d['version'].endswith('-next')")" = True ]
check "the old ones go" wait_until 'none_of "$OLD"' 40
loops_stop
for list in kept closed closed6; do
	check "$list: many requests" [ "$(succeeded "$RUN/$list")" -ge 100 ]
	is "$list: none failed" "$(failed "$RUN/$list")" 0
done

agent_stop KILL
check "the dataplane is taken down" ns lb "$MTLBD" --bpffs "$BPFFS" --remove
check "and no worker is left" wait_until '[ -z "$(workers)" ]' 20
is "the VIP is the node's server's then" "$(status $SITE_V4)" 200
kill %% 2>/dev/null

finish
