#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Who may not send: a tenant's access list holds for it alone, at once and over a kill; the operator's
# feeds hold for all, follow their files, and are never loaded in half.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# acl LIST: globex's, e.g. '{deny: [10.10.1.11]}'; empty: none.
acl()
{
	sed -i -e '/^acl:/d' ${1:+-e "/^metadata:/a acl: $1"} "$CONFIG/tenants.d/globex.yaml"
	config_apply
}

# hits PREFIX: of globex's list.
hits()
{
	mtlb -j acl list tenant globex | json "sum(r['hits'] for r in items if r['prefix'] == '$1')"
}

feed()
{
	mtlb -j feed list | json "[f['$1'] for f in items if f['name'] == 'lab'][0]"
}

# reaches NODE VIP: whether a request is answered.
reaches()
{
	ns "$1" curl -s -o /dev/null --connect-timeout 1 --max-time 2 "$(url "$2" /)"
}

misses()
{
	! reaches "$@"
}

scenario acl bare
mkdir -p "$RUN/feeds"
printf '# nobody yet\n' >"$RUN/feeds/lab.txt"
sed -i -e 's/capacity: {/capacity: {feedPrefixes: 1000, /' \
	-e "/^vips:/i denyFeeds: [{name: lab, file: $RUN/feeds/lab.txt}]" "$CONFIG/platform.yaml"
check "mtlbd starts with an empty feed" agent_start
check "all members come up" wait_until all_up 10
check "everybody reaches globex" reaches client1 192.0.2.20

check "globex denies client1" acl '{deny: [10.10.1.11, "fd00:10:1::11"]}'
check "client1 does not reach it" misses client1 192.0.2.20
check "nor by IPv6" misses client1 2001:db8::20
check "client2 does" reaches client2 192.0.2.20
check "client1 reaches acme" reaches client1 192.0.2.10
denied=$(hits 10.10.1.11)
check "the line has counted it" [ "$denied" -gt 0 ]
check "the drops are globex's" [ "$(api drops | json "sum(r['packets'] for r in items
	if (r['tenant'], r['reason']) == ('globex', 'denied_acl'))")" -ge "$denied" ]

check "a line is added" acl '{deny: [10.10.1.11, "fd00:10:1::11", 203.0.113.0/24]}'
check "the others' counts stay" [ "$(hits 10.10.1.11)" -ge "$denied" ]
agent_stop KILL
check "mtlbd is killed, and comes back" agent_start
check "the list holds" misses client1 192.0.2.20
check "and its counts are there" [ "$(hits 10.10.1.11)" -gt "$denied" ]

check "globex lets nobody in but client1" acl '{default: deny, allow: [10.10.1.0/24], deny: [10.10.1.12]}'
check "client1 is back" reaches client1 192.0.2.20
check "client2 is out" misses client2 192.0.2.20
check "the list goes" acl ''
check "client2 is back" reaches client2 192.0.2.20
is "no line is left" "$(mtlb -j acl list | json 'len(items)')" 0

printf '10.10.1.12 # known for it\nnonsense\n' >"$RUN/feeds/new" && mv "$RUN/feeds/new" "$RUN/feeds/lab.txt"
check "the feed follows its file" wait_until '[ "$(feed entries)" = 1 ]' 10
check "client2 reaches nobody" misses client2 192.0.2.10
check "not globex either" misses client2 192.0.2.20
check "client1 does" reaches client1 192.0.2.10
is "the bad line was left out" "$(feed badLines)" 1
check "and told, with its place" grep -q "feeds/lab.txt:2" "$AGENT_LOG"
check "the feed has counted it" [ "$(feed hits)" -gt 0 ]
rm "$RUN/feeds/lab.txt"
check "the file goes" wait_until '[ "$(feed state)" = kept ]' 10
check "its list stays" misses client2 192.0.2.10
printf '# nobody\n' >"$RUN/feeds/lab.txt"
check "an empty one is taken" wait_until '[ "$(feed state)" = loaded ] && [ "$(feed entries)" = 0 ]' 10
check "client2 is back" reaches client2 192.0.2.10

finish
