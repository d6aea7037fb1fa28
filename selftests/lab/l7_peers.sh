#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Programs of other making before and behind the L7 tier: HAProxy and curl tell whose connections are
# by the PROXY protocol, within TLS and without, and nginx is told. And nginx gets copies of requests.
#
#   client1  curl, and HAProxy on :8080 (HTTP, v1) and :8443 (any bytes, v2)
#   client2  asks HAProxy, or lb itself
#   be2      HAProxy, on :8086, that demands a header on :8088 within TLS
#   be3      nginx, that demands a header on :8082, and gets copies on :8083

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/lib/sites.sh
. "$LAB_ROOT/selftests/lib/sites.sh"

FRONT='proxyProtocol: {from: [10.10.1.11]}'
OFTEN='interval: 500ms, timeout: 500ms, rise: 1, fall: 1'

certify()
{
	mkdir -p "$CONFIG/certificates/acme" &&
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=acme.test \
			-addext subjectAltName=DNS:acme.test -keyout "$CONFIG/certificates/acme/a.key" \
			-out "$CONFIG/certificates/acme/a.crt" 2>/dev/null && chmod 600 "$CONFIG/certificates/acme/a.key"
}

peers_config()
{
	site_addresses && certify || return 1
	site_listener
	sed -i "s/^  - {name: web,.*/&\\n  - {name: front, vips: [shared-v4], port: 81, protocol: HTTP, $FRONT}\\n  - {name: fronts, vips: [shared-v4], port: 443, protocol: HTTPS, $FRONT}/" \
		"$CONFIG/platform.yaml"
	echo "accessLog: {file: $RUN/access.log}" >>"$CONFIG/platform.yaml"
	site_domains acme acme.test
	site_pool acme site '' 10.20.1.21:80
	site_pool acme told1 "proxyProtocol: v1, health: {type: http, $OFTEN}" 10.20.1.23:8082
	site_pool acme told2 "proxyProtocol: v2, health: {type: http, $OFTEN}" 10.20.1.23:8082
	site_pool acme asked1 "proxyProtocol: v1, health: {type: https, $OFTEN}" 10.20.1.22:8088
	site_pool acme asked2 "proxyProtocol: v2, health: {type: https, $OFTEN}" 10.20.1.22:8088
	site_pool acme aside "proxyProtocol: v2, health: {type: http, port: 8083, status: '500', $OFTEN}" 10.20.1.23:8082
	site_pool acme untold "health: {type: http, $OFTEN}" 10.20.1.23:8082
	site_pool acme nginx '' 10.20.1.23:8084
	site_pool acme haproxy '' 10.20.1.22:8086
	site_pool acme copies '' 10.20.1.23:8083
	site_pool acme nobody '' 10.20.1.99:80
	site_routes acme '{name: site, listener: web, backendRefs: [{pool: site}]}' \
		'{name: nginx, listener: web, matches: [{path: {value: /n}}], backendRefs: [{pool: nginx}]}' \
		'{name: haproxy, listener: web, matches: [{path: {value: /h}}], backendRefs: [{pool: haproxy}]}' \
		'{name: copied, listener: web, matches: [{path: {value: /copied}}], filters: [{type: RequestMirror, pool: copies}], backendRefs: [{pool: site}]}' \
		'{name: lost, listener: web, matches: [{path: {value: /lost}}], filters: [{type: RequestMirror, pool: nobody}], backendRefs: [{pool: site}]}' \
		'{name: front, listener: front, backendRefs: [{pool: site}]}' \
		'{name: fronts, listener: fronts, backendRefs: [{pool: site}]}' \
		'{name: told1, listener: web, matches: [{path: {value: /v1}}], backendRefs: [{pool: told1}]}' \
		'{name: told2, listener: web, matches: [{path: {value: /v2}}], backendRefs: [{pool: told2}]}' \
		'{name: checked, listener: web, matches: [{path: {value: /checked}}], backendRefs: [{pool: asked1}, {pool: asked2}, {pool: aside}, {pool: untold}]}' \
		'{name: through, listener: front, matches: [{path: {value: /v2}}], backendRefs: [{pool: told2}]}'
	echo 'certificates: [{name: a, hostnames: [acme.test], certFile: a.crt, keyFile: a.key}]' >>"$CONFIG/tenants.d/acme.yaml"
}

