#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What mtlb reads from the pinned maps, against what the agent's API and bpftool say: with the agent
# up, and after it was killed. Whoever has no right to read them is told so in a sentence.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/lib/blocks.sh
. "$LAB_ROOT/selftests/lib/blocks.sh"

# The command in the balancer's namespace, where the interfaces are whose numbers the maps have.
inspect()
{
	ns lb "$MTLB" -s "$SOCKET" --bpffs "$BPFFS" "$@" 2>"$RUN/inspect.err"
}

# Somebody without rights. The command may lie where only root gets to: it comes by a descriptor.
stranger()
{
	cp "$MTLB" "$RUN/mtlb" 2>/dev/null
	(cd / && setpriv --reuid=65534 --regid=65534 --clear-groups "$RUN/mtlb" -s "$SOCKET" \
		--bpffs "$BPFFS" "$@" 2>&1)
}

# vips SOURCE: address, protocol and port of each service, by the API or by the map.
vips_by_api()
{
	api vips | json "sorted((v['address'], v['protocol'], v['port']) for v in items)"
}
vips_by_map()
{
	inspect -j map dump vips | json "sorted((e['key']['address'], e['key']['protocol'], e['key']['port'])
		for e in d if e['key']['port'])"
}

# What tenants' packets were dropped for: the node's own counters grow by themselves.
drops_by_api()
{
	api drops | json "sorted((i['tenant'], i['reason'], i['packets'], i['bytes']) for i in items
		if i['tenant'] != '-')"
}
drops_by_map()
{
	inspect -j map dump reason_counters | json "(lambda rows: sorted(
		(t, r, sum(e['value']['packets'] for e in rows if (e['key']['tenant'], e['key']['reason']) == (t, r)),
		sum(e['value']['bytes'] for e in rows if (e['key']['tenant'], e['key']['reason']) == (t, r)))
		for t, r in {(e['key']['tenant'], e['key']['reason']) for e in rows}))(
		[e for e in d if e['key']['tenant'] != '-'])"
}

# The numbers of a map as bpftool decodes them, and as mtlb does, which leaves out spare room.
numbers_by_bpftool()
{
	bpftool -j map dump pinned "$BPFFS/mtlb_$1" | json "[{k: v for k, v in e['formatted']['value'].items()
		if not k.startswith('spare')} for e in d]"
}
numbers_by_map()
{
	inspect -j map dump "$1" all | json "[e['value'] for e in d]"
}

# What does not change by itself.
meters_of()
{
	json "sorted((m['tenant'], m['meter'], m['rate'], m['burst'], m['dropped']) for m in items)"
}
flows_of()
{
	json "sorted((f['tenant'], f['service'], f['protocol'], f['source'], f['sourcePort'], f['destination'],
		f['destinationPort'], f['backend'], f['state']) for f in items)"
}

# sees WHEN: all that is read, compared.
sees()
{
	local when=$1
	is "$when: maps are listed, as many as are pinned" \
		"$(inspect -j map list | json 'len(items)')" "$(ls "$BPFFS" | grep -c ^mtlb_)"
	is "$when: tenants in use" "$(inspect -j map show tenants | json "d['entries']['used']")" 3
	is "$when: every VIP" "$(vips_by_map)" "$vips"
	is "$when: drops by tenant and reason" "$(drops_by_map)" "$drops"
	is "$when: a tenant by its name" \
		"$(inspect -j map lookup tenants globex | json "(d[0]['key']['tenant'], d[0]['value']['id'])")" \
		"('globex', 2)"
	is "$when: a VIP by address, protocol and port" \
		"$(inspect -j map lookup vips 192.0.2.10 tcp 80 | json "d[0]['key']['port']")" 80
	is "$when: the same by the bytes of its key" "$(inspect -j map lookup vips hex \
		00 00 00 00 00 00 00 00 00 00 ff ff c0 00 02 0a 00 50 06 00)" \
		"$(inspect -j map lookup vips 192.0.2.10 tcp 80)"
	is "$when: a counter by tenant and reason, a row for each CPU" \
		"$(inspect -j map lookup reason_counters acme no_service | json "sum(e['value']['packets'] for e in d)")" 5
	is "$when: the program is the one that is attached" \
		"$(inspect -j prog show | json "(d['id'], [(l['interface'], l['mode']) for l in d['links']])")" \
		"($(ns lb ip -d link show eth0 | sed -n 's/.*prog\/xdp id \([0-9]*\).*/\1/p'), [('eth0', 'native')])"
	is "$when: flows" "$(inspect -j flow list | flows_of)" "$flows"
	is "$when: flows of a member" "$(inspect -j flow list member "$member" | json 'len(items)')" "$of_member"
	is "$when: flows of a client, of a state, of an age: with all that is so" "$(inspect -j flow list \
		client "$(node_ip4 client1)" state established tenant initech idle 0s age 0s | json 'len(items)')" 6
	is "$when: no flow is that old" "$(inspect -j flow list age 2h)" "[]"
	is "$when: a limit" "$(inspect -j flow list limit 2 | json 'len(items)')" 2
	is "$when: in a table as well" "$(inspect flow list | grep -c "^initech  *dns  *UDP .*established")" 6
	is "$when: drops" "$(inspect -j drop list | json "sorted((i['tenant'], i['reason'], i['packets'],
		i['bytes']) for i in items if i['tenant'] != '-')")" "$drops"
	is "$when: meters" "$(inspect -j meter list | meters_of)" "$meters"
	check "$when: its running time is measured" eval '[ "$(inspect -j prog stats 0.2 | json "d[\"seconds\"] >= 0.2")" = True ]'
}

