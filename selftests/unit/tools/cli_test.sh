#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# mtlb, the command line, against a stand-in for the agent that serves canned answers: tables, JSON,
# prefixes, errors, exit codes, batches, and that nothing the agent says reaches a terminal as a
# control. TAP; MTLB names the binary.
set -u

here=$(cd "$(dirname "$0")" && pwd)
MTLB=$(realpath "${MTLB:-${MTLB_BUILD:-$here/../../../build}/mtlb}")
dir=$(mktemp -d /tmp/mtlb-cli-XXXXXX)
export MTLB_SOCKET=$dir/api.sock
unset NO_COLOR COLUMNS MTLB_BPFFS
export TERM=xterm LC_ALL=C
tests=0 failures=0 agent=

cleanup() {
	[ -z "$agent" ] || kill "$agent"
	rm -rf "$dir"
}
trap cleanup EXIT

# run ARGS: sets $out, $err, $status.
run() {
	out=$("$MTLB" "$@" 2>"$dir/err" </dev/null)
	status=$?
	err=$(<"$dir/err")
}

# ok NAME CONDITION...: the condition is a command.
ok() {
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@"; then
		echo "ok $tests - $name"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $name"
		printf '%s\n' "status $status" "stdout:" "$out" "stderr:" "$err" | sed 's/^/# /'
	fi
}

is() { # what was, what should be
	[ "$1" = "$2" ] || {
		printf '%s\n' "expected:" "$2" | sed 's/^/# /'
		return 1
	}
}
has() { [[ "$1" == *"$2"* ]]; }
lacks() { [[ "$1" != *"$2"* ]]; }
exits() { [ "$status" = "$1" ]; }
lines() { [ "$(wc -l <<<"$1")" = "$2" ]; }

# --- without an agent ----------------------------------------------------------------------------

wrong_packet() { # SENTENCE ARGS
	local sentence=$1
	shift
	run trace "$@"
	ok "trace $*: says what is expected" has "$err" "mtlb: $sentence"
	ok "trace $*: exit code" exits 1
}
to="--src 198.51.100.7 --dst 192.0.2.10"
# shellcheck disable=SC2086 # words
{
	wrong_packet "--src is missing: which packet?"
	wrong_packet "--dst is missing" --src 198.51.100.7
	wrong_packet "--dport is missing: to which port?" $to
	wrong_packet "--dport 65536: expected a number from 0 to 65535" $to --dport 65536
	wrong_packet "--src 1.2.3: expected an IPv4 or IPv6 address" --src 1.2.3
	wrong_packet 'there is no option --sprot, or it takes no argument; did you mean "sport"?' $to --sprot 5
	wrong_packet "source and destination are of different families" --src ::1 --dst 192.0.2.10 --dport 80
	wrong_packet "--flags: \"nak\" is no flag of TCP" $to --dport 80 --flags nak
	wrong_packet "--flags are TCP's" $to --dport 80 --flags syn --proto udp
	wrong_packet "ICMP has no ports" $to --dport 80 --proto icmp
	wrong_packet "--vlan 5,x: expected one or two numbers from 1 to 4094" $to --dport 80 --vlan 5,x
	wrong_packet "--id is a fragment's" $to --dport 80 --id 7
	wrong_packet "--packet is of a capture" $to --dport 80 --packet 2
	wrong_packet "--src says what a packet is that --hex has already" --hex - --src 192.0.2.1
	wrong_packet "-: a packet of 0 bytes: expected an Ethernet frame" --hex -
	wrong_packet "$here/cli_test.sh: it is no capture" --pcap "$here/cli_test.sh"
	wrong_packet "no dataplane is pinned in $dir/none" $to --dport 80 --bpffs "$dir/none"
	wrong_packet "--in none0: there is no interface of that name" $to --dport 80 --in none0
}
run --bpffs "$dir/none" trace --src 198.51.100.7 --dst 192.0.2.10 --dport 80
ok "trace: options may stand before its name as well" has "$err" "no dataplane is pinned in $dir/none"


