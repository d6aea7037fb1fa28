#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Another version of the agent, with another program, takes the place of the one that runs, and the
# first one comes back, under traffic: each time the program changes in one step, the maps stay, and
# no request fails. A dataplane of another ABI is refused in words, and goes on.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

COUNT=${COUNT:-6000}
RATE=${RATE:-400}
THIS=$MTLBD
NEXT=$LAB_BUILD/next/mtlbd

program_tag()
{
	local id
	id=$(ns lb ip -d link show eth0 | sed -n 's/.*prog\/xdp id \([0-9]*\).*/\1/p')
	bpftool -j prog show id "$id" | json 'd["tag"]'
}

map_id()
{
	bpftool -j map show pinned "$BPFFS/$1" | json 'd["id"]'
}

# more_requests NUMBER: waits until that many more went through.
more_requests()
{
	local want=$(($(succeeded "$RUN/v4") + $1))
	wait_until '[ "$(succeeded "$RUN/v4")" -ge $want ] || ! kill -0 $v4 2>/dev/null' 30
}

version()
{
	api node | json 'd["program"]["version"]'
}

# replace BINARY SIGNAL
replace()
{
	local tag before=$tags
	MTLBD=$1
	agent_stop "$2"
	check "$("$1" -V) starts in the place of the other, after SIG$2" agent_start || exit 1
	tag=$(program_tag)
	check "its program is another one" [ "$tag" != "$before" ]
	is "the node tells its version" "$(version)" "$("$1" -V | sed 's/mtlbd \([^,]*\),.*/\1/')"
	is "the maps are the same" "$(map_id mtlb_flows) $(map_id mtlb_vips)" "$maps"
	tags=$tag
	more_requests 200
}

scenario upgrade
check "there is another version to go to" [ -x "$NEXT" ] || exit 1
maps="$(map_id mtlb_flows) $(map_id mtlb_vips)"
tags=$(program_tag)
for number in 1 2; do
	download client2 'http://192.0.2.10/slow?rate=500k' "$RUN/acme.$number" &
	download client1 'http://[2001:db8::20]/slow?rate=500k' "$RUN/globex.$number" &
done
requests client1 http://192.0.2.10/ "$COUNT" "$RUN/v4" --rate "$RATE/s" &
v4=$!
requests client2 'http://[2001:db8::20]/' "$COUNT" "$RUN/v6" --rate "$RATE/s" &
v6=$!
more_requests 200
replace "$NEXT" TERM
check "it says whose place it took" eval 'agent_log | grep -q "took the place of version"'
replace "$THIS" TERM
replace "$NEXT" KILL
replace "$THIS" KILL

# Another ABI: the first word of mtlb_node.
abi=$(api node | json 'd["abi"]')
agent_stop TERM
set_abi()
{
	python3 - "$BPFFS/mtlb_node" "$1" <<-'END'
		import json, subprocess, sys
		path, abi = sys.argv[1], int(sys.argv[2])
		entry = json.loads(subprocess.run(["bpftool", "-j", "map", "dump", "pinned", path],
		                                  capture_output=True, check=True).stdout)[0]
		value = [byte[2:] for byte in entry["value"]]
		value[:4] = ["%02x" % byte for byte in abi.to_bytes(4, "little")]
		subprocess.run(["bpftool", "map", "update", "pinned", path, "key", "hex", "00", "00", "00",
		                "00", "value", "hex", *value], check=True)
	END
}
check "the dataplane is of another ABI now" set_abi 99
check "an agent that does not speak it does not start" eval '! agent_start 2>/dev/null'
check "and says what to do" eval 'agent_log | grep -q "ABI version 99, this agent speaks $abi: start the agent it came with, or take it down with .mtlbd --remove"'
more_requests 100
check "the program goes on" [ "$(program_tag)" = "$tags" ]
check "the ABI is what it was" set_abi "$abi"
check "and the agent starts" agent_start

wait $v4 $v6
for family in v4 v6; do
	is "all $COUNT requests over IP$family succeeded" "$(succeeded "$RUN/$family")" "$COUNT" ||
		diag "$(grep '^= ' "$RUN/$family" | grep -v '^= 200' | sort | uniq -c | head -n 5)"
done
wait
for file in "$RUN"/acme.? "$RUN"/globex.?; do
	check "the download ${file##*/} came whole" download_is_whole "$file"
done

finish