# follow MAP COUNT [SECONDS]: its records as JSON lines, until so many came.
follow()
{
	ns lb timeout "${3:-10}" "$MTLB" -s "$SOCKET" --bpffs "$BPFFS" -j map event "$1" -n "$2" 2>"$RUN/follow.err"
}

# Datagrams from that port on, each from the next one, to where acme has no service.
dropped_from()
{
	ns client1 python3 - "$1" "$2" <<-'END'
		import socket, sys
		for port in range(int(sys.argv[1]), int(sys.argv[1]) + int(sys.argv[2])):
		    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    s.bind(("", port))
		    s.sendto(b"x", ("192.0.2.10", 99))
	END
}

# What of a sample the agent and the ring say alike.
samples_of()
{
	sed '1s/^/[/; $!s/$/,/; $s/$/]/' | json "[(e['at'], e['tenant'], e['reason'], e['source'],
		e.get('sourcePort') or e['source_port'], e['length'], e['packets']) for e in d]"
}

# A second fragment of a datagram whose first one never comes.
late_fragment()
{
	ns client1 python3 - <<-'END'
		import socket, struct
		addresses = [socket.inet_aton(a) for a in ("10.10.1.11", "192.0.2.53")]
		head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0xbeef, 1480 >> 3, 64, 17, 0, *addresses)
		with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
		    s.sendto(head + b"the end", ("192.0.2.53", 0))
	END
}

scenario inspect
sed -i 's/l4: {flows: 16384}/l4: {flows: 16384, packets: 50k\/s, newFlows: 10\/s, burst: 100ms}/' "$CONFIG/platform.yaml"
# what is compared must not end meanwhile, however slow the machine is
sed -i 's/track: always}/track: always, idleTimeout: 10m}/' "$CONFIG/tenants.d/initech.yaml"
check "tenants get limits" config_apply
# The ring is followed beside the agent, which gets everything nevertheless.
inspect -j drop watch tenant acme -n 5 >"$RUN/watched" &
watching=$!
follow events 5 >"$RUN/followed" &
following=$!
check "both look at the ring" wait_until '[ "$(api node | json "d[\"watchers\"][\"clients\"]")" = 1 ] &&
	grep -qs "bpf-map$" "/proc/$(pgrep -f -- "$BPFFS -j map event events -n 5$" | tail -n 1)/maps"' 10
ring=$(grep "bpf-map$" "/proc/$(pgrep -f -- "$BPFFS -j map event events -n 5$" | tail -n 1)/maps")
is "no page of it is mapped for writing" "$(awk '{ print $2 }' <<<"$ring" | sort -u)" "r--s"
dropped_from 7000 5
wait $following
is "agent up: as many records as were asked for" "$(wc -l <"$RUN/followed")" 5
wait $watching
is "agent up: the agent took each of them as well" "$(samples_of <"$RUN/followed")" "$(samples_of <"$RUN/watched")"
for number in 1 2 3 4 5 6; do
	ns client1 dig +short +tries=1 +time=2 whoami.lab TXT @192.0.2.53 >/dev/null
done
requests client1 http://192.0.2.10/ 1 "$RUN/out"
is "traffic flows" "$(succeeded "$RUN/out")" 1
# More connections at a time than acme's tier has: all but the first are refused.
ns client1 python3 - <<-'END'
	import socket
	for _ in range(40):
	    s = socket.socket()
	    s.setblocking(False)
	    s.connect_ex(("192.0.2.10", 80))
	    s.close()
