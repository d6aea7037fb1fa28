#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Runs the packet tests and the scenarios of selftests/vm on kernels other than this machine's, each
# in a virtual machine that qemu emulates: no KVM, no disk, no network, no root. `make vm` builds what
# is tested and runs it, through prove. Kernels are Debian's own; they are unpacked under build/vm and
# never installed, and apt keeps there, too, all that it must know to find them.
#
#   scripts/vm.sh [KERNEL]...    6.1 (bookworm), 6.12 (bookworm-backports); none: both
#   TESTS="packets gue"          only scenarios whose name contains one of these words
#   TIMEOUT=600                  seconds that one kernel may take (900)
#   JOBS=2                       how many kernels at once (1)
set -euo pipefail

cd "$(dirname "$0")/.."
export O=${O:-build}
self=scripts/vm.sh
vm=$(realpath -m "$O")/vm
mirror=http://deb.debian.org/debian

# What the guest runs, besides busybox: names in the PATH of this machine. busybox has an nsenter that
# prefers its own ip, and a wget that dies without the C library's modules.
programs='ip bridge nsenter ethtool bpftool ipvsadm curl'
# What the scenarios need of the kernel. What it has built in is passed over.
modules='veth dummy bridge 8021q ipip sit ip6_tunnel fou fou6 ip_vs ip_vs_rr'

say() {
	[ ! -t 2 ] || echo "vm: $*" >&2
}

fail() {
	echo "vm: $*" >&2
	exit 1
}

# --- the kernel

# apt, with lists and sources of its own: what this machine's apt knows is not touched.
apt_setup() {
	local site

	mkdir -p "$vm/apt/lists/partial" "$vm/apt/cache/archives/partial"
	site=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		grep -E '/debian/?$' | head -n 1) || true
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
		"${site:-$mirror} bookworm main" >"$vm/apt/sources.list"
	sed -n 's/ bookworm / bookworm-backports /p' "$vm/apt/sources.list" >"$vm/apt/more"
	cat "$vm/apt/more" >>"$vm/apt/sources.list"
	cat >"$vm/apt/apt.conf" <<-END
		Dir::Etc::SourceList "$vm/apt/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::State::Lists "$vm/apt/lists";
		Dir::Cache "$vm/apt/cache";
		APT::Sandbox::User "";
		APT::Architecture "amd64";
		Acquire::Languages "none";
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	END
}

# fetch KERNEL: the newest of its kind, unpacked in $vm/KERNEL; its release is left in linux-KERNEL.
fetch() {
	local kernel=$1 dir=$vm/$1 package

	[ ! -e "$vm/linux-$kernel" ] || return 0
	say "fetching linux $kernel"
	apt_setup
	apt-get -c "$vm/apt/apt.conf" update -qq ||
		fail "cannot read Debian's package lists: see above"
	# The metapackage's versions, newest first, each naming the package that holds the kernel.
	package=$(apt-cache -c "$vm/apt/apt.conf" show linux-image-cloud-amd64 | awk -v kernel="$kernel." '
		/^Version:/ { wanted = index($2, kernel) == 1 }
		/^Depends:/ && wanted { print $2; exit }' | tr -d ,)
	[ -n "$package" ] || fail "Debian has no linux $kernel: there are 6.1 and 6.12"
	rm -rf "$dir"
	mkdir -p "$dir/deb"
	(cd "$dir/deb" && apt-get -c "$vm/apt/apt.conf" download -qq "$package") ||
		fail "cannot download $package: see above"
	dpkg -x "$dir"/deb/*.deb "$dir"
	rm -r "$dir/deb"
	/sbin/depmod -b "$dir" "$(ls "$dir/lib/modules")"
	ls "$dir/lib/modules" >"$vm/linux-$kernel"
}

# --- what the guest sees: one archive of programs, made anew each time, and one of modules

archive() {
	(cd "$1" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0) >"$2.$$"
	mv "$2.$$" "$2"
}

# copy_program FILE TO: with the libraries it needs, at the places where the loader looks for them.
copy_program() {
	local file=$1 to=$2 library

	mkdir -p "${to%/*}"
	cp -L "$file" "$to"
	# Not loaded, only listed; a static program has none.
	{ ldd "$file" 2>/dev/null || true; } | awk '
		$2 == "=>" && $3 ~ "^/" { print $3 }
		$1 ~ "^/" { print $1 }' | while read -r library; do
		[ ! -e "$root$library" ] || continue
		mkdir -p "$root${library%/*}"
		cp -L "$library" "$root$library"
	done
}

make_root() {
	local name applet test

	root=$vm/root
	rm -rf "$root"
	mkdir -p "$root"/{proc,sys,dev,run,tmp,bin,sbin,usr/bin,usr/sbin,etc,root,mtlb/bin}
	copy_program "$(command -v busybox)" "$root/bin/busybox"
	busybox --list-full | while read -r applet; do
		[ -e "$root/$applet" ] || ln -s /bin/busybox "$root/$applet"
	done
	rm -f "$root/bin/bash"
	copy_program "$(command -v bash)" "$root/bin/bash"
	# busybox's shell would run its own ip where tests say `ip`
	ln -sf bash "$root/bin/sh"
	for name in $programs; do
		copy_program "$(PATH=$PATH:/usr/sbin:/sbin command -v "$name")" "$root/mtlb/bin/$name"
	done
	# At the same places as here, so that scripts find each other.
	for name in mtlbd mtlb-prober mtlb; do
		copy_program "$O/$name" "$root/mtlb/build/$name"
	done
	# Taken from the sources: a stale binary is not a test.
	for test in selftests/bpf/*_test.c; do
		case "$test" in */differential_test.c) continue ;; esac
		test=${test#selftests/}
		copy_program "$O/vm/${test%.c}" "$root/mtlb/${test%.c}"
	done
	copy_program "$O/vm/bin/answer" "$root/mtlb/bin/answer"
	cp "$O/selftests/lab/pass.bpf.o" "$root/mtlb/build/"
	mkdir -p "$root/mtlb/selftests"
	cp -r selftests/vm selftests/lib "$root/mtlb/selftests/"
	ln -s /mtlb/selftests/vm/init.sh "$root/init"
	printf '%s\n' root:x:0:0:root:/root:/bin/bash nobody:x:65534:65534:nobody:/:/bin/false >"$root/etc/passwd"
	printf '%s\n' "${TESTS:-}" >"$root/mtlb/tests"
	archive "$root" "$vm/root.cpio"
}

# make_modules KERNEL: what `modprobe` would load, in its order, decompressed.
make_modules() {
	local dir=$vm/$1 release name file to=$vm/$1/guest/mtlb/modules

	release=$(cat "$vm/linux-$1")
	rm -rf "$dir/guest"
	mkdir -p "$to"
	for name in $modules; do
		/sbin/modprobe -d "$dir" -S "$release" --show-depends "$name" ||
			fail "linux $release has no module $name"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
		name=${file##*/}
		name=${name%%.*}.ko
		case "$file" in
		*.xz) xz -dc "$file" >"$to/$name" ;;
		*.ko) cp "$file" "$to/$name" ;;
		*) fail "$file: compressed in a way not known here" ;;
		esac
		echo "$name" >>"$to/order"
	done
	archive "$dir/guest" "$dir/modules.cpio"
}

