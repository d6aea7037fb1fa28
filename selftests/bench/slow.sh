#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What slowhttptest, in each of its modes, does at one tenant to the requests of another one at the same
# address: the 99th percentile of wrk's. Beside each turn there is one in which the same attack is at a server
# beside the balancer (nginx, in the attacker's own namespace): the tool looks at its sockets without a
# rest, and what that does to everybody on the machine is not the balancer's. The attacker, and the
# servers that are attacked, have a CPU; the balancer, the other tenant's server and client have another one, which
# everybody else on this machine leaves until the end: a thread of the kernel's that runs for 3 ms twice a second
# is most of a 99th percentile.
#
# Beside it, where a mode is load for whoever serves it, HAProxy in the balancer's place: the same attack, the same
# neighbour, the same backends, one thread on the same CPU.
#
#   selftests/bench/slow.sh [TURNS [PATH]]   of each mode that has a goal (5), of the others 3 at most; what the
#                                            neighbour asks for (/data/page, of 32 KB)

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"
# shellcheck source=selftests/lib/sites.sh
. "$LAB_ROOT/selftests/lib/sites.sh"
# shellcheck source=selftests/bench/pinned.sh
. "$(dirname "$0")/pinned.sh" || exit 1

TURNS=${1:-5}
# Of a server's own word (/) the neighbour has 33,000 in a second: the ticks of this machine's clock, 300 of some 130 us,
# are in 0.9 % of them, so whether its 99th percentile has them in it is chance, and no matter of who is attacked.
# Of a page they are in 4 %.
WANTED=${2:-/data/page}
PAGE=32768
TURNS_WITHOUT_GOAL=$((TURNS < 3 ? TURNS : 3))
SECONDS_ATTACKED=13
# Of readers that have no window: the kernel asks each after 0.2, 0.4, 0.8 seconds and so on, until mtlb cuts it,
# most after 5 seconds and the last after 30. The tool goes on without them, and opens no new ones.
SECONDS_READ=45
# While new ones come all the time: 2,000 at the rate that the tool has by itself, 50 a second.
SECONDS_COMING=30
COMING=(-c 2000 -r 50)
# Who is held is not any more after this time.
SECONDS_HELD=90
SECONDS_CALM=3
# What mtlb gives a head.
SECONDS_HEAD=10
CONNECTIONS=1000
# While somebody else uses the other half of this CPU's core, for a few seconds or for many minutes, everything takes
# half as long again: only what was measured at the same pace is compared, within this factor.
ALIKE=1.1
# So many seconds are waited for somebody else to be done, in all; after that it is measured as it is.
PATIENCE=300
# What a server may hold for a client that does not read, in bytes. Without a bound it is 900 KB: of a thousand
# clients 900 MB, and while a virtual machine took so much, single seconds had percentiles of up to 91 ms.
SERVER_HOLDS=131072
GOAL=1.10
BESIDE=127.0.0.1
CABLE=10.10.9
# What one client may open at the address that the tenants share, in the last mode.
LIMIT=20/s

fail()
{
	echo "bench slow: $*" >&2
	[ ! -e "$AGENT_LOG" ] || tail -n 5 "$AGENT_LOG" >&2
	exit 1
}

# pace: of this CPU, in nanoseconds for a piece of work.
pace()
{
	local took
	took=$("$LAB_BUILD/bench/pace" | awk '{ print $3 }') && [ "$took" -gt 0 ] && echo "$took"
}

# p99 SECONDS: of the victim, in microseconds, and the pace of this CPU: the median of so many seconds, as one in
# which this machine itself had no CPU for a few milliseconds tells of nothing else. Those are left out at whose
# begin or end the pace was another one than mostly; if that is more than half of them: 2. Every request
# must be answered.
p99()
{
	local before after second
	after=$(pace) || fail "no pace"
	for ((second = 0; second < $1; second++)); do
		before=$after
		ns client2 wrk -t1 -c1 -d1s --latency -H 'Host: globex.test' "http://$VIA$WANTED" >"$RUN/wrk" || fail "wrk failed"
		! grep -qE 'Non-2xx|Socket errors' "$RUN/wrk" || fail "the victim: $(cat "$RUN/wrk")"
		after=$(pace) || fail "no pace"
		awk -v before="$before" -v after="$after" '
			$1 == "99%" { n = $2 + 0; print $2 ~ /us$/ ? n : $2 ~ /ms$/ ? n * 1e3 : n * 1e6, before, after }' "$RUN/wrk"
	done >"$RUN/seconds"
	echo "$1" >>"$RUN/measured"
	sort -n -k 3 "$RUN/seconds" | awk -v alike=$ALIKE '
		{ p99[NR] = $1; before[NR] = $2; after[NR] = $3 }
		END {
			pace = after[int((NR + 1) / 2)]
			for (i = 1; i <= NR; i++)
				if (before[i] <= pace * alike && pace <= before[i] * alike && after[i] <= pace * alike && pace <= after[i] * alike)
					print p99[i], pace
		}' | sort -n >"$RUN/alike"
	(($(wc -l <"$RUN/alike") * 2 >= $1)) || return 2
	sed -n $((($(wc -l <"$RUN/alike") + 1) / 2))p "$RUN/alike" | sed "s/$/ $(wc -l <"$RUN/alike")/"
}