run tenant list
ok "no agent: a sentence" is "$err" \
	"mtlb: no agent answers on $MTLB_SOCKET: No such file or directory; is mtlbd running? (-s PATH names another socket)"
ok "no agent: exit code" exits 1
run -s "$dir/$(printf 'x%.0s' {1..120})" tenant list
ok "a socket path that is too long" has "$err" "is too long"

run
ok "nothing: usage on stderr" has "$err" "Usage: mtlb [OPTIONS] NOUN VERB"
ok "nothing: exit code" exits 1
run help
ok "help: on stdout" has "$out" "backend   servers that take the flows"
ok "help: exit code" exits 0
run --help
ok "--help" has "$out" "Usage: mtlb"
run help backend
ok "help of a noun: verbs with their filters" has "$out" "mtlb backend list [tenant NAME] [pool NAME]"
noun_help=$out
run backend help
ok "NOUN help" is "$out" "$noun_help"
run backend list --help
ok "NOUN VERB --help" is "$out" "$noun_help"
run help config
ok "help config: the verbs" has "$out" "mtlb config diff [PATH]"
ok "help config: the keys" has "$out" "drainDeadline"
run help nothing
ok "help of what is not there" exits 1

run --version
ok "--version" has "$out" "mtlb "
version=$out
run version
ok "version" is "$out" "$version"
run -j version
ok "version in JSON" is "$out" "{\"version\":\"${version#mtlb }\"}"

run tennant list
ok "unknown noun: the nearest" has "$err" 'there is no noun "tennant"; did you mean "tenant"?'
ok "unknown noun: exit code" exits 1
run zzz
ok "unknown noun: nothing near" is "${err%%$'\n'*}" 'mtlb: there is no noun "zzz"'
run v list
ok "ambiguous noun: the candidates" has "$err" '"v" could be vip or version'
run backend shwo
ok "unknown verb: the nearest" has "$err" 'did you mean "show"?'
for noun in map prog; do
	run --bpffs "$dir/none" $noun
	ok "$noun alone is listed or shown" has "$err" "no dataplane is pinned in $dir/none"
done
run config
ok "a noun that needs a verb" has "$err" "usage: mtlb config check|diff|apply"
run -x tenant
ok "unknown option" has "$err" "there is no option -x"
run --frob tenant
ok "unknown long option" has "$err" "there is no option --frob"
run tenant -s
ok "option without its argument" has "$err" "-s needs an argument"
run backend list poool web
ok "unknown filter: the nearest" has "$err" 'there is no filter "poool"; did you mean "pool"?'
run backend list state dwon
ok "unknown value: those that there are, the nearest" has "$err" \
	'state is one of up|checking|down|drain|gone, not "dwon"; did you mean "down"?'
ok "unknown value: exit code" exits 1
run --wdie tenant
ok "unknown option: the nearest" has "$err" 'did you mean "wide"?'
run backend list pool
ok "filter without its value" has "$err" "pool what? NAME is missing"
run backend list tenant a tenant b
ok "filter given twice" has "$err" "tenant is given twice"
run backend show a b
ok "a word too many" has "$err" '"b" is one word too many'
run node show a
ok "a word too many for a verb without any" exits 1

# --- configuration, checked without an agent -----------------------------------------------------

cat >"$dir/good.yaml" <<'YAML'
apiVersion: mtlb/v1
kind: Platform
metadata: {name: edge-1}
node: {interfaces: [{name: lo}], encapSource: {ipv4: 192.0.2.1}}
vips: [{name: web4, address: 192.0.2.10}]
tenants: [{name: acme, vips: [web4]}]
---
apiVersion: mtlb/v1
kind: TenantConfig
metadata: {tenant: acme}
pools: [{name: web, backends: [{address: 10.1.0.21}, {address: 10.1.0.22}]}]
services: [{name: web, vips: [web4], protocol: TCP, ports: [80], pool: web}]
YAML
sed 's/protocol: TCP/protcol: TCP/' "$dir/good.yaml" >"$dir/bad.yaml"

