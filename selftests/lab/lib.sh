#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What scripts/lab.sh, scripts/demo.sh and the scenarios in this directory share: the lab's name and
# places, the agent under test, edits of its configuration, traffic, TAP. fabric.sh builds the
# network. A scenario reads:
#
#   . "$(dirname "$0")/lib.sh"
#   scenario NAME; check "what must hold" COMMAND...; is "what" GOT WANTED; finish
#
# Nothing here sleeps for a guess: wait_until polls for the condition itself.

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	echo "1..0 # SKIP a library, not a scenario"
	exit 0
fi

# The system's own tools, which scripts/deps.sh installs: a python3 in front of them that has to find
# out first which one it is takes half a second each time.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_ROOT=$(cd "$LAB_DIR/../.." && pwd)
LAB_BUILD=${MTLB_BUILD:-$LAB_ROOT/build}
MTLBD=${MTLBD:-$LAB_BUILD/mtlbd}
MTLB=${MTLB:-$LAB_BUILD/mtlb}
# A scenario may bring a configuration of its own.
LAB_CONFIG=${LAB_CONFIG:-$LAB_DIR/config}

# The health checks of config/tenants.d: a dead backend is found within interval * fall + timeout.
FAILOVER_MS=1300
# And this much is granted for a loaded machine to notice, publish and be observed.
SLACK_MS=1500

lab_name()
{
	LAB=$1
	RUN=/run/mtlb-lab/$LAB
	BPFFS=/sys/fs/bpf/$LAB
	CONFIG=$RUN/config
	SOCKET=$RUN/api.sock
	AGENT_LOG=$RUN/mtlbd.log
}
lab_name "${MTLB_LAB:-mtlb}"

# shellcheck source=selftests/lab/fabric.sh
. "$LAB_DIR/fabric.sh"

now_ms()
{
	local now=${EPOCHREALTIME/[.,]/}
	echo "${now%???}"
}

# wait_until CONDITION TIMEOUT: polls a shell expression for that many seconds. What did not come within
# ten looks is looked for less often: looking takes time of a CPU that others need.
wait_until()
{
	local end=$(($(now_ms) + $2 * 1000)) looks=0
	until eval "$1"; do
		[ "$(now_ms)" -lt "$end" ] || return 1
		looks=$((looks + 1))
		if [ $looks -le 10 ]; then sleep 0.05; else sleep 0.2; fi
	done
}

say()
{
	[ ! -t 2 ] || echo "lab $LAB: $*" >&2
}

complain()
{
	echo "lab $LAB: $*" >&2
	return 1
}

# --- the lab as a whole

lab_needs()
{
	local tool
	[ "$(id -u)" = 0 ] || complain "needs root, to make network namespaces" || return 1
	for tool in ip bpftool ethtool nginx dnsmasq curl dig python3 nsenter setsid; do
		command -v $tool >/dev/null || complain "$tool is not installed; see scripts/deps.sh" ||
			return 1
	done
}

bpffs_mount()
{
	[ "$(stat -f -c %T /sys/fs/bpf)" = bpf_fs ] || mount -t bpf bpf /sys/fs/bpf
}

config_restore()
{
	rm -rf "$CONFIG" && cp -r "$LAB_CONFIG" "$CONFIG"
}

lab_up()
{
	[[ $LAB =~ ^[a-z0-9-]+$ ]] || complain "a lab's name is made of a-z, 0-9 and -" || return 1
	lab_needs && bpffs_mount || return 1
	if ! fabric_exists; then
		lab_down
		mkdir -p "$RUN"
		say "10 namespaces, 2 racks"
		fabric_up 2>"$RUN/up.log" || {
			complain "the network could not be built: $(tail -n 3 "$RUN/up.log")"
			return 1
		}
	fi
	[ -e "$CONFIG" ] || config_restore
	say "a web server and a name server on each of 6 backends"
	servers_up || complain "a server did not start; see $RUN/be*/" || return 1
	wait_until 'ns client1 curl -s -o /dev/null --max-time 1 "http://$(node_ip4 be6)/"' 5 ||
		complain "be6 does not answer client1"
}

