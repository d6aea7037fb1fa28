#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Services of the node's own stack (forward: local), beside others that go to members: a web server
# and a name server listen on acme's VIPs on the balancer itself. They answer on single ports, on a
# range, to datagrams in fragments, over both families; nobody else's packets change; and a service
# that comes from members, and goes back to them, is served all the time.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

V4=192.0.2.10
V6=2001:db8::10

# services LINE...: what acme has beside its pools.
services()
{
	local file=$CONFIG/tenants.d/acme.yaml
	{
		sed '/^services:/,$d' "$LAB_CONFIG/tenants.d/acme.yaml"
		echo "services:"
		printf '  - {%s}\n' "$@"
	} >"$file.new" && mv "$file.new" "$file"
}

LOCAL_WEB="name: web, vips: [acme-v4], protocol: TCP, ports: [80], forward: local"
LOCAL_WEB6="name: web6, vips: [acme-v6], protocol: TCP, ports: [80], forward: local"
MEMBERS_WEB="name: web, vips: [acme-v4], protocol: TCP, ports: [80], pool: web, forward: dsr"
MEMBERS_WEB6="name: web6, vips: [acme-v6], protocol: TCP, ports: [80], pool: web6, forward: dsr"
RANGE="name: range, vips: [acme-v4, acme-v6], protocol: TCP, ports: [8000-8099], forward: local"
NAMES="name: names, vips: [acme-v4, acme-v6], protocol: UDP, ports: [5300], forward: local"

# counted TENANT: packets that were handed over.
counted()
{
	api drops | json "sum(r['packets'] for r in d['items']
		if r['tenant'] == '$1' and r['reason'] == 'local')"
}

# all_from WHO FILE: every one of twenty requests.
all_from()
{
	[ "$(grep -c "^$1\$" "$2")" = 20 ] && [ "$(failed "$2")" = 0 ]
}

# ask WHO ADDRESS [PATH]
ask()
{
	requests client1 "$(url "$2" "${3:-/}")" 20 "$RUN/answers" && all_from "$1" "$RUN/answers"
}

# closed PORT: one that the node's own stack would answer, by a reset at least.
closed()
{
	ns client1 curl -s -o /dev/null --max-time 1 "http://$V4:$1/"
	[ $? = 28 ]
}

serve_here()
{
	ns lb ip address add $V4/32 dev lo && ns lb ip address add $V6/128 dev lo nodad &&
		nginx_start lb || return 1
	ns lb setsid "$LAB_DIR/servers.py" serve lb $V4 $V6 </dev/null >"$RUN/lb/servers.log" 2>&1 &
	disown
	wait_until 'ns lb ss -Hlun sport = :5300 | grep -q 5300' 5
}

scenario local
check "the node's own servers start" serve_here
check "members serve, IPv4" ask 'be[123]' $V4
check "members serve, IPv6" ask 'be[123]' $V6
is "nothing was handed over" "$(counted acme)" 0

loop_start client2 "$RUN/loop" "$(url $V4 /)" "$(url $V6 /)"
services "$LOCAL_WEB" "$LOCAL_WEB6" "$RANGE" "$NAMES"
check "acme's services become the node's own" config_apply
check "the node serves, IPv4" ask lb $V4
check "the node serves, IPv6" ask lb $V6
check "on a port of a range, IPv4" ask lb $V4 :8080/
check "on a port of a range, IPv6" ask lb $V6 :8080/
check "a large answer comes whole" download client1 "$(url $V4 /big)" "$RUN/big"
check "to the last byte" download_is_whole "$RUN/big"
check "datagrams in fragments, IPv4" ns client1 "$LAB_DIR/servers.py" dns $V4 20
check "datagrams in fragments, IPv6" ns client1 "$LAB_DIR/servers.py" dns $V6 20
check "last fragment first, IPv4" ns client1 "$LAB_DIR/servers.py" dns $V4 20 reversed
check "last fragment first, IPv6" ns client1 "$LAB_DIR/servers.py" dns $V6 20 reversed
check "a port without a service is closed" closed 22
check "what was handed over is counted" [ "$(counted acme)" -gt 100 ]
is "for acme alone" "$(counted globex)" 0
check "globex: its members serve" ask 'be[1-6]' 192.0.2.20
is "the service is shown" "$(mtlb -j service list | json \
	"' '.join(s['forward'] + str(s['slots']) for s in items if s['tenant'] == 'acme' and s['name'] == 'web')")" local0

agent_stop KILL
check "while no agent runs, the node serves" ask lb $V4
check "mtlbd comes back" agent_start
is "and finds nothing to do" "$(mtlb config diff | grep -c '^[-+~]')" 0
check "the node serves" ask lb $V4

services "$MEMBERS_WEB" "$MEMBERS_WEB6"
check "members get them back" config_apply
check "members serve, IPv4" ask 'be[123]' $V4
check "members serve, IPv6" ask 'be[123]' $V6
loops_stop
is "nobody was turned away for good" "$(awk '/^= / && $2 != 200 && $7 == 4' "$RUN/loop" | wc -l)" 0
check "and some were served by each" [ "$(awk '{ print $5 }' "$RUN/loop" | sort -u | grep -cE '^(lb|be[123])$')" -ge 2 ]

finish
