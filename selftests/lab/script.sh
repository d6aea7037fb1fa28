#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Backends asked by scripts: one that asks, hangs, says a gigabyte, multiplies without end, tries to get
# away, is not there or may not be run. Each says what is wrong in its own words, or in one sentence of the
# node's; what they start ends with them, and no other script suffers.

set -u -o pipefail
LAB_CONFIG=$(dirname "$0")/script
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# of POOL FIELD: of its first backend.
of()
{
	mtlb -j health list pool "$1" | json "items[0]['$2']"
}

# says POOL STATE ERROR
says()
{
	check "$1: $2, ${3:-and nothing else}" wait_until "[ \"\$(of $1 state)/\$(of $1 lastError)\" = '$2/$3' ]" 60 ||
		diag "$(of "$1" state): $(of "$1" lastError)"
}

runner()
{
	api node | json "d['health']['scripts'].get('pid', '')"
}

status()
{
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$(runner)/status"
}

# Of the lab's node, and of whatever namespace.
processes()
{
	ps -o stat= -U games | grep -c "${1:-.}"
}

refused()
{
	! "$@"
}

set_script()
{
	sed -i "s/script: $1,/script: $2,/" "$CONFIG/tenants.d/acme.yaml" && reload_lab
}

reload_lab()
{
	mtlb config apply >"$RUN/apply" 2>&1
}

scenario script bare
echo "all is well" | tee "$RUN/be1/health" "$RUN/be2/health" >/dev/null
chmod -x "$CONFIG/scripts/forbidden"
agent_start || exit 1

check "ask: up" wait_until '[ "$(of ask state)" = up ]' 30
says hang down "timeout after 1s and was killed"
says escape down "exit code 1: nothing more"
says missing unknown 'script "missing" is not in node.health.scriptDirectory'
says forbidden unknown 'script "forbidden" is not executable for node.health.scriptUser; chmod a+rx it'
check "which the log tells" grep -q 'cannot be checked, and its state stays as it is: script "missing" is not in' "$AGENT_LOG"
says much down 'exit code 1: ?[2Jtoo much'
check "busy: up" wait_until '[ "$(of busy state)" = up ]' 30

is "who runs them is not root" "$(status Uid | tr '\t' ' ')" "5 5 5 5"
is "in no group" "$(status Groups | tr -d ' \t')" ""
is "without capabilities" "$(for kind in Inh Prm Eff Bnd Amb; do status Cap$kind; done | sort -u)" 0000000000000000
is "and will gain none" "$(status NoNewPrivs)" 1
is "its system calls are filtered" "$(status Seccomp)" 2

rm "$RUN/be1/health"
says ask down "exit code 22: curl: (22) The requested URL returned error: 404"
is "and no other backend of the pool" "$(mtlb -j health list pool ask | json "' '.join(c['state'] for c in items)")" "down up"
echo "all is well" >"$RUN/be1/health"
check "it is healed" wait_until '[ "$(of ask state)" = up ]' 30

check "one multiplies without end" set_script hang bomb
says hang down "it started too many processes, and was killed"
check "the limit holds" [ "$(processes)" -le 81 ]
asked=$(of busy probes)
check "others run beside it" wait_until '[ "$(of busy probes)" -ge $((asked + 1)) ]' 30
is "and suffer nothing" "$(of busy state) $(of ask state)" "up up"
check "it is stopped" set_script bomb ask
check "and up" wait_until '[ "$(of hang state)" = up ]' 30
check "nothing is left of it" wait_until '[ "$(processes)" -lt 12 ]' 20 || diag "$(ps -U games)"
check "nor a zombie" wait_until '[ "$(processes Z)" = 0 ]' 20

check "a script that the node does not allow" refused set_script ask reboot
check "is refused, by words" grep -q 'unknown script "reboot"; define it under "node.health.scripts"' "$RUN/apply" ||
	diag "$(cat "$RUN/apply")"
cp "$LAB_CONFIG/tenants.d/acme.yaml" "$CONFIG/tenants.d/"
path=$CONFIG/scripts
chmod 777 "$path"
says ask up "others may write to $path, where scripts are; chmod go-w it"
chmod 755 "$path"

pid=$(runner)
kill -KILL "$pid"
check "killed, another one takes over" wait_until '[ -n "$(runner)" ] && [ "$(runner)" != $pid ]' 30
check "and asks" wait_until '[ "$(of busy probes)" -gt 3 ]' 30
agent_stop
check "nothing outlives the agent" wait_until '[ "$(processes)" = 0 ]' 20 || diag "$(ps -U games)"

finish
