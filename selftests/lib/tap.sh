# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# TAP for shell tests that need no lab: source it, make assertions, end with tap_done. The plan comes
# last, so a script that dies half-way has none and fails. It runs nothing by itself.
#
#   tap_ok "the file is there" test -e "$file"
#   tap_is "$got" "$wanted" "the answer"
#   tap_done

tap_count=0
tap_failed=0

# tap_diag TEXT: a remark, for people.
tap_diag() {
	printf '%s\n' "$1" | sed 's/^/# /'
}

# tap_result STATUS NAME: counts one assertion.
tap_result() {
	tap_count=$((tap_count + 1))
	if [ "$1" = 0 ]; then
		printf 'ok %d - %s\n' "$tap_count" "$2"
	else
		tap_failed=$((tap_failed + 1))
		printf 'not ok %d - %s\n' "$tap_count" "$2"
	fi
	return "$1"
}

# tap_ok NAME COMMAND...: the command succeeds.
tap_ok() {
	local name=$1 output status=0
	shift
	output=$("$@" 2>&1) || status=$?
	tap_result "$status" "$name" || tap_diag "status $status: $*"$'\n'"$output"
}

# tap_not_ok NAME STATUS COMMAND...: the command fails with just this status.
tap_not_ok() {
	local name=$1 wanted=$2 output status=0
	shift 2
	output=$("$@" 2>&1) || status=$?
	[ "$status" = "$wanted" ] && [ "$wanted" != 0 ] && wanted=0 || wanted=1
	tap_result "$wanted" "$name" || tap_diag "status $status: $*"$'\n'"$output"
}

# tap_is GOT WANTED NAME: the two are the same text.
tap_is() {
	if [ "$1" = "$2" ]; then
		tap_result 0 "$3"
	else
		tap_result 1 "$3" || tap_diag "got:    $1"$'\n'"wanted: $2"
	fi
}

# tap_like GOT PATTERN NAME: the text matches the extended regular expression.
tap_like() {
	if [[ $1 =~ $2 ]]; then
		tap_result 0 "$3"
	else
		tap_result 1 "$3" || tap_diag "got:     $1"$'\n'"pattern: $2"
	fi
}

# tap_done: prints the plan; the script's last word is its status.
tap_done() {
	printf '1..%d\n' "$tap_count"
	[ "$tap_failed" = 0 ] && [ "$tap_count" -gt 0 ]
}
