#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Somebody edits the pinned maps with bpftool, under traffic: it is found and told by names, put
# right when asked, and put right by itself when the node is configured so.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# edit MAP NAME OFFSET: changes the byte at OFFSET of the first entry that has NAME in it.
edit()
{
	python3 - "$BPFFS/$1" "$2" "$3" <<-'END'
		import json, subprocess, sys
		path, name, offset = sys.argv[1], bytes.fromhex(sys.argv[2]), int(sys.argv[3])
		for entry in json.loads(subprocess.run(["bpftool", "-j", "map", "dump", "pinned", path],
		                                       capture_output=True, check=True).stdout):
		    value = bytearray(int(byte, 16) for byte in entry["value"])
		    if name in value:
		        value[offset] ^= 0x20
		        subprocess.run(["bpftool", "map", "update", "pinned", path, "key", "hex",
		                        *(byte[2:] for byte in entry["key"]), "value", "hex",
		                        *("%02x" % byte for byte in value)], check=True)
		        sys.exit(0)
		sys.exit("nothing in " + path + " has " + sys.argv[2])
	END
}

# delete_vip ADDRESS: the key of port 80.
delete_vip()
{
	local a b c d
	IFS=. read -r a b c d <<<"$1"
	bpftool map delete pinned "$BPFFS/mtlb_vips" key hex 00 00 00 00 00 00 00 00 00 00 ff ff \
		$(printf '%02x %02x %02x %02x' "$a" "$b" "$c" "$d") 00 50 06 00
}

hex()
{
	printf '%s' "$1" | od -An -tx1 | tr -d ' \n'
}

drift()
{
	mtlb node drift >"$RUN/drift"
	echo $?
}

# told KIND: events of it.
told()
{
	api events | json "sum(e['kind'] == '$1' for e in items)"
}

answers()
{
	requests client1 "$(url 192.0.2.10 /)" 20 "$RUN/out"
	[ "$(succeeded "$RUN/out")" = 20 ]
}

scenario drift
wait_until all_up 10
check "traffic flows" answers
is "what the agent and packets write is no drift" "$(drift)" 0
is "and it says so" "$(cat "$RUN/drift")" "no drift"

requests client2 "$(url 192.0.2.10 /)" 2000 "$RUN/through" &
traffic=$!
check "a tenant's name is edited" edit mtlb_tenants "$(hex globex)" 9
is "it is found" "$(drift)" 2
check "by its name" grep -qx "~ tenant globex: name and ranges" "$RUN/drift"
is "and as JSON" "$(mtlb -j node drift | json "d['changes'][0]")" "~ tenant globex: name and ranges"
check "an event tells" wait_until '[ "$(told drift)" -ge 1 ]' 30
is "and nothing is put right unasked" "$(drift)" 2
check "mtlb node repair puts it right" mtlb node repair
is "nothing differs any more" "$(drift)" 0

check "a service's key is deleted" delete_vip 192.0.2.20
check "its record is edited" edit mtlb_vip_records "00000000000000000000ffffc0000214005006" 20
is "both are found" "$(drift)" 2
check "the key" grep -qx "~ vip 192.0.2.20:80 tcp: which record it leads to" "$RUN/drift"
check "the record" grep -qx "~ vip 192.0.2.20:80 tcp: record" "$RUN/drift"
check "both are put right" mtlb node repair
is "nothing differs" "$(drift)" 0
requests client1 "$(url 192.0.2.20 /)" 20 "$RUN/out"
is "the service answers again" "$(succeeded "$RUN/out")" 20

sed -i 's/^node:$/node:\n  drift: repair/' "$CONFIG/platform.yaml"
check "the node shall put it right by itself" config_apply
check "the key is deleted again" delete_vip 192.0.2.20
check "it comes back" wait_until 'bpftool map lookup pinned "$BPFFS/mtlb_vips" key hex \
	00 00 00 00 00 00 00 00 00 00 ff ff c0 00 02 14 00 50 06 00 >/dev/null 2>&1' 30
check "an event tells of that" wait_until '[ "$(told drift-repaired)" -ge 3 ]' 30
is "nothing differs in the end" "$(drift)" 0
wait $traffic
is "acme's clients felt nothing of it" "$(succeeded "$RUN/through")" 2000
finish