run config check "$dir/good.yaml"
ok "config check: good" is "$out" "ok: 1 tenant, 1 service, 1 VIP, 2 backends, 1 address"
ok "config check: good: exit code" exits 0
run -j config check "$dir/good.yaml"
ok "config check: good, in JSON" has "$out" '"ok":true,"tenants":1'
sed -n '/^```yaml$/,/^```$/{/^```/!p}' docs/routes.md >"$dir/routes.yaml"
run config check "$dir/routes.yaml"
ok "config check: listeners and routes" is "$out" \
	"ok: 2 tenants, 1 service, 1 VIP, 0 backends, 1 address, 1 listener, 2 routes"
run config check "$dir/bad.yaml"
ok "config check: bad: place and text" has "$err" "$dir/bad.yaml:12:"
ok "config check: bad: nothing on stdout" is "$out" ""
ok "config check: bad: exit code" exits 1
run -j config check "$dir/bad.yaml"
ok "config check: bad, in JSON" has "$out" '"ok":false,"errors":[{"file":'
run config check "$dir/nothing.yaml"
ok "config check: no such file" exits 1
ok "config check: no such file: said" has "$err" "nothing.yaml"

# --- with an agent -------------------------------------------------------------------------------

python3 "$here/fake_agent.py" "$MTLB_SOCKET" "$dir/log" &
agent=$!
for _ in {1..100}; do
	[ ! -S "$MTLB_SOCKET" ] || break
	sleep 0.1
done

run tenant list
ok "tenant list: aligned, humane" is "$out" "\
NAME     ID  ADDRESSES                SERVICES  BACKENDS    STORED  ACTIVE   +/-   PEAK  NEW-FLOWS  PACKETS   BYTES  DROPS  REQUESTS  5XX     P99  SYN-COOKIES
acme  70000  192.0.2.10,2001:db8::10         2         3  12/65.5k   31.2k  5.7%  40.1k       1.5k     1.2k   1023B      0      1.2k    3  12.5ms  -
bulk      0  -                               0         0     0/512       -  0.0%      0          0     1.0M  1.0MiB  18.4G         -    -       -  -"
ok "tenant list: nothing on stderr" is "$err" ""
table=$out
run tenant
ok "a noun alone is listed" is "$out" "$table"
run te l
ok "prefixes" is "$out" "$table"
run tenant list --raw
ok "--raw" has "$out" "1048576  18446744073"
run tenant show bulk
ok "show NAME" lines "$out" 2
run tenant show 2001:DB8:0::10
ok "show ADDRESS, in any spelling" has "$out" "acme"
run tenant show acne
ok "show: no such thing: the nearest" is "$err" 'mtlb: there is no tenant "acne"; did you mean "acme"?'
ok "show: no such thing: exit code" exits 1

run tenant del acne
ok "del: no such thing: the nearest" is "$err" 'mtlb: there is no tenant "acne"; did you mean "acme"?'
run backend drain acme/web 10.1.0.29
ok "drain: no such thing: the nearest of that pool" is "$err" \
	'mtlb: there is no backend "acme/web 10.1.0.29"; did you mean "10.1.0.21"?'
run tier get gold
ok "get: no such thing" is "$err" 'mtlb: there is no tier "gold"'
ok "get: no such thing: exit code" exits 1
run -j tenant show bulk
ok "-j: one line" is "$out" '[{"name":"bulk","id":0,"addresses":[],"services":0,"backends":0,"packets":999950,"bytes":1048576,"newFlows":0,"flows":{"used":0,"max":512},"activeFlows":{"estimated":null,"error":0.0,"seconds":0.0,"peak":0,"peakAt":null},"drops":18446744073}]'
run tenant list -p
ok "-p: indented" has "$out" '    "name": "acme",'

