#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What `mtlb help completion bash` and `mtlb help man` print: bash itself takes the one and completes
# by it, with a stand-in for the agent; man formats the other and has nothing to say against it.

set -u
cd "$(dirname "$0")/../../.." || exit 1
. selftests/lib/tap.sh
build=${MTLB_BUILD:-$(realpath "${O:-build}")}
mtlb=$build/mtlb
tmp=$(mktemp -d)
agent=
trap '[ -z "$agent" ] || kill "$agent"; rm -rf "$tmp"' EXIT
export MTLB_SOCKET=$tmp/api.sock

# --- pages ---------------------------------------------------------------------------------------

for page in mtlb mtlbd mtlb.yaml; do
	tap_ok "help man $page" "$mtlb" help man $page
	"$mtlb" help man $page >"$tmp/$page"
	tap_is "$(MANWIDTH=80 man --warnings -E UTF-8 -l "$tmp/$page" 2>&1 >"$tmp/$page.txt")" "" \
		"$page: man finds nothing wrong with it"
done
printf '.TH x 1\n.SH NAME\nx \\- y\n.nonsense\n' >"$tmp/wrong"
tap_like "$(man --warnings -E UTF-8 -l "$tmp/wrong" 2>&1 >/dev/null)" nonsense "and would find it"
page=$(cat "$tmp/mtlb.txt")
while read -r noun _; do
	tap_like "$page" "mtlb $noun" "mtlb(1) has $noun"
done < <("$mtlb" help | sed -n '/^Nouns:/,/^$/p' | grep '^  ')
tap_like "$page" "--wide" "mtlb(1) has the options"
tap_like "$(cat "$tmp/mtlbd.txt")" "--remove" "mtlbd(8) has its options"
while read -r option; do
	tap_like "$(cat "$tmp/mtlbd.txt")" "$option" "mtlbd(8) has $option, as mtlbd --help has"
done < <("$build/mtlbd" --help | grep -o -- ' --[a-z]*' | tr -d ' ')
keys=$(cat "$tmp/mtlb.yaml.txt")
while read -r key; do
	tap_like "$keys" "$key" "mtlb.yaml(5) has $key"
done < <(sed -n 's/^| `\([A-Za-z]*\)` |.*/\1/p' docs/configuration.md | sort -u)
tap_not_ok "help man of what is not there" 1 "$mtlb" help man mtlbb
tap_like "$("$mtlb" help man mtlb.yml 2>&1)" 'did you mean "mtlb.yaml"' "and the nearest is named"

# --- completion ----------------------------------------------------------------------------------

"$mtlb" help completion bash >"$tmp/completion"
tap_is "$(bash -n "$tmp/completion" 2>&1)" "" "bash reads the script"
tap_not_ok "no other shell" 1 "$mtlb" help completion csh

