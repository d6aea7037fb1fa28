#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Runs the tests that `make test` has built, all through prove: unit tests, packet tests (bpf), lab
# scenarios. A crash, a sanitizer's report, a time-out, a test file without a test and a skipped
# cmocka test are failures. What needs root gets it or the run fails: nothing is skipped silently.
#
#   TESTS="unit/model lab"   only test files whose name contains one of these words
#   JOBS=1                   how many at once (3: most scenarios wait half of the time)
#   TIMEOUT=600              seconds that one file may take (300)
set -euo pipefail

cd "$(dirname "$0")/.."
export O=${O:-build}
MTLB_BUILD=$(realpath -m "$O")
export MTLB_BUILD
self=scripts/test.sh
logs=$O/test-logs

# What prove runs for each file. Output is kept in a log; stderr is shown only when the file failed.
run_one() {
	local file=$1 name status=0
	name=${file#"$O"/test/}
	name=${name#selftests/}
	name=$logs/${name//\//-}

	export CMOCKA_MESSAGE_OUTPUT=TAP
	export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:detect_stack_use_after_return=1}
	export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
	case "$file" in
	/*) ;;
	*) file=./$file ;;
	esac
	timeout -k 10 "${TIMEOUT:-300}" "$file" >"$name.tap" 2>"$name.err" </dev/null || status=$?
	# prove takes `1..0` for a skipped file: here it is a test that tests nothing.
	if grep -qE '^1\.\.0( |$)' "$name.tap"; then
		echo "no test was run by $file" >>"$name.err"
		status=1
	else
		cat "$name.tap"
	fi
	case "$status" in
	124 | 137) echo "stopped after ${TIMEOUT:-300} s" >>"$name.err" ;;
	esac
	if [ "$status" != 0 ] || grep -q '^not ok' "$name.tap"; then
		{
			echo "$file failed (all it said: $name.tap, $name.err)"
			awk '/^(not )?ok/ { failed = /^not/ } failed' "$name.tap"
			cat "$name.err"
		} | sed 's/^/    /' >&2
	fi
	exit "$status"
}

# Every test file of the tree, as it is run. Taken from the sources: a stale binary is not a test.
# A script of the lab that another one sources is a library, any other is a scenario.
all_tests() {
	local source script
	for script in selftests/lab/*.sh; do
		[ -e "$script" ] || continue
		grep -qE "^[[:space:]]*(\.|source) .*/${script##*/}\"?\$" selftests/lab/*.sh || echo "$script"
	done
	find selftests/unit -name '*_test.sh' 2>/dev/null | sort
	find selftests/unit selftests/bpf -name '*_test.c' 2>/dev/null | sort | while read -r source; do
		source=${source%.c}
		echo "$O/test/${source#selftests/}"
	done
}

# The longest comes first, and the many short ones are last as it is: they fill up the end, where a
# long one would run alone.
long_first() {
	awk '{ print !/\/reconcile_test$/, $0 }' | sort -s -n -k1,1 | cut -d' ' -f2-
}

picked() {
	local word
	[ -n "${TESTS:-}" ] || return 0
	for word in $TESTS; do
		case "$1" in *"$word"*) return 0 ;; esac
	done
	return 1
}

if [ "${1:-}" = --one ]; then
	run_one "$2"
fi

tests=() need_root=no
while read -r file; do
	picked "$file" || continue
	tests+=("$file")
	case "$file" in "$O"/test/bpf/* | selftests/lab/*) need_root=yes ;; esac
	if [ ! -x "$file" ]; then
		echo "test: $file cannot be run: build it with make tests (a script: chmod +x)" >&2
		exit 1
	fi
done < <(all_tests | long_first)
if [ "${#tests[@]}" = 0 ]; then
	echo "test: no test file${TESTS:+ has one of these in its name: $TESTS}" >&2
	exit 1
fi
if [ "$need_root" = yes ] && [ "$(id -u)" != 0 ]; then
	exec scripts/as-root.sh "$self"
fi
if [ "$need_root" = yes ] && [ "$(stat -f -c %T /sys/fs/bpf 2>/dev/null)" != bpf_fs ]; then
	mount -t bpf bpf /sys/fs/bpf || {
		echo "test: cannot mount bpffs on /sys/fs/bpf (in a container: run it --privileged)" >&2
		exit 1
	}
fi

mkdir -p "$logs"
status=0
# Which ones need the machine to themselves.
export HARNESS_RULESFILE=selftests/lib/rules.yml
prove --timer --jobs "${JOBS:-3}" --exec "$self --one" "${tests[@]}" || status=$?
# What sudo made is the caller's all the same, so that `make clean` needs no root.
[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$logs"
exit "$status"
