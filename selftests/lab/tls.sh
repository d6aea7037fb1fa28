#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# TLS in the L7 tier: two tenants behind one VIP are told apart by the name of the handshake. Real
# clients (curl, openssl s_client), real backends (nginx); certificates that change under requests of
# which none may fail, and broken ones, which change nothing. Backends that speak TLS themselves must
# prove who they are. On a listener of its own TLS is passed through to them as it is.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/lib/authority.sh
. "$LAB_ROOT/selftests/lib/authority.sh"

V4=192.0.2.61

# ocsp: what the authority says of acme's certificate, for a day.
ocsp()
{
	printf 'V\t%s\t\t%s\tunknown\t/CN=lab\n' "$(date -ud '+2 days' +%y%m%d%H%M%SZ)" \
		"$(serial "$FILES/acme/main.crt" | cut -d= -f2)" >"$RUN/index" &&
		openssl ocsp -issuer "$RUN/ours.pem" -cert "$FILES/acme/main.crt" -reqout "$RUN/ocsp.req" 2>/dev/null &&
		openssl ocsp -index "$RUN/index" -CA "$RUN/ours.pem" -rsigner "$RUN/ours.pem" -rkey "$RUN/ours.key" \
			-reqin "$RUN/ocsp.req" -ndays 1 -respout "$FILES/acme/main.ocsp" >/dev/null 2>&1
}

tls_config()
{
	sed -i -e 's/^vips:/&\n  - {name: shared, address: 192.0.2.61}/' \
		-e 's/^tenants:/listeners:\n  - {name: web, vips: [shared], port: 443, protocol: HTTPS}\n  - {name: new, vips: [shared], port: 444, protocol: HTTPS, tls: {minVersion: 1.3}}\n  - {name: raw, vips: [shared], port: 445, protocol: TLS}\n&/' \
		-e 's/name: acme, id: 1,/& domains: [acme.test, "*.acme.test"],/' \
		-e 's/name: globex, id: 2,/& domains: [globex.test],/' \
		-e 's/^tiers:/&\n  - {name: paced, l4: {flows: 16384}, http: {handshakes: 1\/s}}/' \
		-e 's/name: initech, id: 3, tier: standard,/name: initech, id: 3, tier: paced, domains: [initech.test],/' \
		"$CONFIG/platform.yaml"
	echo "accessLog: {file: $RUN/access.log}" >>"$CONFIG/platform.yaml"
	mkdir -p "$FILES/acme" "$FILES/globex" "$FILES/initech"
	certify "$FILES/acme/main" 2 acme.test '*.acme.test' && certify "$FILES/globex/main" 2 globex.test || return 1
	certify "$FILES/acme/admin" 2 admin.acme.test && certify "$RUN/friend" 2 friend && ocsp || return 1
	cp "$RUN/ours.pem" "$FILES/acme/clients.pem" && certify "$RUN/be2-globex" 2 globex.test || return 1
	authority strangers && certify "$FILES/acme/us" 2 us && certify "$RUN/be2" 2 orders.internal &&
		cp "$RUN/strangers.pem" "$FILES/acme/" && cp "$RUN/ours.pem" "$FILES/acme/backends.pem" || return 1
	add_site acme 10.20.1.21 'acme.test, "*.acme.test"' ', ocspFile: main.ocsp' \
		'  - {name: admin, hostnames: [admin.acme.test], certFile: admin.crt, keyFile: admin.key, clientAuth: required, clientCaFile: clients.pem}'
	add_site globex 10.20.2.24 'globex.test' '' ''
	certify "$FILES/initech/main" 2 initech.test && add_site initech 10.20.1.23 'initech.test' '' ''
}

# add_site TENANT ADDRESS HOSTNAMES SETTINGS MORE
add_site()
{
	local file=$CONFIG/tenants.d/$1.yaml
	{
		sed '/^services:/,$d' "$file"
		printf '  - {name: site, backends: [{address: "%s:80"}]}\n' "$2"
		[ "$1" != acme ] || tls_pools
		printf '  - {name: raw, backends: [{address: "10.20.1.22:%s"}]}\n' "$([ "$1" = acme ] && echo 8443 || echo 8445)"
		sed -n '/^services:/,$p' "$file"
		echo 'certificates:'
		echo "  - {name: main, hostnames: [$3], certFile: main.crt, keyFile: main.key$4}"
		echo "$5"
		echo 'routes:'
		echo '  - {name: site, listener: web, backendRefs: [{pool: site}]}'
		echo '  - {name: site13, listener: new, backendRefs: [{pool: site}]}'
		echo "  - {name: raw, listener: raw, backendRefs: [{pool: raw}]}"
		[ "$1" != acme ] || tls_routes
	} >"$file.new" && mv "$file.new" "$file"
}

