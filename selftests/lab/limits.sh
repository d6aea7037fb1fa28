#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A tenant that may open five connections a second gets them, and no more; its neighbour, at the same
# time, feels nothing; and a limit that is changed or taken away in a running node holds at once.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# refused TENANT: packets that its meters refused.
refused()
{
	api drops | json "sum(r['packets'] for r in d['items']
		if r['tenant'] == '$1' and r['reason'].startswith('over_'))"
}

# small_tier L4: what globex is sold.
small_tier()
{
	sed -i -e "/name: small/d" -e "/name: standard, l4/a\\  - {name: small, l4: {flows: 16384$1}}" \
		-e 's/\(name: globex, id: 2, tier:\) [a-z]*/\1 small/' "$CONFIG/platform.yaml"
	config_apply
}

# both COUNT: of globex's connections, one after the other, and twenty times as many of acme's.
both()
{
	local began=$EPOCHREALTIME
	requests client2 "$(url 192.0.2.10 /)" $((20 * $1)) "$RUN/acme" &
	requests client1 "$(url 192.0.2.20 /)" "$1" "$RUN/globex"
	took_ms=$(((${EPOCHREALTIME/./} - ${began/./}) / 1000))
	wait $!
}

scenario limits
check "five connections a second are sold" small_tier ', newFlows: 5/s, burst: 1s'
both 20
is "globex: all its connections came in the end" "$(succeeded "$RUN/globex")" 20
check "globex: not before their time, after $took_ms ms" [ "$took_ms" -ge 3000 ]
check "globex: what came too early was refused" [ "$(refused globex)" -gt 0 ]
is "acme: nothing was refused" "$(refused acme)" 0
is "acme: all answered" "$(succeeded "$RUN/acme")" 400
check "acme: none waited, the slowest $(slowest "$RUN/acme") s" \
	awk "BEGIN { exit !($(slowest "$RUN/acme") < 0.9) }"
check "the limit is shown" [ "$(api tenants | json "[t['limits']['newFlows'] for t in d['items'] if t['name'] == 'globex'][0]")" = 5 ]

check "a thousand times as many are sold" small_tier ', newFlows: 5k/s, burst: 1s'
before=$(refused globex)
both 200
is "globex: all answered" "$(succeeded "$RUN/globex")" 200
is "globex: nothing was refused" "$(refused globex)" "$before"

check "a few packets a second are sold" small_tier ', packets: 40/s'
both 20
is "globex: all its connections came in the end" "$(succeeded "$RUN/globex")" 20
check "globex: packets were refused" [ "$(refused globex)" -gt "$before" ]
is "acme: all answered" "$(succeeded "$RUN/acme")" 400
is "acme: nothing was refused" "$(refused acme)" 0

agent_stop KILL
check "mtlbd is killed, and comes back" agent_start
check "the limit is still there" [ "$(api tenants | json "[t['limits']['packets'] for t in d['items'] if t['name'] == 'globex'][0]")" = 40 ]
before=$(refused globex)
both 20
check "and holds" [ "$(refused globex)" -gt "$before" ]

check "the limit is taken away" small_tier ''
before=$(refused globex)
both 200
is "globex: all answered" "$(succeeded "$RUN/globex")" 200
is "globex: nothing was refused" "$(refused globex)" "$before"

finish