lab_down()
{
	fabric_down
	rm -rf "$BPFFS" "$RUN"
}

# --- the agent

agent_pid()
{
	server_pids lb mtlbd | head -n 1
}

# api PATH: an answer of the agent's API, as JSON.
api()
{
	curl -s --max-time 5 --unix-socket "$SOCKET" "http://mtlb/v1/$1"
}

mtlb()
{
	"$MTLB" -s "$SOCKET" "$@"
}

# json EXPRESSION: evaluates Python over the JSON on stdin: d is all of it, items its list.
json()
{
	python3 -c 'import json, sys
d = json.load(sys.stdin)
items = d.get("items", d) if isinstance(d, dict) else d
print(eval(sys.argv[1], {"d": d, "items": items}))' "$1"
}

# The log's lines since the agent was last started. The place is kept in a file: check, and so a
# start within it, runs in a subshell.
agent_log()
{
	# whoever looks for a line may stop reading at it, which is no failure
	tail -n +"$(cat "$RUN/log.from")" "$AGENT_LOG" 2>/dev/null || true
}

agent_is_ready()
{
	agent_log | grep -q 'agent: ready' && api node >/dev/null
}

# agent_start [OPTION...]: waits until it is ready. It must outlive the shell that started it.
agent_start()
{
	[ -x "$MTLBD" ] || complain "$MTLBD is missing: run make first" || return 1
	touch "$AGENT_LOG"
	echo $(($(wc -l <"$AGENT_LOG") + 1)) >"$RUN/log.from"
	setsid nsenter --net="/run/netns/$LAB-lb" "$MTLBD" -c "$CONFIG" --bpffs "$BPFFS" \
		--socket "$SOCKET" "$@" </dev/null >>"$AGENT_LOG" 2>&1 &
	local pid=$!
	disown
	wait_until 'agent_is_ready || ! kill -0 $pid 2>/dev/null' 30
	agent_is_ready || complain "mtlbd did not become ready: $(tail -n 1 "$AGENT_LOG")"
}

# agent_stop [SIGNAL]
agent_stop()
{
	local pid
	pid=$(agent_pid)
	[ -z "$pid" ] || kill -"${1:-TERM}" "$pid"
	wait_until '[ -z "$(agent_pid)" ]' 10
}

# member_states TENANT POOL: "address=state" of each backend, sorted, without doubles.
member_states()
{
	mtlb -j backend list | json "' '.join(sorted({b['address'] + '=' + b['state']
		for b in items if (b['tenant'], b['pool']) == ('$1', '$2')}))"
}

# all_up: every configured backend of every service is up, and its neighbour is known.
all_up()
{
	[ "$(mtlb -j backend list | json "len(items) > 0 and all(b['state'] == 'up'
		and b['nextHop']['status'] == 'ok' for b in items if b['state'] != 'gone')")" = True ]
}

# --- the configuration under test; members stand one to a line

# config_edit TENANT AWK-PROGRAM: p is the pool a line belongs to. Renamed into place, so that an
# agent that reloads at this moment reads the old file or the new one.
config_edit()
{
	local file=$CONFIG/tenants.d/$1.yaml
	awk '/^services:/ { p = "" } /^  - name:/ { p = $3 } '"$2" "$file" >"$file.new" &&
		mv "$file.new" "$file"
}

# member_set TENANT POOL ADDRESS 'weight: 2, state: drain'
member_set()
{
	config_edit "$1" "p == \"$2\" && index(\$0, \"$3\") {
		print \"      - {address: \\\"$3\\\", $4}\"; next } { print }"
}

