#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Connections spread over the members by weight, over IPv4 and IPv6, through every kind of
# forwarding, and never reach a member of another pool.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

COUNT=2000
THIRDS="be1=1 be2=1 be3=1"
SIXTHS="$THIRDS be4=1 be5=1 be6=1"

# spread WHAT FILE COUNT BACKEND=WEIGHT...: every answer came, from these only, in these shares.
spread()
{
	local what=$1 file=$2 count=$3 sum=0 member got share others
	shift 3
	others=$(grep -o 'be[1-6]' "$file")
	is "$what: all $count answered" "$(wc -l <<<"$others")" "$count" || diag "$(tail -n 3 "$file")"
	for member; do sum=$((sum + ${member#*=})); done
	for member; do
		got=$(grep -o "${member%=*}" "$file" | wc -l)
		share=$(awk "BEGIN { print ${member#*=} / $sum }")
		check "$what: ${member%=*} got its share, $got of $count" \
			within_sigma "$got" "$count" "$share"
		others=$(grep -v "${member%=*}" <<<"$others")
	done
	is "$what: nobody else answered" "$others" ""
}

web()
{
	local what=$1 node=$2 vip=$3 path=$4
	shift 4
	requests "$node" "$(url "$vip" "$path")" $COUNT "$RUN/out"
	spread "$what" "$RUN/out" $COUNT "$@"
}

names()
{
	local what=$1 node=$2 vip=$3 count=$4
	shift 4
	asks "$node" "$vip" "$count" "$RUN/out" "$@"
	# shellcheck disable=SC2086 # a list
	spread "$what" "$RUN/out" "$count" $SIXTHS
}

all_slots_fair()
{
	mtlb -j backend list | json "max(abs(b['share'] - 1 / 3) for b in items
		if b['tenant'] == 'acme')" | awk '{ exit !($1 < 0.01) }'
}

# Every member of globex was reached by all four kinds of tunnel, and had nothing to refuse.
tunnels_sound()
{
	local node
	for node in $BACKENDS; do
		decap_counts "$node" | awk '{ exit !($1 && $2 && $3 && $4 && !$5) }' || return 1
	done
}

scenario balance

# shellcheck disable=SC2086 # lists of members
{
	web "acme, IPv4, DSR" client1 192.0.2.10 / $THIRDS
	web "acme, IPv6, DSR" client2 2001:db8::10 / $THIRDS
	web "globex, 4in6" client1 192.0.2.20 / $SIXTHS
	web "globex, 6in6" client2 2001:db8::20 / $SIXTHS
	web "globex, 4in4" client2 192.0.2.20 :8080/ $SIXTHS
	web "globex, 6in4" client1 2001:db8::20 :8080/ $SIXTHS
}
names "initech, UDP, 4in4" client1 192.0.2.53 $COUNT
names "initech, UDP, 6in4" client2 2001:db8::53 $COUNT
names "initech, TCP, 4in4" client2 192.0.2.53 500 +tcp
names "initech, TCP, 6in4" client1 2001:db8::53 500 +tcp

check "the Maglev tables give acme's members a third each" all_slots_fair
check "tunnels of all kinds reached every member, and none was malformed" tunnels_sound
check "new flows are counted, each once, at the member that got it" \
	[ "$(mtlb -j backend list | json "sum(b['newFlows'] for b in items
		if b['tenant'] == 'acme')")" = $((2 * COUNT)) ]
is "nothing was dropped" "$(mtlb -j drop list |
	json "sum(r['packets'] for r in items if r['verdict'].upper() == 'DROP')")" 0

for vip in "192.0.2.10 /" "2001:db8::10 /" "192.0.2.20 /" "192.0.2.20 :8080/" "2001:db8::20 /" \
	"2001:db8::20 :8080/"; do
	read -r address path <<<"$vip"
	download client1 "$(url "$address" "${path}big")" "$RUN/big"
	check "10 MB come whole from $address$path" download_is_whole "$RUN/big"
	is "10 MB go whole to $address$path" "$(ns client2 curl -s --max-time 30 --data-binary \
		"@$RUN/data/big" "$(url "$address" "${path}upload")" | cut -d' ' -f2)" 10485760
done

member_set acme web 10.20.1.22 'weight: 2'
member_set acme web 10.20.1.23 'weight: 3'
check "new weights are applied" config_apply
web "acme, weights 1, 2, 3" client1 192.0.2.10 / be1=1 be2=2 be3=3

finish
