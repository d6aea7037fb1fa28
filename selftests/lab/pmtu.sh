#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# No path MTU black holes. Upwards: the way to the members is as narrow as the clients' own, so that
# an outer header does not fit on a full packet; the balancer tells the client. Downwards: a link in
# front of the clients is narrow, and the router's word of it, sent to the VIP, must reach the
# backend whose packet it is about.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# uploads VIP PATH: 3 MB from client1 arrive whole.
uploads()
{
	local sent
	sent=$(ns client1 curl -sS -m 10 -o /dev/null -w '%{http_code} %{size_upload}' \
		-T "$RUN/body" "$(url "$1" "$2")")
	[ "$sent" = "200 3145728" ] || { diag "$sent"; return 1; }
}

downloads()
{
	local got
	got=$(ns client1 curl -sS -m 10 -o /dev/null -w '%{http_code} %{size_download}' "$(url "$1" "$2")")
	[ "$got" = "200 10485760" ] || { diag "$got"; return 1; }
}

told() { api drops | json "sum(r['packets'] for r in d['items'] if r['reason'] == 'told_too_big')"; }

# learnt NODE ADDRESS: it knows that less than a link's MTU gets there.
learnt() { ns "$1" ip route get "$2" | grep -q ' mtu '; }

scenario pmtu
head -c 3145728 /dev/zero >"$RUN/body"

# Upwards: lb's link carries 1500 bytes, so a tunnel leaves 1480 or 1460 to the client's packets.
ns lb ip link set eth0 mtu 1500
check "the members' ways are narrow" wait_until \
	'[ "$(mtlb -j backend list | json "max(b[\"nextHop\"][\"mtu\"] for b in d)")" = 1500 ]' 20
for target in "192.0.2.20 :8080/upload" "2001:db8::20 :8080/upload" "192.0.2.20 /upload" \
	"2001:db8::20 /upload"; do
	# shellcheck disable=SC2086
	check "3 MB go to $target" uploads $target
done
check "the client has learnt the size that fits, IPv4" learnt client1 192.0.2.20
check "the client has learnt the size that fits, IPv6" learnt client1 2001:db8::20
check "it was told, and that was counted" [ "$(told)" -ge 4 ]
is "what was told is seldom" "$([ "$(told)" -le 400 ] && echo yes)" yes
ns lb ip link set eth0 mtu 1600

# Downwards: the router lets only 1300 bytes through to the clients.
ns router ip route replace 10.10.1.0/24 dev "$(ns router ip -o route get 10.10.1.11 |
	sed 's/.* dev \([^ ]*\).*/\1/')" mtu lock 1300
ns router ip -6 route replace fd00:10:1::/64 dev "$(ns router ip -o -6 route get fd00:10:1::11 |
	sed 's/.* dev \([^ ]*\).*/\1/')" mtu lock 1300
for target in "192.0.2.10 /big" "2001:db8::10 /big" "192.0.2.20 :8080/big" "2001:db8::20 :8080/big" \
	"192.0.2.20 /big" "2001:db8::20 /big"; do
	# shellcheck disable=SC2086
	check "10 MB come from $target" downloads $target
done
is "no error was dropped" "$(api drops | json "sum(r['packets'] for r in d['items'] if r['reason'] == 'icmp')")" 0

finish
