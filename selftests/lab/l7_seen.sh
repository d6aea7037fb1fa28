#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What is seen of the L7 tier: two tenants behind one VIP, real clients (curl) and backends (nginx).
# What is counted is what was sent, to the byte, and stays so when a worker is killed.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

V4=192.0.2.60
DAY=$(date -u +%Y-%m-%d)

seen_config()
{
	local tenant addresses
	sed -i -e 's/^vips:/&\n  - {name: shared-v4, address: 192.0.2.60}/' \
		-e 's/^tenants:/listeners:\n  - {name: web, vips: [shared-v4], port: 80, protocol: HTTP, trusted: [10.10.1.12]}\n&/' \
		-e 's/name: acme, id: 1,/& domains: [acme.test],/' \
		-e 's/name: globex, id: 2,/& domains: [globex.test],/' "$CONFIG/platform.yaml"
	echo "accessLog: {file: $RUN/access.log}" >>"$CONFIG/platform.yaml"
	for tenant in acme globex; do
		addresses='{address: "10.20.1.21:80"}, {address: "10.20.1.22:80"}'
		[ $tenant = acme ] || addresses='{address: "10.20.2.24:80"}'
		sed -i "s|^services:|  - {name: site, backends: [$addresses]}\n&|" "$CONFIG/tenants.d/$tenant.yaml"
		printf '%s\n' routes: '  - {name: site, listener: web, backendRefs: [{pool: site}]}' >>"$CONFIG/tenants.d/$tenant.yaml"
	done
}

# get HOST PATH OUT [CURL-OPTION...]: OUT gets, of each request, its status and the bytes that went
# and came: heads and bodies.
get()
{
	local host=$1 path=$2 out=$3
	shift 3
	ns client1 curl -s --max-time 20 --resolve "$host:80:$V4" -o /dev/null \
		-w '%{http_code} %{size_request} %{size_upload} %{size_header} %{size_download}\n' "$@" \
		"http://$host$path" >>"$out"
}

# sent FILE: requests, bytes in, bytes out, as clients say.
sent()
{
	awk '{ n++; i += $2 + $3; o += $4 + $5 } END { print n, i, o }' "$1"
}

# counted TENANT: the same, as mtlbd says.
counted()
{
	mtlb -j tenant show "$1" | json "' '.join(str(items[0]['l7'][k]) for k in ('requests', 'bytesIn', 'bytesOut'))"
}

of()
{
	mtlb -j tenant show "$1" | json "items[0]['l7']$2"
}

# Connections are closed a moment after the answer was read.
is_quiet()
{
	[ "$(of acme "['connectionsOpen']")$(of acme "['requestsOpen']")" = 00 ]
}

scenario l7-seen bare
ns lb ip address add $V4/32 dev lo
seen_config
agent_start || exit 1
wait_until '[ "$(server_pids lb mtlb-proxy | wc -l)" -ge 2 ]' 10
wait_until '[ "$(ns client1 curl -s -o /dev/null -w "%{http_code}" -H "Host: nobody.test" "http://$V4/")" = 404 ]' 10

get acme.test '/?[1-30]' "$RUN/acme"
get acme.test /upload "$RUN/acme" -T "$RUN/data/big" -H 'Expect:'
get acme.test /big "$RUN/acme"
get acme.test /data/none "$RUN/acme"
get globex.test '/?[1-20]' "$RUN/globex" -H 'Connection: close'
check "requests are over" wait_until is_quiet 10
is "acme: requests and bytes are what clients say" "$(counted acme)" "$(sent "$RUN/acme")"
is "globex: likewise" "$(counted globex)" "$(sent "$RUN/globex")"
is "answers by class" "$(of acme "['answers']['4xx']") $(of acme "['answers']['2xx']")" "1 32"
is "the route has them as well" "$(mtlb -j route show acme/site | json "items[0]['requests'], items[0]['pools'][0]['requests']")" "(33, 33)"
is "connections" "$(of globex "['connections']")" 20
check "how long they took" [ "$(mtlb -j tenant show acme | json "items[0]['l7']['p99Ms'] >= items[0]['l7']['p50Ms'] > 0")" = True ]

