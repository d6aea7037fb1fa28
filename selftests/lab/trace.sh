#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What `mtlb trace` says of a packet, and what then happens to that packet: verdict, reason and member,
# for connections, questions, and what is dropped. And that a trace leaves nothing behind.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

CONNECTIONS=2 # to each of these
TARGETS="192.0.2.10:80 192.0.2.20:80 192.0.2.20:8080"

# told ARGS: "VERDICT REASON MEMBER".
told()
{
	ns lb "$MTLB" -s /nowhere --bpffs "$BPFFS" -j trace "$@" 2>"$RUN/trace.err" |
		json "' '.join(str(d[k]) for k in ('verdict', 'reason', 'member'))"
}

# words ARGS: the same for people.
words()
{
	ns lb "$MTLB" -s /nowhere --bpffs "$BPFFS" trace "$@" 2>&1
}

# dropped TENANT REASON: so many by now.
dropped()
{
	api drops | json "sum(i['packets'] for i in items if (i['tenant'], i['reason']) == ('$1', '$2'))"
}

scenario trace
client=$(node_ip4 client1)
port=40000 same=0 wrong=
for target in $TARGETS; do
	address=${target%:*} to=${target#*:}
	case $target in
	*.10:*) pool=acme/web ;;
	*:80) pool=globex/web ;;
	*) pool=globex/api ;;
	esac
	for ((number = 0; number < CONNECTIONS; number++)); do
		port=$((port + 1))
		foretold=$(told --src "$client" --dst "$address" --sport $port --dport "$to")
		real=$(ns client1 curl -s --max-time 5 --local-port $port "http://$target/" |
			{ read -r be _ && echo "$pool/$(node_ip4 "$be") $pool/$(node_ip6 "$be" 2>/dev/null)"; })
		read -r verdict reason member <<<"$foretold"
		if [ "$verdict $reason" = "tx sent" ] && [[ -n $member && " $real " == *" $member "* ]]; then
			same=$((same + 1))
		else
			wrong="$wrong $target from $port: told $foretold, met $real;"
		fi
	done
done
diag "$wrong"
is "each connection goes to whom the trace says" "$same" $((3 * CONNECTIONS))

foretold=$(told --src "$client" --dst 192.0.2.53 --sport 41000 --dport 53 --proto udp)
be=$(ns client1 dig -b "$client#41000" +short +tries=1 +time=2 whoami.lab TXT @192.0.2.53 | tr -d '"')
is "a question goes to whom the trace says" "$foretold" "tx sent initech/dns/$(node_ip4 "$be")"
check "then the flow is known" grep -q "^flow *known: established with initech/dns/$(node_ip4 "$be")" \
	<<<"$(words --src "$client" --dst 192.0.2.53 --sport 41000 --dport 53 --proto udp)"

# what is dropped: NAME, REASON, TENANT, how it is sent, how it is traced
drops()
{
	local name=$1 reason=$2 tenant=$3 send=$4 before
	shift 4
	is "$name: so says the trace" "$(told "$@")" "drop $reason None"
	before=$(dropped "$tenant" "$reason")
	ns client1 bash -c "$send" >/dev/null 2>&1
	check "$name: and so it is" wait_until "[ \"\$(dropped $tenant $reason)\" -gt $before ]" 5
}
drops "no service there" no_service acme "exec 3<>/dev/udp/192.0.2.10/99 && echo x >&3" \
	--src "$client" --dst 192.0.2.10 --sport 41001 --dport 99 --proto udp
drops "a ping of a VIP that does not answer" icmp acme "$LAB_DIR/packets.py ping 192.0.2.10" \
	--src "$client" --dst 192.0.2.10 --proto icmp
is "what is no VIP's passes" "$(told --src "$client" --dst 203.0.113.77 --dport 80)" "pass not_vip None"
is "flags that no TCP sends" "$(told --src "$client" --dst 192.0.2.10 --dport 80 --flags syn,fin)" \
	"drop bad_flags None"
check "a remedy is told" grep -q "^do  *if a service is meant to listen there" \
	<<<"$(words --src "$client" --dst 192.0.2.10 --dport 99)"

# A packet as it went over the wire, twice: from a capture, and in hexadecimal digits.
ns client1 timeout 10 tcpdump -q -n -i eth0 -c 1 -w "$RUN/syn.pcap" \
	"tcp[tcpflags] == tcp-syn and dst 192.0.2.20 and src port 42000" >/dev/null 2>"$RUN/tcpdump.err" &
check "tcpdump listens" wait_until 'grep -q "listening on" "$RUN/tcpdump.err"' 5
be=$(ns client1 curl -s --max-time 5 --local-port 42000 http://192.0.2.20:8080/)
wait $!
is "a captured packet goes where it went" "$(told --pcap "$RUN/syn.pcap")" \
	"tx sent globex/api/$(node_ip4 "${be%% *}")"
tcpdump -r "$RUN/syn.pcap" -xx 2>/dev/null | grep '0x' >"$RUN/syn.hex"
agent_stop KILL
is "so it does in digits, and without an agent" "$(told --hex "$RUN/syn.hex")" \
	"tx sent globex/api/$(node_ip4 "${be%% *}")"
ns lb ip link set eth0 down # now nobody's packet writes
"$LAB_DIR/maps.py" "$BPFFS"/mtlb_* >"$RUN/before"
for args in "--dport 8080 --dst 192.0.2.20" "--fragment 0 --proto udp --dport 53 --dst 192.0.2.53"; do
	# shellcheck disable=SC2086 # words
	told --src "$client" --dst 192.0.2.10 --in eth0 $args >/dev/null
done
"$LAB_DIR/maps.py" "$BPFFS"/mtlb_* >"$RUN/after"
check "some thirty maps are looked at" [ "$(wc -l <"$RUN/before")" -gt 28 ]
check "not a byte has changed in any" cmp "$RUN/before" "$RUN/after"
is "whoever may not is told" "$(cp "$MTLB" "$RUN/mtlb" && cd / && setpriv --reuid=65534 --regid=65534 --clear-groups \
	"$RUN/mtlb" --bpffs "$BPFFS" trace --src "$client" --dst 192.0.2.10 --dport 80 2>&1)" \
	"mtlb: not allowed to read what is pinned in $BPFFS: Permission denied; root is (try sudo)"
finish
