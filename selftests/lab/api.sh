#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The API that changes things, against a running agent in the lab: every operation as every role by
# its own OpenAPI document; a tenant taken on and off in one call each, with traffic in between and
# nothing left in the maps; who owns what; ETags under two writers; kill -9 between writes; a disk
# that is full; the audit log; TLS, with certificates that change.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/lib/blocks.sh
. "$LAB_ROOT/selftests/lib/blocks.sh"

# send METHOD PATH [CURL-OPTION...]: the status; the answer goes to $RUN/answer.
send()
{
	local method=$1 path=$2
	shift 2
	curl -s -o "$RUN/answer" -w '%{http_code}' --max-time 20 --unix-socket "$SOCKET" \
		-X "$method" "$@" "http://mtlb/v1/$path"
}

digest()
{
	printf %s "$1" | sha256sum | cut -d' ' -f1
}

add_tokens()
{
	cat >"$CONFIG/tokens" <<END
# of the scenario
ops     operator      sha256:$(digest ops-token)
reader  viewer        sha256:$(digest reader-token)
acme-ci tenant:acme   sha256:$(digest acme-token)
robot   operator      cn:robot
END
	# A quarter of a MiB is for what fills up.
	echo 'api: {tokensFile: tokens, auditFile: disk/audit.log}' >>"$CONFIG/platform.yaml"
	mkdir "$CONFIG/disk" "$CONFIG/api.d"
	mount -t tmpfs -o size=256k,mode=700 disk "$CONFIG/disk"
}

# All that is in use: how full each table is, every list, and the hash of VIPs as it is.
in_use()
{
	api node | json "d['capacity']"
	mtlb -j vip list
	mtlb -j acl list
	mtlb -j service list | json "sorted((s['tenant'], s['name'], s['slots']) for s in items)"
	mtlb -j backend list | json "sorted((b['tenant'], b['service'], b['address']) for b in items)"
	bpftool -j map dump pinned "$BPFFS/mtlb_vips" | json "sorted(str(e['key']) for e in d)"
}

# counters_of TENANT: packets that it got, and that it lost.
counters_of()
{
	mtlb -j tenant list | json "[(t['packets'], t['newFlows'], t['drops']) for t in items if t['name'] == '$1']"
}

NEWCO='{"tier": "standard", "vips": [{"name": "newco-v4", "address": "192.0.2.99"}],
	"config": {"acl": {"deny": ["203.0.113.0/24"]},
	"pools": [{"name": "web", "backends": [{"address": "10.20.1.21"}, {"address": "10.20.1.22"}]}],
	"services": [{"name": "web", "vips": ["newco-v4"], "protocol": "TCP", "ports": [80],
		"pool": "web", "forward": "dsr"}]}}'

newco_is_gone()
{
	[ "$(api tenants | json "'newco' in [t['name'] for t in items]")" = False ] &&
		! grep -rq newco "$CONFIG/api.d" && [ "$(send GET tenants/newco)" = 404 ]
}

audit_ok()
{
	"$MTLB" node audit verify "$CONFIG/disk/audit.log" >"$RUN/audit" 2>&1
}

scenario api
# mtlbd has a file open there
trap 'umount -l "$CONFIG/disk"; scenario_end' EXIT
agent_stop
add_tokens
check "the agent starts with tokens" agent_start

# --- the contract
"$LAB_DIR/contract.py" "$SOCKET" acme globex operator=ops-token viewer=reader-token tenant=acme-token \
	>"$RUN/contract" 2>&1
is "every operation as every role: none is wrong" \
	"$(grep -vc '^ok' "$RUN/contract")" 0 || diag "$(grep -v '^ok' "$RUN/contract" | head -n 20)"
check "and there were many" [ "$(grep -c '^ok' "$RUN/contract")" -gt 400 ]

is "a list of one tenant's things has no other's" "$(api 'backends?tenant=acme' | json "{b['tenant'] for b in items}")" "{'acme'}"

# --- on and off
before=$(in_use)
for node in be1 be2; do
	ns $node ip address add 192.0.2.99/32 dev lo
done
is "a tenant is taken on in one call" "$(send PUT tenants/newco -H 'If-None-Match: *' -d "$NEWCO")" 201
check "it serves" wait_until 'requests client1 http://192.0.2.99/ 5 "$RUN/new" && [ "$(succeeded "$RUN/new")" = 5 ]' 10
is "twice is refused" "$(send PUT tenants/newco -H 'If-None-Match: *' -d "$NEWCO")" 412
is "what is read" "$(send GET tenants/newco)" 200
cp "$RUN/answer" "$RUN/newco.json"
is "can be put back as it is" "$(send PUT tenants/newco -d @"$RUN/newco.json")" 200
is "which changes nothing" "$(json 'd["changes"]' <"$RUN/answer")" '[]'
tag=$(curl -s -D- -o /dev/null --unix-socket "$SOCKET" http://mtlb/v1/tenants/newco/pools/web |
	tr -d '\r' | sed -n 's/^ETag: //p')