END
check "drops are counted" wait_until '[ "$(api drops | json "[i[\"packets\"] for i in items
	if (i[\"tenant\"], i[\"reason\"]) == (\"acme\", \"no_service\")]")" = "[5]" ]' 10
check "so are flows" wait_until '[ "$(api flows | json "sum(\"source\" in f for f in items)")" = 6 ]' 10
vips=$(vips_by_api)
drops=$(drops_by_api)
flows=$(api flows | flows_of)
member=$(api flows | json "items[0]['backend']")
of_member=$(api flows | json "sum(f['backend'] == '$member' for f in items)")
meters=$(api meters | meters_of)
check "a meter refused some" grep -q "'acme', 'newFlows', 10, 1, [1-9]" <<<"$meters"

numbers_by_bpftool member_counters >"$RUN/by_bpftool"
numbers_by_map member_counters >"$RUN/by_map"
check "numbers are decoded as by bpftool" cmp "$RUN/by_bpftool" "$RUN/by_map"
check "which are no zeros alone" grep -q "'packets': [1-9]" "$RUN/by_map"
is "the hash secret is not shown" "$(inspect -j map dump node | json "d[0]['value']['secret']")" "(not shown)"
is "completion: names of maps are those that are pinned" "$(inspect help completion names map)" \
	"$(ls "$BPFFS" | sed -n 's/^mtlb_//p' | LC_ALL=C sort)"
sees "agent up"
for verb in "map list" "map dump tenants" "prog show"; do
	# shellcheck disable=SC2086 # words
	is "who may not is told: $verb" "$(stranger $verb)" \
		"mtlb: not allowed to read what is pinned in $BPFFS: Permission denied; root is (try sudo)"
done

agent_stop KILL
sees "agent killed"
dropped_from 7100 99 # of a tenant that has just been flooded not each is sampled
follow events 3 >"$RUN/first"
is "agent killed: what waits for an agent is shown" \
	"$(sed '1s/^/[/; $!s/$/,/; $s/$/]/' "$RUN/first" | json "[(e['tenant'], e['reason'], e['source_port'] // 100) for e in d]")" \
	"[('acme', 'no_service', 71), ('acme', 'no_service', 71), ('acme', 'no_service', 71)]"
follow events 3 >"$RUN/second"
check "agent killed: and still waits" cmp "$RUN/first" "$RUN/second"
is "agent killed: as a line, for a person" "$(inspect map event events -n 1 | sed 's/^[-0-9T:.]*Z/WHEN/; s/packets=[0-9]*/packets=N/; s/=71[0-9]*/=71NN/')" \
	"WHEN: packets=N source=10.10.1.11 destination=192.0.2.10 tenant=acme length=29 ifindex=2 source_port=71NN destination_port=99 protocol=UDP reason=no_service"
late_fragment
is "agent killed: a fragment that is held, and its frame no longer than it is" \
	"$(follow held 1 | json "(d['tenant'], d['length'], bytes.fromhex(d['frame'])[34:])")" "('initech', 41, b'the end')"
is "what is no ring has no events" "$(inspect map event tenants; cat "$RUN/inspect.err")" \
	"mtlb: mtlb_tenants is of type array, which has no events: \`mtlb map dump tenants\` shows it"
agent_start || exit 1
check "the next agent takes what waited" wait_until '! follow events 1 0.3 | grep -q .' 10
agent_stop KILL
dropped_from 7200 99 # something to look at
for noun in flow drop meter; do
	inspect $noun list >"$RUN/out"
	check "$noun says that no agent answers" \
		grep -q "no agent answers on $SOCKET.*: reading the maps pinned in $BPFFS" "$RUN/inspect.err"
done
is "flow show finds what it showed" "$(inspect -j flow show initech/dns | flows_of)" "$flows"
check "whoever names an agent alone gets no other's maps" eval '! "$MTLB" -s "$SOCKET" drop list >/dev/null 2>&1'
while IFS= read -r command; do
	doc_typed docs/operations.md "$command"
	# shellcheck disable=SC2086 # words
	# which reads to the end: nobody's pipe breaks
	check "docs/operations.md: $command" eval "${command/#mtlb/inspect} | grep . >/dev/null"
done < <(doc_commands docs/operations.md inspect)
is "no command of this test was left out" "$(doc_untyped inspect)" ""
finish
