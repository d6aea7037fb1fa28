#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What slowhttptest, in each of its modes, does at one tenant to the requests of another one at the same
# address: the 99th percentile of wrk's. Beside each turn there is one in which the same attack is at a server
# beside the balancer (nginx, in the attacker's own namespace): the tool looks at its sockets without a
# rest, and what that does to everybody on the machine is not the balancer's. The attacker, and the
# servers that are attacked, have a CPU; the balancer, the other tenant's server and client have another one.
#
#   selftests/bench/slow.sh [TURNS]   of each mode (9)

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/../lab/lib.sh"
# shellcheck source=selftests/lib/sites.sh
. "$LAB_ROOT/selftests/lib/sites.sh"
# shellcheck source=selftests/bench/pinned.sh
. "$(dirname "$0")/pinned.sh" || exit 1

TURNS=${1:-9}
SECONDS_EACH=5
CONNECTIONS=1000
GOAL=1.10
BESIDE=127.0.0.1
CABLE=10.10.9
# Of the tenant that is attacked alone, with a limit of what it bought.
OWN_V4=192.0.2.61
OWN_LIMIT=20/s

fail()
{
	echo "bench slow: $*" >&2
	[ ! -e "$AGENT_LOG" ] || tail -n 5 "$AGENT_LOG" >&2
	exit 1
}

# p99: of the victim, in microseconds: the median of so many seconds, as a second in which this machine itself
# had no CPU for a few milliseconds tells of nothing else. Every request must be answered.
p99()
{
	for ((second = 0; second < SECONDS_EACH; second++)); do
		ns client2 wrk -t1 -c1 -d1s --latency -H 'Host: globex.test' "http://$SITE_V4/" >"$RUN/wrk" || fail "wrk failed"
		! grep -qE 'Non-2xx|Socket errors' "$RUN/wrk" || fail "the victim: $(cat "$RUN/wrk")"
		awk '$1 == "99%" { n = $2 + 0; print $2 ~ /us$/ ? n : $2 ~ /ms$/ ? n * 1e3 : n * 1e6 }' "$RUN/wrk"
	done >"$RUN/seconds"
	sort -n "$RUN/seconds" | sed -n $((SECONDS_EACH / 2 + 1))p
}

# attack ADDRESS LEAST OPTION...: until attack_stop, again and again if it ends; so many connections are
# there at first. By name, which the host's own file of names does not have.
attack()
{
	local address=$1 least=$2
	shift 2
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
	attack "$@"
	p99 || exit 1
	attack_stop "$1"
}