is_welcome()
{
	[ "$(ns client1 curl -s -o /dev/null -w '%{http_code}' -H 'Host: acme.test' "http://$1/")" != 429 ]
}

# attack ADDRESS LEAST OPTION...: until attack_stop, again and again if it ends; so many connections are
# there at first. By name, which the host's own file of names does not have. Whoever is held for the last attack
# is nobody to begin one.
attack()
{
	local address=$1 least=$2
	shift 2
	wait_until "is_welcome $address" $SECONDS_HELD || fail "the attacker is held for all that time"
	rm -f "$RUN/attack.stop"
	echo "$address acme.test" >"$RUN/hosts"
	# shellcheck disable=SC2016 # the shell inside
	ns client1 unshare -m bash -c 'mount --bind "$1" /etc/hosts; stop=$2; shift 2
		while [ ! -e "$stop" ]; do "$@" || sleep 0.1; done' _ "$RUN/hosts" "$RUN/attack.stop" \
		taskset -c "$THEIRS" slowhttptest -c $CONNECTIONS -r 500 -l 600 -p 3 "$@" </dev/null >"$RUN/attack" 2>&1 &
	ATTACK=$!
	wait_until '[ -n "$(server_pids client1 slowhttptest)" ] && [ "$(attackers '"$address"')" -ge '"$least"' ]' 20 || fail "no attack: $(tail -n 3 "$RUN/attack")"
}

attackers()
{
	ns client1 ss -tnH state established "dst $1" | wc -l
}

attack_stop()
{
	touch "$RUN/attack.stop"
	# shellcheck disable=SC2046 # a list, of none if it has just ended
	kill $(server_pids client1 slowhttptest) 2>/dev/null
	wait $ATTACK 2>/dev/null
	wait_until '[ "$(attackers '"$1"')" = 0 ]' 20 || fail "its connections stay"
}

# p99_under ADDRESS LEAST OPTION...
p99_under()
{
	local result
	attack "$@"
	p99 $LAST
	result=$?
	attack_stop "$1"
	return $result
}

# own_pace: wait until this CPU is as fast as it has been.
own_pace()
{
	local now best
	while now=$(pace); do
		best=$(cat "$RUN/best" 2>/dev/null || echo "$now")
		((now >= best)) || best=$now
		echo "$best" >"$RUN/best"
		awk -v now="$now" -v best="$best" -v alike=$ALIKE 'BEGIN { exit !(now > best * alike) }' || return 0
		((PATIENCE-- > 0)) || return 0
		sleep 1
	done
	fail "no pace"
}

# turn NUMBER ADDRESS LEAST OPTION...: 2 if it has to be made again, as what would be compared is not alike.
turn()
{
	local number=$1 address=$2 calm busy elsewhere
	shift 2
	own_pace
	calm=$(p99 $SECONDS_CALM) || return
	if ((number % 2)); then
		busy=$(p99_under "$address" "$@") && elsewhere=$(p99_under $BESIDE "$@") || return
	else
		elsewhere=$(p99_under $BESIDE "$@") && busy=$(p99_under "$address" "$@") || return
	fi
	awk -v alike=$ALIKE '{ exit !($2 <= $5 * alike && $5 <= $2 * alike) }' <<<"$busy $elsewhere" || return 2
	echo "$busy $elsewhere $calm" >>"$RUN/turns"
}

# mode NAME GOAL ADDRESS LEAST OPTION...: GOAL - is none. What counts is the median of the turns' ratios: what is
# compared is close together. How far single turns are from each other is told beside that, and how many of all
# seconds are not in it.
mode()
{
	local name=$1 goal=$2 turns=$TURNS tries kept
	[ "$goal" != - ] || turns=$TURNS_WITHOUT_GOAL
	shift 2
	: >"$RUN/turns"
	: >"$RUN/measured"
	for ((tries = kept = 0; kept < turns; tries++)); do
		((tries < 3 * turns)) || {
			echo "bench slow.$name.p99 not measured: the pace of this machine changed all the time" && return 1
		}
		turn $kept "$@"
		case $? in 0 | 2) ;; *) exit 1 ;; esac
		kept=$(wc -l <"$RUN/turns")
	done
	awk -v name="$name" -v goal="$goal" -v measured="$(awk '{ sum += $1 } END { print sum }' "$RUN/measured")" '
		function median(list,   i, k, swap) {
			for (i = 1; i <= NR; i++)
				for (k = i + 1; k <= NR; k++)
					if (list[k] < list[i]) { swap = list[i]; list[i] = list[k]; list[k] = swap }
			return list[int((NR + 1) / 2)]
		}
		{
			busy[NR] = $1
			elsewhere[NR] = $4
			calm[NR] = $7
			pace[NR] = $2
			pace_elsewhere[NR] = $5
			counted += $3 + $6 + $9
			ratios[NR] = $1 / $4
			least = NR == 1 || ratios[NR] < least ? ratios[NR] : least
			most = ratios[NR] > most ? ratios[NR] : most
		}
		END {
			ratio = median(ratios)
			over = goal != "-" && ratio > goal
			verdict = goal == "-" ? "no goal" : "goal " goal ": " (over ? "over" : "ok")
			printf "bench slow.%s.p99 %.2f of the same attack elsewhere (%.2f..%.2f), %s; %.0f us, %.0f elsewhere, %.0f without; pace %.1f us, %.1f elsewhere; %.0f %% of seconds left out\n",
				name, ratio, least, most, verdict, median(busy), median(elsewhere), median(calm),
				median(pace) / 1e3, median(pace_elsewhere) / 1e3, 100 * (1 - counted / measured)
			exit over
		}' "$RUN/turns"
}

