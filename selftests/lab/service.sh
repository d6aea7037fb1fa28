#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# mtlbd as a service and as in a container: with the capabilities of the unit file and no others, and
# a root that is read-only but for its own directories, it forwards all the same; and a service manager
# hears when it is ready, reloads and stops, and its signs of life.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

# contain: MTLBD becomes a script that starts it so.
contain()
{
	local bounds
	bounds=$(sed -n 's/^CapabilityBoundingSet=//p' "$LAB_ROOT/scripts/systemd/mtlbd.service" |
		tr ' ' '\n' | sed 's/^CAP_/,+/' | tr -d '\n' | tr 'A-Z' 'a-z')
	cat >"$RUN/contain" <<-END
		#!/bin/bash
		exec unshare --mount --propagation private bash -ec '
			mount --bind "$RUN" "$RUN"
			mount -o remount,bind,ro /
			exec setpriv --bounding-set "-all$bounds" --inh-caps=-all "$MTLBD" "\$@"' mtlbd "\$@"
	END
	chmod +x "$RUN/contain"
	MTLBD=$RUN/contain
}

# inside COMMAND...: where mtlbd is.
inside()
{
	nsenter --target "$(agent_pid)" --mount "$@"
}

# manager: writes down each datagram in a line of its own, until it hears END.
manager()
{
	python3 -c 'import socket, sys
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind(sys.argv[1])
while True:
    text = heard.recv(4096).decode()
    print(text.replace("\n", " "), flush=True)
    if text == "END":
        break' "$NOTIFY" >"$HEARD" 2>&1 &
	wait_until '[ -S "$NOTIFY" ]' 10
}

heard()
{
	grep -cE "$1" "$HEARD"
}

scenario notify bare
HEARD=$RUN/heard
NOTIFY=$RUN/notify.sock
check "a manager listens" manager || exit 1
contain
export NOTIFY_SOCKET=$NOTIFY WATCHDOG_USEC=200000
check "mtlbd starts" agent_start || exit 1
unset NOTIFY_SOCKET WATCHDOG_USEC
check "it tells that it is ready, and of its tenants" \
	wait_until '[ "$(heard "^READY=1 STATUS=[1-9][0-9]* tenants, generation 1$")" = 1 ]' 10
check "it gives signs of life" wait_until '[ "$(heard "^WATCHDOG=1$")" -gt 3 ]' 20
is "its prober is not told of the manager" \
	"$(tr '\0' '\n' <"/proc/$(server_pids lb mtlb-prober | head -n 1)/environ" | grep -c ^NOTIFY)" 0

kill -HUP "$(agent_pid)"
check "it tells of a reload" wait_until '[ "$(heard "^RELOADING=1 MONOTONIC_USEC=[0-9]+$")" = 1 ]' 10
check "and that it is ready again" \
	wait_until '[ "$(heard "^READY=1 STATUS=.*generation 2$")" = 1 ]' 20
echo "nonsense: 1" >>"$CONFIG/platform.yaml"
kill -HUP "$(agent_pid)"
check "of a configuration that is wrong as well" \
	wait_until '[ "$(heard "^READY=1 STATUS=.*was not taken: .*nonsense")" = 1 ]' 20
config_restore

check "all members come up" wait_until all_up 20
requests client1 http://192.0.2.10/ 50 "$RUN/out"
is "requests are answered" "$(succeeded "$RUN/out")" 50
is "it misses no capability" "$(agent_log | grep -c ' CAP_')" 0
check "there, the root can be read" inside test -r "$LAB_ROOT/Makefile"
is "and not be written" "$(inside touch "$LAB_ROOT/Makefile" 2>&1 | grep -c 'Read-only file system')" 1

check "it ends" agent_stop
check "and tells that it stops" wait_until '[ "$(heard "^STOPPING=1$")" = 1 ]' 10
python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"END", sys.argv[1])' "$NOTIFY"

finish
