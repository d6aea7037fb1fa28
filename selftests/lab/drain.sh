#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A member is drained by configuration: what it serves it serves to the end, nothing new comes to
# it, and taking the drain back restores its share.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# share_of NODE VIP PATH COUNT: new connections that reach NODE, of that many.
share_of()
{
	requests client2 "$(url "$2" "$3")" "$4" "$RUN/out"
	[ "$(succeeded "$RUN/out")" = "$4" ] || tell_failed "$RUN/out" >&2
	grep -c "$1" "$RUN/out"
}

# held_download URL OUT: of 10 MB, as by download. Nobody takes what comes before there is OUT.go, and
# until then the server cannot send most of it: it goes on for as long as the scenario needs.
held_download()
{
	mkfifo "$2.held"
	ns client1 curl -s --connect-timeout 3 --max-time 120 -D "$2.headers" -o "$2.held" "$1" &
	wait_until "[ -e '$2.go' ]" 100
	timeout 60 cat "$2.held" >"$2"
	wait $!
	echo $? >"$2.done"
}

# is_held NODE: it has a connection that it could not send all of.
is_held()
{
	ns "$1" ss -Htn state established | awk '$2 > 0 { found = 1 } END { exit !found }'
}

# drains TENANT POOL VIP PATH ADDRESS-OF
drains()
{
	local tenant=$1 pool=$2 vip=$3 path=$4 address_of=$5 file=$RUN/$1.$2 member address loading
	held_download "$(url "$vip" "${path}big")" "$file" &
	loading=$!
	check "$tenant: a download starts" wait_until '[ -n "$(download_backend "$file")" ]' 5
	member=$(download_backend "$file")
	address=$($address_of "$member")

	member_set "$tenant" "$pool" "$address" 'weight: 1, state: drain'
	check "$tenant: $member is set to drain" config_apply
	check "$tenant: and is listed so" \
		wait_until '[[ $(member_states "$tenant" "$pool") = *$address=drain* ]]' 3
	is "$tenant: no new connection reaches it" "$(share_of "$member" "$vip" "$path" 600)" 0
	check "$tenant: the download is still open" is_held "$member"
	touch "$file.go"
	wait $loading
	check "$tenant: and comes to its end whole" download_is_whole "$file"
	is "$tenant: still none" "$(share_of "$member" "$vip" "$path" 600)" 0

	member_set "$tenant" "$pool" "$address" 'weight: 1'
	check "$tenant: the drain is taken back" config_apply
	check "$tenant: it gets connections again" \
		[ "$(share_of "$member" "$vip" "$path" 600)" -gt 30 ]
}

# names_from_be4 NODE: how many of 300 questions be4 answers.
names_from_be4()
{
	asks "$1" 192.0.2.53 300 "$RUN/out"
	grep -c be4 "$RUN/out"
}

# A fair share would be fifty. Ports that the client happens to use again belong to remembered flows.
learning_is_over() { [ "$(names_from_be4 client1)" -lt 20 ]; }

scenario drain

drains acme web 192.0.2.10 / node_ip4
drains acme web6 2001:db8::10 / node_ip6
drains globex web 2001:db8::20 / node_ip6
drains globex api 192.0.2.20 :8080/ node_ip4

# UDP learns which flows there are before it moves the rest. Until then new flows still reach be4, and
# are remembered.
config_edit initech '/name: dns,/ { sub("track:", "learn: 3s, track:") } { print }'
check "initech: be4 answers questions" [ "$(names_from_be4 client1)" -gt 20 ]
member_set initech dns 10.20.2.24 'weight: 1, state: drain'
check "initech: be4 is set to drain" config_apply
check "initech: after learning its share is gone" wait_until learning_is_over 30
is "initech: no new flow reaches it" "$(names_from_be4 client2)" 0
is "initech: every question was answered" "$(grep -c 'be[1-6]' "$RUN/out")" 300
tenant_restore initech
check "initech: the drain is taken back" config_apply
check "initech: be4 answers again" wait_until '! learning_is_over' 30

finish