# The attacker has a cable of its own to the balancer: on one that it shared with the neighbour, packets of
# both would be taken by whichever CPU is at it, and wait where the attacker's tool spins.
cable()
{
	ip link add eth1 netns "$LAB-lb" type veth peer name eth1 netns "$LAB-client1" &&
		ip -n "$LAB-lb" address add $CABLE.1/30 dev eth1 && ip -n "$LAB-client1" address add $CABLE.2/30 dev eth1 &&
		fabric_offloads lb eth1 && fabric_offloads client1 eth1 &&
		ip -n "$LAB-lb" link set eth1 up && ip -n "$LAB-client1" link set eth1 up &&
		ip -n "$LAB-client1" route add $SITE_V4 via $CABLE.1 &&
		sed -i 's/interfaces: .*/interfaces: [{name: eth0, mode: native}, {name: eth1, mode: native}]/' "$CONFIG/platform.yaml"
}

# front: the address that the tenants share is granted to somebody, whose limits hold for all of it.
front()
{
	sed -i -e 's/^tiers:/&\n  - {name: front, l4: {flows: 1024, synCookies: off}}/' \
		-e 's/^tenants:/&\n  - {name: front, id: 100, tier: front, vips: [shared-v4, shared-v6]}/' "$CONFIG/platform.yaml"
}

limit()
{
	sed -i "s|{name: front, l4: .*|{name: front, l4: {flows: 1024, synCookies: off, newFlowsPerClient: $LIMIT}}|" "$CONFIG/platform.yaml" &&
		config_apply
}

# haproxy_start: at the balancer's own addresses.
haproxy_start()
{
	local node=$1
	cat >"$RUN/haproxy.cfg" <<-END
		global
		 nbthread 1
		 maxconn 4000
		defaults
		 mode http
		 timeout connect 5s
		 timeout client 60s
		 timeout server 60s
		 timeout http-request 10s
		 option splice-auto
		frontend site
		 bind $node:80
		 bind $CABLE.1:80
		 use_backend globex if { req.hdr(host) -i globex.test }
		 default_backend acme
		backend acme
		 server site 10.20.1.21:80
		backend globex
		 server site 10.20.2.24:80
	END
	ns lb haproxy -db -f "$RUN/haproxy.cfg" </dev/null >"$RUN/haproxy.log" 2>&1 &
	wait_until '[ "$(ns client2 curl -s -o /dev/null -w "%{http_code}" -H "Host: globex.test" "http://'"$node"'/")" = 200 ]' 10 ||
		fail "HAProxy does not serve: $(tail -n 5 "$RUN/haproxy.log")"
}

