#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Listeners on VIPs that are granted: what the tenant of such a VIP has (access list, limits, SYN
# cookies) is in force before any worker sees a packet. One listener has a VIP that tenants share,
# granted to "front", and one that acme has to itself. acme's own list and limits, and a flood at
# the shared VIP, change nothing at the other one; and all of it holds while no agent runs. What no
# packet tells, a client that takes all connections that workers can have, is shed by them.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

SHARED=192.0.2.10
SHARED6=2001:db8::10
OWN=192.0.2.20
RATE=5000

guard_config()
{
	local name
	{
		sed -e '/^vips:/,$d' "$LAB_CONFIG/platform.yaml"
		cat <<-END
			vips:
			  - {name: shared, address: $SHARED}
			  - {name: shared6, address: "$SHARED6"}
			  - {name: own, address: $OWN}
			listeners:
			  - {name: web, vips: [shared, shared6, own], port: 80, protocol: HTTP}
			tiers:
			  - {name: front, l4: {flows: 1024}}
			  - {name: small, l4: {flows: 1024}}
			tenants:
			  - {name: front, id: 1, tier: front, vips: [shared, shared6]}
			  - {name: acme, id: 2, tier: small, vips: [own], domains: [acme.test]}
			  - {name: globex, id: 3, tier: small, domains: [globex.test]}
		END
	} >"$CONFIG/platform.yaml"
	rm -f "$CONFIG"/tenants.d/*
	for name in acme globex; do
		cat >"$CONFIG/tenants.d/$name.yaml" <<-END
			apiVersion: mtlb/v1
			kind: TenantConfig
			metadata: {tenant: $name}
			pools: [{name: site, backends: [{address: "10.20.1.21:80"}]}]
			routes: [{name: all, listener: web, backendRefs: [{pool: site}]}]
		END
	done
}

# tier NAME TEXT: what it grants beside flows.
tier()
{
	sed -i "s|{name: $1, l4: .*|{name: $1, l4: {flows: 1024$2}}|" "$CONFIG/platform.yaml" && config_apply
}

# pages: of memory that was new to the workers so far.
pages()
{
	local pid
	for pid in $(server_pids lb mtlb-proxy); do
		awk '{ print $10 }' "/proc/$pid/stat"
	done | awk '{ sum += $1 } END { print sum }'
}

# slow_bodies NODE ADDRESS HOST COUNT: so many at a time that have begun, and then end; prints how many were answered.
slow_bodies()
{
	ns "$1" python3 - "$2" "$3" "$4" <<-'END'
		import socket, sys
		address, host, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
		clients = [socket.create_connection((address, 80), 10) for _ in range(count)]
		for client in clients:
		    client.sendall(b"POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 4\r\n\r\nab" % host.encode())
		answered = 0
		for client in clients:
		    client.sendall(b"cd")
		    answered += client.recv(9) == b"HTTP/1.1 "
		print(answered)
	END
}

# acl TENANT LIST
acl()
{
	local file=$CONFIG/tenants.d/$1.yaml
	[ -e "$file" ] || printf 'apiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: %s}\n' "$1" >"$file"
	sed -i -e '/^acl:/d' ${2:+-e "/^metadata:/a acl: $2"} "$file" && config_apply
}

# served CLIENT ADDRESS HOST COUNT: all of so many, each on a connection of its own.
served()
{
	local url
	url=$(url "$2" /)
	requests "$1" "$url" "$4" "$RUN/answers" -H "Host: $3" -H 'Connection: close'
	[ "$(succeeded "$RUN/answers")" = "$4" ] && [ "$(failed "$RUN/answers")" = 0 ]
}

reaches()
{
	ns "$1" curl -s -o /dev/null --connect-timeout 1 --max-time 2 -H "Host: $3" "$(url "$2" /)"
}

misses()
{
	! reaches "$@"
}

drops()
{
	api drops | json "sum(r['packets'] for r in items if (r['tenant'], r['reason']) == ('$1', '$2'))"
}

cookies()
{
	api tenants | json "next(t['synCookies']['$2'] for t in items if t['name'] == '$1')"
}

few_descriptors()
{
	(ulimit -n 1024 && agent_start)
}

# doctor_finds ABOUT: how it is.
doctor_finds()
{
	ns lb "$MTLB" -j -s "$SOCKET" --bpffs "$BPFFS" doctor | json "next(f['level'] for f in d['findings'] if f['check'] == '$1')"
}

scenario l7-guard bare
ns lb ip address add $SHARED/32 dev lo && ns lb ip address add $SHARED6/128 dev lo nodad &&
	ns lb ip address add $OWN/32 dev lo
sysctls lb ipv4/tcp_syncookies=2
# Nobody answers, and nobody says that there is nobody.
ip -n "$LAB-router" route add blackhole 203.0.113.0/24
guard_config
nginx_start be1
check "mtlbd starts" agent_start
check "its workers serve" wait_until 'reaches client1 $SHARED globex.test' 10
is "doctor finds its addresses" "$(doctor_finds local)" ok
is "the listener is a service of each whose VIP it has" \
	"$(api services | json "sorted((s['tenant'], s['name'], s['forward']) for s in items)")" \
	"[('acme', 'web', 'local'), ('front', 'web', 'local')]"
check "globex is served at the shared VIP" served client1 $SHARED globex.test 20
check "and by IPv6" served client2 $SHARED6 globex.test 20
check "acme at its own" served client2 $OWN acme.test 20
check "what was handed over is counted as front's" [ "$(drops front local)" -gt 100 ]
is "and is no drop" "$(api tenants | json "next((t['packets'] > 100, t['drops']) for t in items if t['name'] == 'front')")" "(True, 0)"

check "acme denies client1" acl acme '{deny: [10.10.1.11]}'
check "at its own VIP no worker hears of it" misses client1 $OWN acme.test
check "which is counted" [ "$(drops acme denied_acl)" -gt 0 ]
check "client2 is served" served client2 $OWN acme.test 10
check "the shared VIP has front's list, not acme's" served client1 $SHARED acme.test 10
before=$(pages)
is "200 bodies that come slowly are served" "$(slow_bodies client1 $SHARED globex.test 200)" 200
check "with the memory that the workers have from their start" [ $(($(pages) - before)) -lt 100 ]
check "front denies client2" acl front '{deny: [10.10.1.12]}'
check "for all that are behind the shared VIP" misses client2 $SHARED globex.test
check "not at acme's own" served client2 $OWN acme.test 10
check "acme's list goes" acl acme ''
check "and front's" acl front ''

check "acme may open 5 connections a second" tier small ', newFlows: 5/s'
requests client1 "$(url $OWN /)" 60 "$RUN/answers" -H 'Host: acme.test' -H 'Connection: close' --connect-timeout 0.2
check "more are dropped as they come" [ "$(drops acme over_new_flows)" -gt 0 ]
check "the shared VIP serves as ever" served client2 $SHARED acme.test 50
check "the limit goes" tier small ''

check "front's clients may open 5 connections a second, each" tier front ', newFlowsPerClient: 5/s'
requests client1 "$(url $SHARED /)" 60 "$RUN/answers" -H 'Host: acme.test' -H 'Connection: close' --connect-timeout 0.2
check "more are dropped as they come" [ "$(drops front over_client_flows)" -gt 0 ]
check "five are served at least" [ "$(succeeded "$RUN/answers")" -ge 5 ]
check "mtlb trace names the limit" grep -q 'newFlowsPerClient: 5 a second' <<<"$(ns lb "$MTLB" --bpffs "$BPFFS" trace --src 10.10.1.11 --dst $SHARED --dport 80 2>&1)"
curl -s --unix-socket "$SOCKET" http://mtlb/metrics >"$RUN/metrics"
check "mtlb meter show tells it" [ "$(mtlb -j meter show front | json "[(m['rate'], m['fill'], m['dropped'] > 0) for m in items if m['meter'] == 'newFlowsPerClient']")" = '[(5, None, True)]' ]
check "metrics tell it" [ "$("$LAB_DIR/metrics.py" sum "$RUN/metrics" mtlb_tenant_meter_rate tenant=front meter=new_flows_per_client)" = 5 ]
check "another client has five of its own" served client2 $SHARED globex.test 5
check "and at acme's own VIP there is no such limit" served client1 $OWN acme.test 20
check "the limit goes" tier front ''
check "and with it what was refused" served client1 $SHARED acme.test 20

ns client1 "$LAB_DIR/packets.py" flood 203.0.113. $SHARED 80 $RATE "$RUN/flood.stop" &
FLOOD=$!
check "a flood of SYNs at the shared VIP is seen" wait_until '[ "$(cookies front state)" = on ]' 10
check "cookies are sent" wait_until '[ "$(cookies front sent)" -gt $RATE ]' 10
check "every client is served, there" served client2 $SHARED globex.test 50
check "by cookies" [ "$(cookies front accepted)" -ge 50 ]
check "and at acme's own VIP" served client2 $OWN acme.test 50
is "without cookies" "$(cookies acme sent)" 0
agent_stop KILL
check "while no agent runs as well" served client2 $SHARED globex.test 30
touch "$RUN/flood.stop"
wait $FLOOD
check "mtlbd comes back, with few descriptors" few_descriptors
check "its workers have their place" wait_until '[ "$(mtlb -j proxy show | json "sum(w['"'state'"'] == '"'runs'"' for w in items)")" = 2 ]' 10
mkfifo "$RUN/hoard"
ns client1 python3 "$LAB_DIR/hostile.py" abuse $OWN hoard <"$RUN/hoard" >"$RUN/hoarded" &
exec 7>"$RUN/hoard"
check "a client takes more connections than they can have" wait_until 'grep -q ready "$RUN/hoarded"' 20
check "every other client is served" served client2 $SHARED globex.test 50
check "workers hold what they can" \
	[ "$(mtlb -j proxy show | json "max(w['connections'] for w in items) <= (1024 - 256) // 2")" = True ]
exec 7>&-
wait %?hoard
check "those that rested longest were closed" [ "$(tail -n 1 "$RUN/hoarded")" -ge 1000 ]
ns lb ip address del $OWN/32 dev lo
is "doctor tells that an address is missing" "$(doctor_finds local)" warn

finish
