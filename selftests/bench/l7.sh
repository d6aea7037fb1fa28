#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What a request costs a worker of the L7 tier, beside HAProxy and nginx in the same run: the same client
# (wrk; h2load where the rate is given), the same backend (nginx), one balancer after the other, each one
# process on a CPU of its own. What is told is the CPU time of that process, which other work on the machine changes
# less than it does requests a second. The goals are ratios to HAProxy; exit 1 when one is not reached.
#
#   selftests/bench/l7.sh [SECONDS]   of each case and balancer (5)

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"
# shellcheck source=selftests/bench/pinned.sh
. "$(dirname "$0")/pinned.sh" || exit 1

SECONDS_EACH=${1:-5}
VIP=192.0.2.60
MTLB_URL=http://$VIP
HAPROXY_URL=http://$VIP:8090
NGINX_URL=http://$VIP:8093
DIRECT_URL=http://10.20.1.21
RATE_CONNECTIONS=64
RATE_OF_EACH=125 # requests a second: 8,000 together; h2load waits for ever if nginx ends a connection after 1,000
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
		-e 's/^tenants:/listeners:\n  - {name: web, vips: [shared], port: 80, protocol: HTTP}\n  - {name: safe, vips: [shared], port: 443, protocol: HTTPS}\nproxy: {workers: 1}\n&/' \
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
		    nbthread 1
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
				listen $VIP:8093;
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

# goal_of CASE: how many times less than HAProxy's it is to be; 0: none is set.
goal_of()
{
	case "$1" in
	h1_1k.cpu | h1_100k.cpu) echo 1.43 ;;
	h1_1k.rate) echo 1.40 ;;
	h1_10m.cpu) echo 1.23 ;;
	h1_close.cpu) echo 1.35 ;;
	tls_1k.cpu) echo 1.25 ;;
	tls_handshake_ec.cpu) echo 1.24 ;;
	*) echo 0 ;;
	esac
}

# tell NAME UNIT OWN HAPROXY NGINX MORE: what is told of one figure; MORE: 1 if more of it is better.
tell()
{
	awk -v name="$1" -v unit="$2" -v own="$3" -v haproxy="$4" -v nginx="$5" -v more="$6" -v goal="$(goal_of "$1")" '
		function ratio(theirs) { return more ? own / theirs : theirs / own }
		BEGIN {
			printf "bench l7.%s %.3g %s ratio %.2f vs haproxy %.2f vs nginx", name, own, unit, ratio(haproxy), ratio(nginx)
			if (goal > 0)
				printf ", goal %.2f: %s", goal, (ratio(haproxy) < goal ? "over" : "ok")
			print ""
			exit goal > 0 && ratio(haproxy) < goal
		}' || OVER=1
}

