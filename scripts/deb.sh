#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Packs what `make install` put into build/deb/mtlb/installed as a Debian package, with debhelper and
# the files of scripts/debian, and has lintian look at it. Needs no root. The package is for the
# release of Debian that it is made on.
#
#   scripts/deb.sh VERSION    writes build/deb/mtlb_VERSION_ARCH.deb
set -euo pipefail

cd "$(dirname "$0")/.."
version=$1
output=$(realpath -m "${O:-build}")/deb
tree=$output/mtlb

changelog=$(dpkg-parsechangelog -l scripts/debian/changelog -S Version)
if [ "$changelog" != "$version" ]; then
	echo "deb: this is $version, and scripts/debian/changelog is of $changelog: add an entry there" >&2
	exit 1
fi

rm -rf "$tree/debian" "$output"/*.deb
cp -r scripts/debian "$tree/debian"
# What make set for itself is none of debhelper's business.
(
	cd "$tree"
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES -u CFLAGS -u LDFLAGS -u O \
		DEB_DESTINATION="$output" debian/rules binary
) >"$output/log" 2>&1 || {
	tail -n 20 "$output/log" >&2
	echo "deb: debhelper failed (all it said: $output/log)" >&2
	exit 1
}
package=$output/mtlb_${version}_$(dpkg --print-architecture).deb
lintian --allow-root --fail-on error,warning --info "$package"
echo "${package#"$PWD"/}: $(dpkg-deb --show --showformat '${Package} ${Version}, ${Installed-Size} kB installed\n' "$package")"
