#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# How many flows of a tenant are active: about as many as there are, none of its neighbour's, fewer
# when they are over; and after the agent was killed, none that it did not see.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

COUNT=300

# active TENANT KEY
active()
{
	api tenants | json "[t['activeFlows']['$2'] for t in d['items'] if t['name'] == '$1'][0]"
}

# seconds_of COMPARISON: of what time the estimates are.
seconds_of()
{
	awk "BEGIN { exit !($(active acme seconds) $1) }"
}

near()
{
	[ "$(active acme "$1")" -ge $((COUNT * 88 / 100)) ] && [ "$(active acme "$1")" -le $((COUNT * 112 / 100)) ]
}

over()
{
	[ "$(active acme estimated)" = 0 ]
}

scenario active
sed -i 's/^node:$/node:\n  flowWindow: 8s/' "$CONFIG/platform.yaml"
check "a window of eight seconds" config_apply
wait_until 'seconds_of ">= 7.5"' 20
is "nothing is active" "$(active acme estimated)" 0
requests client1 "$(url 192.0.2.10 /)" $COUNT "$RUN/acme"
is "acme: all answered" "$(succeeded "$RUN/acme")" $COUNT
check "acme: about $COUNT flows" wait_until 'near estimated' 10
is "globex: none" "$(active globex estimated)" 0
check "acme: they are over after a while" wait_until 'over' 20
check "acme: the peak is kept" near peak
check "it is shown" mtlb tenant show acme

requests client1 "$(url 192.0.2.10 /)" $COUNT "$RUN/acme"
agent_stop KILL
check "mtlbd is killed, and comes back" agent_start
check "a window begins anew" seconds_of "< 6"
wait_until 'seconds_of ">= 7.5"' 20
is "what nobody saw does not count" "$(active acme peak)" 0
requests client1 "$(url 192.0.2.10 /)" $COUNT "$RUN/acme"
check "acme: about $COUNT flows again" wait_until 'near estimated' 10

finish
