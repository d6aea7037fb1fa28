#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Health checks of every kind against real servers: nginx, openssl s_server, a server by gRPC's own
# library, dnsmasq, and the kernel's echo. Each is broken and healed while the others stay up; the log
# says why.

set -u -o pipefail
LAB_CONFIG=$(dirname "$0")/health
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

state()
{
	mtlb -j backend list | json "' '.join(sorted({b['state'] for b in items if b['pool'] == '$1'}))"
}

# Pools that are down.
down()
{
	mtlb -j backend list | json "' '.join(sorted({b['pool'] for b in items if b['state'] == 'down'}))"
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

well()
{
	echo "all ${1:-is well}" >"$RUN/be1/health.new" && mv "$RUN/be1/health.new" "$RUN/be1/health"
}

echoes()
{
	ns be3 sysctl -qw net.ipv4.icmp_echo_ignore_all="$1"
}

scenario health bare
check "a certificate" certificate
check "a file that says that all is well" well
check "https is served" secure https 8443
check "and tls" secure tls 8444
grpc 1
serve grpc "$LAB_DIR/grpc_server.py" 50051 "$RUN/statuses"
check "and gRPC" wait_until 'grep -q ready "$RUN/grpc.log"' 10 || diag "$(tail -n 3 "$RUN/grpc.log")"
agent_start || exit 1
check "all are up" wait_until all_up 10 || diag "$(agent_log | grep ' down' | tail -n 9)"

breaks http "the body is without what is expected" well "is lost"
heals http well
is "a request without GET asks as well" "$(state http6)" up
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

finish
