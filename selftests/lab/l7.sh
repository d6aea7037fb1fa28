#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The L7 tier: two tenants behind one VIP are told apart by the host of a request. Real clients
# (curl), real backends (nginx), bodies in both directions to the last byte, a configuration that
# changes all the time under requests of which none may fail, and a worker that is killed.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

V4=192.0.2.60
V6=2001:db8::60

# l7_config: the lab's own, with a listener, names, pools with ports, and a route for each tenant.
l7_config()
{
	sed -i -e 's/^vips:/&\n  - {name: shared-v4, address: 192.0.2.60}\n  - {name: shared-v6, address: "2001:db8::60"}/' \
		-e 's/^tenants:/listeners:\n  - {name: web, vips: [shared-v4, shared-v6], port: 80, protocol: HTTP}\n&/' \
		-e 's/name: acme, id: 1,/& domains: [acme.test, "*.acme.test"],/' \
		-e 's/name: globex, id: 2,/& domains: [globex.test],/' "$CONFIG/platform.yaml"
	add_site acme 10.20.1.21 10.20.1.22
	add_site globex 10.20.2.24 10.20.2.25
}

# add_site TENANT ADDRESS...
add_site()
{
	local file=$CONFIG/tenants.d/$1.yaml
	shift
	{
		sed '/^services:/,$d' "$file"
		echo '  - name: site'
		echo '    backends:'
		printf '      - {address: "%s:80", weight: 1}\n' "$@"
		echo '  - name: nobody'
		echo '    backends: [{address: "10.20.1.23:81"}]'
		sed -n '/^services:/,$p' "$file"
		echo 'routes:'
		echo '  - {name: site, listener: web, backendRefs: [{pool: site}]}'
		echo '  - {name: down, listener: web, matches: [{path: {value: /down}}], backendRefs: [{pool: nobody}]}'
	} >"$file.new" && mv "$file.new" "$file"
}

# get HOST PATH [CURL-OPTION...]: by a client, over IPv4.
get()
{
	local host=$1 path=$2
	shift 2
	ns client1 curl -s --max-time 20 --resolve "$host:80:$V4" "$@" "http://$host$path"
}

status()
{
	get "$1" "$2" -o /dev/null -w '%{http_code}'
}

# served HOST PATTERN ADDRESS: twenty requests, each on a connection of its own.
served()
{
	local url
	url=$(url "$3" /)
	requests client1 "$url" 20 "$RUN/answers" -H "Host: $1" && [ "$(succeeded "$RUN/answers")" = 20 ] &&
		[ "$(grep -c "^$2\$" "$RUN/answers")" = 20 ]
}

whole()
{
	[ "$(get "$1" /big | sha256sum | cut -d' ' -f1)" = "$(cat "$RUN/data/big.sha256")" ]
}

uploaded()
{
	get "$1" /upload -T "$RUN/data/big" "${@:2}"
}

# reload_all_the_time: routes come and go, and the pools' members change.
reload_all_the_time()
{
	local file=$CONFIG/tenants.d/acme.yaml round
	for ((round = 0; round < 4; round++)); do
		if ((round % 2)); then
			sed -i -e '/name: extra/d' -e 's/"10.20.1.22:80", weight: 3/"10.20.1.22:80", weight: 1/' "$file"
		else
			echo '  - {name: extra, listener: web, matches: [{path: {value: /extra}}], backendRefs: [{pool: site}]}' >>"$file"
			sed -i 's/"10.20.1.22:80", weight: 1/"10.20.1.22:80", weight: 3/' "$file"
		fi
		config_apply || return 1
	done
}

# broken_is_refused: with the place of what is wrong; all goes on by what was there.
broken_is_refused()
{
	local file=$CONFIG/tenants.d/acme.yaml
	cp "$file" "$RUN/whole.yaml"
	echo '  - {name: broken, listener: nowhere, backendRefs: [{pool: site}]}' >>"$file"
	! mtlb config apply >"$RUN/refused" 2>&1 &&
		grep -q "acme.yaml:[0-9]*:[0-9]*: .*unknown listener \"nowhere\"" "$RUN/refused" &&
		mv "$RUN/whole.yaml" "$file"
}

# Requests on connections that are kept, and on new ones, until the file says stop.
hammer()
{
	local options=$1 out=$2
	ns client2 bash -c 'while [ ! -e "$1" ]; do
		curl -s --max-time 10 $2 -H "Host: acme.test" -w "= %{http_code} %{errormsg}\n" "http://$3/?[1-40]"
	done' _ "$RUN/stop" "$options" "$V4" >"$out" 2>&1 &
	LOOPS="${LOOPS:-} $!"
}

