#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Backends of routes that fail: health checks take them out for all workers, what requests meet counts
# as well, the last one's end is a 503, and with panicThreshold nobody is left out.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/lib/sites.sh
. "$LAB_ROOT/selftests/lib/sites.sh"

# The checks of lazy are so far apart that only requests can tell.
routed()
{
	site_listener && site_domains acme 'acme.test' &&
		site_pool acme checked 'health: {type: http, path: /, interval: 500ms, timeout: 500ms, fall: 2, rise: 2}' \
			10.20.1.21:80 10.20.1.22:80 &&
		site_pool acme lazy 'circuitBreaker: {ejectAfter: 1}, health: {type: tcp, interval: 60s, fall: 2, rise: 1}' \
			10.20.2.24:80 10.20.1.23:80 &&
		site_pool acme brave 'health: {type: tcp, port: 81, interval: 500ms, timeout: 500ms, fall: 1, rise: 1, panicThreshold: 50}' \
			10.20.1.21:80 10.20.1.22:80 &&
		site_routes acme '{name: checked, listener: web, backendRefs: [{pool: checked}]}' \
			'{name: lazy, listener: web, matches: [{path: {value: /lazy}}], filters: [{type: URLRewrite, path: {type: ReplaceFullPath, value: /}}], backendRefs: [{pool: lazy}]}' \
			'{name: brave, listener: web, matches: [{path: {value: /brave}}], filters: [{type: URLRewrite, path: {type: ReplaceFullPath, value: /}}], backendRefs: [{pool: brave}]}'
}

# answers PATH: of twenty requests, each once.
answers()
{
	requests client1 "$(url $SITE_V4 "$1")" 20 "$RUN/answers" -H 'Host: acme.test'
	grep '^be' "$RUN/answers" | sort -u | tr '\n' ' '
}

# checked POOL: states of its backends.
checked()
{
	mtlb -j health list | json "' '.join(sorted(i['address'][-2:] + '=' + i['state'] for i in items if i['pool'] == '$1'))"
}

status()
{
	ns client1 curl -s -o /dev/null -w '%{http_code}' --max-time 10 -H 'Host: acme.test' "http://$SITE_V4$1"
}

# events KIND: how many there were.
events()
{
	mtlb -j event list kind "$1" | json "len([i for i in items if i.get('pool') == '$2'])"
}

scenario l7-health bare
site_addresses
routed
agent_start || exit 1
wait_until '[ "$(status /)" = 200 ]' 20
check "both are up" wait_until '[ "$(checked checked)" = "21=up 22=up" ]' 10
is "both are asked" "$(answers /)" "be1 be2 "

server_kill be2 nginx
check "one that dies is down" wait_until '[ "$(checked checked)" = "21=up 22=down" ]' 20
is "and asked no more" "$(answers /)" "be1 "
is "which none of twenty noticed" "$(succeeded "$RUN/answers")" 20
is "it is told once" "$(events member-down checked)" 1
check "the log says why" grep -q 'pool acme/checked: 10.20.1.22:80 is down' "$AGENT_LOG"

agent_stop KILL
check "mtlbd comes back" agent_start
check "and finds it down again" wait_until '[ "$(checked checked)" = "21=up 22=down" ] && [ "$(answers /)" = "be1 " ]' 20

server_kill be1 nginx
check "the last one dies" wait_until '[ "$(checked checked)" = "21=down 22=down" ]' 20
is "then it is 503" "$(status /)" 503
server_start be1 nginx
server_start be2 nginx
check "both come back" wait_until '[ "$(checked checked)" = "21=up 22=up" ]' 20
is "and are asked again" "$(answers /)" "be1 be2 "

is "what only panics serves" "$(checked brave)" "21=down 22=down"
is "by all it has" "$(answers /brave)" "be1 be2 "
check "which is told" wait_until '[ "$(events pool-panic-begins brave)" -ge 1 ]' 5

check "nothing is known against be3" wait_until '[ "$(checked lazy)" = "23=up 24=up" ]' 10
server_kill be3 nginx
check "requests find out" wait_until '[ "$(answers /lazy)" = "be4 " ] && [ "$(events member-ejected lazy)" -ge 1 ]' 20
is "and none of them fails" "$(succeeded "$RUN/answers")" 20
check "twice, and it is down for all" wait_until 'status /lazy >/dev/null; [ "$(checked lazy)" = "23=down 24=up" ]' 30
check "with the reason" grep -q '10.20.1.23:80 is down: 1 requests in a row failed' "$AGENT_LOG"

finish