# --- one kernel: what prove runs

# The kernel's own words go to a second serial line, so that the first carries TAP alone. No cx16: qemu
# 7.2, Debian 12's, leaves wrong flags behind cmpxchg16b, of which linux 6.12 dies at some random place.
boot() {
	local kernel=$1

	cat "$vm/root.cpio" "$vm/$kernel/modules.cpio" >"$vm/$kernel/initrd"
	timeout -k 10 "${TIMEOUT:-900}" qemu-system-x86_64 -nodefaults -no-user-config -no-reboot \
		-machine q35 -accel tcg,thread=multi -cpu max,-cx16 -smp 2 -m 3G -display none \
		-kernel "$vm/$kernel"/boot/vmlinuz-* -initrd "$vm/$kernel/initrd" \
		-append "console=ttyS1 panic=-1 oops=panic mitigations=off nokaslr" \
		-serial stdio -serial "file:$vm/$kernel/kernel.log" </dev/null
}

# A guest that hangs or dies leaves no plan behind, which prove takes for the failure that it is.
run_one() {
	local kernel=${1##*/linux-} log status=0

	log=$vm/$kernel/tap
	boot "$kernel" 2>"$vm/$kernel/qemu.err" | tee "$log" || status=$?
	case "$status" in
	0) ;;
	124 | 137) echo "linux $kernel: stopped after ${TIMEOUT:-900} s" >&2 ;;
	*) echo "linux $kernel: qemu ended with $status: $(cat "$vm/$kernel/qemu.err")" >&2 ;;
	esac
	if [ "$status" != 0 ] || grep -q '^not ok' "$log" || ! grep -q '^1\.\.' "$log"; then
		{
			echo "linux $(cat "$vm/linux-$kernel") failed (all it said: $log, $vm/$kernel/kernel.log)"
			awk '/^(not )?ok/ { failed = /^not/ } failed' "$log"
			grep -q '^1\.\.' "$log" || tail -n 20 "$vm/$kernel/kernel.log"
		} | sed 's/^/    /' >&2
		status=1
	fi
	exit "$status"
}

if [ "${1:-}" = --one ]; then
	run_one "$2"
fi

[ "$(uname -m)" = x86_64 ] || fail "needs an x86_64 machine: its own programs run in the guest"
[ $# -gt 0 ] || set -- 6.1 6.12
mkdir -p "$vm"
runs=()
for kernel; do
	fetch "$kernel"
	make_modules "$kernel"
	runs+=("$O/vm/linux-$kernel")
done
say "making the guest"
make_root
prove --timer --jobs "${JOBS:-1}" --exec "$self --one" "${runs[@]}"
