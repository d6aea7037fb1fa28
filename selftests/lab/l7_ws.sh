#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# WebSockets by way of a route: a real client and a real server (npm's ws), with TLS and without;
# long messages whole, one that talks while mtlbd is killed and comes back, one that says nothing.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/lib/authority.sh
. "$LAB_ROOT/selftests/lib/authority.sh"
# shellcheck source=selftests/lib/sites.sh
. "$LAB_ROOT/selftests/lib/sites.sh"

WHOLE='{"protocol":"chat","text":true,"empty":true,"large":true,"pong":"are you there?","close":"4001 as asked"}'

# socket NODE ARGUMENT...: where Debian keeps modules, whosever node it is.
socket()
{
	local node=$1
	shift
	ns "$node" env NODE_PATH=/usr/share/nodejs nodejs "$LAB_DIR/ws.js" "$@"
}

sockets_config()
{
	site_addresses && authority ours && site_listener && site_domains acme acme.test && site_domains globex globex.test &&
		site_pool acme talk '' 10.20.1.21:9001 && site_pool globex talk '' 10.20.2.24:9001 &&
		site_routes acme '{name: talk, listener: web, backendRefs: [{pool: talk}]}' \
			'{name: safe, listener: safe, backendRefs: [{pool: talk}]}' &&
		site_routes globex '{name: talk, listener: web, backendRefs: [{pool: talk}]}' && site_certificate acme acme.test &&
		sed -i 's/^listeners:/&\n  - {name: safe, vips: [shared-v4, shared-v6], port: 443, protocol: HTTPS}/' "$CONFIG/platform.yaml"
}

tunnels_rest()
{
	sed -i "/^proxy:/d; s/^listeners:/proxy: {timeouts: {tunnel: $1}}\\n&/" "$CONFIG/platform.yaml" && config_apply
}

scenario l7-ws bare
check "a configuration" sockets_config
socket be1 serve 9001 >"$RUN/serve.1" 2>&1 &
SERVERS=$!
socket be4 serve 9001 >"$RUN/serve.4" 2>&1 &
SERVERS+=" $!"
check "servers" wait_until 'grep -q ready "$RUN/serve.1" && grep -q ready "$RUN/serve.4"' 20
agent_start || exit 1
check "a worker answers" wait_until '[ "$(ns client1 curl -s -o /dev/null -w "%{http_code}" -H "Host: acme.test" "http://$SITE_V4/")" = 426 ]' 20

is "a whole conversation" "$(socket client1 play "ws://$SITE_V4/" acme.test)" "$WHOLE"
is "by IPv6" "$(socket client1 play "ws://[$SITE_V6]/" globex.test)" "$WHOLE"
is "within TLS" "$(socket client1 play "wss://$SITE_V4/" acme.test "$RUN/ours.pem")" "$WHOLE"
check "a host of nobody's gets none" grep -q 'Unexpected server response: 404' <(socket client1 play "ws://$SITE_V4/" other.test)

mkfifo "$RUN/hold"
socket client2 hold "wss://$SITE_V4/" acme.test "$RUN/ours.pem" <"$RUN/hold" >"$RUN/held" 2>&1 &
HELD=$!
exec 7>"$RUN/hold"
check "one that goes on talking" wait_until 'grep -q ready "$RUN/held"' 20
agent_stop KILL
is "while mtlbd is gone, others talk" "$(socket client1 play "ws://$SITE_V4/" acme.test)" "$WHOLE"
check "mtlbd comes back" eval 'agent_start 7>&-'
is "others talk" "$(socket client1 play "ws://$SITE_V4/" acme.test)" "$WHOLE"
exec 7>&-
wait $HELD
check "nothing that it said was lost" [ "$(tail -n 1 "$RUN/held" | json "d['sent'] == d['back'] > 20 and d['code'] == 1000")" = True ]

check "silence is cut after a second" tunnels_rest 1s
is "which a client can tell" "$(socket client1 rest "ws://$SITE_V4/" acme.test)" 1006
# shellcheck disable=SC2086 # a list
kill $SERVERS

finish
