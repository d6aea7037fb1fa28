#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The first process of the guest that scripts/vm.sh boots: makes a system of the bare kernel, runs the
# scenarios one after the other, and gives their TAP to the first serial line as that of one test.
# Whatever goes wrong ends in a power-off without a plan, or with a failure in it.

export PATH=/mtlb/bin:/mtlb/build:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root

# Every file of this directory that is a scenario, in the order they run. A list and not a pattern,
# so that a scenario that got lost is missed.
SCENARIOS="packets loads tunnels gue vlan ipvs"

number=0
# Seconds of one scenario, of any kind.
LIMIT=600

system_make()
{
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	mount -t devtmpfs dev /dev
	exec </dev/null >/dev/ttyS0 2>&1
	stty -F /dev/ttyS0 raw
	mount -t bpf bpf /sys/fs/bpf
	mount -t cgroup2 cgroup /sys/fs/cgroup
	mount -t tmpfs run /run
	ln -s /proc/self/fd /dev/fd
	ip link set lo up
}

modules_load()
{
	local module
	while read -r module; do
		insmod "/mtlb/modules/$module" || diag "insmod $module failed"
	done </mtlb/modules/order
}

# result STATUS WHAT
result()
{
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
	fi
}

diag()
{
	printf '%s\n' "$1" | sed 's/^/# /'
}

# renumber NAME STATUS-FILE: TAP of one scenario in, its lines as ours out. That its plan is kept is one
# test more; one that was skipped is one that failed.
renumber()
{
	local name=$1 line plan='' seen=0 status
	while IFS= read -r line; do
		case $line in
		*'# SKIP'* | *'# skip'*)
			seen=$((seen + 1))
			result 1 "$name: skipped: ${line%%#*}"
			;;
		'ok '*)
			seen=$((seen + 1))
			result 0 "$name: ${line#ok * - }"
			;;
		'not ok '*)
			seen=$((seen + 1))
			result 1 "$name: ${line#not ok * - }"
			;;
		1..*) plan=${line#1..} ;;
		*) diag "${line#\# }" ;;
		esac
	done
	status=$(cat "$2")
	[ "$plan" = "$seen" ] && [ "$seen" -gt 0 ] && [ "$status" = 0 ]
	result $? "$name: ran to its end, $seen tests of ${plan:-?}, status $status"
	echo "$number" >/run/number
}

# run NAME COMMAND...: errors of a test go where the kernel's words go.
run()
{
	local name=$1 begun=$SECONDS
	shift
	{
		timeout $LIMIT "$@" 2>/run/stderr
		echo $? >/run/status
	} | renumber "$name" /run/status
	number=$(cat /run/number)
	diag "$name: $((SECONDS - begun)) s"
	[ ! -s /run/stderr ] || diag "$(tail -n 30 /run/stderr)"
}

picked()
{
	local word
	[ -n "$(cat /mtlb/tests)" ] || return 0
	for word in $(cat /mtlb/tests); do
		case $1 in *"$word"*) return 0 ;; esac
	done
	return 1
}

packets()
{
	local test
	export CMOCKA_MESSAGE_OUTPUT=TAP
	export MTLB_MODEL_ROUNDS=4
	for test in /mtlb/bpf/*_test; do
		! picked "packets/${test##*/}" || run "${test##*/}" "$test"
	done
}

system_make
modules_load
diag "linux $(uname -r), up after $(cut -d' ' -f1 /proc/uptime) s"
for scenario in $SCENARIOS; do
	if [ "$scenario" = packets ]; then
		packets
	elif picked "$scenario"; then
		run "$scenario" "/mtlb/selftests/vm/$scenario.sh"
	fi
done
complaints=$(dmesg | grep -E 'WARNING:|BUG:|Oops|UBSAN:|general protection|blocked for more than' || true)
[ -z "$complaints" ]
result $? "the kernel had nothing to complain of"
[ -z "$complaints" ] || diag "$complaints"
echo "1..$number"
poweroff -f