# member_remove TENANT POOL ADDRESS
member_remove()
{
	config_edit "$1" "p == \"$2\" && index(\$0, \"$3\") { next } { print }"
}

# member_add TENANT POOL ADDRESS
member_add()
{
	config_edit "$1" "{ print } p == \"$2\" && /^    backends:/ {
		print \"      - {address: \\\"$3\\\", weight: 1}\" }"
}

# tenant_restore TENANT: as it was at the start.
tenant_restore()
{
	local file=$CONFIG/tenants.d/$1.yaml
	cp "$LAB_CONFIG/tenants.d/$1.yaml" "$file.new" && mv "$file.new" "$file"
}

config_apply()
{
	mtlb config apply >>"$RUN/apply.log" 2>&1
}

# --- traffic

url()
{
	case $1 in
	*:*) echo "http://[$1]$2" ;;
	*) echo "http://$1$2" ;;
	esac
}

# requests NODE URL COUNT OUT [CURL-OPTION...]: each on a connection of its own, by one curl. OUT
# gets the answers' bodies ("beN") and a line "= CODE SECONDS ERROR" per request.
requests()
{
	local node=$1 url=$2 count=$3 out=$4
	shift 4
	ns "$node" curl -s --connect-timeout 3 --max-time 10 -H 'Connection: close' \
		-w '= %{http_code} %{time_total} %{errormsg}\n' "$@" "$url?[1-$count]" >"$out" 2>&1
}

# succeeded FILE / failed FILE: of requests, or of a loop below.
succeeded()
{
	grep -c '^= 200' "$1"
}

failed()
{
	grep '^= ' "$1" | grep -vc '^= 200'
}

# tell_failed FILE: how many, and how the first of them did.
tell_failed()
{
	diag "$(failed "$1") of $(grep -c '^= ' "$1") failed:"
	diag "$(grep '^= ' "$1" | grep -v '^= 200' | head -n 5)"
}

# answers FILE: "COUNT beN" per backend.
answers()
{
	grep -o 'be[1-6]' "$1" | sort | uniq -c
}

slowest()
{
	grep '^= ' "$1" | awk '$3 > m { m = $3 } END { print m + 0 }'
}

# asks NODE VIP COUNT OUT [DIG-OPTION...]: DNS questions, each from a new port, by one dig.
asks()
{
	local node=$1 vip=$2 count=$3 out=$4 number
	shift 4
	for ((number = 0; number < count; number++)); do
		echo "whoami.lab TXT @$vip +short +tries=1 +time=2 $*"
	done | ns "$node" dig -f - >"$out" 2>&1
}

# The loops run within a namespace until the file STOP appears; a line per attempt:
# "= CODE START END BACKEND TARGET ATTEMPT" with times in ms. What failed is tried again, as a
# client would. DNS answers count as code 200.
request_loop()
{
	local stop=$1 out=$2 target start end code body attempt
	shift 2
	while [ ! -e "$stop" ]; do
		for target; do
			for attempt in 1 2 3 4; do
				start=${EPOCHREALTIME/[.,]/}
				request "$target"
				end=${EPOCHREALTIME/[.,]/}
				echo "= $code ${start%???} ${end%???} $body $target $attempt" >>"$out"
				[ "$code" != 200 ] || break
				sleep 0.2
			done
		done
	done
}

