#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A backend fails: new connections leave it as soon as its health check can know, what runs on the
# others is untouched, and when it is back it gets its share again. Once its servers die (it
# refuses), once its cable is pulled (it is silent).

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

BOUND=$((FAILOVER_MS + SLACK_MS))

# state_of PREDICATE: of the backends b for which it holds, without doubles.
state_of()
{
	mtlb -j backend list | json "' '.join(sorted({b['state'] for b in items if $1}))"
}

# down_at NODE: when the agent found the last of its pools down, in ms: by its own log, since asking the
# API takes long on a busy machine.
down_at()
{
	local host=2${1#be} at
	at=$(grep -E "[.:]$host\\]?:[0-9]+ is down" "$AGENT_LOG" | tail -n 1 | cut -d' ' -f1)
	date -d "$at" +%s%3N
}

# failures FROM TO [FIELD]: requests that failed, by the time they began, or that of another field.
failures()
{
	cat "$RUN"/loop.* | awk -v from="$1" -v to="$2" -v at="${3:-3}" '$2 != 200 && $at >= from && $at < to'
}

# answers_since BACKEND TIME
answers_since()
{
	cat "$RUN"/loop.* | awk -v who="$1" -v from="$2" '$5 == who && $3 >= from' | wc -l
}

traffic()
{
	rm -f "$RUN"/loop.*
	loop_start client1 "$RUN/loop.1" http://192.0.2.10/ 'http://[2001:db8::10]/'
	loop_start client2 "$RUN/loop.2" http://192.0.2.20/ 'http://[2001:db8::20]/' \
		http://192.0.2.20:8080/ 'http://[2001:db8::20]:8080/'
}

downloads_start()
{
	local number
	for number in 1 2 3 4 5 6; do
		download client1 "http://192.0.2.10/slow?rate=1200k" "$RUN/acme.$number" &
		download client2 "http://[2001:db8::20]/slow?rate=1200k" "$RUN/globex.$number" &
	done
}

downloads_run()
{
	[ "$(cat "$RUN"/acme.?.headers "$RUN"/globex.?.headers 2>/dev/null | grep -c X-Backend)" = 12 ]
}

downloads_ended()
{
	[ "$(find "$RUN" -name '*.done' | wc -l)" = 12 ]
}

# downloads_check FAILED-BACKEND
downloads_check()
{
	local file
	check "all downloads ended" wait_until downloads_ended 30
	for file in "$RUN"/acme.? "$RUN"/globex.?; do
		[ "$(download_backend "$file")" = "$1" ] && continue
		check "a download of ${file##*/} from $(download_backend "$file") was not disturbed" \
			download_is_whole "$file"
	done
	rm -f "$RUN"/acme.* "$RUN"/globex.*
}

# fails WHAT NODE PREDICATE BREAK MEND
fails()
{
	local what=$1 node=$2 which=$3 start found revived
	traffic
	downloads_start
	check "$what: 12 downloads run" wait_until downloads_run 5
	wait_until '[ "$(answers_since $node 0)" -gt 5 ]' 10
	start=$(now_ms)
	$4
	check "$what: the agent says that it is down" \
		wait_until '[ "$(state_of "$which")" = down ]' 10
	found=$(down_at "$node")
	diag "$what: seen to be down after $((found - start)) ms"
	check "$what: within interval * fall + timeout and slack" [ $((found - start)) -le $BOUND ]
	wait_until '[ "$(now_ms)" -gt $((start + BOUND + 3000)) ]' 10
	is "$what: no request had failed before" "$(failures 0 "$start" 4)" ""
	is "$what: none that began after the failover failed" \
		"$(failures $((start + BOUND)) "$(now_ms)")" ""
	is "$what: and none went to $node" "$(answers_since "$node" $((start + BOUND)))" 0
	diag "$what: $(failures 0 $((start + BOUND)) | wc -l) requests failed meanwhile"
	check "$what: the log tells" grep -q 'is down' "$AGENT_LOG"
	is "$what: the API tells why" "$(mtlb -j backend list | json "all(b['health']['lastError']
		for b in items if $which)")" True
	downloads_check "$node"

	$5
	revived=$(now_ms)
	check "$what: it is seen to be up again" \
		wait_until '[ "$(state_of "$which")" = up ]' 10
	check "$what: it gets traffic again" \
		wait_until '[ "$(answers_since "$node" "$revived")" -gt 5 ]' 10
	loops_stop
	is "$what: coming back broke nothing" "$(failures "$revived" "$(now_ms)")" ""
}

web_dies()
{
	server_kill be2 nginx
}

web_returns()
{
	server_start be2 nginx
}

cable_out()
{
	ns router ip link set be3 down
}

cable_in()
{
	ns router ip link set be3 up
}

scenario failover

# Its name server lives on: no pool that asks port 53 may call be2 down.
fails "server dead" be2 "b['tenant'] != 'initech' and b['address'][-2:] == '22'" web_dies web_returns
is "a dead web server is no matter to initech" "$(grep 'is down' "$AGENT_LOG" | grep initech)" ""
fails "cable out" be3 "b['address'][-2:] == '23'" cable_out cable_in

finish