# Uploads that stop half way until the file "go" is there. As many as to make sure that both workers
# have some: 1 of 2048 times they would not.
UPLOADS=12
SURVIVORS=0
uploads_start()
{
	local number
	for ((number = 0; number < UPLOADS; number++)); do
		ns client1 bash -c '{ head -c 100000 "$1"; until [ -e "$2" ]; do sleep 0.1; done; tail -c +100001 "$1"; } |
			curl -s --max-time 60 -H "Host: acme.test" -T - "$3"' _ \
			"$RUN/data/big" "$RUN/go" "http://$V4/upload" >"$RUN/upload.$number" 2>&1 &
		LOOPS="${LOOPS:-} $!"
	done
	# one that nobody has accepted yet has no process
	wait_until '[ "$(ns lb ss -tnpH state established "sport = :80" | tee "$RUN/spread" | grep -c pid=)" = $UPLOADS ]' 20
}

worker_kill()
{
	local victim
	victim=$(server_pids lb mtlb-proxy | head -n 1)
	SURVIVORS=$(grep -vc "pid=$victim," "$RUN/spread")
	kill -KILL "$victim"
}

scenario l7 bare
ns lb ip address add $V4/32 dev lo && ns lb ip address add $V6/128 dev lo nodad
l7_config
agent_start || exit 1
wait_until '[ "$(server_pids lb mtlb-proxy | wc -l)" -ge 2 ]' 10
# whoever has said hello has taken its sockets
wait_until '[ "$(status acme.test /)" = 200 ]' 10

is "config diff tells of a route" "$(sed 's|value: /down|value: /off|' -i "$CONFIG/tenants.d/acme.yaml"; mtlb config diff)" "~ route acme/down"
sed -i 's|value: /off|value: /down|' "$CONFIG/tenants.d/acme.yaml"
check "acme, IPv4" served acme.test 'be[12]' $V4
check "acme, IPv6" served www.acme.test 'be[12]' $V6
check "globex, IPv4" served globex.test 'be[45]' $V4
check "globex, IPv6" served globex.test 'be[45]' $V6
is "a host of nobody's" "$(status other.test /)" 404
is "it says so in a form of its own" "$(get other.test / | json 'd["status"]')" 404
is "a pool that is down" "$(status acme.test /down)" 502
is "globex goes on" "$(status globex.test /)" 200
is "backends learn whose request it is" "$(get acme.test /whose | cut -d' ' -f2-)" "acme.test 10.10.1.11"
check "a long answer comes whole" whole acme.test
is "a long body goes whole" "$(uploaded acme.test | cut -d' ' -f2)" "$(stat -c %s "$RUN/data/big")"
is "in chunks as well" "$(uploaded acme.test -H 'Transfer-Encoding: chunked' | cut -d' ' -f2)" "$(stat -c %s "$RUN/data/big")"

rm -f "$RUN/stop"
hammer "" "$RUN/kept"
hammer "-H Connection:close" "$RUN/closed"
check "requests come" wait_until '[ -s "$RUN/kept" ] && [ -s "$RUN/closed" ]' 10
check "four changes of routes and pools" reload_all_the_time
check "a broken file is refused, and changes nothing" broken_is_refused
loops_stop
check "and went on coming" [ "$(($(succeeded "$RUN/kept") + $(succeeded "$RUN/closed")))" -ge 80 ]
is "none failed on a connection that was kept" "$(failed "$RUN/kept")" 0
is "none failed on one of its own" "$(failed "$RUN/closed")" 0

uploads_start
check "uploads begin" [ "$(grep -c pid= "$RUN/spread")" = $UPLOADS ]
# Of what a killed worker was at only bodies are lost.
rm -f "$RUN/stop"
hammer "" "$RUN/kept"
hammer "-H Connection:close" "$RUN/closed"
check "requests come again" wait_until '[ -s "$RUN/kept" ] && [ -s "$RUN/closed" ]' 10
worker_kill
check "another worker takes its place" wait_until '[ "$(server_pids lb mtlb-proxy | wc -l)" -ge 2 ]' 10
touch "$RUN/go"
loops_stop
is "uploads by way of the other one went whole" \
	"$(cat "$RUN"/upload.* | grep -c " $(stat -c %s "$RUN/data/big")\$")" "$SURVIVORS"
is "no other request failed on a connection that was kept" "$(failed "$RUN/kept")" 0
is "nor on one of its own" "$(failed "$RUN/closed")" 0
check "there were such and others" [ "$SURVIVORS" -gt 0 -a "$SURVIVORS" -lt "$UPLOADS" ]
check "everybody is served" served acme.test 'be[12]' $V4
check "of all tenants" served globex.test 'be[45]' $V4

finish