run backend list tenant acme pool web
ok "backend list with filters" lines "$out" 3
ok "backend list: endpoints" has "$out" "[2001:db8:1::22]:8080"
ok "backend list: share" has "$out" "50.0%"
ok "backend list: since" has "${out//2h?m ago/2h5m ago}" "2h5m ago"
ok "backend list: controls are escaped" has "$out" 'evil \x1b[31m\x07 \u009b \u202e'
ok "backend list: letters are not" has "$out" $'\xc3\xa9'
run -j backend list
ok "-j: no control reaches the terminal" is "$(tr -d '[:print:]\n' <<<"$out" | od -c)" 0000000
ok "-j: other characters neither" has "$out" '\u009B'
run backend list state UP
ok "backend list: state" lines "$out" 2
run backend list address 2001:db8:1:0::22
ok "backend list: address" lines "$out" 2
run backend list tenant nobody
ok "an empty list is its head" lines "$out" 1
ok "an empty list is no error" exits 0
run backend show acme/web
ok "backend show TENANT/POOL" lines "$out" 3
run backend show 10.1.0.53
ok "backend show ADDRESS" has "$out" "10.1.0.53  drain"
run vip show 2001:db8::10
ok "vip show ADDRESS" has "$out" "[2001:db8::10]:443"
run vip show 192.0.2.10:80
ok "vip show ADDRESS:PORT" has "$out" "123456"
run acl list
ok "acl list" lines "$out" 4
run acl list tenant acme
ok "acl list: tenant" lines "$out" 3
ok "acl list: hits" has "$out" "203.0.113.0/24  deny    1.2k"
run acl list action allow
ok "acl list: action" has "$out" "203.0.113.7"
run acl show bulk
ok "acl show TENANT" has "$out" "default"
run node drift
ok "node drift" is "$out" "\
~ tenant acme: limits
+ vip 192.0.2.66:80 tcp: which record it leads to"
ok "node drift: different" exits 2
run -j node drift
ok "node drift in JSON" has "$out" '"changes":["~ tenant acme: limits"'
ok "node drift in JSON: different" exits 2
run node repair
ok "node repair" is "$out" "~ tenant acme: limits"
ok "node repair: done" exits 0
ok "node repair: asked for" has "$(<"$dir/log")" "POST /v1/node/repair"
run health list
ok "health list" lines "$out" 3
ok "health list: what speaks against it" has "$out" "status 503 instead of 200-399"
run health list state down
ok "health list: state" lines "$out" 2
ok "health list: held, in a pool that panics" has "$out" "[2001:db8:1::22]:8080"
run health list via vip
ok "health list: the way" lines "$out" 2
ok "health list: which is by the VIP" has "$out" "vip"
run health show acme/web
ok "health show TENANT/POOL" lines "$out" 3
run -j health show 10.1.0.21
ok "health show ADDRESS in JSON" has "$out" '"type":"http"'
run feed list
ok "feed list" lines "$out" 3
run feed list state kept
ok "feed list: state" lines "$out" 2
run feed show amp
ok "feed show NAME" has "$out" "udpSourcePorts"
run route list tenant acme
ok "route list: hosts, paths, pools, requests, times" is "$out" "\
TENANT  NAME    LISTENER  HOSTS             PATHS        POOLS               REQUESTS  4XX  5XX     P50   P99
acme    orders  http      api.acme.example  /orders,=/o  orders:95,canary:5      1.2k    7    3  1.25ms  1.5s"
run route show acme/orders
ok "route show TENANT/NAME" lines "$out" 2
run proxy show
ok "proxy show: the workers" lines "$out" 3
ok "proxy show: how the last one ended" has "$out" "was ended by signal 9 (Killed)"
run proxy list state away
ok "proxy list: state" lines "$out" 2
run -j acl list tenant bulk
ok "acl list in JSON" has "$out" '"prefix":"default"'
run service list
ok "service list" has "$out" "192.0.2.10:80,[2001:db8::10]:80"
ok "service list: durations" has "$out" "1m30s"
run service show acme
ok "service show TENANT" lines "$out" 2
run service list vip 192.0.2.11:53
ok "service list: vip" has "$out" "dns"
run pool list
ok "pool list: durations" has "$out" "tcp    8080        2s    500ms"
ok "pool list: what is not there" has "$out" "-"
run drop list
ok "drop list" has "$out" "no_member  drop           7   700B  No member of the pool is usable."
run drop list reason no_membr
ok "drop list: reasons are known" has "$err" 'reason: there is no reason "no_membr"; did you mean "no_member"?'
ok "drop list: another one is an error" exits 1
run drop watch reason no_membr
ok "drop watch: reasons as well" has "$err" 'did you mean "no_member"?'
run drop show acme
ok "drop show TENANT" lines "$out" 2
run event
ok "event list" has "${out/2h?m ago/2h5m ago}" "2h5m ago  acme    member-down    backend 10.1.0.21:80 of acme/web is down: timeout"
ok "event list: controls are escaped" has "$out" 'udp flood \x1b[2J'
run event list tenant acme
ok "event list: tenant" lines "$out" 2
run event show attack-begins
ok "event show KIND" lines "$out" 2
run usage show --wide
ok "usage show: page by page" is "$out" "\
TENANT  FROM                  TO                    PACKETS-IN  BYTES-IN  PACKETS-OUT  BYTES-OUT  NEW-FLOWS  PEAK-FLOWS  DROPPED-LIMITS  DROPPED-ELSE  REQUESTS  L7-IN  L7-OUT  APPROX
acme    2025-12-31T00:00:00Z  2026-01-01T00:00:00Z        1.0k   97.7KiB            0         0B          2          12               0             1         3   300B  4.0KiB  no
acme    2026-01-01T00:00:00Z  2026-01-02T00:00:00Z        1.5k    146KiB            0         0B          2          12               0             1         3   300B  4.0KiB  yes
bulk    2026-01-01T00:00:00Z  2026-01-02T00:00:00Z           7      700B            0         0B          2          12               0             1         3   300B  4.0KiB  no"
: >"$dir/log"
run usage show tenant acme from 2025-12-31 to 2026-01-02
ok "usage show: what is asked, by day" is "$(<"$dir/log")" "\
GET /v1/usage?tenant=acme&from=2025-12-31&to=2026-01-02&by=day 
GET /v1/usage?tenant=acme&from=2025-12-31&to=2026-01-02&by=day&after=2026-01-01T00%3A00%3A00Z%2Facme "
run -j usage show
ok "usage show in JSON: one list" lines "$out" 1
run usage show by
ok "usage show: a keyword without its value" has "$err" "by what? hour|day is missing"
run usage show format csv
ok "usage show: a keyword of export" has "$err" 'there is no keyword "format"'
run usage show tenant hurt
ok "usage show: damage is told" has "$err" "what follows is not all"
ok "usage show: and is an error" exits 1
run usage export format csv
ok "usage export: CSV" is "$out" "\
tenant,from,to,packetsIn,bytesIn,packetsOut,bytesOut,newFlows,droppedByLimits,droppedOtherwise,peakActiveFlows,requests,requestBytesIn,requestBytesOut,approximate
acme,2025-12-31T00:00:00Z,2026-01-01T00:00:00Z,1000,100000,0,0,2,0,1,12,3,300,4096,false
acme,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,1500,150000,0,0,2,0,1,12,3,300,4096,true
bulk,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,7,700,0,0,2,0,1,12,3,300,4096,false"
run usage export format json
ok "usage export: an object a line" lines "$out" 3
run usage export format focus provider 'Example, "the" host'
focus=$out
ok "usage export: FOCUS has a row for each kind that was used" lines "$focus" 25
ok "usage export: its columns" is "$(head -n 1 <<<"$focus")" "BillingAccountId,BillingAccountName,BillingPeriodEnd,\
BillingPeriodStart,ChargeCategory,ChargeClass,ChargeDescription,ChargeFrequency,ChargePeriodEnd,ChargePeriodStart,\
ConsumedQuantity,ConsumedUnit,InvoiceIssuerName,PricingQuantity,PricingUnit,ProviderName,PublisherName,ServiceCategory,\
ServiceName,SkuId,x_Approximate"
ok "usage export: CSV is quoted, a year ends" has "$focus" 'acme,acme,2026-01-01T00:00:00Z,2025-12-01T00:00:00Z,Usage,,Bytes of these packets.,Usage-Based,2026-01-01T00:00:00Z,2025-12-31T00:00:00Z,100000,B,"Example, ""the"" host",100000,B,'
run usage export
ok "usage export: no format" has "$err" "which format? csv, json or focus"
run usage export format xml
ok "usage export: another format" has "$err" 'there is no format "xml"'
run usage export format focus
ok "usage export: FOCUS needs a provider" has "$err" "provider NAME is missing"
run usage export format csv provider x
ok "usage export: no other format does" has "$err" "of format focus only"

