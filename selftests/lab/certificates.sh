#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Certificates that health checks verify: those of real servers (openssl s_server) that are good, expired, for
# another name, by somebody unknown, or by itself, asked by tls and by https. What is wrong is told in a sentence; then
# each gets a good one. Where nothing is said of verifying, all of them are taken.

set -u -o pipefail
LAB_CONFIG=$(dirname "$0")/health
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

NAMES=(good expired misnamed unknown selfsigned)
declare -A PORT=([good]=8501 [expired]=8502 [misnamed]=8503 [unknown]=8504 [selfsigned]=8505)

key()
{
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "$@" 2>/dev/null
}

authority()
{
	key -x509 -days 2 -subj "/CN=$1" -keyout "$RUN/$1.key" -out "$RUN/$1.pem"
}

# certify NAME AUTHORITY DAYS FOR
certify()
{
	key -subj /CN=backend -keyout "$RUN/$1.key" -out "$RUN/$1.csr" &&
		openssl x509 -req -in "$RUN/$1.csr" -CA "$RUN/$2.pem" -CAkey "$RUN/$2.key" -days "$3" \
			-extfile <(echo "subjectAltName=$4") -out "$RUN/$1.pem" 2>/dev/null
}

# serve NAME CERTIFICATE
serve()
{
	ns be1 setsid openssl s_server -accept "${PORT[$1]}" -cert "$RUN/$2.pem" -key "$RUN/$2.key" -www -quiet \
		</dev/null >"$RUN/$1.log" 2>&1 &
	disown
	wait_until "[ -n \"\$(ns be1 ss -Hltn 'sport = ${PORT[$1]}')\" ]" 5
}

stop()
{
	kill -KILL "$(ns be1 ss -Hltnp "sport = ${PORT[$1]}" | sed -n 's/.*pid=\([0-9]*\).*/\1/p' | head -n 1)"
}

# pool NAME PORT SETTINGS
pool()
{
	echo "  - {name: $1, backends: [{address: 10.20.1.21}], health: {port: $2, interval: 1s, timeout: 900ms," \
		"fall: 2, rise: 1, damping: false, $3}}"
}

configure()
{
	local ca name type
	ca=$(awk '{ printf "%s\\n", $0 }' "$RUN/ours.pem")
	{
		printf 'apiVersion: mtlb/v1\nkind: TenantConfig\nmetadata: {tenant: acme}\npools:\n'
		for name in "${NAMES[@]}"; do
			for type in tls https; do
				pool "$type-$name" "${PORT[$name]}" \
					"type: $type, host: orders.acme.example, verify: ca, ca: \"$ca\""
			done
			pool "any-$name" "${PORT[$name]}" "type: tls"
		done
		pool tls-address "${PORT[good]}" "type: tls, via: direct, verify: ca, ca: \"$ca\""
		pool https-address "${PORT[good]}" "type: https, verify: ca, ca: \"$ca\""
		pool broken "${PORT[good]}" 'type: tls, verify: ca, ca: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"'
		echo services:
		name=1000
		for type in {tls,https,any}-{good,expired,misnamed,unknown,selfsigned} {tls,https}-address broken; do
			name=$((name + 1))
			echo "  - {name: $type, vips: [acme-v4], protocol: TCP, ports: [$name], pool: $type, forward: dsr}"
		done
	} >"$CONFIG/tenants.d/acme.yaml"
}

# down: who is not up, whatever else.
down()
{
	mtlb -j health list | json "' '.join(sorted(c['pool'] for c in items if c['state'] != 'up'))"
}

# errors: of each check that failed.
errors()
{
	mtlb -j health list | json "'; '.join(sorted({c['pool'] + ': ' + c['lastError'] for c in items if c['lastError']}))"
}

told()
{
	local type
	for type in https tls; do
		echo "$type-expired: the certificate expired"
		echo "$type-misnamed: the certificate is not for orders.acme.example"
		echo "$type-selfsigned: the certificate is by nobody in health.ca"
		echo "$type-unknown: the certificate is by nobody in health.ca"
	done
}

scenario certificates bare
check "authorities" eval 'authority ours && authority theirs'
check "certificates" eval 'certify good ours 2 DNS:orders.acme.example,IP:10.20.1.21,IP:192.0.2.10 &&
	certify expired ours -1 DNS:orders.acme.example && certify misnamed ours 2 DNS:billing.acme.example &&
	certify unknown theirs 2 DNS:orders.acme.example &&
	key -x509 -days 2 -subj /CN=backend -addext subjectAltName=DNS:orders.acme.example \
		-keyout "$RUN/selfsigned.key" -out "$RUN/selfsigned.pem"'
for name in "${NAMES[@]}"; do
	check "$name: a server" serve "$name" "$name"
done
configure
agent_start || exit 1

bad=$(told | sed 's/:.*//' | tr '\n' ' ')
check "only the good are up, and all where nobody verifies" wait_until '[ "$(down)" = "broken ${bad% }" ]' 20 ||
	diag "$(down)"
wanted="broken: health.ca is no certificate in PEM, or a broken one$(told | sed 's/^/; /' | tr -d '\n')"
check "what is wrong is told" wait_until '[ "$(errors)" = "$wanted" ]' 20 || diag "$(errors)"
check "a broken ca by the log" grep -q 'pool acme/broken: .* cannot be checked, .*: health.ca is no certificate' "$AGENT_LOG"

for name in expired misnamed unknown selfsigned; do
	check "$name: it gets a good one" eval "stop $name && serve $name good"
done
check "and all are up" wait_until '[ "$(down)" = broken ]' 20 || diag "$(down)"

finish
