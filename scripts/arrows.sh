#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The include arrows: which room may include from which. Every #include that names a file of this
# tree is resolved to its path and held against the table; a room without a row is refused too.
# It first checks itself: an arrow that is forbidden must be caught, an allowed one must not.
set -euo pipefail

# room: what it may include, besides itself ("skeletons" are the generated *.skel.h)
table='
bpf/abi:
bpf/core: bpf/abi
bpf/stage: bpf/core bpf/abi
bpf/prog: bpf/stage bpf/core bpf/abi
userspace/base:
userspace/sys: userspace/base
userspace/wire: userspace/base
userspace/model: userspace/base bpf/abi
userspace/inspect: userspace/base userspace/model bpf/abi skeletons
userspace/dataplane: userspace/base userspace/sys userspace/model bpf/abi bpf/core skeletons
userspace/agent: userspace/base userspace/sys userspace/wire userspace/model userspace/dataplane bpf/abi
userspace/prober: userspace/base userspace/sys userspace/wire bpf/abi
userspace/proxy: userspace/base userspace/sys userspace/wire userspace/model bpf/abi
tools/lib: userspace/base
tools/*: tools/lib userspace/base userspace/sys userspace/wire userspace/model userspace/inspect bpf/abi
selftests: *
'

declare -A may
while IFS=: read -r room allowed; do
	[ -z "$room" ] || may[$room]=$allowed
done <<<"$table"

# room_of PATH: sets $room; a tool is a room of its own, and so is tools/lib, what several of them need.
room_of() {
	case "$1" in
	*.skel.h) room=skeletons ;;
	selftests/*) room=selftests ;;
	*/*/*)
		room=${1#*/}
		room=${1%%/*}/${room%%/*}
		;;
	*) room=$1 ;;
	esac
}

# normal PATH: sets $path to it without . and ..
normal() {
	local part parts=() IFS=/
	for part in $1; do
		case "$part" in
		'' | .) ;;
		..) [ "${#parts[@]}" -eq 0 ] || unset 'parts[-1]' ;;
		*) parts+=("$part") ;;
		esac
	done
	path="${parts[*]}"
}

# check ROOT: prints a line for each wrong arrow, fails when there is one.
check() {
	local file line text name path room from row wrong=0
	local pattern='^[[:space:]]*#[[:space:]]*include[[:space:]]*([<"])([^>"]+)[>"]'

	cd "$1"
	while IFS=: read -r file line text; do
		[[ $text =~ $pattern ]] || continue
		name=${BASH_REMATCH[2]}
		normal "${file%/*}/$name"
		if [[ $name == *.skel.h ]]; then
			path=$name
		elif [ "${BASH_REMATCH[1]}" = '"' ] && [ -e "$path" ]; then
			:
		elif [ -e "$name" ]; then
			normal "$name"
		elif [ "${BASH_REMATCH[1]}" = '<' ]; then
			continue
		else
			echo "$file:$line: \"$name\" is no file of this tree; a system header goes in <>"
			wrong=1
			continue
		fi
		room_of "$file"
		from=$room
		room_of "$path"
		[ "$from" != "$room" ] || continue
		row=$from
		[[ $from != tools/* || $from == tools/lib ]] || row='tools/*'
		if [ -z "${may[$row]+set}" ]; then
			echo "$file:$line: $from has no row in the table of scripts/arrows.sh"
			wrong=1
			continue
		fi
		[ "${may[$row]}" != ' *' ] || continue
		case " ${may[$row]} " in
		*" $room "*) ;;
		*)
			echo "$file:$line: $from -> $room (\"$name\"), which may include:${may[$row]:- nothing}"
			wrong=1
			;;
		esac
	done < <(grep -rnE --include='*.[ch]' --include='*.def' '^[[:space:]]*#[[:space:]]*include' \
		bpf userspace tools selftests 2>/dev/null)
	return "$wrong"
}

# Every pair of rooms as a file that includes another: the answer is known from the table above.
self_check() {
	local tree expected found
	tree=$(mktemp -d)
	mkdir -p "$tree"/{bpf/{abi,prog},userspace/{base,sys,model,agent},tools/{a,b,lib},selftests/unit}
	touch "$tree"/{bpf/abi/x.h,userspace/{base,sys,model,agent}/x.h,tools/{a,b,lib}/x.h}
	printf '#include "../sys/x.h"\n' >"$tree/userspace/base/up.c"
	printf '#include <stdio.h>\n#include "../base/x.h"\n#  include "userspace/model/x.h"\n' >"$tree/userspace/sys/side.c"
	printf '#include "../../userspace/agent/x.h"\n' >"$tree/tools/a/agent.c"
	printf '#include "../b/x.h"\n' >"$tree/tools/a/tool.c"
	printf '#include "../lib/x.h"\n' >"$tree/tools/a/right.c"
	printf '#include "../a/x.h"\n' >"$tree/tools/lib/up.c"
	printf '#include "bpf/l4.skel.h"\n' >"$tree/userspace/agent/skeleton.c"
	printf '#include "absent.h"\n' >"$tree/userspace/agent/absent.c"
	printf '#include "../../bpf/abi/x.h"\n#include "../base/x.h"\n' >"$tree/userspace/agent/right.c"
	printf '#include "../../tools/a/x.h"\n#include "bpf/l4.skel.h"\n' >"$tree/selftests/unit/right.c"
	printf '#include <userspace/base/x.h>\n' >"$tree/bpf/prog/angle.bpf.c"
	expected='bpf/prog/angle.bpf.c:1 tools/a/agent.c:1 tools/a/tool.c:1 tools/lib/up.c:1 userspace/agent/absent.c:1'
	expected+=' userspace/agent/skeleton.c:1 userspace/base/up.c:1 userspace/sys/side.c:3'
	found=$( (check "$tree" || true) | cut -d: -f1,2 | sort | tr '\n' ' ')
	rm -rf "$tree"
	if [ "$found" != "$expected " ]; then
		printf 'arrows: the self-check failed\nexpected: %s\nfound:    %s\n' "$expected" "$found" >&2
		return 1
	fi
}

self_check
check "$(dirname "$0")/.."
