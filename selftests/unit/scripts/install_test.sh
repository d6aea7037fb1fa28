#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make install and uninstall, and the service: systemd itself reads the unit file, says how exposed
# the service is, and the capabilities in it are those that mtlbd keeps.
set -u

cd "$(dirname "$0")/../../.." || exit 1
. selftests/lib/tap.sh
build=${O:-build}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# Of systemd-analyze security, in tenths: 100 is a service without any limit.
bound=32

tap_ok "make install" make DEPS=skip install PREFIX=/usr DESTDIR="$tmp" O="$build"
for file in man1/mtlb.1 man1/mtlb-top.1 man5/mtlb.yaml.5 man8/mtlbd.8 man8/mtlb-prober.8 man8/mtlb-proxy.8; do
	tap_is "$(man --warnings -E UTF-8 -l "$tmp/usr/share/man/$file" 2>&1 >/dev/null)" "" \
		"$file is a manual page"
done
for command in mtlb mtlbd; do
	tap_like "$(bash -c ". '$tmp/usr/share/bash-completion/completions/$command'; complete -p $command" 2>&1)" \
		"-F _$command $command" "bash completes $command"
done
unit=$tmp/usr/lib/systemd/system/mtlbd.service
for file in sbin/mtlbd sbin/mtlb-prober sbin/mtlb-proxy bin/mtlb bin/mtlb-top; do
	tap_ok "$file can be run" test -x "$tmp/usr/$file"
done
tap_is "$(stat -c %a "$unit")" 644 "everybody may read the unit file"
tap_is "$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")" /usr/sbin/mtlbd "it starts what was installed"
tap_ok "and names a document that is there" \
	test -r "$tmp$(sed -n 's/^Documentation=file:\/\///p' "$unit")"

tap_is "$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr ' ' '\n' | sort)" \
	"$(grep -oE '\bCAP_[A-Z_]+' userspace/agent/rights.c | sort -u)" \
	"its capabilities are those that mtlbd keeps"

# systemd looks for the program as well, so it is told where that is now.
mkdir "$tmp/check"
sed "s#=/usr/sbin#=$tmp/usr/sbin#" "$unit" >"$tmp/check/mtlbd.service"
said=$(systemd-analyze verify --man=no "$tmp/check/mtlbd.service" 2>&1)
tap_is "$?:$said" 0: "systemd finds nothing wrong with it"
echo "Nonsense=yes" >>"$tmp/check/mtlbd.service"
tap_like "$(systemd-analyze verify --man=no "$tmp/check/mtlbd.service" 2>&1)" Nonsense \
	"and would find it"
tap_ok "the service is exposed no more than $bound of 100" systemd-analyze security --offline=true \
	--no-pager --threshold=$bound "$unit"
tap_diag "$(systemd-analyze security --offline=true --no-pager "$unit" | tail -n 1)"
sed -i '/^Protect/d; /^Restrict/d' "$tmp/check/mtlbd.service"
tap_not_ok "which one without its limits is" 1 systemd-analyze security --offline=true --no-pager \
	--threshold=$bound "$tmp/check/mtlbd.service"
rm -r "$tmp/check"

tap_ok "systemd makes its user" systemd-sysusers --dry-run "$tmp/usr/lib/sysusers.d/mtlb.conf"

tap_ok "make uninstall" make DEPS=skip uninstall PREFIX=/usr DESTDIR="$tmp" O="$build"
tap_is "$(find "$tmp" ! -type d)" "" "leaves no file behind"
tap_done
