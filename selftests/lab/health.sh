#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Health checks of every kind against real servers: nginx, openssl s_server, a server by gRPC's own
# library, dnsmasq, and the kernel's echo. Each is broken and healed while the others stay up; the log
# says why. Then a pool of which most is down: all of it is used, and an event says so.

set -u -o pipefail
LAB_CONFIG=$(dirname "$0")/health
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# Pools that are down, but the one with several backends.
down()
{
	mtlb -j health list state down | json "' '.join(sorted({b['pool'] for b in items} - {'panic'}))"
}

# breaks POOL WHY COMMAND...: that one goes down, and no other; why is a pattern.
breaks()
{
	local pool=$1 why=$2
	shift 2
	check "$pool: it is broken" "$@"
	check "$pool: and down" wait_until "[ \"\$(down)\" = '$pool' ]" 10 || diag "down: $(down)"
	check "$pool: for $why" wait_until "agent_log | grep -q 'pool acme/$pool: .* is down: .*$why'" 5 ||
		diag "$(agent_log | grep "acme/$pool" | tail -n 2)"
}

heals()
{
	local pool=$1
	shift
	check "$pool: it is healed" "$@"
	check "$pool: and up" wait_until '[ -z "$(down)" ]' 10 || diag "down: $(down)"
}

# serve NAME COMMAND...: in be1's namespace.
serve()
{
	local name=$1
	shift
	ns be1 setsid "$@" </dev/null >"$RUN/$name.log" 2>&1 &
	disown
}

# stop PORT: whoever listens there.
stop()
{
	kill -KILL "$(ns be1 ss -Hltnp "sport = $1" | sed -n 's/.*pid=\([0-9]*\).*/\1/p' | head -n 1)"
}

secure()
{
	serve "$1" openssl s_server -accept "$2" -cert "$RUN/cert.pem" -key "$RUN/key.pem" -www -quiet
	wait_until "[ -n \"\$(ns be1 ss -Hltn 'sport = $2')\" ]" 5
}

grpc()
{
	echo "acme.Orders $1" >"$RUN/statuses.new" && mv "$RUN/statuses.new" "$RUN/statuses"
}

certificate()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=be1 \
		-keyout "$RUN/key.pem" -out "$RUN/cert.pem" 2>/dev/null
}

# well [WORDS] [NODE]
well()
{
	local file=$RUN/${2:-be1}/health
	echo "all ${1:-is well}" >"$file.new" && mv "$file.new" "$file"
}

ill()
{
	rm "$RUN/$1/health"
}

# states POOL: what its checks say; used POOL: what packets meet.
states()
{
	mtlb -j health list pool "$1" | json "' '.join(c['state'] for c in items)"
}

used()
{
	mtlb -j backend list pool "$1" | json "' '.join(sorted({b['state'] for b in items}))"
}

panics()
{
	mtlb -j event list kind pool-panic-$1 | json "len(items)"
}

echoes()
{
	ns be3 sysctl -qw net.ipv4.icmp_echo_ignore_all="$1"
}

scenario health bare
check "a certificate" certificate
for node in be1 be2 be3; do
	check "$node: a file that says that all is well" well "is well" $node
done
check "https is served" secure https 8443
check "and tls" secure tls 8444
grpc 1
serve grpc "$LAB_DIR/grpc_server.py" 50051 "$RUN/statuses"
check "and gRPC" wait_until 'grep -q ready "$RUN/grpc.log"' 10 || diag "$(tail -n 3 "$RUN/grpc.log")"
agent_start || exit 1
check "all are up" wait_until all_up 10 || diag "$(agent_log | grep ' down' | tail -n 9)"

breaks http "the body is without what is expected" well "is lost"
heals http well
is "HEAD asks as well, and over IPv6" "$(states http6)" up
breaks https "connection refused" stop 8443
heals https secure https 8443
breaks tls "connection refused" stop 8444
heals tls secure tls 8444
breaks grpc "it says NOT_SERVING" grpc 2
heals grpc grpc 1
breaks udp "connection refused" server_kill be2 dnsmasq
heals udp server_start be2 dnsmasq
breaks icmp "timeout after 150ms without a reply" echoes 1
heals icmp echoes 0

is "what was counted of a check" "$(mtlb -j health list pool icmp |
	json "[(c['type'], c['state'], c['failures'] >= 2, c['probes'] > c['failures'], c['lastError']) for c in items]")" \
	"[('icmp', 'up', True, True, 'timeout after 150ms without a reply')]"
is "and the same on a terminal" "$(mtlb health list pool icmp | awk 'NR == 2 { print $1, $2, $4, $5 }')" "acme icmp icmp up"

check "one of three is down" ill be1
check "and not used" wait_until '[ "$(used panic)" = "down up" ]' 10
is "which is no panic" "$(panics begins)" 0
check "two of three are down" ill be2
check "so all are used" wait_until '[ "$(used panic)" = up ]' 10
is "though the checks say what they say" "$(states panic)" "down down up"
is "which is told once" "$(panics begins)" 1
is "by words" "$(mtlb -j event list kind pool-panic-begins | json "items[0]['sentence']")" \
	"only 1 of 3 backends of acme/panic are up, fewer than its panicThreshold: all of them are used"
requests client1 http://192.0.2.10 20 "$RUN/requests"
is "and everybody is answered" "$(succeeded "$RUN/requests")" 20
check "be2 is well again" well "is well" be2
check "and the last one is not used" wait_until '[ "$(used panic)" = "down up" ]' 10
is "which is told as well" "$(panics ends)" 1

finish
