#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The fuzzers still build, know what the program may say, and find nothing in the frames that the
# packet tests are made of, nor in some thousand inputs of their own. `make fuzz` looks for longer.
set -u

cd "$(dirname "$0")/../../.." || exit 1
. selftests/lib/tap.sh

fuzz=${O:-build}/fuzz
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$fuzz/seeds" "$work"
tap_ok "there are frames to begin with" test "$(find "$work/parse_fuzz.seeds" -type f | wc -l)" -gt 1000
mkdir -p "$work/top_fuzz.seeds"
selftests/lab/recording.py 3 1000 | grep -v '^tenant t' >"$work/top_fuzz.seeds/recording"
for source in selftests/fuzz/*_fuzz.c; do
	name=$(basename "$source" .c)
	mkdir -p "$work/$name.seeds" "$work/$name.corpus"
	tap_ok "$name goes through them" \
		"$fuzz/$name" -runs=2500 -artifact_prefix="$work/" "$work/$name.corpus" "$work/$name.seeds"
done
tap_done