# Sets code and body.
request()
{
	if [[ $1 = http* ]]; then
		body=$(curl -s ${CURL_CONFIG:+-K "$CURL_CONFIG"} --connect-timeout 2 --max-time 5 -w ' %{http_code}' "$1")
		code=${body##* }
		body=${body%%[[:space:]]*}
	else
		# shellcheck disable=SC2086 # options are part of the target
		body=$(dig +short +tries=1 +time=2 whoami.lab TXT ${1//,/ } 2>/dev/null)
		body=${body//\"/}
		code=200
		[[ $body = be? ]] || { code=000 body=; }
	fi
	body=${body:--}
}

# loop_start NODE OUT TARGET...: a target is a URL, or "@VIP" or "@VIP,+tcp" for dig. curl's own options,
# such as who signs, are in the file CURL_CONFIG, if there is one.
loop_start()
{
	local node=$1 out=$2
	shift 2
	rm -f "$RUN/stop"
	ns "$node" bash -c "$(declare -f request request_loop); request_loop \"\$@\"" _ "$RUN/stop" "$out" "$@" \
		>/dev/null 2>&1 &
	LOOPS="${LOOPS:-} $!"
}

loops_stop()
{
	touch "$RUN/stop"
	# shellcheck disable=SC2086 # a list
	wait ${LOOPS:-}
	LOOPS=
}

# download NODE URL OUT [CURL-OPTION...]: OUT.headers tells the backend, OUT.done curl's exit code.
# Eight silent seconds end it.
download()
{
	local node=$1 url=$2 out=$3
	shift 3
	ns "$node" curl -s --connect-timeout 3 --speed-time 8 --speed-limit 1 -D "$out.headers" -o "$out" "$@" "$url"
	echo $? >"$out.done"
}

download_backend()
{
	sed -n 's/^X-Backend: \(be[1-6]\).*/\1/p' "$1.headers" 2>/dev/null
}

download_is_whole()
{
	[ "$(cat "$1.done")" = 0 ] &&
		[ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$(cat "$RUN/data/big.sha256")" ]
}

# within_sigma GOT COUNT SHARE: within 5 standard deviations of a binomial draw, and the 1 % by
# which Maglev tables themselves may be uneven.
within_sigma()
{
	awk -v got="$1" -v n="$2" -v p="$3" 'BEGIN {
		away = got - n * p; if (away < 0) away = -away
		exit !(away <= 5 * sqrt(n * p * (1 - p)) + 0.01 * n * p) }'
}

# --- TAP

TESTS=0
FAILURES=0
FINISHED=no

diag()
{
	# shellcheck disable=SC2001 # of every line
	sed 's/^/# /' <<<"$*"
}

# check WHAT COMMAND...: its output is shown when it fails.
check()
{
	local what=$1 output
	shift
	TESTS=$((TESTS + 1))
	if output=$("$@" 2>&1); then
		echo "ok $TESTS - $what"
		return 0
	fi
	FAILURES=$((FAILURES + 1))
	echo "not ok $TESTS - $what"
	diag "failed: $*"
	[ -z "$output" ] || diag "$output"
	return 1
}

is()
{
	local what=$1 got=$2 wanted=$3
	check "$what" [ "$got" = "$wanted" ] || {
		diag "got '$got', wanted '$wanted'"
		return 1
	}
}

scenario_end()
{
	if [ "$FINISHED" = no ]; then
		echo "not ok $((TESTS + 1)) - the scenario ran to its end"
		FAILURES=$((FAILURES + 1))
	fi
	if [ $FAILURES -gt 0 ] && [ -e "$AGENT_LOG" ]; then
		diag "the end of mtlbd's log:"
		diag "$(tail -n 40 "$AGENT_LOG")"
	fi
	if [ -n "${MTLB_LAB_KEEP:-}" ]; then
		diag "kept: MTLB_LAB=$LAB scripts/lab.sh status"
	else
		lab_down >/dev/null 2>&1
	fi
	[ $FAILURES -eq 0 ] || exit 1
}

# scenario NAME [bare]: a lab of its own, and unless bare the agent in it with all members up.
scenario()
{
	lab_name "mtlb-$1-$$"
	trap scenario_end EXIT
	trap 'exit 130' INT TERM HUP
	lab_up || exit 1
	[ "${2:-}" != bare ] || return 0
	agent_start || exit 1
	check "all members come up" wait_until all_up 10 || exit 1
}

finish()
{
	FINISHED=yes
	echo "1..$TESTS"
	exit 0
}
