#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a request costs the workers of the L7 tier, beside HAProxy in the same run: the same client
# (wrk), the same backend (nginx), one balancer after the other. What is told is CPU time of their
# processes, which other work on the machine changes less than it does requests a second.
#
#   selftests/bench/l7.sh [SECONDS]   of each case and balancer (5)

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"

SECONDS_EACH=${1:-5}
VIP=192.0.2.60
MTLB_URL=http://$VIP
HAPROXY_URL=http://$VIP:8090

fail()
{
	echo "bench l7: $*" >&2
	[ ! -e "$AGENT_LOG" ] || tail -n 5 "$AGENT_LOG" >&2
	exit 1
}

files()
{
	head -c 1024 /dev/zero | tr '\0' a >"$RUN/data/1k"
	head -c 102400 /dev/zero | tr '\0' b >"$RUN/data/100k"
}

mtlb_start()
{
	sed -i -e 's/^vips:/&\n  - {name: shared, address: 192.0.2.60}/' \
		-e 's/^tenants:/listeners:\n  - {name: web, vips: [shared], port: 80, protocol: HTTP}\n&/' \
		-e 's/name: acme, id: 1,/& domains: [acme.test],/' "$CONFIG/platform.yaml"
	sed -i -e 's/^services:/  - {name: site, backends: [{address: "10.20.1.21:80"}]}\n&/' \
		-e '$a routes: [{name: site, listener: web, backendRefs: [{pool: site}]}]' \
		"$CONFIG/tenants.d/acme.yaml"
	agent_start && wait_until 'answers_at $MTLB_URL' 10
}

haproxy_start()
{
	cat >"$RUN/haproxy.cfg" <<-END
		global
		    nbthread 2
		    maxconn 5000
		defaults
		    mode http
		    option splice-auto
		    http-reuse always
		    timeout connect 3s
		    timeout client 60s
		    timeout server 60s
		frontend web
		    bind $VIP:8090
		    option forwardfor
		    use_backend site if { hdr(host) -i acme.test }
		backend site
		    server be1 10.20.1.21:80
	END
	ns lb haproxy -db -f "$RUN/haproxy.cfg" </dev/null >"$RUN/haproxy.log" 2>&1 &
	wait_until 'answers_at $HAPROXY_URL' 10
}

answers_at()
{
	[ "$(ns client1 curl -s -o /dev/null --max-time 2 -w '%{http_code}' -H 'Host: acme.test' "$1/data/1k")" = 200 ]
}

# cpu PROGRAM: hundredths of a second that its processes in lb have used.
cpu()
{
	local pid sum=0 stat
	for pid in $(server_pids lb "$1"); do
		read -r -a stat <"/proc/$pid/stat"
		sum=$((sum + stat[13] + stat[14]))
	done
	echo $sum
}

# run PROGRAM URL PATH CONNECTIONS [WRK-OPTION...]: sets REQUESTS, RATE and TICKS.
run()
{
	local program=$1 url=$2$3 connections=$4 before
	shift 4
	before=$(cpu "$program")
	ns client1 wrk -t1 -c"$connections" -d"${SECONDS_EACH}s" -H 'Host: acme.test' "$@" "$url" >"$RUN/wrk" ||
		fail "wrk failed"
	TICKS=$(($(cpu "$program") - before))
	REQUESTS=$(awk '/requests in/ { print $1 }' "$RUN/wrk")
	RATE=$(awk '/^Requests\/sec/ { print $2 }' "$RUN/wrk")
	! grep -qE 'Non-2xx|Socket errors: connect [1-9]' "$RUN/wrk" || fail "$program: $(cat "$RUN/wrk")"
	[ "${REQUESTS:-0}" -gt 0 ] || fail "$program answered no request of $url"
}

# compare NAME PATH BYTES CONNECTIONS [WRK-OPTION...]: BYTES 0: per 100,000 requests, else per GB.
compare()
{
	local name=$1 path=$2 bytes=$3 connections=$4 own rate
	shift 4
	run mtlb-proxy $MTLB_URL "$path" "$connections" "$@"
	own="$TICKS $REQUESTS"
	rate=$RATE
	run haproxy $HAPROXY_URL "$path" "$connections" "$@"
	awk -v name="l7.$name" -v bytes="$bytes" -v own="$own" -v theirs="$TICKS $REQUESTS" \
		-v rate="$rate" -v their_rate="$RATE" 'function cost(text, part) {
			split(text, part, " ")
			return part[1] / 100 / part[2] * (bytes ? 1e9 / bytes : 1e5)
		}
		BEGIN {
			unit = bytes ? "s/GB" : "s/100k"
			printf "bench %s.cpu %.3g %s ratio %.2f vs haproxy\n", name, cost(own), unit, cost(theirs) / cost(own)
			printf "bench %s.rate %.0f 1/s ratio %.2f vs haproxy\n", name, rate, rate / their_rate
		}'
}

lab_name "mtlb-bench-l7-$$"
trap 'kill $(jobs -p) 2>/dev/null; wait; lab_down >/dev/null 2>&1' EXIT
trap 'exit 130' INT TERM HUP
lab_up || exit 1
files
ns lb ip address add $VIP/32 dev lo
mtlb_start || fail "mtlb does not serve"
haproxy_start || fail "HAProxy does not serve: $(cat "$RUN/haproxy.log")"
compare h1_1k /data/1k 0 64
compare h1_close /data/1k 0 64 -H 'Connection: close'
compare h1_100k /data/100k 102400 64
compare h1_10m /big "$(stat -c %s "$RUN/data/big")" 8
