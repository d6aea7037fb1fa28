#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the documents say is so: every command of the README is known here and tried, the generated
# reference is what the schema says, links lead somewhere. The demo, and the commands that talk to a
# running agent, are tried by the lab.

set -u
cd "$(dirname "$0")/../../.." || exit 1
. selftests/lib/tap.sh
# As make itself was told: written otherwise, it would be another build, and all would be made anew.
build=${O:-build}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The commands of a document's sh blocks, without their comments.
commands() {
	sed -n '/^```sh$/,/^```$/p' "$1" | grep -v '^```' | sed 's/ *#.*//' | grep .
}

try() {
	local command=$1
	case "$command" in
	'make demo' | 'make test')
		tap_ok "README: $command is a target" make -n DEPS=skip "${command#make }"
		;;
	'make install')
		tap_ok "README: $command" make DEPS=skip install DESTDIR="$tmp" O="$build"
		tap_ok "it installs mtlbd" test -x "$tmp/usr/local/sbin/mtlbd"
		tap_ok "it installs mtlb" test -x "$tmp/usr/local/bin/mtlb"
		tap_ok "it installs the example, which is right" \
			"$build/mtlb" config check "$tmp/usr/local/share/mtlb/example"
		tap_ok "make uninstall" make DEPS=skip uninstall DESTDIR="$tmp" O="$build"
		tap_is "$(find "$tmp" -type f)" "" "it leaves nothing behind"
		;;
	'mtlb config check '*)
		tap_ok "README: $command" "$build/"$command
		;;
	'mtlbd -c /etc/mtlb')
		tap_ok "README: mtlbd takes a directory" "$build/mtlbd" --check -c docs/example
		;;
	'mtlb backend list' | 'mtlb drop list')
		# shellcheck disable=SC2086
		tap_like "$("$build/"$command -s "$tmp/none" 2>&1)" 'is mtlbd running' \
			"README: $command is a command, which wants an agent"
		;;
	'mtlb-top')
		tap_like "$("$build/mtlb-top" -b -s "$tmp/none" 2>&1)" 'is mtlbd running' \
			"README: $command is a command, which wants an agent"
		;;
	*)
		tap_ok "README: \"$command\" is tried by nobody: add it here" false
		;;
	esac
}

while IFS= read -r command; do
	try "$command"
done < <(commands README.md)

# Of the commands that read what is pinned: they are commands, and want a dataplane. The lab runs them
# where there is one.
section() {
	sed -n "/^## $2\$/,/^## /p" "$1" >"$tmp/section"
	commands "$tmp/section"
}
while IFS= read -r command; do
	# shellcheck disable=SC2086
	tap_like "$("$build/"$command --bpffs /sys/fs/bpf/mtlb-none -s "$tmp/none" 2>&1)" \
		'no dataplane is pinned in /sys/fs/bpf/mtlb-none' "operations: $command"
done < <(section docs/operations.md "Looking into the dataplane")

tap_is "$("$build/mtlb" help config | sed -n '/^# /,$p')" "$(cat docs/configuration.md)" \
	"docs/configuration.md is what the schema says: mtlb help config prints it"

for document in README.md docs/*.md; do
	while IFS= read -r link; do
		case "$link" in http*) continue ;; esac
		tap_ok "$document: $link is there" test -e "$(dirname "$document")/${link%%#*}"
	done < <(grep -o '](\([^)]*\))' "$document" | sed 's/^](//; s/)$//')
done

tap_done
