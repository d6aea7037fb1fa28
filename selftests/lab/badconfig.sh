#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What cannot work is refused, in one line that says where and why, and what runs goes on: broken
# configurations offered to a running agent, and agents that cannot start at all.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# What is forwarded where, without what changes by itself.
state()
{
	mtlb -j backend list | json "sorted((b['tenant'], b['service'], b['address'], b['weight'],
		b['state'], b['share']) for b in items)"
}

# run OUT COMMAND...: its exit code; what it says goes to OUT.
run()
{
	local out=$1
	shift
	timeout 15 "$@" >"$out" 2>&1 </dev/null
	echo $?
}

# still_forwards WHAT: nothing changed, and requests succeed.
still_forwards()
{
	is "$1: the running state is untouched" "$(state)" "$STATE"
	requests client1 http://192.0.2.10/ 200 "$RUN/after"
	is "$1: traffic goes on" "$(succeeded "$RUN/after")" 200
}

# refuses WHAT FILE:LINE:... : offered in every way there is, it is refused at these places.
refuses()
{
	local what=$1 first=$2 place
	shift
	is "$what: apply is refused" "$(run "$RUN/out" "$MTLB" -s "$SOCKET" config apply)" 1
	for place; do
		check "$what: and it names $place" grep -qF "$place" "$RUN/out" || diag "$(cat "$RUN/out")"
	done
	is "$what: diff is refused as well" "$(run "$RUN/out" "$MTLB" -s "$SOCKET" config diff)" 1
	is "$what: and mtlbd --check" "$(run "$RUN/out" "$MTLBD" --check -c "$CONFIG")" 1
	check "$what: which names $first" grep -qF "$first" "$RUN/out" || diag "$(cat "$RUN/out")"
	echo $(($(wc -l <"$AGENT_LOG") + 1)) >"$RUN/log.from"
	kill -HUP "$(agent_pid)"
	check "$what: SIGHUP is refused in the log, naming $first" \
		wait_until 'agent_log | grep -qF "$first"' 5
	is "$what: the API keeps the reason" "$(api node | json "bool(d['config'].get('lastError'))")" \
		True
	still_forwards "$what"
}

# line FILE TEXT: the number of the line that has it.
line()
{
	grep -nF "$2" "$CONFIG/tenants.d/$1" | head -n 1 | cut -d: -f1
}

# broken TENANT SED-PROGRAM
broken()
{
	sed -i "$2" "$CONFIG/tenants.d/$1.yaml"
}

# cannot_start WHAT PATTERN COMMAND...: exits 1 soon, with one error line that says why.
cannot_start()
{
	local what=$1 pattern=$2
	shift 2
	is "$what: mtlbd exits with 1" "$(run "$RUN/out" "$@")" 1
	is "$what: it says so in one line" "$(grep -vc ' info ' "$RUN/out")" 1 || diag "$(cat "$RUN/out")"
	check "$what: which says why" grep -qiE "$pattern" "$RUN/out" || diag "$(cat "$RUN/out")"
}

# other OPTION...: the command of a second agent, apart from the first.
other()
{
	OTHER=(nsenter --net="/run/netns/$LAB-lb" "$@" "$MTLBD" --bpffs "$BPFFS-other"
		--socket "$RUN/other.sock" -c)
}

scenario badconfig
STATE=$(state)

broken acme '/10.20.1.22/s/weight/weigth/'
refuses "unknown key" "acme.yaml:$(line acme.yaml weigth):"
check "unknown key: the nearest valid name is offered" grep -q weight "$RUN/out"
tenant_restore acme

broken globex '/fd00:20:1::22/s/fd00/fx00/'
broken initech '/name: dns-tcp/s/pool: dns/pool: nds/'
refuses "two mistakes in two files" "globex.yaml:$(line globex.yaml fx00):" \
	"initech.yaml:$(line initech.yaml "pool: nds"):"
tenant_restore globex
tenant_restore initech

broken acme '/- name: web/s/- name: web/- name: [web/'
refuses "not YAML" "acme.yaml:"
tenant_restore acme

broken acme '/^services:/,$s/acme-v4/globex-v4/'
refuses "another tenant's VIP" "acme.yaml:$(line acme.yaml globex-v4):"
tenant_restore acme

broken acme '/10.20.1.22/s/weight: 1/weight: 257/'
refuses "weight out of range" "acme.yaml:$(line acme.yaml 257):"
tenant_restore acme

check "mended, it is applied" config_apply
is "and the reason is gone" "$(api node | json "bool(d['config'].get('lastError'))")" False
still_forwards "mended"

other
# a configuration of its own: records of usage can be one agent's only
cp -a "$CONFIG" "$RUN/other" && rm -rf "$RUN/other/usage.d"
sed -i 's/name: eth0/name: nosuch0/' "$RUN/other/platform.yaml"
cannot_start "missing interface" "nosuch0" "${OTHER[@]}" "$RUN/other"
cannot_start "missing configuration" "nosuch|no such" "${OTHER[@]}" "$RUN/nosuch"
other setpriv --bounding-set=-all --inh-caps=-all
cannot_start "no capabilities" "CAP_|capabilit|privilege|permitted|permission|root" \
	"${OTHER[@]}" "$CONFIG"
# A kernel without BTF, as far as a process can tell: an empty folder lies over /sys/kernel/btf.
other unshare --mount sh -c 'mount -t tmpfs none /sys/kernel/btf && exec "$@"' sh
cannot_start "no BTF" "no BTF.*CONFIG_DEBUG_INFO_BTF" "${OTHER[@]}" "$CONFIG"
OTHER=(nsenter --net="/run/netns/$LAB-lb" "$MTLBD" --bpffs "$RUN/nobpf/x" --socket "$RUN/other.sock" -c)
mkdir -p "$RUN/nobpf"
cannot_start "no bpffs" "not a bpf filesystem.*mount -t bpf" "${OTHER[@]}" "$CONFIG"
OTHER=(nsenter --net="/run/netns/$LAB-lb" "$MTLBD" --bpffs "$BPFFS" --socket "$RUN/other.sock" -c)
cannot_start "a dataplane that another agent works on" "another agent works on" "${OTHER[@]}" "$CONFIG"
check "what could not start left nothing behind" [ -z "$(find "$BPFFS-other" -type f 2>/dev/null)" ]
rm -rf "$BPFFS-other"
# What is not mtlbd's own is never removed, whatever directory it is pointed at.
is "--remove: mtlbd refuses a directory that is no bpffs" \
	"$(run "$RUN/out" "$MTLBD" --bpffs "$CONFIG" --remove)" 1
check "--remove: nothing there was touched" [ -e "$CONFIG/platform.yaml" ]
mkdir -p "$BPFFS-foreign"
bpftool map create "$BPFFS-foreign/others" type array key 4 value 4 entries 1 name others
is "--remove: mtlbd refuses a directory with other programs' pins" \
	"$(run "$RUN/out" "$MTLBD" --bpffs "$BPFFS-foreign" --remove)" 1
check "--remove: they stay" [ -e "$BPFFS-foreign/others" ]
rm -rf "$BPFFS-foreign"

# The mode of an interface can be changed and changed back.
mode() { api node | json "d['interfaces'][0]['mode']"; }
sed -i 's/mode: native/mode: generic/' "$CONFIG/platform.yaml"
check "mode: generic is applied" config_apply
is "mode: it is so" "$(mode)" generic
still_forwards "in generic mode"
sed -i 's/mode: generic/mode: native/' "$CONFIG/platform.yaml"
check "mode: native is applied" config_apply
is "mode: it is so again" "$(mode)" native
still_forwards "after all"

finish
