#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A flood of SYNs, from addresses that are not there, at a web server on the balancer itself
# (forward: local), over both families. Without cookies its queue is full and nobody gets in. With
# them, which begin by themselves, every client is served, and the other tenant feels nothing; an
# agent that is killed meanwhile changes nothing, and the one that comes after it goes on. When the
# flood is over they end by themselves.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

V4=192.0.2.10
V6=2001:db8::10
RATE=5000 # SYNs a second, of each family

# cookies FIELD: of acme.
cookies()
{
	api tenants | json "next(t['synCookies']['$1'] for t in items if t['name'] == 'acme')"
}

# events KIND: how many there are.
events()
{
	mtlb -j event list kind "$1" | json "len(items)"
}

# tier TEXT: what acme and globex are sold beside their flows.
tier()
{
	sed -i "s/{name: standard, l4: {flows: 16384.*/{name: standard, l4: {flows: 16384$1}}/" \
		"$CONFIG/platform.yaml" && config_apply
}

cookies_sysctl()
{
	sysctls lb "ipv4/tcp_syncookies=$1"
}

local_services()
{
	local file=$CONFIG/tenants.d/acme.yaml
	{
		sed '/^services:/,$d' "$LAB_CONFIG/tenants.d/acme.yaml"
		echo "services:"
		echo "  - {name: web, vips: [acme-v4, acme-v6], protocol: TCP, ports: [80], forward: local}"
	} >"$file.new" && mv "$file.new" "$file"
	config_apply
}

serve_here()
{
	ns lb ip address add $V4/32 dev lo && ns lb ip address add $V6/128 dev lo nodad && nginx_start lb
}

# all_served ADDRESS COUNT [CLIENT]: by whoever.
all_served()
{
	requests "${3:-client2}" "$(url "$1" /)" "$2" "$RUN/answers"
	[ "$(succeeded "$RUN/answers")" = "$2" ] && [ "$(failed "$RUN/answers")" = 0 ]
}

# hardly_served ADDRESS: of six that do not wait long, most get no connection.
hardly_served()
{
	requests client2 "$(url "$1" /)" 6 "$RUN/answers" --connect-timeout 1
	[ "$(failed "$RUN/answers")" -ge 4 ]
}

flood_start()
{
	rm -f "$RUN/flood.stop"
	ns client1 "$LAB_DIR/packets.py" flood 203.0.113. $V4 80 $RATE "$RUN/flood.stop" &
	FLOODS=$!
	ns client1 "$LAB_DIR/packets.py" flood 2001:db8:f:: $V6 80 $RATE "$RUN/flood.stop" &
	FLOODS="$FLOODS $!"
}

flood_stop()
{
	touch "$RUN/flood.stop"
	# shellcheck disable=SC2086 # a list
	wait $FLOODS
}

# Cookies that were sent, a second's worth at least since then.
sending()
{
	local before
	before=$(cookies sent)
	wait_until "[ \"\$(cookies sent)\" -gt $((before + RATE)) ]" 10
}

scenario cookies
# Nobody answers, and nobody says that there is nobody.
ip -n "$LAB-router" -batch - <<-END || exit 1
	route add blackhole 203.0.113.0/24
	route add blackhole 2001:db8:f::/64
END
check "a web server starts on the node" serve_here

cookies_sysctl 0
check "acme's service becomes the node's own" local_services
is "that the kernel makes no cookies is an event" "$(events syn-cookies-missing)" 1
check "which says what to do" sh -c "'$MTLB' -s '$SOCKET' event list | grep -q 'sysctl -w net.ipv4.tcp_syncookies=1'"
check "and stands in the log" grep -q 'defence: net.ipv4.tcp_syncookies is 0' "$AGENT_LOG"
cookies_sysctl 1
check "without cookies" tier ', synCookies: off'
is "which is shown" "$(cookies mode) $(cookies state)" "off off"
# A client that has been served before finds a last quarter of the queue free, even with cookies off.
check "all are served in calm times, IPv4" all_served $V4 20 client1
check "all are served in calm times, IPv6" all_served $V6 20 client1

cookies_sysctl 0
flood_start
check "the flood comes" wait_until '[ "$(cookies syns)" -gt 20000 ]' 20
check "and hardly anybody is served, IPv4" hardly_served $V4
check "and hardly anybody is served, IPv6" hardly_served $V6
is "no cookie was sent" "$(cookies sent)" 0

cookies_sysctl 1
began=$(now_ms)
check "with cookies (auto)" tier ''
check "the attack is seen" wait_until '[ "$(cookies state)" = on ]' 5
diag "after $(($(now_ms) - began)) ms, with the change of the configuration"
check "cookies are sent" sending
check "every client is served, IPv4" all_served $V4 100
check "every client is served, IPv6" all_served $V6 100
check "by cookies" [ "$(cookies accepted)" -ge 100 ]
is "the event tells it" "$(mtlb -j event list kind syn-cookies-on | json "[e['tenant'] for e in items]")" "['acme']"
check "at about that rate" [ "$(mtlb -j event list kind syn-cookies-on | json "items[0]['rate']")" -gt $RATE ]
check "the tenant's line shows it" sh -c "'$MTLB' -s '$SOCKET' tenant show acme | grep -qw on"
requests client2 "$(url $V4 /big)" 1 "$RUN/big.answer" -o /dev/null
check "a large answer comes whole" [ "$(succeeded "$RUN/big.answer")" = 1 ]
check "globex: every client is served" all_served 192.0.2.20 100
is "and gets no cookies" "$(api drops | json "sum(r['packets'] for r in d['items']
	if r['tenant'] == 'globex' and r['reason'] == 'syn_cookie')")" 0

agent_stop KILL
check "while no agent runs, every client is served" all_served $V4 20
check "mtlbd comes back" agent_start
is "and finds the attack" "$(cookies state)" on
is "which is no new one" "$(events syn-cookies-on)" 0
check "every client is served" all_served $V6 20

check "cookies for all" tier ', synCookies: always'
is "1 is too little for that, which is an event" "$(events syn-cookies-missing)" 1
cookies_sysctl 2
check "every client is served" all_served $V4 20
check "auto again" tier ''
check "which sees the attack again" wait_until '[ "$(cookies state)" = on ]' 5

flood_stop
ended=$(now_ms)
is "it holds on for a while" "$(cookies state)" on
check "then they end" wait_until '[ "$(cookies state)" = off ]' 45
check "no earlier than after 25 s" [ $(($(now_ms) - ended)) -ge 25000 ]
check "with an event that says what was done" sh -c "'$MTLB' -s '$SOCKET' event list kind syn-cookies-off |
	grep -Eq 'SYN cookies off for acme after [0-9]+ s: at most [0-9]+ SYNs a second, [1-9][0-9]* cookies sent'"
check "all are served" all_served $V4 20

finish
