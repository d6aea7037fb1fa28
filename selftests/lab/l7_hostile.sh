#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Eight tenants behind one VIP, told apart by hosts on one port and by paths on another. First: whatever
# the order, the way in which a request says whose it is, and the connection that it shares with
# others, its answer is its own tenant's. Then: clients and backends that mean harm, each kind with
# what must come of it, while one tenant's requests go on and all succeed.
#
#   client1  those that mean harm, and the mixed ones     be1  a server for each tenant, ports 9000-9007
#   client2  the victim

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

VIP=192.0.2.60
TENANTS=8
HOSTILE=$(dirname "$0")/hostile.py

hostile_config()
{
	local number
	{
		sed -e '/^vips:/,$d' "$LAB_CONFIG/platform.yaml"
		echo 'vips: [{name: shared, address: 192.0.2.60}]'
		echo 'listeners:'
		echo "  - {name: web, vips: [shared], port: 80, protocol: HTTP, trusted: [$(node_ip4 client1)/32]}"
		echo "  - {name: paths, vips: [shared], port: 81, protocol: HTTP, trusted: [$(node_ip4 client1)/32], tenantsByPath: true}"
		echo 'tenants:'
		for ((number = 0; number < TENANTS; number++)); do
			echo "  - {name: t$number, id: $((number + 1)), domains: [t$number.test, \"*.t$number.test\"], paths: [/t$number]}"
		done
	} >"$CONFIG/platform.yaml"
	rm -f "$CONFIG"/tenants.d/*
	for ((number = 0; number < TENANTS; number++)); do
		cat >"$CONFIG/tenants.d/t$number.yaml" <<-END
			apiVersion: mtlb/v1
			kind: TenantConfig
			metadata: {tenant: t$number}
			pools:
			  - {name: own, backends: [{address: "10.20.1.21:$((9000 + number))"}]}
			routes:
			  - {name: all, listener: web, backendRefs: [{pool: own}]}
			  - name: kept
			    listener: web
			    matches: [{path: {value: /kept}}]
			    session: {type: cookie, name: lb}
			    backendRefs: [{pool: own}]
			  - {name: rest, listener: paths, backendRefs: [{pool: own}]}
			  - name: stripped
			    listener: paths
			    matches: [{path: {value: /t$number}}]
			    filters: [{type: URLRewrite, path: {type: ReplacePrefixMatch, value: /}}]
			    backendRefs: [{pool: own}]
		END
	done
}

abuse()
{
	ns client1 python3 "$HOSTILE" abuse $VIP "$1"
}

seen()
{
	ns client1 curl -s --max-time 10 -H 'Host: t1.test' "http://$VIP/seen" | json "d['$1']"
}

# status_of NODE: of a request to the tenant that was asked so much of.
status_of()
{
	ns "$1" curl -s -o /dev/null -w '%{http_code}' -H 'Host: t1.test' "http://$VIP/"
}

retry_after()
{
	ns "$1" curl -si -H 'Host: t1.test' "http://$VIP/" | tr -d '\r' | sed -n 's/^Retry-After: //p'
}

victim_start()
{
	rm -f "$RUN/stop" "$RUN/victim"
	ns client2 python3 "$HOSTILE" victim $VIP "$RUN/stop" "$RUN/victim" &
	VICTIM=$!
}

victim_stop()
{
	touch "$RUN/stop"
	wait "$VICTIM"
}

# smuggling_refused: a status of its own for each, and no second answer.
smuggling_refused()
{
	abuse smuggling >"$RUN/smuggling" || return 1
	json "sorted(k for k, (s, n) in d.items() if not (400 <= s <= 505 and n == 1))" <"$RUN/smuggling"
}

scenario l7-hostile bare
ns lb ip address add $VIP/32 dev lo
hostile_config
ns be1 python3 "$HOSTILE" serve $TENANTS 9000 >"$RUN/serve" 2>"$RUN/serve.err" &
SERVERS=$!
agent_start || exit 1
wait_until '[ "$(server_pids lb mtlb-proxy | wc -l)" -ge 2 ] && grep -q ready "$RUN/serve"' 10
wait_until '[ "$(ns client1 curl -s -o /dev/null -w "%{http_code}" -H "Host: t7.test" "http://$VIP/")" = 200 ]' 10

# what takes long begins at once
abuse slowloris >"$RUN/slowloris" 2>&1 &
SLOW=$!
ns client1 python3 "$HOSTILE" matrix $VIP 4000 >"$RUN/matrix" 2>"$RUN/matrix.err"
is "no answer is another tenant's" "$(json "d['wrong']" <"$RUN/matrix")" 0 || diag "$(cat "$RUN/matrix.err")"
check "paths said so of hundreds, and hundreds were refused for theirs" \
	[ "$(json "d['by_path'] > 400 and d['not_by_path'] > 200" <"$RUN/matrix")" = True ]
check "thousands were served, and hundreds rightly refused" \
	[ "$(json "d['served'] > 2000 and d['refused'] > 500 and d['sessions'] == 8" <"$RUN/matrix")" = True ]

victim_start
# from the victim's address: to its tenant, that is nobody who is held
ns client2 python3 "$HOSTILE" abuse $VIP slow_read >"$RUN/slow_read" 2>&1 &
READ=$!
is "half-closed clients get whole answers" "$(abuse half_closed)" 20
abuse client_reset >/dev/null
is "backends reset answers, and clients can tell" "$(abuse backend_reset)" 20
check "no upload that broke off was taken for whole" wait_until '[ "$(seen cut)" = 20 ]' 10 ||
	diag "cut: $(seen cut), begun: $(seen begun)"
abuse lies >"$RUN/lies"
diag "backends that lie: $(cat "$RUN/lies")"
# how much of them came before that is a matter of time
is "an answer too short is cut" "$(json "d['short'][1]" <"$RUN/lies")" cut
is "one too long ends where it said, and poisons nobody" "$(json "d['long']" <"$RUN/lies")" "[200, 'ok']"
is "two lengths" "$(json "d['two-lengths']" <"$RUN/lies")" "[502, 'ok']"
is "a length and chunks" "$(json "d['both']" <"$RUN/lies")" "[502, 'ok']"
is "chunks that break off are cut" "$(json "d['chunk'][1]" <"$RUN/lies")" cut
is "no HTTP" "$(json "d['no-http']" <"$RUN/lies")" "[502, 'ok']"
is "a space before the colon" "$(json "d['name']" <"$RUN/lies")" "[502, 'ok']"
is "nothing at all" "$(json "d['silent']" <"$RUN/lies")" "[502, 'ok']"
is "requests that two parsers read differently are refused" "$(smuggling_refused)" "[]"
is "and nothing was smuggled" "$(seen smuggled)" 0
diag "refused with: $(json "{k: s for k, (s, n) in d.items()}" <"$RUN/smuggling")"

wait $SLOW $READ
is "every slowloris was told so" "$(cat "$RUN/slowloris")" 200
is "of 300 who read nothing, 32 are let be by each of two workers" "$(cat "$RUN/slow_read")" 236
is "and the others are told of" "$(mtlb -j tenant show t1 | json "items[0]['l7']['refused'].get('stalled')")" 236
is "who was cut so often has no more requests served there" "$(status_of client2)" 429
wait=$(retry_after client2)
check "and is told when it may come again: $wait s" [ "${wait:-0}" -ge 1 -a "${wait:-0}" -le 60 ]
is "but others have" "$(status_of client1)" 200
victim_stop
diag "the victim: $(cat "$RUN/victim")"
check "the victim's requests went on" [ "$(json "d['good'] > 100" <"$RUN/victim")" = True ]
is "and none of them failed" "$(json "d['bad']" <"$RUN/victim")" 0
kill $SERVERS

finish
