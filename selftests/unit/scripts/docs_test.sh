#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What the documents say is so: every block of every document is either run by a test, checked, or said
# to be output (selftests/lib/blocks.sh has how); the commands of those that name this test are tried here;
# the generated reference is what the schema says; links lead somewhere, to the heading. Commands that
# talk to a running agent are run by the lab.

set -u
cd "$(dirname "$0")/../../.." || exit 1
. selftests/lib/tap.sh
. selftests/lib/blocks.sh
# As make itself was told: written otherwise, it would be another build, and all would be made anew.
build=${O:-build}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# try FILE COMMAND
try() {
	local command=$2
	doc_typed "$1" "$command"
	case "$command" in
	'make demo' | 'make test' | 'make vm'*)
		# shellcheck disable=SC2086
		tap_ok "$1: $command is a target" eval "make -n DEPS=skip ${command#make }"
		;;
	'make install')
		tap_ok "$1: $command" make DEPS=skip install DESTDIR="$tmp" O="$build"
		tap_ok "it installs mtlbd" test -x "$tmp/usr/local/sbin/mtlbd"
		tap_ok "it installs mtlb" test -x "$tmp/usr/local/bin/mtlb"
		tap_ok "it installs the example, which is right" \
			"$build/mtlb" config check "$tmp/usr/local/share/mtlb/example"
		tap_ok "it installs dashboards and alert rules" eval \
			'cmp docs/monitoring/fleet.json "$tmp/usr/local/share/mtlb/monitoring/fleet.json" &&
			promtool check rules "$tmp/usr/local/share/mtlb/monitoring/alerts.yaml"'
		tap_ok "make uninstall" make DEPS=skip uninstall DESTDIR="$tmp" O="$build"
		tap_is "$(find "$tmp" -type f)" "" "it leaves nothing behind"
		;;
	'mtlb config check '*)
		tap_ok "$1: $command" "$build/"$command
		;;
	'mtlbd -c /etc/mtlb')
		tap_ok "$1: mtlbd takes a directory" "$build/mtlbd" --check -c docs/example
		;;
	'mtlb backend list' | 'mtlb drop list')
		# shellcheck disable=SC2086
		tap_like "$("$build/"$command -s "$tmp/none" 2>&1)" 'is mtlbd running' \
			"$1: $command is a command, which wants an agent"
		;;
	'mtlb-top')
		tap_like "$("$build/mtlb-top" -b -s "$tmp/none" 2>&1)" 'is mtlbd running' \
			"$1: $command is a command, which wants an agent"
		;;
	"sed -e 's#--config /etc/mtlb#"*)
		command=${command//\/usr\/local\/lib\/systemd\/system/scripts\/systemd}
		tap_ok "$1: a unit for another balancer is made" eval "${command//\/etc\/systemd\/system/$tmp}"
		sed "s#=/usr/local/sbin#=$(realpath "$build")#" "$tmp/mtlbd-acme.service" >"$tmp/mtlbd-lab.service"
		tap_is "$(systemd-analyze verify --man=no "$tmp/mtlbd-lab.service" 2>&1)" "" "$1: systemd takes it"
		tap_is "$(grep -c acme "$tmp/mtlbd-acme.service")" 4 "$1: it has places of its own"
		;;
	*)
		tap_ok "$1: \"$command\" is tried by nobody: add it here" false
		;;
	esac
}

while IFS= read -r document; do
	while IFS= read -r command; do
		try "$document" "$command"
	done < <(doc_commands "$document" docs_test)
done < <(doc_files)
tap_is "$(doc_untyped docs_test)" "" "no command of this test was left out"

# Of the commands that read what is pinned: they are commands, and want a dataplane. The lab runs them
# where there is one.
while IFS= read -r command; do
	# shellcheck disable=SC2086
	tap_like "$("$build/"$command --bpffs /sys/fs/bpf/mtlb-none -s "$tmp/none" 2>&1)" \
		'no dataplane is pinned in /sys/fs/bpf/mtlb-none' "operations: $command"
done < <(doc_commands docs/operations.md inspect)

tap_is "$("$build/mtlb" help config | sed -n '/^# /,$p')" "$(cat docs/configuration.md)" \
	"docs/configuration.md is what the schema says: mtlb help config prints it"