: >"$dir/log"
run drop watch tenant acme reason over_new_flows
ok "drop watch: asks for tenant and reason" is "$(<"$dir/log")" \
	"GET /v1/drops?watch=true&tenant=acme&reason=over_new_flows "
ok "drop watch: a line for each" is "$out" "\
2026-01-31T12:00:00.123Z acme over_new_flows TCP 198.51.100.7:40000 > 192.0.2.10:80 SYN ACK 60 bytes, and 7 more of this tenant's
(5 more, too fast for this terminal)
2026-01-31T12:00:01.000Z acme fragment UDP 2001:db8:c::7 > 2001:db8::10 100 bytes"
ok "drop watch: the agent goes away" is "$err" "mtlb: the agent on $MTLB_SOCKET went away"
ok "drop watch: exit code" exits 1
run -j drop watch
ok "drop watch in JSON: one line each" lines "$out" 3
ok "drop watch in JSON: no control reaches the terminal" is "$(tr -d '[:print:]\n' <<<"$out" | od -c)" 0000000
run drop watch -n 2
ok "drop watch -n: so many lines, what was missed is none of them" is "$(wc -l <<<"$out") $status" "3 0"
run -j drop watch --count 1
ok "drop watch -n 1" is "$(wc -l <<<"$out") $status" "1 0"
for wrong in 0 -1 x 1x 99999999999999999999; do
	run drop watch -n $wrong
	ok "drop watch -n $wrong" has "$err" "-n $wrong: expected a number from 1 on"
