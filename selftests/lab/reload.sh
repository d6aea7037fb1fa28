#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# 20,000 connections and a dozen long downloads while the configuration changes each second, by
# SIGHUP and by `mtlb config apply` in turn: weights change, members leave and return, in the
# services that are used and in others. Not one request may fail.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

COUNT=${COUNT:-10000}
RATE=${RATE:-500}

# One of two configurations, each file swapped whole.
variant()
{
	if [ "$1" = 1 ]; then
		member_set acme web 10.20.1.22 'weight: 3'
		member_remove acme web 10.20.1.23
		member_remove acme web6 fd00:20:1::21
		member_set globex web fd00:20:2::26 'weight: 2'
		member_remove globex web fd00:20:2::24
		member_set globex api 10.20.2.25 'weight: 1, state: drain'
		member_remove initech dns 10.20.1.21
	else
		tenant_restore acme
		tenant_restore globex
		tenant_restore initech
	fi
}

reload_once()
{
	variant $(($1 % 2))
	# Twice each way: both ways meet both variants.
	if [ $(($1 / 2 % 2)) = 0 ]; then
		kill -HUP "$(agent_pid)"
	else
		config_apply
	fi
}

# reload_while PID...: once a second as long as one of them runs; prints how often.
reload_while()
{
	local number=0 refused=0 next
	while kill -0 "$@" 2>/dev/null; do
		next=$(($(now_ms) + 1000))
		number=$((number + 1))
		reload_once $number || refused=$((refused + 1))
		wait_until '[ "$(now_ms)" -ge $next ]' 2
	done
	echo "$number $refused"
}

generation()
{
	api node | json "d['config']['generation']"
}

downloads_start()
{
	local number
	for number in 1 2 3; do
		download client1 'http://[2001:db8::10]/slow?rate=500k' "$RUN/acme6.$number" &
		download client2 'http://192.0.2.10/slow?rate=500k' "$RUN/acme4.$number" &
		download client1 'http://192.0.2.20/slow?rate=500k' "$RUN/globex4.$number" &
		download client2 'http://[2001:db8::20]:8080/slow?rate=500k' "$RUN/globex6.$number" &
	done
}

scenario reload

before=$(generation)
downloads_start
loop_start client1 "$RUN/loop" @192.0.2.53 '@2001:db8::53' @192.0.2.53,+tcp
requests client1 http://192.0.2.10/ "$COUNT" "$RUN/v4" --rate "$RATE/s" &
v4=$!
requests client2 'http://[2001:db8::20]/' "$COUNT" "$RUN/v6" --rate "$RATE/s" &
v6=$!
read -r reloads refused <<<"$(reload_while $v4 $v6)"
wait $v4 $v6
loops_stop
wait

diag "$reloads reloads; the slowest request took $(slowest "$RUN/v4") s, $(slowest "$RUN/v6") s"
check "there were at least 15 reloads" [ "$reloads" -ge 15 ]
is "none was refused" "$refused" 0 || diag "$(tail -n 5 "$RUN/apply.log")"
check "and they were applied" [ "$(generation)" -ge $((before + reloads / 2)) ]
for family in v4 v6; do
	is "all $COUNT requests over IP$family succeeded" "$(succeeded "$RUN/$family")" "$COUNT" ||
		diag "$(grep '^= ' "$RUN/$family" | grep -v '^= 200' | sort | uniq -c | head -n 5)"
done
is "all $(grep -c . "$RUN/loop") DNS questions were answered" "$(failed "$RUN/loop")" 0 ||
	diag "$(grep -v '^= 200' "$RUN/loop" | head -n 5)"
for file in "$RUN"/acme[46].? "$RUN"/globex[46].?; do
	check "the download ${file##*/} from $(download_backend "$file") came whole" \
		download_is_whole "$file"
done
is "nothing else answered for acme" "$(grep -c 'be[456]' "$RUN/v4")" 0
is "the log has no error" "$(agent_log | grep ' error ')" ""

tenant_restore acme
tenant_restore globex
tenant_restore initech
config_apply
check "in the end all is as it was" wait_until all_up 5

finish
