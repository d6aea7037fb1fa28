#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# docs/runbooks.md, typed: every command of it, on a balancer that is a machine of its own, while what
# it is for happens: a flood, backends that die, a full quota, a prober that is killed, a lost node.
# In between, what each runbook promises is looked at from outside.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/lib/machine.sh
. "$LAB_ROOT/selftests/lib/machine.sh"
# shellcheck source=selftests/lib/blocks.sh
. "$LAB_ROOT/selftests/lib/blocks.sh"
# shellcheck source=selftests/lib/typed.sh
. "$LAB_ROOT/selftests/lib/typed.sh"

BOOK=docs/runbooks.md

installed()
{
	local local=$MACHINE/usr/local
	mkdir -p "$local/lib/systemd/system" && cp "$LAB_BUILD/mtlbd" "$LAB_BUILD/mtlb-prober" "$local/sbin/" &&
		cp "$LAB_BUILD/mtlb" "$local/bin/" && cp "$LAB_ROOT/scripts/systemd/mtlbd.service" "$local/lib/systemd/system/"
}

# Tenants are limited, there is room for larger quotas, and the API listens.
configured()
{
	typed_configure &&
		sed -i 's/^node:$/node:\n  attacks: {drops: 200\/s}/; s/flows: 128k/flows: 256k/; s/{flows: 16384}/{flows: 16384, newFlows: 500\/s}/' "$CONFIG/platform.yaml" &&
		echo 'api: {listen: "10.20.1.10:9463", certFile: api.pem, keyFile: api.key, tokensFile: tokens}' \
			>>"$CONFIG/platform.yaml" &&
		printf 'ops operator sha256:%s\n' "$(printf first | sha256sum | cut -d' ' -f1)" >"$CONFIG/tokens" &&
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=first \
			-addext subjectAltName=IP:10.20.1.10 -keyout "$CONFIG/api.key" -out "$CONFIG/api.pem" 2>/dev/null
}

dropped()
{
	mtlb -j drop list tenant "$1" reason "$2" | json "sum(i['packets'] for i in items)"
}

quota()
{
	api tenants | json "[t['flows']['max'] for t in items if t['name'] == '$1'][0]"
}

remote_status()
{
	ns lb curl -s -o /dev/null -w '%{http_code}' --max-time 5 --cacert "$CONFIG/api.pem" \
		-H "Authorization: Bearer $1" https://10.20.1.10:9463/v1/node
}

prober_dies()
{
	server_kill lb mtlb-prober
	wait_until 'mtlb event list kind prober-lost | grep -q prober-lost' 20
}

before()
{
	case "$1: $2" in
	*'mtlb event list tenant globex')
		ns client1 "$LAB_DIR/packets.py" flood 203.0.113. 192.0.2.20 80 1600 "$RUN/flood.stop" &
		FLOOD=$!
		check "an attack is told" wait_until 'mtlb event list tenant globex | grep -q attack-begins' 30
		;;
	*'mtlb event list kind attack-ends')
		check "the attack is over" wait_until 'mtlb event list kind attack-ends | grep -q globex' 30
		;;
	*'mtlb health list state down')
		server_kill be2 nginx
		check "be2 is down" wait_until 'mtlb health list state down | grep -q 10.20.1.22' 20
		;;
	*'mtlb backend undrain '*)
		server_ensure be2 nginx
		;;
	'Member down: mtlb event list kind member-up')
		check "be2 is up" wait_until 'mtlb event list kind member-up | grep -q 10.20.1.22' 20
		;;
	'Flow table full: mtlb tenant list')
		asks client1 192.0.2.53 30 "$RUN/dns"
		;;
	'Prober dead: mtlb node show')
		[ -n "${PROBER:-}" ] || check "the prober is killed" prober_dies
		PROBER=dead
		;;
	'Prober dead: mtlb doctor' | 'Node does not forward: mtlb doctor' | *'mtlb backend list state up')
		check "all members are up" wait_until all_up 20
		;;
	'Restore: tar -C / -xzf '*)
		agent_stop
		rm -r /run/mtlb "$CONFIG"
		check "the node is lost" ns lb chroot "$MACHINE" /usr/local/sbin/mtlbd --remove
		check "and forwards nothing" eval '! ns client1 curl -s --max-time 1 http://192.0.2.10/'
		;;
	esac
}