done
run drop list -n 3
ok "-n: only of what goes on" is "${err%%$'\n'*}" 'mtlb: --count is an option of `mtlb drop watch` only'
run map event
ok "map event: of what" is "$err" "\
mtlb: events of what? NAME is missing
usage: mtlb map event NAME"
run map event events -n 0
ok "map event -n 0" has "$err" "-n 0: expected a number from 1 on"
run help map
ok "help map: an option stands below its verb" has "$out" "      -n, --count N"
run event watch
ok "event watch" has "$out" 'Z attack-begins attack on bulk: udp flood \x1b[2J'
run event watch tenant nobody
ok "watch: a refusal is said" is "$err" "mtlb: No such tenant: nobody"
run drop watch verdict drop
ok "watch: only what the agent can tell apart" has "$err" 'there is no filter "verdict"'
run drop watch tenant
ok "watch: filter without its value" has "$err" "usage: mtlb drop watch [tenant NAME] [reason REASON]"
run node
ok "node: fields" has "$out" "dataplane created  1d3h ago"
ok "node: interfaces" has "$out" "eth0           2  yes  1500  native  -"
ok "node: capacity" has "$out" "0.2%"
ok "node: counters" has "$out" "not_ip  pass           9   900B"
run -j node
ok "node in JSON" has "$out" '{"name":"edge-1"'

: >"$dir/log"
run flow list tenant "ac me&x" limit 5
ok "flow list: asks for tenant and limit" is "$(<"$dir/log")" "GET /v1/flows?tenant=ac%20me%26x&limit=5 "
: >"$dir/log"
run flow show acme/web
ok "flow show: asks for the tenant" is "$(<"$dir/log")" "GET /v1/flows?tenant=acme "
ok "flow show" has "$out" "198.51.100.7:40000  192.0.2.10:80  10.1.0.21  established    5s  1d1h"
run -j flow list client 198.51.100.7 member 10.1.0.21 age 1d1h
ok "flow list: no duration" has "$err" 'age: "1d1h" is no duration: expected one as 90s, 10m, 2h'
run -j flow list client 198.51.100.7 member 10.1.0.21 age 25h idle 5s
ok "flow list: of a client, a member, an age" has "$out" '"sourcePort":40000'
run -j flow list client 198.51.100.7:40000
ok "flow list: of a client's port" has "$out" '"sourcePort":40000'
for filter in "client 198.51.100.8" "client 198.51.100.7:40001" "member 10.1.0.2" "age 26h" "idle 6s"; do
	# shellcheck disable=SC2086 # words
	run -j flow list $filter
	ok "flow list: none is $filter" is "$out" "[]"
