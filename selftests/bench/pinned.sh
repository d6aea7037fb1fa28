# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Two CPUs for benches of the L7 tier: what is measured has one to itself, everything else the other.
# Sets OURS and THEIRS. Source it; it fails where there are not two.

# cpus: which this process may use, a line each.
cpus()
{
	taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' | awk -F- '{ for (i = $1; i <= $NF; i++) print i }'
}

# stay_on CPU: this shell, and what it starts from here on.
stay_on()
{
	taskset -cp "$1" $$ >/dev/null
}

# put_on CPU NODE PROGRAM: all its processes that run there.
put_on()
{
	local pid
	for pid in $(server_pids "$2" "$3"); do
		taskset -cp "$1" "$pid" >/dev/null || return 1
	done
}

# shellcheck disable=SC2034 # for those who source this
{
	read -r OURS && read -r THEIRS
} < <(cpus)
