#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Installs the Debian packages that mtlb needs (written for Debian 12). Does nothing, and asks no
# network, when all are there. Needs bash, coreutils and apt. It refuses to start any service: the
# tests run their own nginx inside namespaces, so the package's must not take this machine's port 80.
#
#   scripts/deps.sh [build|test|vm|deb|bench|lint]...  (no group: build, test and lint)
set -euo pipefail

# group, package, why
packages='
build	make	runs all this
build	gcc	compiles the agent and the tools
build	libc6-dev	the C library
build	clang	compiles the BPF programs, and the fuzzers
build	llvm	strips BPF objects; gives the fuzzers names in their traces
build	bpftool	makes the skeleton headers
build	pkg-config	finds the libraries
build	libbpf-dev	loads BPF programs
build	libelf-dev	reads BPF objects, for libbpf
build	zlib1g-dev	for libelf
build	libnl-3-dev	netlink
build	libnl-route-3-dev	links, routes and neighbours
build	libnl-genl-3-dev	what a network driver can do for XDP
build	libyaml-dev	reads the configuration
build	libjansson-dev	JSON of the API
build	libmicrohttpd-dev	serves the API
build	libcurl4-openssl-dev	asks the API, HTTP of health checks
build	libnghttp2-dev	gRPC of health checks
build	libpcre2-dev	regular expressions in routes
build	libseccomp-dev	limits the system calls of the prober
build	libssl-dev	digests, TLS of health checks
build	libgnutls28-dev	certificates of clients of the API
build	uthash-dev	hash tables and lists
build	libncurses-dev	draws mtlb-top
test	libcmocka-dev	the unit tests
test	libclang-rt-14-dev	the run time of the fuzzers
test	perl	prove, which runs the tests
test	python3	traffic and checks in the lab
test	iproute2	namespaces, veth, bridges
test	iputils-ping	reachability in the lab
test	ethtool	turns offloads off on veth
test	tcpdump	looks at packets in the lab
test	nginx-light	a backend
test	dnsmasq-base	a UDP backend
test	bind9-dnsutils	dig, its client
test	curl	a client
test	haproxy	a proxy before and behind the L7 tier
test	nodejs	runs a WebSocket server and its client
test	node-ws	which is made of it
test	openssl	certificates, a TLS backend
test	sslscan	what a server of TLS agrees to
test	python3-grpcio	a gRPC backend
test	iperf3	a load
test	procps	finds and ends processes
test	tmux	a terminal for mtlb-top
test	util-linux	nsenter, unshare, flock
test	mount	mounts bpffs
test	man-db	formats the manual pages
test	libcap2-bin	drops capabilities
test	prometheus	scrapes metrics in the lab; promtool checks them, and the alert rules
test	systemd	checks the unit file of the service; nothing of it is started
vm	qemu-system-x86	emulates a machine
vm	seabios	its firmware
vm	busybox-static	the shell tools and the web server in it
vm	cpio	packs its file system
vm	kmod	finds the modules it needs
vm	xz-utils	unpacks them
vm	libcmocka-dev	the packet tests
vm	perl	prove, which runs the tests
vm	debian-archive-keyring	tells kernels of Debian from others
vm	iproute2	namespaces, tunnels, bridges
vm	ethtool	turns offloads off on veth
vm	util-linux	nsenter
vm	curl	a client
vm	ipvsadm	the balancer to compare with
deb	debhelper	packs
deb	dpkg-dev	finds what the programs need
deb	lintian	looks at the package
deb	debootstrap	a Debian to install it in, for make test-deb
bench	wrk	a load for the L7 tier
bench	haproxy	what the L7 tier is compared with
bench	slowhttptest	a client that means harm to it
bench	nghttp2-client	h2load: requests at a given rate
lint	clang-format	the format of C files
lint	cppcheck	static analysis
'

# The packages of a group that are not installed, one a line.
missing() {
	local wanted=() group package why

	while IFS=$'\t' read -r group package why; do
		case " $* " in
		*" $group "*) wanted+=("$package") ;;
		esac
	done <<<"$packages"
	# dpkg-query reports unknown names on stderr and fails; comm finds both kinds of absence.
	comm -23 <(printf '%s\n' "${wanted[@]}" | sort) <(dpkg-query -W \
		-f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
		sed -n 's/^installed //p' | sort)
}

has_nginx() {
	[ -e /etc/init.d/nginx ] || [ -e /lib/systemd/system/nginx.service ]
}

# Installs with every service start denied, and leaves the machine's own policy as it was.
install_quietly() {
	local had_nginx=no

	has_nginx && had_nginx=yes
	log=$(mktemp)
	denied=
	trap 'rm -f "$log" $denied' EXIT
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		denied=/usr/sbin/policy-rc.d
		printf '#!/bin/sh\nexit 101\n' >"$denied"
		chmod 755 "$denied"
	fi
	export DEBIAN_FRONTEND=noninteractive
	if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends \
		-o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"; } >"$log" 2>&1; then
		cat "$log" >&2
		echo "deps: apt-get could not install: $*" >&2
		return 1
	fi
	# Nor at the next boot; a system nginx that was here before us is left alone.
	if [ "$had_nginx" = no ] && has_nginx; then
		if [ -d /run/systemd/system ]; then
			systemctl --quiet disable --now nginx.service || true
		else
			update-rc.d nginx disable >/dev/null 2>&1 || true
		fi
	fi
}

groups=${*:-build test lint}
for group in $groups; do
	case "$group" in
	build | test | vm | deb | bench | lint) ;;
	*)
		echo "deps: no group '$group': there are build, test, vm, deb, bench and lint" >&2
		exit 2
		;;
	esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
	echo "deps: this system has no apt. Install what these Debian packages hold, then use make DEPS=skip:" >&2
	while IFS=$'\t' read -r group package why; do
		case " $groups " in
		*" $group "*) printf '  %-22s %s\n' "$package" "$why" >&2 ;;
		esac
	done <<<"$packages"
	exit 1
fi

# shellcheck disable=SC2086 # groups are words
mapfile -t absent < <(missing $groups)
[ "${#absent[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "deps: not root and no sudo. As root: apt-get install ${absent[*]}" >&2
		exit 1
	fi
	# shellcheck disable=SC2086
	exec sudo -- "$0" $groups
fi

# Two groups may be asked for at once by a parallel make: one installs, the other waits and looks again.
exec 9>/run/mtlb-deps.lock
flock 9
# shellcheck disable=SC2086
mapfile -t absent < <(missing $groups)
[ "${#absent[@]}" -gt 0 ] || exit 0
echo "deps: installing ${absent[*]} (to ${groups// /, } mtlb)"
install_quietly "${absent[@]}"