# Prometheus is told the same.
curl -s --unix-socket "$SOCKET" http://mtlb/metrics >"$RUN/metrics"
metric()
{
	"$LAB_DIR/metrics.py" sum "$RUN/metrics" "$@"
}
is "promtool has nothing to say" "$(promtool check metrics <"$RUN/metrics" 2>&1)" ""
is "metrics: requests and bytes" "$(metric mtlb_tenant_requests_total tenant=acme) $(metric mtlb_tenant_request_bytes_total tenant=acme) $(metric mtlb_tenant_response_bytes_total tenant=acme)" "$(sent "$RUN/acme")"
is "metrics: what was for nobody" "$(metric mtlb_nobody_refused_total reason=no_route)" "$(api proxy | json "d['nobody']['refused']['no_route']")"
check "which is something" [ "$(metric mtlb_nobody_refused_total)" -ge 1 ]
is "metrics: each request is in a bucket" "$(metric mtlb_tenant_request_seconds_bucket tenant=acme le=+Inf)" 33

# A line for each request, with its bytes; traces arrive at backends.
TRACE=0af7651916cd43dd8448eb211c80319c
# lines EXPRESSION: over all lines of the access log
lines()
{
	python3 -c 'import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
print(eval(sys.argv[2], {"lines": lines}))' "$RUN/access.log" "$1"
}
check "a line for each request" wait_until '[ "$(grep -c "tenant\":\"acme" "$RUN/access.log")" = 33 ]' 10
is "lines have the bytes" "33 $(lines "sum(l['bytesIn'] for l in lines if l.get('tenant') == 'acme')") $(lines "sum(l['bytesOut'] for l in lines if l.get('tenant') == 'acme')")" "$(sent "$RUN/acme")"
is "paths are without queries" "$(lines "sorted({l['path'] for l in lines if l.get('tenant') == 'acme'})")" "['/', '/big', '/data/none', '/upload']"
trace()
{
	ns "$1" curl -s --max-time 5 -H "Host: globex.test" -H "traceparent: 00-$TRACE-b7ad6b7169203331-01" "http://$V4/trace"
}
check "a stranger's trace begins here" [ "$(trace client1 | tee "$RUN/trace" | grep -c "$TRACE")" = 0 ]
check "and is in the log" wait_until 'grep -q "$(cut -d- -f2 "$RUN/trace")" "$RUN/access.log"' 10
check "a trusted peer's goes on" [ "$(trace client2 | cut -d- -f2)" = $TRACE ]
check "and is in the log as well" wait_until 'grep -q "trace\":\"$TRACE" "$RUN/access.log"' 10
mv "$RUN/access.log" "$RUN/access.log.1"
check "a log that was rotated goes on under its name" wait_until '[ -e "$RUN/access.log" ]' 10

# One worker is killed while requests come: what was counted stays, what is asked afterwards is added.
before=$(counted acme)
victim=$(server_pids lb mtlb-proxy | head -n 1)
kill -KILL "$victim"
check "another worker takes its place" wait_until '[ "$(mtlb -j proxy show | json "sum(w[\"state\"] == \"runs\" and w[\"pid\"] != $victim for w in items)")" -ge 2 ]' 10
is "nothing that was counted is lost" "$(counted acme)" "$before"
is "a worker was started again" "$(mtlb -j proxy show | json "sum(w['restarts'] for w in items)")" 1
get acme.test '/?[1-20]' "$RUN/acme" -H 'Connection: close'
check "requests are over again" wait_until is_quiet 10
is "and goes on where it was" "$(counted acme)" "$(sent "$RUN/acme")"

# Usage is booked to the last byte when mtlbd ends.
billed()
{
	mtlb -j usage show tenant "$1" from "$DAY" |
		json "' '.join(str(sum(i[k] for i in items)) for k in ('requests', 'requestBytesIn', 'requestBytesOut'))"
}
agent_stop
agent_start || exit 1
is "usage is what clients say, to the byte" "$(billed acme)" "$(sent "$RUN/acme")"
check "of the other one as well" [ "$(billed globex | cut -d" " -f1)" = $(($(sent "$RUN/globex" | cut -d" " -f1) + 2)) ]

finish
