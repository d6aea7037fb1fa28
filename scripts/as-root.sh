#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Runs a command as root: directly when we are, through sudo when there is one, and otherwise says
# why it cannot. Loading BPF programs and making network namespaces need root. Only what the build
# itself sets is handed through sudo.
set -euo pipefail

if [ "$(id -u)" = 0 ]; then
	exec "$@"
fi
if ! command -v sudo >/dev/null; then
	echo "$1 needs root (it loads BPF programs and makes network namespaces): become root or install sudo" >&2
	exit 1
fi
keep=()
for name in O MTLB_BUILD MTLB_LAB TESTS JOBS TIMEOUT; do
	if [ -n "${!name+set}" ]; then
		keep+=("$name=${!name}")
	fi
done
exec sudo -- env ${keep[@]+"${keep[@]}"} "$@"
