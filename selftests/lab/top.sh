#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# mtlb-top on a terminal (tmux), as a person sees it: screens of a recording at two sizes, resized, in
# ASCII, without colours; keys; then a real agent, which goes away and comes back; and that it counts
# what mtlb counts.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

TOP=${MTLB_TOP:-$LAB_BUILD/mtlb-top}
SCREENS=$LAB_DIR/screens
TERMINAL=0

tm()
{
	tmux -u -S "$RUN/tmux.$TERMINAL" -f /dev/null "$@"
}

# open SIZE ARGUMENTS: mtlb-top on a terminal of its own.
open()
{
	local size=$1
	shift
	tm kill-server 2>/dev/null
	# a server of its own: the one before may still be on its way out
	TERMINAL=$((TERMINAL + 1))
	tm new-session -d -x "${size%x*}" -y "${size#*x}" \
		"env TERM=screen-256color $ENVIRONMENT '$TOP' $*; echo ended with \$?; sleep 600"
}

# screen: what is on it, without blanks at the ends of lines.
screen()
{
	tm capture-pane -p 2>/dev/null | sed 's/ *$//'
}

# shows TEXT: it comes to stand there.
shows()
{
	WANTED=$1
	wait_until 'screen | grep -F -- "$WANTED" >/dev/null' 20 || {
		screen | sed 's/^/# /' >&2
		return 1
	}
}

# same NAME: the screen becomes what is kept under this name.
same()
{
	WANTED=$(<"$SCREENS/$1")
	wait_until '[ "$(screen)" = "$WANTED" ]' 10 || {
		diff "$SCREENS/$1" <(screen) | sed 's/^/# /' >&2
		return 1
	}
}

keys()
{
	tm send-keys "$@"
}

# is_reversed TEXT: it stands there in reverse video. What a line ends with goes on in the next one.
is_reversed()
{
	tm capture-pane -pe | awk -v text="$1" '
		function look(part) { found += reverse && index(part, text) > 0 }
		{
			for (line = $0; match(line, /\033\[[0-9;]*m/); line = substr(line, RSTART + RLENGTH)) {
				look(substr(line, 1, RSTART - 1))
				count = split(substr(line, RSTART + 2, RLENGTH - 3), codes, ";")
				reverse = count ? reverse : 0
				for (i = 1; i <= count; i++)
					reverse = codes[i] == 7 ? 1 : codes[i] == 0 || codes[i] == 27 ? 0 : reverse
			}
			look(line)
		}
		END { exit !found }'
}

# colours: in how many lines are there any?
colours()
{
	tm capture-pane -pe | grep -cE $'\e\\[([0-9]+;)*(3[0-7]|38;[0-9;]+)[;m]'
}

scenario top
trap 'tm kill-server 2>/dev/null; scenario_end' EXIT
"$LAB_DIR/recording.py" 10 100 >"$RUN/node.rec"
ENVIRONMENT='LC_ALL=C.UTF-8 NO_COLOR='

open 80x24 --replay "$RUN/node.rec"
check "a recording is shown to its end" shows "end of the recording"
check "tenants at 80x24" same tenants-80x24
check "there are colours" [ "$(colours)" -gt 0 ]
check "the first row is marked" is_reversed ">acme"
keys Down Enter
check "Enter leads to the tenant's services" shows "of bulk"
keys Escape
keys Home Enter
check "of acme at 80x24" same services-80x24
keys Enter
check "and to its members" same members-80x24
keys 4
check "which has no drops" shows "nothing to show"
keys Escape Escape 4
check "drops at 80x24" same drops-80x24
keys 5
check "the node at 80x24" same node-80x24
keys 6
check "routes at 80x24" same routes-80x24
keys h
check "help at 80x24" same help-80x24
keys x 1 u
check "bytes instead of bits" shows "BYTE/S"
keys u f glo
check "a filter is typed" shows "filter: glo_"
keys Enter
check "and holds" same filter-80x24
keys Escape
keys / t3
check "what is searched for is marked" wait_until 'screen | grep "^>t3" >/dev/null' 10
keys Enter n
check "the next one as well" wait_until 'screen | grep "^>t31" >/dev/null' 10
keys Home r
check "the other way round" shows "by PKT/S reversed"
keys r s
check "by the next column" shows "by BIT/S"
keys '<' p
check "paused" shows "PAUSED"
keys p
tm resize-window -x 120 -y 40
check "tenants at 120x40, by a change of the size" same tenants-120x40
tm resize-window -x 40 -y 10
check "a window that is too small is told so" shows "too small: 60x8 at least"
tm resize-window -x 80 -y 24
check "and back at 80x24" same tenants-80x24
keys q
check "q ends it" shows "ended with 0"

open 80x24 --ascii --replay "$RUN/node.rec"
check "in ASCII" shows "end of the recording"
check "tenants in ASCII" same tenants-ascii
ENVIRONMENT='LC_ALL=C NO_COLOR=1'
open 80x24 --replay "$RUN/node.rec"
check "without UTF-8 and colours" shows "end of the recording"
check "it is the same" same tenants-ascii
is "but for colours" "$(colours)" 0
check "the mark is seen all the same" is_reversed ">acme"
sed -i '200s/[0-9]*$/x/' "$RUN/node.rec"
open 80x24 --replay "$RUN/node.rec"
check "a recording that is broken is refused with its line" shows "node.rec:200: expected"
check "and that is an error" shows "ended with 1"

ENVIRONMENT='LC_ALL=C.UTF-8'
requests client1 "$(url 192.0.2.10 /)" 20 "$RUN/requests"
open 80x24 -s "$SOCKET" -d 0.2 --record "$RUN/live.rec"
check "a real agent's tenants" shows "initech"
is "its name and version" "$(screen | sed -n 's/^mtlb-top  //; s/  [0-9:]* UTC.*//p' | head -n 1)" \
	"lab  $("$TOP" --version | cut -d' ' -f2)"
keys 3
check "its members" shows "10.20.1.21"
agent_stop
check "an agent that goes is told" shows "AGENT LOST"
check "with why" shows "trying again: no agent answers"
check "the last that was seen stays" shows "10.20.1.21"
agent_start
check "and one that comes back is seen" wait_until '! screen | grep "AGENT LOST" >/dev/null' 20
keys q
check "what was seen was recorded" shows "ended with 0"
check "all of it can be shown again" \
	test "$("$TOP" -b --replay "$RUN/live.rec" -P members | grep -c 10.20.1.21)" -gt 1
is "tenants count what mtlb counts" \
	"$(awk '$1 == "tenant" && $2 == "acme" { n = $3 " " $4 } END { print n }' "$RUN/live.rec")" \
	"$(mtlb -j tenant list tenant acme | json "'%d %d' % (items[0]['packets'], items[0]['bytes'])")"
check "which is not nothing" [ "$(awk '$2 == "acme" && $1 == "tenant" { print $3; exit }' "$RUN/live.rec")" -ge 20 ]
is "without an agent a batch ends" "$("$TOP" -s "$RUN/none" -b -n 1 2>&1)" \
	"mtlb-top: no agent answers on $RUN/none: No such file or directory; is mtlbd running? (-s PATH names another socket)"

finish