after()
{
	case "$1: $2" in
	*'mtlb drop watch tenant globex')
		check "it shows sources of the flood" \
			wait_until '[[ $(in_machine timeout -s INT 2 mtlb drop watch tenant globex) == *203.0.113.* ]]' 60
		;;
	*'mtlb acl add globex '*)
		check "the sources are denied" wait_until '[ "$(dropped globex denied_acl)" -gt 0 ]' 20
		check "others are not" serves http://192.0.2.20/
		;;
	*'mtlb meter list tenant globex')
		touch "$RUN/flood.stop"
		wait $FLOOD
		;;
	*'mtlb tier del guarded')
		check "nothing of it is left" eval '! mtlb acl list tenant globex | grep -q 203.0.113.0'
		;;
	*'mtlb health list state down')
		check "it tells of be2" grep -q 10.20.1.22 "$RUN/answer"
		# each pool finds out by itself
		check "requests go to the others" wait_until 'serves http://192.0.2.10/' 10
		;;
	*'mtlb backend get '*)
		check "be2 is drained" grep -q drain "$RUN/answer"
		;;
	*'mtlb tenant release acme')
		check "be2 takes part again" wait_until 'member_states acme web | grep -q "10.20.1.22=up"' 20
		;;
	*'mtlb flow list tenant initech limit 10')
		is "it shows flows" "$(grep -c initech "$RUN/answer")" 10
		;;
	'Flow table full: mtlb config apply')
		is "the quota is larger" "$(quota initech)" 32768
		;;
	'Drain a rack: mtlb backend list state drain')
		requests client2 'http://[2001:db8::20]/' 200 "$RUN/out"
		is "all requests succeed" "$(succeeded "$RUN/out")" 200
		if grep -q 10.20.2.24 "$RUN/answer"; then
			is "none reaches the rack" "$(grep -c 'be[456]' "$RUN/out")" 0
		else
			check "the rack has its share again" [ "$(grep -c 'be[456]' "$RUN/out")" -gt 50 ]
		fi
		;;
	*'openssl s_client '*)
		check "the new certificate is there" grep -q 'edge-1' "$RUN/answer"
		;;
	*'curl --fail '*)
		is "the old token still opens it" "$(remote_status first)" 200
		;;
	'Restore: mtlb node audit verify')
		if [ -e "$RUN/head" ]; then
			is "nothing of the audit log is missing" "$(cat "$RUN/answer")" "$(cat "$RUN/head")"
		else
			cp "$RUN/answer" "$RUN/head"
		fi
		;;
	esac
}

lab_name "mtlb-runbooks-$$"
machine_own "$@"
trap scenario_end EXIT
trap 'exit 130' INT TERM HUP
typed_up && installed && configured && in_machine systemctl start mtlbd || exit 1
check "all members come up" wait_until all_up 20 || exit 1

typed $BOOK runbooks "Tenant under attack" "" "mtlb meter list tenant globex"
typed $BOOK runbooks "Member down"
typed $BOOK runbooks "Flow table full"
typed $BOOK runbooks "Tenant under attack" "mtlb event list kind attack-ends"
typed $BOOK runbooks "Prober dead"
typed $BOOK runbooks "Node does not forward"
typed $BOOK runbooks "Drain a rack"
typed $BOOK runbooks "Rotate certificates"
check "the old token no longer opens it" wait_until '[ "$(remote_status first)" = 401 ]' 10
typed $BOOK runbooks "Restore"
check "the new node serves" serves http://192.0.2.10/
typed_end runbooks
finish