# complete LINE: what bash would offer at its end, sorted, in a line. The words are cut as bash does.
cat >"$tmp/driver" <<'DRIVER'
load() { . "$1"; } # as a loader of completions does: within a function
load "$1"
COMP_LINE=$2 COMP_POINT=${#2}
read -ra COMP_WORDS <<<"${2//[:=]/ & }"
[[ $2 != *' ' ]] || COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_mtlb 2>&1
[[ ${#COMPREPLY[@]} = 0 ]] || printf '%s\n' "${COMPREPLY[@]}" | sort -u | tr '\n' ' '
DRIVER
complete() { (cd "$tmp/files" && bash --norc "$tmp/driver" "$tmp/completion" "$mtlb${1#mtlb}"); }
mkdir "$tmp/files"
touch "$tmp/files/platform.yaml"

offers() { # LINE EXPECTED NAME
	tap_is "$(complete "$1")" "$2${2:+ }" "$3"
}

offers "mtlb te" "tenant" "a noun"
offers "mtlb ve" "version" "another one"
offers "mtlb tenant a" "add adopt" "verbs"
offers "mtlb te l" "list" "verbs of a noun that was cut short"
offers "mtlb backend list " "address pool service state tenant" "keywords"
offers "mtlb backend list st" "state" "a keyword"
offers "mtlb backend list state d" "down drain" "values that are known"
offers "mtlb backend list state down " "address pool service state tenant" "a keyword after a value"
offers "mtlb -j --raw backend list state d" "down drain" "options do not count"
offers "mtlb --r" "--raw" "an option"
offers "mtlb --sp" "" "not one of a noun's own before the noun"
offers "mtlb trace --sp" "--sport" "one of its own after it"
offers "mtlb drop watch -n 5 ten" "tenant" "an option with an argument does not count"
offers "mtlb map look" "lookup" "verbs of a noun without an agent"
offers "mtlb map lookup tenants ac" "" "a key of a map is no map"
offers "mtlb map event --co" "--count" "an option of a verb"
offers "mtlb trace --src 192.0.2.1 --pc" "--pcap" "another one, after an argument"
offers "mtlb trace --pcap pl" "platform.yaml" "a file as its argument"
offers "mtlb drop watch " "reason tenant" "keywords of watch: what the agent can tell apart"
offers "mtlb config check pl" "platform.yaml" "a file"
offers "mtlb batch pl" "platform.yaml" "a file of a noun without verbs"
offers "mtlb -s pl" "platform.yaml" "a socket"
offers "mtlb vip set web ec" "echo=" "a key of the configuration"
offers "mtlb help ba" "backend batch" "help: nouns"
offers "mtlb help man mtlb.y" "mtlb.yaml" "help man: pages"
offers "mtlb nonsense " "" "nothing after a word that is no noun"
offers "mtlb tenant get " "" "no agent, no names"
offers "mtlb nod" "node" "and no word of complaint"
tap_is "$("$mtlb" help completion names tenant 2>&1)" "" "names without an agent: nothing"

python3 selftests/unit/tools/fake_agent.py "$MTLB_SOCKET" "$tmp/log" &
agent=$!
for _ in {1..100}; do
	[ ! -S "$MTLB_SOCKET" ] || break
	sleep 0.1
done
offers "mtlb tenant get " "192.0.2.10 2001:db8::10 acme bulk" "names and addresses of tenants"
offers "mtlb tenant get a" "acme" "a name"
offers "mtlb tenant get 2001:db" "db8::10" "an address: bash has cut it at its colons"
offers "mtlb backend list tenant " "acme bulk" "a value is asked for"
offers "mtlb service show acme/" "acme/web" "TENANT/NAME"
offers "mtlb vip show [2001:db8::10]:" "443" "an address and a port"
offers "mtlb event list kind " "attack-begins member-down" "kinds of events"
: >"$tmp/log"
offers "mtlb backend list ten" "tenant" "a keyword needs no agent"
tap_is "$(cat "$tmp/log")" "" "which was not asked"

# A terminal, a real bash and the key itself.
cat >"$tmp/keys.py" <<'KEYS'
import os, pty, select, sys, time
pid, fd = pty.fork()
if not pid:
    os.environ.update(PS1="ready> ", TERM="dumb", PATH=os.path.dirname(sys.argv[2]) + ":" + os.environ["PATH"])
    os.execlp("bash", "bash", "--norc", "--noprofile", "-i")
said, end = b"", time.time() + 60
def until(text):
    global said
    while text not in said and time.time() < end:
        if select.select([fd], [], [], 1)[0]:
            said += os.read(fd, 4096)
until(b"ready> ")
os.write(fd, f". {sys.argv[1]}; echo lo''aded\n".encode())
until(b"loaded")
said = b""
os.write(fd, b"mtlb back\tli\tta\b\bsta\tdra\t")
until(b"state drain ")
print(said.decode(errors="replace"))
os.write(fd, b"\x15exit\n")
until(b"exit\r\n")
os.waitpid(pid, 0)
KEYS
tap_like "$(python3 "$tmp/keys.py" "$tmp/completion" "$mtlb")" "state drain " "the tab key in a real bash"
tap_done