is "of two writers the first one wins" \
	"$(send PUT tenants/newco/pools/web -H "If-Match: $tag" -d '{backends: [{address: 10.20.1.21}]}')" 200
is "and the second one is told" \
	"$(send PUT tenants/newco/pools/web -H "If-Match: $tag" -d '{backends: [{address: 10.20.1.22}]}')" 412
is "wrong things are refused" "$(send PUT tenants/newco/pools/web -d '{backends: [{address: nowhere}]}')" 400
is "with their place" "$(json 'd["errors"][0]["file"], d["errors"][0]["line"]' <"$RUN/answer")" "('body', 1)"
is "an address of another tenant is refused" \
	"$(send PUT tenants/newco -d '{tier: standard, vips: [acme-v4]}')" 400

agent_stop KILL
check "after kill -9 the agent starts again" agent_start
is "with the tenant" "$(send GET tenants/newco)" 200
check "which serves" requests client1 http://192.0.2.99/ 5 "$RUN/new"
is "all of it" "$(succeeded "$RUN/new")" 5
is "it is taken off in one call" "$(send DELETE tenants/newco)" 200
check "and gone" newco_is_gone
check "from the maps as well" wait_until '[ "$(in_use)" = "$before" ]' 20 ||
	diag "$(diff <(echo "$before") <(in_use))"
is "taken on again" "$(send PUT tenants/newco -d "$NEWCO")" 201
is "it has no counters from before" "$(counters_of newco)" "[(0, 0, 0)]"
is "and is taken off again" "$(send DELETE tenants/newco)" 200

# --- as docs/api.md says
while IFS= read -r command; do
	doc_typed docs/api.md "$command"
	check "docs/api.md: $command" eval "cd '$RUN' && $command"
done < <(doc_commands docs/api.md api)
is "no command of this test was left out" "$(doc_untyped api)" ""
check "and nothing is left of it" newco_is_gone

# --- files and the API
is "what files have is not written to" "$(send PUT tenants/acme/acl -d '{deny: [198.51.100.0/24]}')" 409
check "mtlb adopts a tenant" mtlb tenant adopt acme
is "then its own token may" \
	"$(send PUT tenants/acme/acl -H 'Authorization: Bearer acme-token' -d '{deny: [198.51.100.0/24]}')" 201
is "but not grant itself more" \
	"$(send PUT tenants/acme -H 'Authorization: Bearer acme-token' -d '{vips: [globex-v4]}')" 403
check "the audit log has what was refused, and whom" grep -q '"status":403.*"what":"refused","who":"acme-ci"' "$CONFIG/disk/audit.log"
sed -i 's|^api: {|&tenantWrites: 1/s, |' "$CONFIG/platform.yaml"
check "a limit of tenants' changes is set" config_apply
runs_wild()
{
	for _ in {1..60}; do
		[ "$(send PUT tenants/acme/acl -D "$RUN/head" -H 'Authorization: Bearer acme-token' -d '{}')" != 429 ] || return 0
	done
	return 1
}
# what is younger is read again with all files: this must hold of the short way as well
wait_until 'find "$CONFIG/platform.yaml" -not -newermt "3 seconds ago" | grep -q .' 10
check "a tenant's tool that runs wild is held up" runs_wild
check "and told when to come again" grep -qi '^retry-after: [1-9]' "$RUN/head"
is "an operator is not" "$(send PUT tenants/acme/acl -d '{}')" 200
check "mtlb drains a backend" mtlb backend drain acme/web 10.20.1.21
check "which is seen" wait_until 'member_states acme web | grep -q "10.20.1.21=drain"' 5
check "a reload of the files does not undo it" config_apply
check "it is still drained" eval 'member_states acme web | grep -q "10.20.1.21=drain"'
check "mtlb gives it back to the files" mtlb tenant release acme
check "which undoes it" wait_until 'member_states acme web | grep -q "10.20.1.21=up"' 5

# --- the disk

# fill: not a page is left; the last page of the audit log may have room.
fill()
{
	while dd if=/dev/zero bs=4k count=1 status=none >>"$CONFIG/disk/full" 2>/dev/null; do :; done
}

# room: bytes that the audit log's last page still has.
room()
{
	echo $((4096 - $(stat -c %s "$CONFIG/disk/audit.log") % 4096))
}

fill
for ((turn = 0; turn < 40; turn++)); do
	status=$(send PUT tenants/newco -d '{tier: none}')
	[ "$status" = 400 ] || break
done
is "with a full disk, so no audit log, writes are refused" "$status" 503
is "also good ones" "$(send PUT tenants/newco -d "$NEWCO")" 503
check "nothing came of it" newco_is_gone
check "reading goes on" eval '[ "$(send GET tenants)" = 200 ]'
rm "$CONFIG/disk/full"
until [ "$(room)" -gt 2500 ]; do
	send PUT tenants/newco -d '{tier: none}' >/dev/null