haproxy_start()
{
	cat >"$RUN/haproxy.cfg" <<-END
		global
		    nbthread 1
		defaults
		    timeout connect 5s
		    timeout client 20s
		    timeout server 20s
		listen http
		    mode http
		    bind 10.10.1.11:8080
		    server lb $SITE_V4:81 send-proxy check inter 200ms
		listen any
		    mode tcp
		    bind 10.10.1.11:8443
		    server lb $SITE_V4:443 send-proxy-v2
	END
	ns client1 haproxy -db -f "$RUN/haproxy.cfg" </dev/null >"$RUN/haproxy.log" 2>&1 &
	PEERS=$!
	cat >"$RUN/behind.cfg" <<-END
		global
		    nbthread 1
		defaults
		    mode http
		    option http-buffer-request
		    timeout connect 5s
		    timeout client 20s
		    timeout server 20s
		listen behind
		    bind 10.20.1.22:8086
		    server be3 10.20.1.23:8084
		frontend demanding
		    bind 10.20.1.22:8088 accept-proxy ssl crt $RUN/demanding.pem
		    http-request return status 200
	END
	cat "$CONFIG/certificates/acme/a.crt" "$CONFIG/certificates/acme/a.key" >"$RUN/demanding.pem"
	ns be2 haproxy -db -f "$RUN/behind.cfg" </dev/null >"$RUN/behind.log" 2>&1 &
	PEERS+=" $!"
}