# The CPU time that is reckoned with is what was measured: of each row that docs/operations.md has from
# docs/benchmarks.md, the time is the same, and a tenth of it the share of a CPU.
cells() {
	sed -nE "s/^\|$2 *\| *([0-9.]+) *\|.*/\1/p" "$1" | head -n 1
}
rows=0
while read -r row time share; do
	rows=$((rows + 1))
	tap_is "$time" "$(cells docs/benchmarks.md " $row")" "operations: $row is as measured"
	tap_is "$share" "$(awk -v time="$time" 'BEGIN { printf "%.1f", time / 10 }')" "operations: and its share of a CPU follows"
done < <(sed -nE 's/^\|[^|]*\| `(l4[^`]*)` \| ([0-9.]+) \| ([0-9.]+) % \|$/\1 \2 \3/p' docs/operations.md)
tap_is "$rows" 6 "operations: there are six of them"

# runner TEST: the test of that name, which asks what it has left out; and no library, as scripts/test.sh
# takes a script of the lab for when another one sources one of that name.
runner() {
	! grep -qE "^[[:space:]]*(\.|source) .*/$1\.sh\"?\$" selftests/lab/*.sh || return 1
	find selftests -name "$1.sh" -exec grep -lE "(doc_untyped|typed_end) $1\b" {} + | grep -q .
}

# fragment KIND BLOCK: docs/example, with the top keys of the block in the place of its own, is right.
fragment() {
	local file
	rm -rf "$tmp/config" && cp -r docs/example "$tmp/config" || return 1
	case $1 in
	Platform) file=$tmp/config/platform.yaml ;;
	TenantConfig) file=$tmp/config/tenants.d/acme.yaml ;;
	*) echo "a fragment is of a Platform or a TenantConfig, not of a $1" && return 1 ;;
	esac
	printf '%s\n' "$2" | awk -v out="$file.new" '
		/^[a-zA-Z]+:/ { key = $1 }
		FILENAME == "-" { block[key] = 1; print >out; next }
		!(key in block) { print >out }' - "$file"
	mv "$file.new" "$file" && "$build/mtlb" config check "$tmp/config"
}

# whole BLOCK: it is a configuration by itself.
whole() {
	printf '%s\n' "$1" >"$tmp/whole.yaml" && "$build/mtlb" config check "$tmp/whole.yaml"
}

# A fragment that is wrong is found, or what follows would show nothing.
tap_not_ok "a wrong fragment is refused" 1 fragment Platform 'tiers: [{name: free, weigth: 2}]'
tap_ok "a right one is not" fragment Platform 'api: {socket: /run/mtlb/other.sock}'

# block FILE LINE LANGUAGE WORD
block() {
	local place=$1:$2
	case "$3" in
	'```sh')
		tap_ok "$place: the commands are run by a test: \`\`\`sh TEST, as selftests/lib/blocks.sh says" runner "${4:-none}"
		;;
	'```yaml')
		if [ -n "$4" ]; then
			tap_ok "$place: the configuration is right, with docs/example around it" fragment "$4" "$(doc_block "$1" "$2")"
		else
			tap_ok "$place: the configuration is right" whole "$(doc_block "$1" "$2")"
		fi
		;;
	'```json')
		tap_ok "$place: it is JSON" eval 'doc_block "$1" "$2" | python3 -m json.tool'
		;;
	'```text') tap_result 0 "$place: output" ;;
	*) tap_result 1 "$place: \"$3\" is no kind of block; selftests/lib/blocks.sh says which there are" ;;
	esac
}

# leads FILE LINK: to a file that is there, and to a heading in it.
leads() {
	local target=${2%%#*} anchor=
	case "$2" in *'#'*) anchor=${2#*#} ;; esac
	if [ -z "$target" ]; then target=$1; else target=$(realpath -m --relative-to=. "$(dirname "$1")/$target"); fi
	test -e "$target" || { echo "there is no $target" && return 1; }
	[ -z "$anchor" ] || doc_anchors "$target" | grep -qx -- "$anchor" || { echo "no heading of $target is #$anchor" && return 1; }
}

tap_not_ok "a heading that is not there is missed" 1 leads README.md 'docs/operations.md#nowhere'
while IFS= read -r document; do
	while read -r line language word; do
		block "$document" "$line" "$language" "$word"
	done < <(doc_fences "$document")
	tap_is "$(doc_hidden "$document")" "" "$document: no command is hidden in a block of output"
	while IFS= read -r link; do
		case "$link" in http*) continue ;; esac
		tap_ok "$document: $link leads somewhere" leads "$document" "$link"
	done < <(doc_links "$document")
done < <(doc_files)

tap_done
