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

# tasks: each task of this machine, and the CPUs that it may use.
tasks()
{
	grep -H '^Cpus_allowed_list:' /proc/[0-9]*/task/[0-9]*/status 2>/dev/null | sed 's|.*/task/\([0-9]*\)/.*:\t|\1 |'
}

# others_leave CPU FILE: whoever else may run there as well, the kernel's own threads among them, has the other
# CPUs from here on. FILE remembers of each task where it might be before, and where it may be from here on.
others_leave()
{
	local task before after
	tasks | awk -v cpu="$1" '{
		after = ""
		for (n = split($2, part, ","); n > 0; n--) {
			split(part[n], ends, "-")
			for (i = ends[1]; i <= (part[n] ~ /-/ ? ends[2] : ends[1]); i++)
				after = i == cpu ? after : after "," i
		}
		print $1, $2, after == "" ? $2 : substr(after, 2)
	}' | while read -r task before after; do
		taskset -cp "$after" "$task" >/dev/null 2>&1 || after=$before
		echo "$task $before $after"
	done >"$2"
}

# others_return FILE: they may be where they might before, and so may what they have started meanwhile.
others_return()
{
	local task before
	tasks | awk '
		NR == FNR && $2 != $3 { left[$3] = $2 }
		NR == FNR { before[$1] = $2; next }
		$1 in before { print $1, before[$1]; next }
		$2 in left { print $1, left[$2] }' "$1" - | while read -r task before; do
		taskset -cp "$before" "$task" >/dev/null 2>&1
	done
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