# be2 by TLS, as one backend should be asked and as it should not: NAME SETTINGS.
TLS_POOLS='safe serverName: orders.internal, caFile: backends.pem
mutual serverName: orders.internal, caFile: backends.pem, certFile: us.crt, keyFile: us.key
stranger serverName: orders.internal, caFile: strangers.pem
misnamed serverName: other.internal, caFile: backends.pem
address caFile: backends.pem
blind verify: none'

tls_pools()
{
	local name settings
	while read -r name settings; do
		printf '  - {name: %s, tls: {%s}, backends: [{address: "10.20.1.22:%s"}]}\n' "$name" "$settings" \
			"$([ "$name" = mutual ] && echo 8444 || echo 8443)"
	done <<<"$TLS_POOLS"
}

tls_routes()
{
	local name
	while read -r name _; do
		echo "  - {name: $name, listener: web, matches: [{path: {value: /$name}}], backendRefs: [{pool: $name}]}"
	done <<<"$TLS_POOLS"
}

# be2 speaks TLS as well: on 8443 with anybody, on 8444 with whom "ours" knows.
tls_backend()
{
	mkdir -p "$RUN/be2" && cat >"$RUN/be2/more.conf" <<-END && server_kill be2 nginx && server_start be2 nginx
		server {
			listen 8443 ssl;
			listen 8444 ssl;
			ssl_protocols TLSv1.2 TLSv1.3;
			ssl_certificate $RUN/be2.crt;
			ssl_certificate_key $RUN/be2.key;
			ssl_client_certificate $RUN/ours.pem;
			ssl_verify_client optional;
			location / { return 200 "be2 \$ssl_protocol \$ssl_server_name\n"; }
			location /mutual {
				if (\$ssl_client_verify != SUCCESS) { return 403; }
				return 200 "be2 \$ssl_client_s_dn\n";
			}
			location /mutual/echo { proxy_pass http://127.0.0.1:8081; }
			location /safe/big { alias $RUN/data/big; }
			location /safe/anew { keepalive_timeout 0; return 200 "\$ssl_session_reused\n"; }
			location /safe/upload { proxy_pass http://127.0.0.1:8081; }
		}
		server {
			listen 8445 ssl;
			ssl_certificate $RUN/be2-globex.crt;
			ssl_certificate_key $RUN/be2-globex.key;
			location / { return 200 "globex's own\n"; }
		}
	END
}

# status PATH: of acme's.
status()
{
	get acme.test "$1" -o /dev/null -w '%{http_code}'
}

# logged PATH REASON: the access log says that the last request for it was refused so.
logged()
{
	wait_until "grep '\"path\":\"$1\"' '$RUN/access.log' | tail -n 1 | grep -q '\"refused\":\"$2\"'" 10
}

# get HOST PATH [CURL-OPTION...]
get()
{
	local host=$1 path=$2
	shift 2
	ns client1 curl -s --max-time 20 --cacert "$RUN/ours.pem" --resolve "$host:443:$V4" "$@" "https://$host$path"
}

# get13 [CURL-OPTION...]: where TLS 1.3 alone is spoken.
get13()
{
	ns client1 curl -s --max-time 20 --cacert "$RUN/ours.pem" --resolve "acme.test:444:$V4" "$@" https://acme.test:444/
}

# misdirected: acme's host, then globex's, on one connection; statuses, and how many more connections.
misdirected()
{
	local common=(-s --max-time 20 --cacert "$RUN/ours.pem" --resolve "acme.test:443:$V4" -o /dev/null)
	ns client1 curl "${common[@]}" -w '%{http_code} ' https://acme.test/ \
		--next "${common[@]}" -H 'Host: globex.test' -w '%{http_code} %{num_connects}' https://acme.test/
}

# client PORT NAME [OPTION...]: what openssl's client says of a connection.
client()
{
	local port=$1 name=$2
	shift 2
	[ "${name#-}" != "$name" ] || name="-servername $name"
	# shellcheck disable=SC2086 # an option with its value, or one alone
	ns client1 timeout 10 openssl s_client -connect "$V4:$port" $name -CAfile "$RUN/ours.pem" \
		"$@" </dev/null 2>&1
}

# What browsers offer for TLS 1.2, in their order: NAME CIPHERS, and what is to be agreed on.
BROWSERS='Firefox ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA ECDHE-ECDSA-AES128-GCM-SHA256
Safari ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:AES256-SHA:AES128-SHA ECDHE-ECDSA-AES256-GCM-SHA384'

browsers()
{
	local name ciphers wanted
	while read -r name ciphers wanted; do
		client 443 acme.test -tls1_2 -cipher "$ciphers" | grep -q "Cipher is $wanted\$" || return 1
	done <<<"$BROWSERS"
}

# scan: what sslscan finds of acme's server.
scan()
{
	ns client1 timeout 60 sslscan --no-colour --no-groups --no-check-certificate --sni-name=acme.test "$V4:443" >"$RUN/scan" 2>&1
}

protocols()
{
	awk '/^(SSL|TLS)v/ && $2 == "enabled" { print $1 }' "$RUN/scan" | xargs
}

# weak: ciphers among those found that have no forward secrecy, or do not authenticate what they encrypt.
weak()
{
	awk '/^(Preferred|Accepted)/ { print $5 }' "$RUN/scan" | grep -vE '^(TLS_(AES|CHACHA20)|ECDHE-ECDSA-(AES(128|256)-GCM|CHACHA20))'
}

# compression: the method (RFC 5246, 7.4.1.3) that acme's server takes of a client that would like DEFLATE
# (1) best; clients of OpenSSL cannot ask for it.
compression()
{
	ns client1 timeout 10 python3 - "$V4" acme.test <<-END
		import socket, struct, sys
		def sized(fmt, data): return struct.pack(fmt, len(data)) + data
		def extension(kind, data): return struct.pack(">H", kind) + sized(">H", data)
		name = sized(">H", b"\0" + sized(">H", sys.argv[2].encode()))
		extensions = extension(0, name) + extension(10, b"\0\2\0\x17") + extension(13, b"\0\2\4\3")
		hello = b"\3\3" + bytes(32) + b"\0" + sized(">H", b"\xc0\x2b") + sized(">B", b"\1\0") + sized(">H", extensions)
		hello = b"\1\0" + sized(">H", hello)
		server = socket.create_connection((sys.argv[1], 443))
		server.sendall(b"\x16\3\1" + sized(">H", hello))
		answer = b""
		while len(answer) < 44 or len(answer) < 47 + answer[43]:
		    more = server.recv(4096)
		    if not more: break
		    answer += more
		print(answer[0], answer[5], answer[46 + answer[43]])
	END
}

# ticket FILE NAME: a session of TLS 1.3 for that name.
ticket()
{
	printf 'GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$2" |
		ns client1 timeout 10 openssl s_client -connect "$V4:443" -servername "$2" -sess_out "$1" \
			-ign_eof >/dev/null 2>&1
	[ -s "$1" ]
}

# resumed FILE NAME: how many of six connections with the ticket resume. They come to both workers.
resumed()
{
	local number
	for ((number = 0; number < 6; number++)); do
		client 443 "$2" -sess_in "$1" | grep -a '^Reused,\|^New,'
	done | grep -c '^Reused'
}

# flood NAME NUMBER: so many handshakes, each a full one, as fast as they go; how many went well.
flood()
{
	ns client1 curl -s --no-sessionid --max-time 10 --cacert "$RUN/ours.pem" --resolve "$1:443:$V4" \
		-H 'Connection: close' -o /dev/null -w '%{http_code}\n' "https://$1/?[1-$2]" | grep -c 200
}

serial()
{
	openssl x509 -noout -serial -in "$1"
}

# shown NAME [PORT]
shown()
{
	client "${2:-443}" "$1" | openssl x509 -noout -serial 2>/dev/null
}

hammer()
{
	ns client2 bash -c 'while [ ! -e "$1" ]; do
		curl -s --max-time 10 $2 --cacert "$4" --resolve "acme.test:443:$3" \
			-w "= %{http_code} %{errormsg}\n" "https://acme.test/?[1-20]"
	done' _ "$RUN/stop" "$1" "$V4" "$RUN/ours.pem" >"$2" 2>&1 &
	LOOPS="${LOOPS:-} $!"
}

new_certificates()
{
	local round
	for ((round = 0; round < 3; round++)); do
		certify "$RUN/next" 2 acme.test '*.acme.test' && mv "$RUN/next.key" "$FILES/acme/main.key" &&
			mv "$RUN/next.crt" "$FILES/acme/main.crt" && ocsp && config_apply || return 1
		wait_until '[ "$(shown acme.test)" = "$(serial "$FILES/acme/main.crt")" ]' 5 || return 1
	done
}

scenario tls bare
FILES=$CONFIG/certificates
ns lb ip address add $V4/32 dev lo
authority ours
check "certificates" tls_config
check "a backend with TLS" tls_backend
is "config check has nothing against them" "$("$MTLB" config check "$CONFIG" | cut -d: -f1)" ok
agent_start || exit 1
wait_until '[ "$(get acme.test / -o /dev/null -w "%{http_code}")" = 200 ]' 10

is "acme" "$(get acme.test /)" be1
is "a name below acme's" "$(get www.acme.test /)" be1
is "globex, at the same address" "$(get globex.test /)" be4
is "TLS 1.2" "$(get acme.test / --tls-max 1.2)" be1
is "TLS 1.3 alone" "$(get13)" be1
is "where 1.2 is not spoken" "$(get13 --tls-max 1.2 -o /dev/null -w '%{exitcode}')" 35
check "a name without a certificate" grep -q 'unrecognized name' <(client 443 other.test)
check "no name at all" grep -q 'alert' <(client 443 -noservername)
check "http/1.1 is agreed on" grep -q 'ALPN protocol: http/1.1' <(client 443 acme.test -alpn h2,http/1.1)
is "another tenant's host on a connection that is kept" "$(misdirected)" "200 421 0"
check "an old protocol" grep -q 'alert\|unsupported protocol\|no protocols' <(client 443 acme.test -tls1_1 -cipher 'ALL:@SECLEVEL=0')
check "browsers agree" browsers
check "sslscan" scan
is "it finds these protocols alone" "$(protocols)" "TLSv1.2 TLSv1.3"
is "no weak cipher" "$(weak)" ""
is "no compression, in a ServerHello" "$(compression)" "22 2 0"
check "no renegotiation that a client begins" grep -q 'renegotiation not supported\|Secure session renegotiation' "$RUN/scan"
is "and good ones of both" "$(grep -cE '^(Preferred|Accepted).*(TLS_AES_128_GCM_SHA256|ECDHE-ECDSA-AES128-GCM-SHA256)' "$RUN/scan")" 2
check "a ticket" ticket "$RUN/ticket" acme.test
is "all workers take it" "$(resumed "$RUN/ticket" acme.test)" 6
is "not for another tenant" "$(resumed "$RUN/ticket" globex.test)" 0
is "a long answer comes whole" "$(get acme.test /big | sha256sum | cut -d' ' -f1)" "$(cat "$RUN/data/big.sha256")"
is "a long body goes whole" "$(get acme.test /upload -T "$RUN/data/big" | cut -d' ' -f2)" "$(stat -c %s "$RUN/data/big")"
# what is not to be dumped belongs to root
is "workers cannot be dumped" "$(stat -c %U "/proc/$(server_pids lb mtlb-proxy | head -n 1)/mem")" root

is "a client with a certificate" "$(get admin.acme.test / --cert "$RUN/friend.crt" --key "$RUN/friend.key")" be1
is "with one of somebody else's" "$(get admin.acme.test / --cert "$RUN/strangers.pem" --key "$RUN/strangers.key" -w '%{exitcode}')" 56
is "without" "$(get admin.acme.test / -w '%{exitcode}')" 56
is "by way of a host that asks for none" \
	"$(get acme.test / -H 'Host: admin.acme.test' -o /dev/null -w '%{http_code}')" 421
check "the issuer's word is shown" grep -q 'OCSP Response Status: successful' <(client 443 acme.test -status)
check "where there is none it is not" grep -q 'OCSP response: no response sent' <(client 443 globex.test -status)

is "a backend that proves who it is" "$(get acme.test /safe)" "be2 TLSv1.3 orders.internal"
is "its long answer comes whole" "$(get acme.test /safe/big | sha256sum | cut -d' ' -f1)" "$(cat "$RUN/data/big.sha256")"
is "and a long body goes whole" "$(get acme.test /safe/upload -T "$RUN/data/big" | cut -d' ' -f2)" "$(stat -c %s "$RUN/data/big")"
is "sessions are resumed by new connections" "$(get acme.test '/safe/anew?[1-12]' | tail -n 10 | sort | uniq -c | xargs)" "10 r"
check "which are counted" [ "$(mtlb -j route show acme/safe | json "items[0]['pools'][0]['tlsResumed'] >= 10")" = True ]
is "it asks who we are" "$(get acme.test /mutual)" "be2 CN=lab"
is "one that another authority knows" "$(status /stranger)" 502
check "and the log says why" logged /stranger backend_untrusted
check "and so does the worker's" grep -q 'backend 10.20.1.22:8443 gets no request.*unable to get local issuer' "$AGENT_LOG"
is "one of another name" "$(status /misnamed)" 502
is "one whose address is not in its certificate" "$(status /address)" 502
is "one that nobody verifies" "$(get acme.test /blind)" "be2 TLSv1.3 "
mv "$FILES/acme/us.key" "$RUN/" && config_apply >/dev/null 2>&1
is "what was read before stays" "$(get acme.test /mutual)" "be2 CN=lab"
mv "$RUN/us.key" "$FILES/acme/" && cp "$RUN/strangers.pem" "$FILES/acme/backends.pem" && config_apply
is "another authority from now on, for kept connections too" "$(status /safe)" 502
cp "$RUN/ours.pem" "$FILES/acme/backends.pem" && config_apply
is "and the first one again" "$(get acme.test /safe)" "be2 TLSv1.3 orders.internal"
check "it is counted" eval '[ "$(mtlb tenant show acme -j | grep -o "backend_untrusted[^,}]*" | grep -o "[0-9]*")" = 4 ]'

is "passed through: acme's backend shows its own" "$(shown acme.test 445)" "$(serial "$RUN/be2.crt")"
is "at the same address globex's does" "$(shown globex.test 445)" "$(serial "$RUN/be2-globex.crt")"
is "requests go that way" "$(ns client1 curl -s --max-time 10 --cacert "$RUN/ours.pem" \
	--resolve "globex.test:445:$V4" https://globex.test:445/)" "globex's own"
is "and a long answer" "$(ns client1 curl -sk --max-time 20 --resolve "acme.test:445:$V4" https://acme.test:445/safe/big |
	sha256sum | cut -d' ' -f1)" "$(cat "$RUN/data/big.sha256")"
check "not for a name that nobody has" grep -q 'unrecognized name' <(client 445 other.test)
check "nor without one" grep -q 'unrecognized name' <(client 445 -noservername)

# at each worker one at once, and one a second while it lasts
flood initech.test 200 >"$RUN/flood" &
FLOOD=$!
is "while a neighbour is flooded, none of globex's fails" "$(flood globex.test 100)" 100
wait $FLOOD
check "of the flood some are served" [ "$(cat "$RUN/flood")" -ge 1 ]
check "and some shed" [ "$(cat "$RUN/flood")" -lt 200 ]
is "which is what is counted" "$(mtlb tenant show initech -j | grep -o '"handshakesShed": *[0-9]*' | grep -o '[0-9]*$')" \
	"$((200 - $(cat "$RUN/flood")))"
check "of workers too" grep -q '"handshakesFailed": *[1-9]' <(mtlb proxy show -j)

rm -f "$RUN/stop"
hammer "" "$RUN/kept"
hammer "-H Connection:close" "$RUN/closed"
check "requests come" wait_until '[ -s "$RUN/kept" ] && [ -s "$RUN/closed" ]' 10
check "three new certificates" new_certificates
certify "$RUN/next" 2 acme.test && mv "$RUN/next.key" "$FILES/acme/main.key"
check "config check tells of a wrong key" grep -q 'tenants.d/acme.yaml:[0-9]*:[0-9]*: .*main.key is not the key of the certificate' \
	<("$MTLB" config check "$CONFIG" 2>&1)
before=$(shown acme.test)
config_apply >/dev/null 2>&1
check "and so does the log" wait_until 'grep -q "certificate acme/main stays as it was: .*not the key" "$AGENT_LOG"' 5
is "the certificate stays" "$(shown acme.test)" "$before"
loops_stop
check "requests went on coming" [ "$(($(succeeded "$RUN/kept") + $(succeeded "$RUN/closed")))" -ge 40 ]
is "none failed on a connection that was kept" "$(failed "$RUN/kept")" 0
is "none failed on one of its own" "$(failed "$RUN/closed")" 0
check "no key in the log" eval '! grep -q "PRIVATE" "$AGENT_LOG"'
is "globex" "$(get globex.test /)" be4

finish
