#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Prints the manual page of a program, made of what the program itself says when it is asked for help.
# Those of mtlb and mtlbd are printed by `mtlb help man`.
#
#   scripts/man.sh mtlb-prober|mtlb-proxy|mtlb-top    the program is that of build/
set -euo pipefail

cd "$(dirname "$0")/.."
build=${O:-build}

# Text as roff: a line may not begin with a dot or an apostrophe, and a hyphen is one to be typed.
roff() {
	sed 's/\\/\\e/g; s/-/\\-/g; s/^\([.'\'']\)/\\\&\1/'
}

literally() {
	printf '.nf\n'
	roff
	printf '.fi\n'
}

# page NAME SECTION ABOUT
page() {
	printf '.TH %s %s "" "%s"\n.SH NAME\n%s \\- %s\n' "${1^^}" "$2" "$version" "${1//-/\\-}" "$3"
}

see_also() {
	printf '.SH SEE ALSO\n%s\n.PP\n' "$*"
	printf 'The documents in \\fI/usr/share/doc/mtlb\\fP, operations.md first.\n'
}

version=$("$build/mtlbd" --version | sed 's/,.*//')
case "${1:-}" in
mtlb-prober)
	page mtlb-prober 8 "asks backends for their health, for mtlbd"
	printf '.SH DESCRIPTION\n'
	"$build/mtlb-prober" --help | literally
	see_also '.BR mtlbd (8)'
	;;
mtlb-proxy)
	page mtlb-proxy 8 "serves HTTP, for mtlbd"
	printf '.SH DESCRIPTION\n'
	"$build/mtlb-proxy" --help | literally
	see_also '.BR mtlbd (8)'
	;;
mtlb-top)
	page mtlb-top 1 "shows who uses a node, each second"
	printf '.SH SYNOPSIS\n.B mtlb-top\n[\\fIOPTIONS\\fP]\n.SH DESCRIPTION\n'
	"$build/mtlb-top" --help | tail -n +3 | literally
	see_also $'.BR mtlb (1),\n.BR mtlbd (8)'
	;;
*)
	echo "man: mtlb-prober, mtlb-proxy or mtlb-top is wanted" >&2
	exit 2
	;;
esac
