#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What documents other than the runbooks tell people to type, typed: mtlb is installed from the source
# on a machine of its own, attached, looked at, upgraded and rolled back under traffic, and removed,
# by the commands of docs/operations.md in their order; docs/watching.md, docs/usage.md and docs/api.md
# come in between. And the memory that docs/operations.md reckons is what a running node takes.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/lib/machine.sh
. "$LAB_ROOT/selftests/lib/machine.sh"
# shellcheck source=selftests/lib/blocks.sh
. "$LAB_ROOT/selftests/lib/blocks.sh"
# shellcheck source=selftests/lib/typed.sh
. "$LAB_ROOT/selftests/lib/typed.sh"

OPERATIONS=docs/operations.md

# reckoned: bytes by the table of docs/operations.md, for what the lab's node has.
reckoned()
{
	local cpus
	cpus=$(awk -F'[-,]' '{ print $NF + 1 }' /sys/devices/system/cpu/possible)
	awk -F'[|]' -v cpus="$cpus" '
		BEGIN {
			many["`tenants`"] = 16; many["`vips`"] = 256; many["`services`"] = 64
			many["`members`"] = 1024; many["`slots`"] = 1000000; many["`flows`"] = 128000
			many["`natSources`"] = 1; many["`aclPrefixes`"] = 16384; many["`feedPrefixes`"] = 0
			many["in any case"] = 1
		}
		{ gsub(/^ +| +$/, "", $2) }
		$2 in many && $3 ~ /^ *[0-9]+ *$/ { sum += many[$2] * ($3 + cpus * $4); rows++ }
		END { if (rows == 10) printf "%d\n", sum }' "$DOC_ROOT/$OPERATIONS"
}

# within_percent GOT WANTED PERCENT
within_percent()
{
	awk -v got="$1" -v wanted="$2" -v percent="$3" 'BEGIN {
		away = got - wanted; if (away < 0) away = -away
		exit !(wanted > 0 && away <= wanted * percent / 100) }'
}

running()
{
	api node | json 'd["program"]["version"], d["adopted"]'
}

version_of()
{
	"$1" -V | sed 's/mtlbd \([^,]*\),.*/\1/'
}

before()
{
	case "$1: $2" in
	'The service: systemctl enable --now mtlbd')
		check "nothing runs yet" [ -z "$(agent_pid)" ]
		check "the lab's own configuration takes the example's place" typed_configure
		;;
	*': mtlb doctor')
		check "all members are up" wait_until all_up 20
		;;
	'Upgrade: cp -a '*)
		requests client1 http://192.0.2.10/ 100000 "$RUN/upgrade" --rate 100/s &
		UPGRADE=$!
		;;
	esac
}

after()
{
	case "$1: $2" in
	'Install: systemd-sysusers')
		check "the users are there" in_machine id mtlb mtlb-script
		;;
	'Remove: make uninstall')
		is "the configuration is left" "$(in_machine ls /etc/mtlb/platform.yaml)" /etc/mtlb/platform.yaml
		;;
	'The service: systemctl enable --now mtlbd')
		check "all members come up" wait_until all_up 20
		check "it serves" serves http://192.0.2.10/
		local taken
		taken=$(mtlb -j map list | json "sum(m['memory'] for m in items)")
		check "the memory of its maps is what the document reckons" within_percent "$taken" "$(reckoned)" 5 ||
			diag "$taken, reckoned $(reckoned)"
		;;
	'Upgrade: make install')
		# another version, with another program
		cp "$LAB_BUILD/next/mtlbd" "$MACHINE/usr/local/sbin/mtlbd"
		;;
	'Upgrade: systemctl restart mtlbd')
		is "the next version runs, and adopted the dataplane" "$(running)" \
			"('$(version_of "$LAB_BUILD/next/mtlbd")', True)"
		;;
	'Rollback: systemctl restart mtlbd')
		is "the version before runs, and adopted the dataplane" "$(running)" "('$(version_of "$MTLBD")', True)"
		;;
	esac
}

# files: all that there is now and the machine's root has not, or the other way round, but for what is
# somebody else's: logs, what was typed for the sake of the test, backups, and the list of users,
# which is looked at by itself.
files()
{
	local file
	(cd "$MACHINE_STORE/upper" && find . ! -type d ! -path './tmp/*' ! -path './root/*' ! -path './var/log/*' \
		! -path './var/backups/*' | grep -vE '^\./etc/(passwd|group|g?shadow|sub[ug]id|\.pwd)' | sort) |
		while IFS= read -r file; do
			[ -e "/$file" ] && [ -e "$MACHINE/$file" ] || echo "$file"
		done
}

lab_name "mtlb-docs-$$"
machine_own "$@"
trap scenario_end EXIT
trap 'exit 130' INT TERM HUP
typed_up || exit 1
files >"$RUN/before"
users=$(in_machine getent passwd)

typed $OPERATIONS docs Install
typed $OPERATIONS docs "The service"
typed $OPERATIONS docs "Attach to a NIC"
in_machine ip address del 192.0.2.10/32 dev lo
typed $OPERATIONS docs "Drivers and modes"
typed $OPERATIONS docs Upgrade
typed $OPERATIONS docs Rollback
kill $UPGRADE
wait $UPGRADE
is "no request failed while the versions changed" "$(failed "$RUN/upgrade")" 0
check "and there were some" [ "$(succeeded "$RUN/upgrade")" -gt 50 ]
typed $OPERATIONS docs Backup
# What these write is no source.
check "elsewhere" typed_line $'cd\t0\tcd /root'
for file in docs/watching.md docs/usage.md docs/api.md; do
	while IFS= read -r heading; do
		typed $file docs "$heading"
	done < <(doc_lines $file docs | cut -f1 | uniq)
done
check "back in the source" typed_line $'cd\t0\tcd "$OLDPWD"'
typed $OPERATIONS docs Remove
is "nothing is attached" "$(ns lb ip -d link show eth0 | grep -c prog/xdp)" 0
is "nothing is pinned" "$(in_machine find /sys/fs/bpf -name '*mtlb*')" ""
is "no program is left" "$(in_machine find /usr/local -name '*mtlb*')" ""
is "no user is left" "$(in_machine getent passwd)" "$users"
files >"$RUN/after"
is "no file is left" "$(diff "$RUN/before" "$RUN/after" | grep '^[<>]')" ""
typed_end docs
finish