# compare_tls CASE
compare_tls()
{
	local own haproxy nginx
	own=$(safe_cost "$1" mtlb-proxy 443) && haproxy=$(safe_cost "$1" haproxy 8091) &&
		nginx=$(safe_cost "$1" nginx 8092) || exit 1
	tell "$1.cpu" s/100k "${own% *}" "${haproxy% *}" "${nginx% *}" 0
	tell "$1.rate" 1/s "${own#* }" "${haproxy#* }" "${nginx#* }" 1
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

# run BYTES PROGRAM URL CONNECTIONS [WRK-OPTION...]: seconds of the CPU for 100,000, or for a GB if BYTES is not 0,
# and how many a second.
run()
{
	local bytes=$1 program=$2 url=$3 connections=$4 before
	shift 4
	before=$(cpu "$program")
	ns client1 wrk -t1 -c"$connections" -d"${SECONDS_EACH}s" -H 'Host: acme.test' "$@" "$url" >"$RUN/wrk" ||
		fail "wrk failed"
	! grep -qE 'Non-2xx|Socket errors: connect [1-9]' "$RUN/wrk" || fail "$program: $(cat "$RUN/wrk")"
	awk -v ticks="$(($(cpu "$program") - before))" -v bytes="$bytes" '
		/requests in/ { count = $1 }
		/^Requests\/sec/ { rate = $2 }
		END {
			if (count == 0)
				exit 1
			print ticks / 100 / count * (bytes ? 1e9 / bytes : 1e5), rate
		}' "$RUN/wrk" || fail "$program answered no request of $url"
}

# compare NAME PATH BYTES CONNECTIONS [WRK-OPTION...]
compare()
{
	local name=$1 path=$2 bytes=$3 connections=$4 own haproxy nginx unit=s/100k
	shift 4
	[ "$bytes" = 0 ] || unit=s/GB
	own=$(run "$bytes" mtlb-proxy "$MTLB_URL$path" "$connections" "$@") &&
		haproxy=$(run "$bytes" haproxy "$HAPROXY_URL$path" "$connections" "$@") &&
		nginx=$(run "$bytes" nginx "$NGINX_URL$path" "$connections" "$@") || exit 1
	tell "$name.cpu" $unit "${own% *}" "${haproxy% *}" "${nginx% *}" 0
	tell "$name.rate" 1/s "${own#* }" "${haproxy#* }" "${nginx#* }" 1
}

# p99_at URL: of requests that come at the same rate whatever happens to those before them, in microseconds.
p99_at()
{
	rm -f "$RUN/times"
	ns client1 timeout $((SECONDS_EACH + 20)) h2load --h1 -c $RATE_CONNECTIONS --rps=$RATE_OF_EACH \
		-n $((RATE_CONNECTIONS * RATE_OF_EACH * SECONDS_EACH)) --log-file="$RUN/times" \
		--connect-to="${1#http://}" http://$NAME/data/1k >"$RUN/h2load" 2>&1 ||
		fail "h2load failed: $(tail -n 3 "$RUN/h2load")"
	awk '$2 != 200 { exit 1 } { print $3 }' "$RUN/times" | sort -n |
		awk '{ time[NR] = $1 } END { if (NR < 1000) exit 1; print time[int(NR * 0.99)] }' || fail "not all of $1 was answered"
}

# What a balancer adds to the 99th percentile at a given rate: the median of five.
compare_rate()
{
	local direct own haproxy nginx
	for _ in 1 2 3 4 5; do
		direct=$(p99_at $DIRECT_URL) && own=$(p99_at $MTLB_URL) && haproxy=$(p99_at $HAPROXY_URL) &&
			nginx=$(p99_at $NGINX_URL) || exit 1
		echo $((own - direct)) $((haproxy - direct)) $((nginx - direct))
	done >"$RUN/added"
	awk -v rate=$((RATE_CONNECTIONS * RATE_OF_EACH)) '
		function median(list,   i, k, swap) {
			for (i = 1; i <= NR; i++)
				for (k = i + 1; k <= NR; k++)
					if (list[k] < list[i]) { swap = list[i]; list[i] = list[k]; list[k] = swap }
			return list[int((NR + 1) / 2)]
		}
		{ own[NR] = $1; haproxy[NR] = $2; nginx[NR] = $3 }
		END {
			ours = median(own)
			theirs = median(haproxy)
			printf "bench l7.h1_1k_rate.p99 %+d us at %d/s, haproxy %+d, nginx %+d, goal half of haproxy: %s\n", ours, rate,
				theirs, median(nginx), (ours > theirs / 2 ? "over" : "ok")
			exit ours > theirs / 2
		}' "$RUN/added" || OVER=1
}

OVER=0
lab_name "mtlb-bench-l7-$$"
trap 'kill $(jobs -p) 2>/dev/null; wait; lab_down >/dev/null 2>&1' EXIT
trap 'exit 130' INT TERM HUP
stay_on "$THEIRS" || fail "no CPU for the others"
lab_up || exit 1
files
ns lb ip address add $VIP/32 dev lo
certificate || fail "no certificate"
stay_on "$OURS" || fail "no CPU for balancers"
mtlb_start || fail "mtlb does not serve"
haproxy_start || fail "HAProxy does not serve: $(cat "$RUN/haproxy.log")"
nginx_proxy_start || fail "nginx does not start: $(cat "$RUN/proxy/nginx.log")"
stay_on "$THEIRS"
for port in 443 8091 8092; do
	wait_until "safe_answers $port" 10 || fail "no TLS on port $port"
done
compare_tls tls_1k
compare_tls tls_handshake_ec
compare h1_1k /data/1k 0 64
compare h1_close /data/1k 0 64 -H 'Connection: close'
compare h1_100k /data/100k 102400 64
compare h1_10m /big "$(stat -c %s "$RUN/data/big")" 8
compare_rate
exit $OVER
