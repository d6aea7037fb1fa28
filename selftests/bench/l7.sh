#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a request costs the workers of the L7 tier, beside HAProxy in the same run, and nginx where TLS
# is measured: the same client (wrk), the same backend (nginx), one balancer after the other. What is told is CPU time of their
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
# by name: who asks for none is refused
NAME=acme.test

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

# One certificate (P-256) for all three.
certificate()
{
	mkdir -p "$CONFIG/certificates/acme" &&
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=$NAME \
			-addext subjectAltName=DNS:$NAME -keyout "$CONFIG/certificates/acme/main.key" \
			-out "$CONFIG/certificates/acme/main.crt" 2>/dev/null &&
		chmod 600 "$CONFIG/certificates/acme/main.key" &&
		cat "$CONFIG/certificates/acme/main.crt" "$CONFIG/certificates/acme/main.key" >"$RUN/both.pem" &&
		echo "$VIP $NAME" >"$RUN/hosts"
}

mtlb_start()
{
	sed -i -e 's/^vips:/&\n  - {name: shared, address: 192.0.2.60}/' \
		-e 's/^tenants:/listeners:\n  - {name: web, vips: [shared], port: 80, protocol: HTTP}\n  - {name: safe, vips: [shared], port: 443, protocol: HTTPS}\n&/' \
		-e 's/name: acme, id: 1,/& domains: [acme.test],/' "$CONFIG/platform.yaml"
	sed -i -e 's/^services:/  - {name: site, backends: [{address: "10.20.1.21:80"}]}\n&/' \
		-e '$a routes: [{name: site, listener: web, backendRefs: [{pool: site}]}, {name: safe, listener: safe, backendRefs: [{pool: site}]}]' \
		-e '$a certificates: [{name: main, hostnames: [acme.test], certFile: main.crt, keyFile: main.key}]' \
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
		    bind $VIP:8091 ssl crt $RUN/both.pem
		    option forwardfor
		    use_backend site if { hdr_beg(host) -i acme.test }
		backend site
		    server be1 10.20.1.21:80
	END
	ns lb haproxy -db -f "$RUN/haproxy.cfg" </dev/null >"$RUN/haproxy.log" 2>&1 &
	wait_until 'answers_at $HAPROXY_URL' 10
}

nginx_proxy_start()
{
	mkdir -p "$RUN/proxy/tmp" && cat >"$RUN/proxy/nginx.conf" <<-END
		user root;
		worker_processes 2;
		pid $RUN/proxy/nginx.pid;
		error_log $RUN/proxy/nginx.log warn;
		events { worker_connections 4096; }
		http {
			access_log off;
			client_body_temp_path $RUN/proxy/tmp/body;
			proxy_temp_path $RUN/proxy/tmp/proxy;
			fastcgi_temp_path $RUN/proxy/tmp/fastcgi;
			uwsgi_temp_path $RUN/proxy/tmp/uwsgi;
			scgi_temp_path $RUN/proxy/tmp/scgi;
			ssl_protocols TLSv1.2 TLSv1.3;
			ssl_certificate $RUN/both.pem;
			ssl_certificate_key $RUN/both.pem;
			keepalive_requests 1000000;
			upstream site { server 10.20.1.21:80; keepalive 64; }
			server {
				listen $VIP:8092 ssl;
				location / {
					proxy_pass http://site;
					proxy_http_version 1.1;
					proxy_set_header Connection "";
					proxy_set_header Host \$host;
				}
			}
		}
	END
	ns lb nginx -p "$RUN/proxy" -c "$RUN/proxy/nginx.conf" 2>>"$RUN/proxy/nginx.log"
}

# safely COMMAND...: in client1, where the name is known.
safely()
{
	# shellcheck disable=SC2016 # the shell inside
	ns client1 unshare -m bash -c 'mount --bind "$1" /etc/hosts && shift && exec "$@"' _ "$RUN/hosts" "$@"
}

# safe_answers PORT
safe_answers()
{
	[ "$(safely curl -sk -o /dev/null --max-time 2 -w '%{http_code}' "https://$NAME:$1/data/1k")" = 200 ]
}

# safe_cost CASE PROGRAM PORT: seconds of the CPU for 100,000, and how many a second.
safe_cost()
{
	local before count
	before=$(cpu "$2")
	if [ "$1" = tls_1k ]; then
		safely wrk -t1 -c64 -d"${SECONDS_EACH}s" "https://$NAME:$3/data/1k" >"$RUN/wrk" || fail "wrk failed"
		! grep -qE 'Non-2xx|Socket errors: connect [1-9]' "$RUN/wrk" || fail "$2: $(cat "$RUN/wrk")"
		count=$(awk '/requests in/ { print $1 }' "$RUN/wrk")
	else
		count=$(ns client1 "$LAB_BUILD/bench/shake" $VIP "$3" $NAME "$SECONDS_EACH") || fail "$2: no handshake"
	fi
	[ "${count:-0}" -gt 0 ] || fail "$2 served nothing"
	awk -v ticks="$(($(cpu "$2") - before))" -v count="$count" -v seconds="$SECONDS_EACH" \
		'BEGIN { print ticks / 100 / count * 1e5, count / seconds }'
}

# compare_tls CASE
compare_tls()
{
	local own haproxy nginx
	own=$(safe_cost "$1" mtlb-proxy 443) && haproxy=$(safe_cost "$1" haproxy 8091) &&
		nginx=$(safe_cost "$1" nginx 8092) || exit 1
	awk -v name="l7.$1" -v own="$own" -v haproxy="$haproxy" -v nginx="$nginx" 'BEGIN {
		split(own, a, " "); split(haproxy, b, " "); split(nginx, c, " ")
		printf "bench %s.cpu %.3g s/100k ratio %.2f vs haproxy %.2f vs nginx\n", name, a[1], b[1] / a[1], c[1] / a[1]
		printf "bench %s.rate %.0f 1/s ratio %.2f vs haproxy %.2f vs nginx\n", name, a[2], a[2] / b[2], a[2] / c[2]
	}'
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
certificate || fail "no certificate"
mtlb_start || fail "mtlb does not serve"
haproxy_start || fail "HAProxy does not serve: $(cat "$RUN/haproxy.log")"
nginx_proxy_start || fail "nginx does not start: $(cat "$RUN/proxy/nginx.log")"
for port in 443 8091 8092; do
	wait_until "safe_answers $port" 10 || fail "no TLS on port $port"
done
compare_tls tls_1k
compare_tls tls_handshake_ec
compare h1_1k /data/1k 0 64
compare h1_close /data/1k 0 64 -H 'Connection: close'
compare h1_100k /data/100k 102400 64
compare h1_10m /big "$(stat -c %s "$RUN/data/big")" 8