stay_on "$OURS" || fail "no CPU of its own"
lab_name "mtlb-bench-slow-$$"
OTHERS=$(mktemp) || fail "no list of the others"
trap 'kill $(jobs -p) 2>/dev/null; wait; lab_down >/dev/null 2>&1; others_return "$OTHERS"; rm -f "$OTHERS"' EXIT
trap 'exit 130' INT TERM HUP
others_leave "$OURS" "$OTHERS"
VIA=$SITE_V4
lab_up || exit 1
cable || fail "no cable"
head -c $PAGE /dev/urandom >"$RUN/data/page" || fail "no page"
# What the checks of the lab's other pools cost is not measured, and their answers come from the attacker's CPU.
sed -i '/^ *health:/d' "$CONFIG"/tenants.d/*.yaml
site_addresses && site_listener && site_domains acme acme.test && site_domains globex globex.test &&
	site_pool acme site '' 10.20.1.21:80 && site_pool globex site '' 10.20.2.24:80 &&
	site_routes acme '{name: site, listener: web, backendRefs: [{pool: site}]}' && front &&
	site_routes globex '{name: site, listener: web, backendRefs: [{pool: site}]}' &&
	echo 'proxy: {workers: 1}' >>"$CONFIG/platform.yaml" || fail "no configuration"
agent_start && wait_until '[ "$(ns client2 curl -s -o /dev/null -w "%{http_code}" -H "Host: globex.test" "http://$SITE_V4/")" = 200 ]' 10 ||
	fail "mtlb does not serve"
# It takes a head for as long as mtlb does: whoever is cut then comes again, to both.
mkdir -p "$RUN/client1" && echo "client_header_timeout $SECONDS_HEAD;" >"$RUN/client1/more.conf" && nginx_start client1 ||
	fail "no server elsewhere"
for node in be1 client1; do
	ns $node sysctl -qw "net.ipv4.tcp_wmem=4096 16384 $SERVER_HOLDS" || fail "a server may hold what it likes"
done
put_on "$THEIRS" client1 nginx && put_on "$THEIRS" be1 nginx || fail "a server that is attacked stays where it was"
p99 $SECONDS_CALM >/dev/null # what is cold is not measured
over=0
BODY=(-B -i 10 -s 8192 -t POST -x 10 -u http://acme.test/upload)
READ=(-X -w 512 -y 1024 -n 5 -z 32 -k 3 -u http://acme.test/big)
LAST=$SECONDS_ATTACKED
mode headers $GOAL $SITE_V4 950 -H -i 10 -t GET -x 24 -u http://acme.test/ || over=1
mode body $GOAL $SITE_V4 950 "${BODY[@]}" || over=1
LAST=$SECONDS_READ
mode read $GOAL $SITE_V4 950 "${READ[@]}" || over=1
# What they cost until they are slow. Readers have a connection to a backend each, until the first of them have been
# cut, after five seconds, and their client is held.
LAST=$SECONDS_COMING
mode body_50 $GOAL $SITE_V4 30 "${COMING[@]}" "${BODY[@]}" || over=1
mode read_50 $GOAL $SITE_V4 30 "${COMING[@]}" "${READ[@]}" || over=1
LAST=$SECONDS_ATTACKED
# Nobody is slow in range, each brings a whole request: what counts is how many come. As many as the tool's own
# choice is; ten times that, which a worker's CPU has to serve; and those where one client has a limit.
RANGE=(-R -a 10 -b 3000 -t HEAD -u http://acme.test/big)
mode range $GOAL $SITE_V4 0 -r 50 "${RANGE[@]}" || over=1
mode range_500 - $SITE_V4 0 "${RANGE[@]}"
VIA=$(node_ip4 lb)
haproxy_start "$VIA"
LAST=$SECONDS_COMING
mode haproxy_body_50 - $CABLE.1 30 "${COMING[@]}" "${BODY[@]}"
mode haproxy_read_50 - $CABLE.1 30 "${COMING[@]}" "${READ[@]}"
LAST=$SECONDS_ATTACKED
mode haproxy_range - $CABLE.1 0 -r 50 "${RANGE[@]}"
mode haproxy_range_500 - $CABLE.1 0 "${RANGE[@]}"
# shellcheck disable=SC2046 # a list
kill $(server_pids lb haproxy)
VIA=$SITE_V4
limit || fail "no limit"
mode range_500_limited $GOAL $SITE_V4 0 "${RANGE[@]}" || over=1
[ "$(api drops | json "sum(r['packets'] for r in items if r['reason'] == 'over_client_flows')")" -gt 0 ] || fail "the limit held nobody back"
exit $over
