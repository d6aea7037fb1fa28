#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The three ways to share that docs/sharing.md tells of, each as its example stands in docs/example:
# tenants that share servers are metered apart, tenants with servers of their own never meet, and of
# two balancers on one machine the one does not notice what becomes of the other.
#
#   router ==== rackA ---- eth0 lb eth1 ---- rackB ==== router       eth1 only for the last of them
#      be1 be2 be3    10.20.1.10   10.20.2.10    be4 be5 be6

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/lib/blocks.sh
. "$LAB_ROOT/selftests/lib/blocks.sh"

EXAMPLES=$LAB_ROOT/docs/example

# example DIRECTORY: from here on the balancer is the one of that example.
example()
{
	local name=${1//\//-}
	PLACE=$RUN/$name
	mkdir -p "$PLACE"
	CONFIG=$PLACE/config
	SOCKET=$PLACE/api.sock
	BPFFS=$LAB_BPFFS/$name
	AGENT_LOG=$PLACE/mtlbd.log
	[ -e "$CONFIG" ] || { cp -r "$EXAMPLES/$1" "$CONFIG" && sed -i "s#/run/mtlb-.*/api.sock#$SOCKET#" "$CONFIG/platform.yaml"; }
}

# documented COMMAND: one of docs/sharing.md's, with the lab's places in it.
documented()
{
	doc_commands docs/sharing.md sharing | grep -xF -- "$1" |
		sed "s#/etc/mtlb-\([a-z]*\)#$RUN/dedicated-balancers-\1/config#
			s#/sys/fs/bpf/mtlb-\([a-z]*\)#$LAB_BPFFS/dedicated-balancers-\1#
			s#/run/mtlb-\([a-z]*\)/api.sock#$RUN/dedicated-balancers-\1/api.sock#
			s#^mtlbd #$MTLBD #; s#^mtlb #$MTLB #" | grep .
}

# agent_pid: of the example's own one; there may be two.
agent_pid()
{
	local pid
	for pid in $(server_pids lb mtlbd); do
		! tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF "$CONFIG" || echo "$pid"
	done
}

# starts DIRECTORY [COMMAND]: by a command of docs/sharing.md's, or else as in any scenario.
starts()
{
	example "$1"
	check "$1: the configuration is right" "$MTLB" config check "$EXAMPLES/$1"
	if [ -n "${2:-}" ]; then
		doc_typed docs/sharing.md "$2"
		check "docs/sharing.md: $2" start_documented "$2" || exit 1
	else
		check "$1: mtlbd starts" agent_start || exit 1
	fi
	check "$1: all members come up" wait_until all_up 20 || exit 1
}

start_documented()
{
	local command
	command=$(documented "$1") || return 1
	touch "$AGENT_LOG"
	echo $(($(wc -l <"$AGENT_LOG") + 1)) >"$RUN/log.from"
	# shellcheck disable=SC2086 # words of a command
	setsid nsenter --net="/run/netns/$LAB-lb" $command </dev/null >>"$AGENT_LOG" 2>&1 &
	disown
	wait_until agent_is_ready 30
}

removes()
{
	agent_stop && ns lb "$MTLBD" --remove --bpffs "$BPFFS" >>"$AGENT_LOG" 2>&1
}

# says COMMAND: what that one of docs/sharing.md's says.
says()
{
	local command
	doc_typed docs/sharing.md "$1"
	command=$(documented "$1") || return 1
	# shellcheck disable=SC2086 # words of a command
	SAID=$(ns lb $command 2>&1)
}

# asked CLIENT VIP COUNT [CURL-OPTION...]: that many requests, and all of them succeed.
asked()
{
	local client=$1 vip=$2 count=$3
	shift 3
	requests "$client" "http://$vip/" "$count" "$RUN/out.$vip" "$@" &&
		[ "$(succeeded "$RUN/out.$vip")" = "$count" ] || { tell_failed "$RUN/out.$vip"; return 1; }
}

# who VIP: the backends that answered.
who()
{
	grep -o 'be[1-6]' "$RUN/out.$1" | sort -u | tr '\n' ' '
}

dropped()
{
	mtlb -j drop list tenant "$1" reason "$2" | json "sum(i['packets'] for i in items)"
}

# counted TENANT: connections that were opened for it.
counted()
{
	mtlb -j tenant list tenant "$1" | json "items[0]['newFlows']"
}

second_card()
{
	ip -n "$LAB-lb" -batch - <<-END || return 1
		link add eth1 mtu 1600 type veth peer name lb1 mtu 1600 netns $LAB-router
		address add 10.20.2.10/24 dev eth1
		link set eth1 up
	END
	ip -n "$LAB-router" -batch - <<-END || return 1
		link set lb1 master rackB
		link set lb1 up
		route add 192.0.2.20/32 via 10.20.2.10
	END
	fabric_offloads lb eth1 && fabric_offloads router lb1 && xdp_attach router lb1 pass
}

scenario sharing bare
LAB_BPFFS=$BPFFS
mkdir -p "$LAB_BPFFS"

# --- one pool
starts shared-pool
check "acme is served" asked client1 192.0.2.10 40 --rate 50/s
check "globex is served" asked client2 192.0.2.20 40
is "acme is served by all members" "$(who 192.0.2.10)" "be1 be2 be3 "
is "globex by the same ones" "$(who 192.0.2.20)" "be1 be2 be3 "
is "acme's connections are counted" "$(counted acme)" 40
is "and globex's, apart from them" "$(counted globex)" 40
ns client1 "$LAB_DIR/packets.py" flood 203.0.113. 192.0.2.10 80 2000 "$RUN/flood.stop" &
check "acme is asked for more than it has" wait_until '[ "$(dropped acme over_new_flows)" -gt 200 ]' 20
check "globex is served meanwhile" asked client2 192.0.2.20 200
touch "$RUN/flood.stop"
wait $!
is "nothing was refused of globex" "$(dropped globex over_new_flows)" 0
is "each has meters of its own" "$(mtlb -j meter list meter newFlows | json "sorted((m['tenant'], m['rate']) for m in items)")" \
	"[('acme', 100), ('globex', 5000)]"
check "it is taken down" removes

# --- a pool each
starts dedicated-pools
check "acme is served" asked client1 192.0.2.10 60
check "globex is served" asked client2 192.0.2.20 60
is "acme by its own members" "$(who 192.0.2.10)" "be1 be2 be3 "
is "globex by its own" "$(who 192.0.2.20)" "be4 be5 be6 "
for node in be1 be2 be3; do
	server_kill $node nginx
done
check "all of acme's members go down" wait_until '[ "$(mtlb -j health list tenant acme state down | json "len(items)")" = 3 ]' 20
check "acme is not served by anybody" eval '! asked client1 192.0.2.10 1 --connect-timeout 1'
is "no answer came from elsewhere" "$(who 192.0.2.10)" ""
check "globex does not notice" asked client2 192.0.2.20 60
sed -i 's/name: web, vips/name: other, vips/; s/pool: web/pool: globex-web/' "$CONFIG/tenants.d/acme.yaml"
check "a pool of another tenant cannot even be named" eval '! config_apply && grep -q globex-web "$RUN/apply.log"'
for node in be1 be2 be3; do
	server_start $node nginx
done
check "it is taken down" removes

# --- a balancer each
check "a second card" second_card
ACME='mtlbd -c /etc/mtlb-acme --bpffs /sys/fs/bpf/mtlb-acme'
starts dedicated-balancers/acme "$ACME"
starts dedicated-balancers/globex 'mtlbd -c /etc/mtlb-globex --bpffs /sys/fs/bpf/mtlb-globex'
check "acme is served" asked client1 192.0.2.10 60
check "globex is served" asked client2 192.0.2.20 60
is "acme by its own members" "$(who 192.0.2.10)" "be1 be2 be3 "
is "globex by its own" "$(who 192.0.2.20)" "be4 be5 be6 "
for name in acme globex; do
	says "mtlb -s /run/mtlb-$name/api.sock tenant list"
	is "$name's agent knows of $name alone" "$(awk 'NR > 1 { print $1 }' <<<"$SAID")" $name
done
example dedicated-balancers/acme
requests client2 http://192.0.2.20/ 100000 "$RUN/globex" --rate 200/s &
loop=$!
agent_stop
says 'mtlbd --remove --bpffs /sys/fs/bpf/mtlb-acme'
is "acme's is stopped and taken down" $? 0 || diag "$SAID"
check "acme is no longer served" eval '! asked client1 192.0.2.10 1 --connect-timeout 1'
before=$(succeeded "$RUN/globex")
check "globex goes on" wait_until '[ "$(succeeded "$RUN/globex")" -gt $((before + 50)) ]' 20
starts dedicated-balancers/acme "$ACME"
check "and acme is back" asked client1 192.0.2.10 60
kill $loop
wait $loop
is "no request of globex's failed meanwhile" "$(failed "$RUN/globex")" 0
for name in acme globex; do
	example dedicated-balancers/$name
	check "$name's is taken down" removes
done
is "nothing is pinned" "$(find "$LAB_BPFFS" -type f)" ""
is "no command of this test was left out" "$(doc_untyped sharing)" ""
BPFFS=$LAB_BPFFS
finish
