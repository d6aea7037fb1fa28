#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Alert rules and dashboards: promtool takes the rules, each has a test and passes it, is in the document
# and links to a runbook that is there; and no query names a metric that mtlbd does not have. What the
# queries answer is tried by the lab (metrics.sh).

set -u
cd "$(dirname "$0")/../../.." || exit 1
. selftests/lib/tap.sh
build=${O:-build}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
folder=docs/monitoring

tap_ok "promtool takes the rules" promtool check rules "$folder/alerts.yaml"
tap_ok "each is raised by what it is for, and by nothing else" promtool test rules "$folder/alerts_test.yaml"

# One that is wrong must not pass.
sed 's/mtlb_prober_up == 0/mtlb_prober_up == 1/' "$folder/alerts.yaml" >"$tmp/alerts.yaml"
cp "$folder/alerts_test.yaml" "$tmp/"
tap_not_ok "the tests find a rule that is wrong" 1 promtool test rules "$tmp/alerts_test.yaml"

# The heading of a runbook as its anchor.
sed -n 's/^## //p' docs/runbooks.md | tr 'A-Z ' 'a-z-' >"$tmp/anchors"
alerts=$(sed -n 's/^      - alert: //p' "$folder/alerts.yaml")
tap_ok "there are alerts" test -n "$alerts"
for alert in $alerts; do
	tap_ok "$alert has a test" grep -qx "      - alertname: $alert" "$folder/alerts_test.yaml"
	tap_ok "$alert is in the document" grep -q "^| \`$alert\` |" docs/monitoring.md
	link=$(sed -n "/alert: $alert\$/,/runbook_url/s/^          runbook_url: //p" "$folder/alerts.yaml")
	tap_is "${link%%#*}" runbooks.md "$alert links to a runbook"
	tap_ok "$alert: #${link#*#} is there" grep -qx "${link#*#}" "$tmp/anchors"
done

"$build/mtlb" help metrics >"$tmp/metrics"
tap_is "$(cat "$tmp/metrics")" "$(cat docs/metrics.md)" \
	"docs/metrics.md is what the table says: mtlb help metrics prints it"
sed -n -e 's/^| `\(mtlb_[a-z_]*\)` | histogram .*/\1_bucket\n\1_sum\n\1_count/p' \
	-e 's/^| `\(mtlb_[a-z_]*\)` .*/\1/p' "$tmp/metrics" | sort >"$tmp/known"
for file in "$folder"/*.json "$folder/alerts.yaml"; do
	sed 's/#.*//' "$file" | grep -o 'mtlb_[a-z_]*' | sort -u >"$tmp/used"
	tap_ok "$file names metrics" test -s "$tmp/used"
	tap_is "$(comm -23 "$tmp/used" "$tmp/known")" "" "$file: mtlbd has them all"
done
for file in "$folder"/*.json; do
	tap_ok "$file is JSON" python3 -m json.tool "$file" /dev/null
done

tap_done
