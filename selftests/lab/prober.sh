#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The process that makes health checks has no rights, and it may die or hang at any time: no packet
# goes another way for it, another one takes over, and then a backend that failed meanwhile is found.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

prober_pid()
{
	api node | json "d['health']['prober'].get('pid', '')"
}

prober_state()
{
	api node | json "d['health']['prober']['state']"
}

# status FIELD: of the prober, as the kernel has it.
status()
{
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$(prober_pid)/status"
}

replaced()
{
	[ "$(prober_state)" = runs ] && [ "$(prober_pid)" != "$1" ]
}

failures()
{
	cat "$RUN"/loop.* | awk '$2 != 200' | wc -l
}

# tables: their generations; another one is a table that was made anew.
tables()
{
	mtlb -j vip list | json "sorted((v['tenant'], v['service'], v['generation']) for v in items)"
}

be2_states()
{
	mtlb -j backend list | json "' '.join(sorted({b['state'] for b in items
		if b['tenant'] != 'initech' and b['address'][-2:] == '22'}))"
}

# survives WHAT SIGNAL EVENT
survives()
{
	local what=$1 before pid
	before=$(tables)
	pid=$(prober_pid)
	kill -"$2" "$pid"
	check "$what: another one takes over" wait_until "replaced $pid" 20
	check "$what: the old one is gone" [ ! -e "/proc/$pid" ]
	is "$what: all backends are up" "$(mtlb -j backend list |
		json "sorted({b['state'] for b in items})")" "['up']"
	is "$what: no table has changed" "$(tables)" "$before"
	check "$what: an event tells it" [ "$(mtlb -j event list kind prober-lost |
		json "'$3' in items[-1]['sentence']")" = True ]
}

scenario prober
is "it is not root" "$(status Uid | grep -cw 0)" 0
is "in no group" "$(status Groups | tr -d ' \t')" ""
for kind in Inh Prm Eff Bnd Amb; do
	is "without capabilities ($kind)" "$(status Cap$kind)" 0000000000000000
done
is "and will gain none" "$(status NoNewPrivs)" 1
is "its system calls are filtered" "$(status Seccomp)" 2
is "it has no file open but the log and sockets" "$(find "/proc/$(prober_pid)/fd" -type l -printf '%l\n' |
	grep -vc -e '^socket:' -e '^anon_inode:' -e '^/dev/null$' -e "^$AGENT_LOG\$")" 0

# mtlbd is root for good, to start the next one, and has little of what root has: bpf, perfmon, net_admin,
# net_raw, net_bind_service, setuid, setgid, setpcap, kill, chown, dac_read_search
agent_status()
{
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$(agent_pid)/status"
}
for kind in Prm Eff Bnd; do
	is "the agent: capabilities that it needs ($kind)" "$(agent_status Cap$kind)" 000000c0000035e5
done
is "the agent: and will gain none" "$(agent_status NoNewPrivs)" 1
is "the agent: its system calls are filtered" "$(agent_status Seccomp)" 2
is "the agent: on all of its threads" "$(cat /proc/"$(agent_pid)"/task/*/status | grep '^Seccomp:' | sort -u | wc -l)" 1

loop_start client1 "$RUN/loop.1" http://192.0.2.10/ 'http://[2001:db8::10]/'
loop_start client2 "$RUN/loop.2" http://192.0.2.20/ @192.0.2.53
survives "killed" KILL "ended by signal 9"
survives "hung" STOP "no sign of life"

loops_stop
check "the loops ran" [ "$(cat "$RUN"/loop.* | awk '$2 == 200' | wc -l)" -gt 20 ]
is "killed and hung: no request failed" "$(failures)" 0 || diag "$(cat "$RUN"/loop.* | awk '$2 != 200' | head -n 5)"

kill -STOP "$(prober_pid)"
check "a web server dies while nobody looks" server_kill be2 nginx
check "the next prober finds it" wait_until '[ "$(be2_states)" = down ]' 20
server_start be2 nginx
check "and that it is back" wait_until all_up 10

pid=$(prober_pid)
agent_stop KILL
check "mtlbd is killed: so is its prober" wait_until "[ ! -e /proc/$pid ]" 5
agent_start
check "the next one has one" wait_until '[ "$(prober_state)" = runs ]' 10
pid=$(prober_pid)
kill -STOP "$pid"
agent_stop KILL
check "even one that hangs" wait_until "[ ! -e /proc/$pid ]" 5

finish