# mode NAME GOAL ADDRESS LEAST OPTION...: GOAL - is none. The medians of all turns are compared; how far
# single turns are from each other is told beside that.
mode()
{
	local name=$1 goal=$2 address=$3 calm busy elsewhere
	shift 3
	: >"$RUN/turns"
	for ((turn = 0; turn < TURNS; turn++)); do
		calm=$(p99) || exit 1
		if ((turn % 2)); then
			busy=$(p99_under "$address" "$@") && elsewhere=$(p99_under $BESIDE "$@") || exit 1
		else
			elsewhere=$(p99_under $BESIDE "$@") && busy=$(p99_under "$address" "$@") || exit 1
		fi
		echo "$busy $elsewhere $calm" >>"$RUN/turns"
	done
	awk -v name="$name" -v goal="$goal" '
		function median(list,   i, k, swap) {
			for (i = 1; i <= NR; i++)
				for (k = i + 1; k <= NR; k++)
					if (list[k] < list[i]) { swap = list[i]; list[i] = list[k]; list[k] = swap }
			return list[int((NR + 1) / 2)]
		}
		{
			busy[NR] = $1
			elsewhere[NR] = $2
			calm[NR] = $3
			ratio = $1 / $2
			least = NR == 1 || ratio < least ? ratio : least
			most = ratio > most ? ratio : most
		}
		END {
			ratio = median(busy) / median(elsewhere)
			over = goal != "-" && ratio > goal
			verdict = goal == "-" ? "no goal" : "goal " goal ": " (over ? "over" : "ok")
			printf "bench slow.%s.p99 %.2f of the same attack elsewhere (%.2f..%.2f), %s; %.0f us, %.0f elsewhere, %.0f without\n",
				name, ratio, least, most, verdict, median(busy), median(elsewhere), median(calm)
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
		ip -n "$LAB-client1" route add $SITE_V4 via $CABLE.1 && ip -n "$LAB-client1" route add $OWN_V4 via $CABLE.1 &&
		sed -i 's/interfaces: .*/interfaces: [{name: eth0, mode: native}, {name: eth1, mode: native}]/' "$CONFIG/platform.yaml"
}

# own: an address that is the attacked tenant's alone, with so many new connections a second as it bought.
own()
{
	ns lb ip address add $OWN_V4/32 dev lo &&
		sed -i -e 's/^vips:/&\n  - {name: own, address: '$OWN_V4'}/' \
			-e 's/^listeners:/&\n  - {name: own, vips: [own], port: 80, protocol: HTTP}/' \
			-e "s|^tiers:|&\n  - {name: bought, l4: {flows: 1024, newFlows: $OWN_LIMIT}}|" \
			-e 's/\(name: acme, id: 1,.*\)tier: standard, vips: \[/\1tier: bought, vips: [own, /' "$CONFIG/platform.yaml"
}

stay_on "$OURS" || fail "no CPU of its own"
lab_name "mtlb-bench-slow-$$"
trap 'kill $(jobs -p) 2>/dev/null; wait; lab_down >/dev/null 2>&1' EXIT
trap 'exit 130' INT TERM HUP
lab_up || exit 1
cable || fail "no cable"
# What the checks of the lab's other pools cost is not measured, and their answers come from the attacker's CPU.
sed -i '/^ *health:/d' "$CONFIG"/tenants.d/*.yaml
site_addresses && site_listener && site_domains acme acme.test && site_domains globex globex.test &&
	site_pool acme site '' 10.20.1.21:80 && site_pool globex site '' 10.20.2.24:80 &&
	site_routes acme '{name: site, listener: web, backendRefs: [{pool: site}]}' \
		'{name: own, listener: own, backendRefs: [{pool: site}]}' && own &&
	site_routes globex '{name: site, listener: web, backendRefs: [{pool: site}]}' &&
	echo 'proxy: {workers: 1}' >>"$CONFIG/platform.yaml" || fail "no configuration"
agent_start && wait_until '[ "$(ns client2 curl -s -o /dev/null -w "%{http_code}" -H "Host: globex.test" "http://$SITE_V4/")" = 200 ]' 10 ||
	fail "mtlb does not serve"
nginx_start client1 || fail "no server elsewhere"
put_on "$THEIRS" client1 nginx && put_on "$THEIRS" be1 nginx || fail "a server that is attacked stays where it was"
p99 >/dev/null # what is cold is not measured
over=0
mode headers $GOAL $SITE_V4 950 -H -i 10 -t GET -x 24 -u http://acme.test/ || over=1
mode body $GOAL $SITE_V4 950 -B -i 10 -s 8192 -t POST -x 10 -u http://acme.test/upload || over=1
mode read $GOAL $SITE_V4 950 -X -w 512 -y 1024 -n 5 -z 32 -k 3 -u http://acme.test/big || over=1
# Nobody is slow in this one: what counts is how many come. As many as the tool's own choice is; ten times
# that, which a worker's CPU has to serve; and where the attacked tenant has a limit.
RANGE=(-R -a 10 -b 3000 -t HEAD -u http://acme.test/big)
mode range $GOAL $SITE_V4 0 -r 50 "${RANGE[@]}" || over=1
mode range_500 - $SITE_V4 0 "${RANGE[@]}"
mode range_500_limited $GOAL $OWN_V4 0 "${RANGE[@]}" || over=1
exit $over
