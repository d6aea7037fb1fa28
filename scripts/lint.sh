#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Holds the tree against the rules that a machine can check: format, include arrows, static
# analysis, licence lines, names, sizes. Says every finding with its file, then fails if there was
# one. Changes nothing: `make format` does.
set -euo pipefail

cd "$(dirname "$0")/.."
findings=0

# report TEXT: a finding is any line of it.
report() {
	[ -n "$1" ] || return 0
	printf '%s\n' "$1"
	findings=$((findings + $(printf '%s\n' "$1" | wc -l)))
}

step() {
	printf 'lint: %s\n' "$1"
}

roots=(bpf userspace tools selftests scripts .ci)
mapfile -t c_files < <(find bpf userspace tools selftests -name '*.[ch]' | sort)
mapfile -t scripts < <({ find "${roots[@]}" -name '*.sh'; find .ci -type f; } | sort -u)
mapfile -t sources < <({ find "${roots[@]}" -type f \( -name '*.[ch]' -o -name '*.def' -o -name '*.sh' \
	-o -name '*.py' -o -name '*.supp' \); find .ci -type f; echo Makefile; } | sort -u)

step "format"
report "$(clang-format --dry-run -Werror "${c_files[@]}" 2>&1 | awk -F: '
	/ (error|warning): / && !($1 in line) { file[++files] = $1; line[$1] = $2 }
	/ (error|warning): / { places[$1]++ }
	END {
		for (i = 1; i <= files; i++)
			printf "%s:%s: not formatted, in %d places: make format\n", file[i], line[file[i]], places[file[i]]
	}')"

step "include arrows"
if ! arrows=$(scripts/arrows.sh 2>&1); then
	report "${arrows:-scripts/arrows.sh failed}"
fi

step "cppcheck"
report "$(cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability \
	--inline-suppr --suppressions-list=scripts/cppcheck.supp --max-configs=4 -j "$(nproc)" \
	-I. -D_GNU_SOURCE -DMTLB_VERSION='""' --template='{file}:{line}: {severity}: {message} [{id}]' \
	bpf userspace tools selftests 2>&1)"

step "house rules"
report "$(awk '
	FNR <= 2 && /SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause/ { licensed[FILENAME] }
	{ lines[FILENAME]++ }
	END {
		for (i = 1; i < ARGC; i++) {
			if (!(ARGV[i] in licensed))
				printf "%s:1: no SPDX-License-Identifier line\n", ARGV[i]
			if (lines[ARGV[i]] > 700)
				printf "%s:700: %d lines: more than one room\047s worth, split it\n", ARGV[i], lines[ARGV[i]]
		}
	}' "${sources[@]}")"
report "$(grep -nwE 'TOD[O]|FIXM[E]|XX[X]|HAC[K]' "${sources[@]}" | sed 's/$/   (finish it or open an issue)/' || true)"
report "$(find "${roots[@]}" -regextype posix-extended \
	-regex '.*/(utils?|common|helpers?|misc)(\.[^/]*)?' -printf '%p: the name says nothing of what is in it\n')"
for file in "${scripts[@]}"; do
	report "$(bash -n "$file" 2>&1)"
	if [ ! -x "$file" ] && ! grep -qE "^[[:space:]]*(\.|source) .*${file##*/}" "${scripts[@]}"; then
		report "$file: neither executable nor sourced by another script"
	fi
	if [ -x "$file" ] && [ "$(head -c 2 "$file")" != '#!' ]; then
		report "$file:1: executable without #!"
	fi
done

if [ "$findings" -gt 0 ]; then
	echo "lint: $findings findings"
	exit 1
fi
echo "lint: clean (${#c_files[@]} C files, ${#scripts[@]} scripts)"
