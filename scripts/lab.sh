#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A laboratory on this machine: two clients, a router, the balancer and six backends in two racks,
# each in a network namespace (drawn in selftests/lab/fabric.sh). Several labs live side by side,
# each with its name in MTLB_LAB.

# shellcheck disable=SC2016,SC2119 # as in selftests/lab/.shellcheckrc
set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/../selftests/lab/lib.sh"

usage()
{
	cat <<-END
		Usage: lab.sh up                 build the lab, start mtlbd in it, keep it
		       lab.sh down               remove it, whatever state it is in
		       lab.sh status             what runs where
		       lab.sh exec NODE CMD...   run a command on a node: ${NODES// /, }
		       lab.sh run SCENARIO...    run scenarios (selftests/lab/SCENARIO.sh), each in a lab of
		                                 its own; "all" for all of them
		       lab.sh demo               the guided tour (also: make demo)
		       lab.sh help               this

		Environment: MTLB_LAB        the lab's name (default mtlb): prefix of its namespaces
		             MTLB_LAB_AGENT  "no": up does not start mtlbd
		             MTLB_LAB_KEEP   set: scenarios leave their lab behind
	END
}

hints()
{
	cat <<-END

		The lab "$LAB" is up. Try:
		  scripts/lab.sh exec client1 curl http://192.0.2.10/           acme: TCP, direct server return
		  scripts/lab.sh exec client2 curl 'http://[2001:db8::20]/'     globex: TCP, IPv6 tunnels
		  scripts/lab.sh exec client2 curl http://192.0.2.20:8080/      globex: TCP, IPv4 tunnels
		  scripts/lab.sh exec client1 dig @192.0.2.53 whoami.lab TXT    initech: DNS
		  ${MTLB#"$PWD"/} -s $SOCKET backend list
		  kill \$(cat $RUN/be2/nginx.pid)      be2's web server dies; lab.sh up revives it
		  edit $CONFIG/tenants.d/acme.yaml, then
		  ${MTLB#"$PWD"/} -s $SOCKET config apply
		  tail -f $AGENT_LOG
		and when done: scripts/lab.sh down
	END
}

up()
{
	lab_up || exit 1
	if [ "${MTLB_LAB_AGENT:-yes}" != no ] && [ -z "$(agent_pid)" ]; then
		say "mtlbd"
		agent_start || exit 1
	fi
	hints
}

status()
{
	local node pid
	if ! fabric_exists; then
		echo "The lab \"$LAB\" is down."
	else
		for node in $NODES; do
			printf '%-8s %-12s %-16s' "$node" "$(node_ip4 "$node")" "$(node_ip6 "$node")"
			for pid in $(node_pids "$node"); do
				printf ' %s(%s)' "$(cat "/proc/$pid/comm" 2>/dev/null)" "$pid"
			done
			echo
		done
	fi
	ip netns list | sed -n 's/-router\( .*\)\?$//p' | while read -r other; do
		[ "$other" = "$LAB" ] || echo "Another lab is there: MTLB_LAB=$other"
	done
}

run()
{
	local name files=()
	[ "$#" -gt 0 ] || set -- all
	if [ "$1" = all ]; then
		set -- selfcheck untouched balance drain failover reload restart badconfig
	fi
	for name; do
		files+=("$LAB_DIR/$(basename "$name" .sh).sh")
	done
	prove "${files[@]}"
}

verb=${1:-help}
[ "$#" -eq 0 ] || shift
case $verb in
up) up ;;
down) lab_down ;;
status) status ;;
exec)
	[ "$#" -ge 2 ] || { usage >&2; exit 1; }
	fabric_exists || { complain "is down: scripts/lab.sh up raises it"; exit 1; }
	node=$1
	shift
	[ -e "/run/netns/$LAB-$node" ] || { complain "has no node $node; it has ${NODES// /, }"; exit 1; }
	exec nsenter --net="/run/netns/$LAB-$node" "$@"
	;;
run) run "$@" ;;
demo) exec "$LAB_ROOT/scripts/demo.sh" ;;
help | -h | --help) usage ;;
*)
	complain "no such verb: $verb"
	usage >&2
	exit 1
	;;
esac
