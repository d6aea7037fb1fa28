#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Less than a minute with a balancer: three tenants under traffic from two clients over IPv4 and IPv6, two
# of them with a web site behind one address, port and store of certificates as well, while a
# backend dies and returns, another is drained, a certificate is renewed, and the agent itself is
# killed. Ends with what the clients saw, and what the dataplane and the workers counted; fails when
# a request failed that must not.

# shellcheck disable=SC2016,SC2119 # as in selftests/lab/.shellcheckrc
set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/../selftests/lab/lib.sh"
# shellcheck source=selftests/lib/authority.sh
. "$LAB_ROOT/selftests/lib/authority.sh"
# shellcheck source=selftests/lib/sites.sh
. "$LAB_ROOT/selftests/lib/sites.sh"

BOUND=$((FAILOVER_MS + SLACK_MS))
BEGUN=$(now_ms)

tell()
{
	printf '%5.1f s  %s\n' "$((($(now_ms) - BEGUN) / 100))e-1" "$*"
}

# fail WHY: with the log's end, for there will be nothing left to look at.
fail()
{
	echo "demo: $*" >&2
	[ ! -e "$AGENT_LOG" ] || tail -n 20 "$AGENT_LOG" >&2
	exit 1
}

so_far()
{
	tell "  $(cat "$RUN"/loop.* | wc -l) requests so far, $(cat "$RUN"/loop.* | grep -vc '^= 200') failed"
}

# watch SECONDS: lets the traffic run.
watch()
{
	sleep "$1"
	so_far
}

# Two tenants on one listener, each with a name, a pool and a certificate of its own; what stands before
# it is "front"'s, whose VIPs it has.
sites()
{
	local health='health: {type: http, path: /, interval: 500ms, timeout: 300ms, fall: 2, rise: 2}'
	site_addresses && authority ours && site_listener '' 443 HTTPS &&
		site_domains acme acme.test && site_domains globex globex.test &&
		site_pool acme site "$health" 10.20.1.21:80 10.20.1.22:80 10.20.1.23:80 &&
		site_pool globex site "$health" 10.20.2.24:80 10.20.2.25:80 10.20.2.26:80 &&
		site_routes acme '{name: site, listener: web, backendRefs: [{pool: site}]}' &&
		site_routes globex '{name: site, listener: web, backendRefs: [{pool: site}]}' &&
		site_certificate acme acme.test && site_certificate globex globex.test || return 1
	echo '  - {name: front, id: 9, tier: standard, vips: [shared-v4, shared-v6]}' >>"$CONFIG/platform.yaml"
	cat >"$CURL_CONFIG" <<-END
		cacert = "$RUN/ours.pem"
		resolve = "acme.test:443:$SITE_V4,[$SITE_V6]"
		resolve = "globex.test:443:$SITE_V4,[$SITE_V6]"
	END
}

# shown HOST: the serial number of the certificate that it is served with.
shown()
{
	ns client1 timeout 5 openssl s_client -connect $SITE_V4:443 -servername "$1" -CAfile "$RUN/ours.pem" \
		-verify_return_error </dev/null 2>/dev/null | openssl x509 -noout -serial 2>/dev/null | cut -d= -f2
}

certificate_is_renewed()
{
	local file=$CONFIG/certificates/acme/site before
	before=$(shown acme.test)
	tell "acme's certificate is renewed (its files, then mtlb config apply)"
	certify "$RUN/next" 2 acme.test && mv "$RUN/next.key" "$file.key" && mv "$RUN/next.crt" "$file.crt" &&
		config_apply || fail "it was refused"
	wait_until '[ -n "$(shown acme.test)" ] && [ "$(shown acme.test)" != "$before" ]' 10 || fail "the old one is still shown"
	tell "  $before became $(shown acme.test); globex's is still $(shown globex.test)"
	watch 2
}

traffic_start()
{
	local node
	for node in client1 client2; do
		loop_start $node "$RUN/loop.$node.web" http://192.0.2.10/ http://192.0.2.20/ \
			http://192.0.2.20:8080/ 'http://[2001:db8::10]/' 'http://[2001:db8::20]/' \
			'http://[2001:db8::20]:8080/'
		loop_start $node "$RUN/loop.$node.dns" @192.0.2.53 @2001:db8::53 @192.0.2.53,+tcp \
			@2001:db8::53,+tcp
		loop_start $node "$RUN/loop.$node.sites" https://acme.test/ https://globex.test/
	done
}

# be2_is STATE: in every pool it is a member of.
be2_is()
{
	[ "$(mtlb -j backend list | json "' '.join({b['state'] for b in items
		if b['address'][-2:] == '22'})")" = "$1" ]
}

backend_dies()
{
	tell "be2 dies: its web server and its name server are killed"
	KILLED=$(now_ms)
	server_kill be2 nginx
	server_kill be2 dnsmasq
	wait_until 'be2_is down' 10 || fail "nobody noticed that be2 is dead"
	FOUND=$(now_ms)
	tell "  noticed after $((FOUND - KILLED)) ms"
	wait_until '[ "$(now_ms)" -gt $((KILLED + BOUND)) ]' 10
	watch 4
	tell "be2 returns"
	server_start be2 nginx
	server_start be2 dnsmasq
	wait_until 'be2_is up' 10 || fail "nobody noticed that be2 is back"
	watch 4
}

agent_dies()
{
	tell "mtlbd is killed (SIGKILL); the dataplane goes on without it"
	agent_stop KILL
	watch 2
	agent_start || fail "mtlbd did not come back"
	tell "  and is back: it adopted what runs: $(api node | json "'yes' if d['adopted'] else 'NO'")"
}

backend_drains()
{
	tell "globex drains be4 (mtlb config apply)"
	member_set globex web fd00:20:2::24 'weight: 1, state: drain'
	mtlb config apply | sed 's/^/         /'
	watch 3
}

end()
{
	loops_stop 2>/dev/null
	lab_down >/dev/null 2>&1
}

lab_name "${MTLB_LAB:-mtlb-demo}"
trap end EXIT
trap 'exit 130' INT TERM HUP

tell "building the lab: 2 clients, a router, the balancer, 6 backends in 2 racks"
lab_down >/dev/null 2>&1
lab_up || exit 1
export CURL_CONFIG=$RUN/curl
sites || fail "no certificates could be made"
agent_start || fail "mtlbd did not start"
wait_until all_up 10 || fail "not every backend came up"
tell "mtlbd is ready: $(api node | json "'XDP on ' + ', '.join(i['name'] + ' (' + i['mode'] + ')'
	for i in d['interfaces'])")"
wait_until '[ -n "$(shown acme.test)" ] && [ -n "$(shown globex.test)" ]' 10 || fail "no web site answers"
tell "one address, two web sites: https://acme.test (certificate $(shown acme.test)), https://globex.test"
tell "  (certificate $(shown globex.test)), both at $SITE_V4 and $SITE_V6, port 443"
tell "traffic: acme (TCP, DSR), globex (TCP, IPIP in IPv4 and IPv6), initech (DNS over UDP and TCP)"
traffic_start
watch 5
backend_dies
agent_dies
backend_drains
certificate_is_renewed
loops_stop
mtlb -j tenant list >"$RUN/tenants.json"
mtlb -j backend list >"$RUN/backends.json"
mtlb -j route list >"$RUN/routes.json"
mtlb -j drop list >"$RUN/drops.json"
tell "the end"
python3 "$LAB_DIR/report.py" "$RUN" "$KILLED" "$FOUND" "$BOUND" ||
	fail "see the tables above; the end of mtlbd's log:"