done
run flow list client 198.51.100
ok "flow list: no address" has "$err" 'client: "198.51.100" is no address: expected one as 192.0.2.1, 192.0.2.1:80'
run meter list
ok "meter list" is "$out" "\
TENANT  METER    RATE/S  BURST  SPENT  DROPPED
acme    packets   50.0k   5.0k  25.0%     1.2k
acme    share     12.0k      0   0.0%        0"
run meter list meter bit
ok "meter list: of a meter there is none of" has "$err" 'did you mean "bits"?'

run config diff
ok "config diff: changes" is "$out" "\
+ tenant acme
~ member acme/web 10.1.0.21: weight 1 -> 3"
ok "config diff: different" exits 2
: >"$dir/log"
out=$(cd "$dir" && "$MTLB" config diff good.yaml)
status=$?
ok "config diff PATH: same" exits 0
ok "config diff PATH: said" is "$out" "no changes"
ok "config diff PATH: made absolute" is "$(<"$dir/log")" "POST /v1/config/diff {\"path\":\"$dir/good.yaml\"}"
run config diff "$dir/bad.yaml"
ok "a problem is printed as sentences" is "$err" "\
a.yaml:3:5: unknown key \\x1b]0;x\\x07
b.yaml: is empty
mtlb: Invalid configuration: 2 errors \\x1b[2J"
ok "a problem: exit code" exits 1
run config diff "$dir/nothing"
ok "config diff of what is not there" is "$err" "mtlb: $dir/nothing: No such file or directory"
run config apply
ok "config apply" is "$out" "\
+ tenant acme
applied: generation 5"
run -j config apply
ok "config apply in JSON" is "$out" '{"changes":["+ tenant acme"],"generation":5}'
run config apply x
ok "config apply takes no path" exits 1

run flow list tenant broken
ok "an answer that is not JSON" has "$err" "something that is not JSON: line 1"
run flow list tenant odd
ok "an answer without items" has "$err" "has no items"
run flow list tenant gone
ok "an agent that hangs up" has "$err" "broke off"
run flow list tenant plain
ok "an error without a problem" has "$err" "refuses with HTTP status 503"
ok "an error without a problem: exit code" exits 1

# --- batches, colours, a full disk ---------------------------------------------------------------

cat >"$dir/batch" <<'BATCH'
# tenants first
tenant show bulk --raw

  config diff   # differs, which is no failure
tenant show nobody
version
BATCH
run batch "$dir/batch"
ok "batch: runs the lines" has "$out" "18446744073"
ok "batch: a difference does not stop it" has "$out" "weight 1 -> 3"
ok "batch: stops at an error" lacks "$out" "$version"
ok "batch: names its line" is "$err" "mtlb: $dir/batch:5: there is no tenant \"nobody\""
ok "batch: exit code" exits 1
out=$(printf 'version\nconfig diff' | "$MTLB" -j batch - 2>&1)
status=$?
ok "batch from stdin: options hold for every line" lines "$out" 2
ok "batch from stdin: exit code" exits 0
out=$(echo "batch $dir/batch" | "$MTLB" batch - 2>&1)
status=$?
ok "a batch in a batch" has "$out" "stdin:1: a batch in a batch is not allowed"
run batch "$dir/none"
ok "batch: no such file" has "$err" "cannot open $dir/none: No such file or directory"
run batch
ok "batch: no file" has "$err" "usage: mtlb batch FILE"

http_proxy=http://192.0.2.1:1 run tenant show bulk
ok "a proxy of the environment is not asked" exits 0

# script(1) gives the command a terminal.
out=$(script -qec "'$MTLB' backend list" /dev/null </dev/null)
ok "colours on a terminal" has "$out" $'\033[31mdown\033[0m'
out=$(script -qec "'$MTLB' event watch" /dev/null </dev/null)
ok "colours of what is watched" has "$out" $'\033[31mattack-begins\033[0m'
out=$(NO_COLOR=1 script -qec "'$MTLB' backend list" /dev/null </dev/null)
ok "NO_COLOR" lacks "$out" $'\033'
out=$(TERM=dumb script -qec "'$MTLB' backend list" /dev/null </dev/null)
ok "a dumb terminal" lacks "$out" $'\033'

# --- a table fits the terminal -------------------------------------------------------------------

# wide COLUMNS ARGS: what is on a terminal of that width, without its colours, in $out.
wide() {
	local columns=$1
	shift
	out=$(script -qec "stty cols $columns; '$MTLB' $*" /dev/null </dev/null | tr -d '\r' |
		sed 's/\x1b\[[0-9;]*m//g')
}
# Characters, not bytes.
fits() { ! LC_ALL=C.UTF-8 grep -qE ".{$(($1 + 1))}" <<<"$out"; }

wide 80 tenant list
ok "80 columns: tenant list leaves out what can be done without" is "$out" "\
NAME  ADDRESSES                BACKENDS    STORED  ACTIVE  PACKETS  DROPS
acme  192.0.2.10,2001:db8::10         3  12/65.5k   31.2k     1.2k      0
bulk  -                               0     0/512       -     1.0M  18.4G
(10 more columns: --wide)"
wide 200 tenant list
ok "200 columns: everything" is "$out" "$table"
wide 80 tenant list --wide
ok "--wide: everything" is "$out" "$table"
wide 80 tenant list -j
ok "80 columns: JSON is what it is" lines "$out" 1
for noun in tenant vip service pool backend acl route proxy feed health flow meter drop event node "usage show"; do
	for columns in 120 80 60 40 30; do
		[ "$noun" != node ] || [ $columns -ge 60 ] || continue # its fields are no table
		wide $columns "$noun"
		ok "$noun in $columns columns" fits $columns
	done
done
wide 60 event show member-down
out=${out/2h?m/2h5m} # the clock goes on
ok "60 columns: a sentence goes on below" is "$out" "\
    WHEN  TENANT  KIND         WHAT
2h5m ago  acme    member-down  backend 10.1.0.21:80 of
                               acme/web is down: timeout"

wide 60 service list
ok "60 columns: of a list that is cut whole elements stand, and a mark" has "$out" "192.0.2.10:80~ "
wide 64 service list
ok "64 columns: its comma as well, if there is room" has "$out" "192.0.2.10:80,~ "
out=$(COLUMNS=80 "$MTLB" tenant list)
ok "COLUMNS: holds in a pipe, as watch(1) has it" has "$out" "(10 more columns: --wide)"
for columns in x 0 -5 80x ""; do
	out=$(COLUMNS=$columns "$MTLB" tenant list)
	ok "COLUMNS=$columns is none" is "$out" "$table"
done
for noun in $("$MTLB" help | sed -n '/^Nouns:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
	out=$(COLUMNS=60 "$MTLB" help "$noun" | sed '/^# Configuration reference/,$d')
	ok "help $noun in 60 columns" fits 60
done
out=$(COLUMNS=60 "$MTLB" help backend)
ok "help in 60 columns: a usage goes on below, in whole words" has "$out" "\
  mtlb backend list [tenant NAME] [pool NAME] [service NAME]
      [address ADDRESS] [state up|checking|down|drain|gone]"
out=$(COLUMNS=60 "$MTLB" help)
ok "help in 60 columns" fits 60
ok "help in 60 columns: a second column goes on below itself" has "$out" "
  event     what happened: attacks, backends that went down
            or came back"

err=$("$MTLB" tenant list 2>&1 >/dev/full)
status=$?
ok "a full disk is said" is "$err" "mtlb: cannot write: No space left on device"
ok "a full disk: exit code" exits 1

echo "1..$tests"
[ "$failures" = 0 ]