done
mv "$CONFIG/api.d" "$CONFIG/api.d.away" && ln -s "$CONFIG/disk" "$CONFIG/api.d"
fill
is "a disk that fills up between log and file" "$(send PUT tenants/newco -d "$NEWCO")" 507 ||
	diag "$(cat "$RUN/answer")"
rm "$CONFIG/disk/full" "$CONFIG/api.d" && mv "$CONFIG/api.d.away" "$CONFIG/api.d"
check "nothing came of it either" newco_is_gone
is "and with room again it works" "$(send PUT tenants/newco -d "$NEWCO")" 201

# --- the audit log
check "the audit log is whole" audit_ok || diag "$(cat "$RUN/audit")"
head=$(sed -n 's/^head //p' "$RUN/audit")
check "its head is the one that was kept" mtlb node audit verify "$CONFIG/disk/audit.log" head "$head"
check "and not another" eval '! mtlb node audit verify "$CONFIG/disk/audit.log" head "${head//[0-9]/a}"'
check "it has who, what and how it ended" grep -q '"who":"acme-ci"' "$CONFIG/disk/audit.log"
sed -i '0,/"role":"operator"/s//"role":"viewer"/' "$CONFIG/disk/audit.log"
check "a line that was altered is found" eval '! audit_ok && grep -q "does not follow" "$RUN/audit"'
sed -i '0,/"role":"viewer"/s//"role":"operator"/' "$CONFIG/disk/audit.log"
check "and put right again" audit_ok
sed -i 3d "$CONFIG/disk/audit.log"
check "a line that was left out as well" eval '! audit_ok'

# --- TLS
certificate()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
		-addext "subjectAltName=IP:10.20.1.10" -keyout "$CONFIG/$1.key" -out "$CONFIG/$1.pem" 2>/dev/null
}

# remote STATUS CURL-OPTION...: by client1's side of the network, with the certificate checked.
remote()
{
	local wanted=$1
	shift
	[ "$(ns lb curl -s -o "$RUN/answer" -w '%{http_code}' --max-time 5 --cacert "$CONFIG/api.pem" "$@" \
		https://10.20.1.10:9463/v1/tenants)" = "$wanted" ]
}

check "certificates are made" eval 'certificate api && certificate ca && certificate other'
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=robot \
	-keyout "$CONFIG/robot.key" -out "$CONFIG/robot.csr" 2>/dev/null
openssl x509 -req -in "$CONFIG/robot.csr" -CA "$CONFIG/ca.pem" -CAkey "$CONFIG/ca.key" -days 2 \
	-out "$CONFIG/robot.pem" 2>/dev/null
sed -i 's|^api:.*|api: {tokensFile: tokens, listen: "10.20.1.10:9463", certFile: api.pem, keyFile: api.key, clientCaFile: ca.pem}|' \
	"$CONFIG/platform.yaml"
check "the API comes up over TLS without a restart" eval 'config_apply && wait_until "remote 401" 5'
check "a token opens it" remote 200 -H 'Authorization: Bearer reader-token'
check "a wrong one does not" remote 401 -H 'Authorization: Bearer wrong'
check "nor root's rights: it is not the socket" remote 401
check "a client's certificate opens it" remote 200 --cert "$CONFIG/robot.pem" --key "$CONFIG/robot.key"
check "one of another issuer does not" eval 'remote 401 --cert "$CONFIG/other.pem" --key "$CONFIG/other.key" ||
	remote 000 --cert "$CONFIG/other.pem" --key "$CONFIG/other.key"'
certificate api
check "a new certificate is taken with a reload" eval 'config_apply && wait_until "remote 401" 5'
cp "$CONFIG/other.key" "$CONFIG/api.key"
check "a key of another certificate is refused" eval 'config_apply; agent_log | grep -q "the key that of the first certificate"'
check "and the old one goes on" remote 401

# --- clients that nobody wants
memory()
{
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(agent_pid)/status"
}
before=$(memory)
truncate -s 1G "$RUN/huge"
is "a body of 1 GiB is refused" "$(send POST config/diff -H 'Content-Type: application/json' -T "$RUN/huge")" 413
is "and whoever sends it unasked is left" "$("$LAB_DIR/abuse.py" huge "$SOCKET")" "hung up after less than 64 MiB"
is "clients that go in the middle of a body" "$("$LAB_DIR/abuse.py" cut "$SOCKET" 300)" "done"
check "the agent has kept none of that" [ "$(memory)" -lt $((before + 8192)) ] || diag "$before kB before, $(memory) now"
ns lb "$LAB_DIR/abuse.py" idle 10.20.1.10 9463 10000 "$RUN/idle.stop" >"$RUN/idle" 2>&1 &
IDLE=$!
check "10,000 connections that say nothing" wait_until 'grep -q ready "$RUN/idle"' 30 || diag "$(cat "$RUN/idle")"
is "leave the socket to whom it belongs" "$(send GET node)" 200
check "and take no memory to speak of" [ "$(memory)" -lt $((before + 65536)) ] || diag "$before kB before, $(memory) now"
touch "$RUN/idle.stop"
wait $IDLE
check "when they are gone, others get through" wait_until "remote 401" 30
finish