# What it is told, and what a header of HTTP says.
nginx_told()
{
	local dir=$RUN/told
	mkdir -p "$dir/tmp"
	cat >"$dir/nginx.conf" <<-END
		user root;
		worker_processes 1;
		daemon off;
		pid $dir/nginx.pid;
		error_log $dir/nginx.log warn;
		events { worker_connections 256; }
		http {
			access_log off;
			client_body_temp_path $dir/tmp/body;
			proxy_temp_path $dir/tmp/proxy;
			fastcgi_temp_path $dir/tmp/fastcgi;
			uwsgi_temp_path $dir/tmp/uwsgi;
			scgi_temp_path $dir/tmp/scgi;
			server {
				listen 8083;
				access_log $dir/copies.log;
				location / { return 500 "copy\n"; }
			}
			server { # it has a body whole before it goes on
				listen 8084;
				access_log $dir/heard.log;
				location / { proxy_pass http://127.0.0.1:8085; }
			}
			server {
				listen 127.0.0.1:8085;
				location / { return 200 "heard\n"; }
			}
			server {
				listen 8082 proxy_protocol;
				location / { return 200 "\$proxy_protocol_addr \$proxy_protocol_server_port \$http_x_forwarded_for\n"; }
			}
		}
	END
	ns be3 nginx -p "$dir" -c "$dir/nginx.conf" 2>>"$dir/nginx.log" &
	PEERS+=" $!"
}

# get NODE URL [CURL-OPTION...]
get()
{
	local node=$1 url=$2
	shift 2
	ns "$node" curl -s --max-time 10 -H 'Host: acme.test' "$@" "$url"
}

# The clients of requests so far, each once.
logged()
{
	sed -n 's/.*"client":"\([^"]*\)".*/\1/p' "$RUN/access.log" | sort | uniq | xargs
}

refused()
{
	api proxy | json 'd["nobody"]["refused"].get("proxy_header", 0)'
}

# The requests that it got copies of, each as often as it did.
copies()
{
	sed -n 's|.*"GET /copied/\([0-9]*\) HTTP/1.1" 500 .*|\1|p' "$RUN/told/copies.log" | sort -n | uniq -c | awk '{ print $2 ":" $1 }' | xargs
}

# states POOL...: of the one backend of each, by its health check.
states()
{
	mtlb -j health list | json "' '.join(next((i['state'] for i in items if i['pool'] == p), 'none') for p in '$*'.split())"
}

# heard: the paths of all requests that nginx took for some.
heard()
{
	awk '{ print $7 }' "$RUN/told/heard.log" | LC_ALL=C sort
}

# told_apart: both clients ask at once, many times on few connections, and each one's are its own.
told_apart()
{
	local path node
	for path in v1 v2; do
		for node in client1 client2; do
			get $node "http://$SITE_V4/$path?[1-200]" --parallel --parallel-max 4 >"$RUN/$node.$path" &
			PEERS_ASKED+=" $!"
		done
	done
	# shellcheck disable=SC2086 # a list
	wait $PEERS_ASKED
	for path in v1 v2; do
		[ "$(sort "$RUN/client1.$path" | uniq -c | xargs)" = "200 10.10.1.11 80 10.10.1.11" ] &&
			[ "$(sort "$RUN/client2.$path" | uniq -c | xargs)" = "200 10.10.1.12 80 10.10.1.12" ] || return 1
	done
}

scenario l7-peers bare
peers_config || exit 1
haproxy_start
nginx_told
PEERS_ASKED=
agent_start || exit 1
check "HAProxy reaches it" wait_until '[ "$(get client2 http://10.10.1.11:8080/ -o /dev/null -w "%{http_code}")" = 200 ]' 20

is "HAProxy's client, v1" "$(get client2 http://10.10.1.11:8080/whose)" "be1 acme.test 10.10.1.12"
is "before TLS, v2" "$(get client2 https://acme.test:8443/whose -k --resolve acme.test:8443:10.10.1.11)" "be1 acme.test 10.10.1.12"
check "the access log has it" wait_until '[ "$(logged)" = 10.10.1.12 ]' 10
is "curl, v1" "$(get client1 http://$SITE_V4:81/whose --haproxy-protocol)" "be1 acme.test 10.10.1.11"
is "on two connections, within TLS" \
	"$(get client1 'https://acme.test/whose?[1-2]' -k --resolve acme.test:443:$SITE_V4 --haproxy-protocol -H Connection:close | uniq -c | xargs)" \
	"2 be1 acme.test 10.10.1.11"
is "nobody did wrong" "$(refused)" 0
is "one without a header is closed" "$(get client1 http://$SITE_V4:81/ -w '%{http_code}')" 000
is "one from elsewhere as well" "$(get client2 http://$SITE_V4:81/ --haproxy-protocol -w '%{http_code}')" 000
is "and so within TLS" "$(get client2 https://acme.test/ -k --resolve acme.test:443:$SITE_V4 --haproxy-protocol -w '%{http_code}')" 000
is "those are counted" "$(refused)" 3

ns client1 python3 "$LAB_DIR/hostile.py" abuse $SITE_V4 peers >"$RUN/peers"
is "what is odd and right goes to nginx and HAProxy" "$(json "d['odd']" <"$RUN/peers")" "[]"
is "what can be read in two ways goes to nobody" "$(json "d['refused']" <"$RUN/peers")" "[]"
check "each is one request to them, and nothing else is" \
	cmp <(heard) <(json "'\n'.join(d['heard'])" <"$RUN/peers")

check "checks tell nginx and HAProxy, v1 and v2" wait_until '[ "$(states told1 told2 asked1 asked2)" = "up up up up" ]' 10
check "but not another port, nor in a pool without a header" wait_until '[ "$(states aside untold)" = "up down" ]' 10
is "nginx is told, v1" "$(get client1 http://$SITE_V4/v1)" "10.10.1.11 80 10.10.1.11"
is "v2" "$(get client2 http://$SITE_V4/v2)" "10.10.1.12 80 10.10.1.12"
is "what HAProxy has told goes on" "$(get client2 http://10.10.1.11:8080/v2)" "10.10.1.12 8080 10.10.1.12"
check "no client has another one's connection" told_apart

is "requests that are copied are answered by their own backend" \
	"$(get client1 "http://$SITE_V4/copied/[1-50]" | sort | uniq -c | xargs)" "50 be1"
check "each has one copy" wait_until '[ "$(copies)" = "$(seq -f %g:1 50 | xargs)" ]' 10
is "copies that nobody takes hold up nobody" \
	"$(get client1 "http://$SITE_V4/lost/[1-100]" --max-time 2 | sort | uniq -c | xargs)" "100 be1"
is "of those there are so many at a time" \
	"$(mtlb -j tenant show acme | json "items[0]['l7']['mirrored'] + items[0]['l7']['mirrorsDropped']")" 150
# mirrors RESULT: how many copies, as Prometheus is told.
mirrors()
{
	curl -s --unix-socket "$SOCKET" http://mtlb/metrics >"$RUN/metrics" &&
		"$LAB_DIR/metrics.py" sum "$RUN/metrics" mtlb_tenant_mirrored_requests_total tenant=acme result="$1"
}
check "Prometheus is told of those" wait_until '[ "$(mirrors sent) $(mirrors dropped)" = "$(mtlb -j tenant show acme |
	json "str(items[0][\"l7\"][\"mirrored\"]) + chr(32) + str(items[0][\"l7\"][\"mirrorsDropped\"])")" ]' 10
# shellcheck disable=SC2086 # a list
kill $PEERS

finish
