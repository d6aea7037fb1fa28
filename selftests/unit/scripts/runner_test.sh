#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The test runner itself: whatever a test file does wrong, prove must call it a failure. Each case is
# a small script run just as scripts/test.sh runs a test file.
set -u

cd "$(dirname "$0")/../../.." || exit 1
. selftests/lib/tap.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/test-logs"

# verdict SCRIPT-TEXT: prints what prove makes of a test file with that text.
verdict() {
	printf '#!/bin/sh\n%s\n' "$1" >"$work/case"
	chmod +x "$work/case"
	O=$work TIMEOUT=${TIMEOUT:-10} prove --exec 'scripts/test.sh --one' "$work/case" 2>"$work/err" |
		sed -n 's/^Result: //p'
}

tap_is "$(verdict 'echo ok 1; echo 1..1')" PASS "a test that holds passes"
tap_is "$(verdict 'echo not ok 1; echo 1..1')" FAIL "a failed assertion fails, whatever the exit status"
tap_is "$(verdict 'echo not ok 1 - the sky; echo "# is green"; echo 1..1')" FAIL "a failed assertion with a remark"
tap_like "$(cat "$work/err")" 'the sky.*is green' "the remark is shown"
tap_is "$(verdict 'echo ok 1; echo 1..1; exit 3')" FAIL "a bad exit status fails"
tap_is "$(verdict 'echo 1..2; echo ok 1; kill -SEGV $$')" FAIL "a crash fails"
tap_is "$(verdict 'echo 1..2; echo ok 1')" FAIL "fewer tests than planned fail"
tap_is "$(verdict 'echo ok 1')" FAIL "no plan fails"
tap_is "$(verdict 'exit 0')" FAIL "silence fails"
tap_is "$(verdict 'echo 1..0')" FAIL "an empty plan fails"
tap_is "$(verdict 'echo "1..0 # SKIP no root"')" FAIL "a skipped file fails"
tap_is "$(verdict 'echo 1..1; echo "not ok 1 # SKIP what cmocka prints for skip()"')" FAIL "a skipped cmocka test fails"
tap_is "$(TIMEOUT=1 verdict 'echo ok 1; exec sleep 30')" FAIL "a test that hangs fails"
tap_like "$(cat "$work/err")" 'stopped after 1 s' "and the time-out is told"

tap_not_ok "a word that picks no test is an error" 1 env TESTS=no-such-test scripts/test.sh
tap_ok "the include arrows catch what they must" scripts/arrows.sh
tap_not_ok "deps refuses a group it does not know" 2 scripts/deps.sh everything

tap_done
