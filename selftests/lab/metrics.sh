#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Metrics as they are used: a real Prometheus scrapes mtlbd under real traffic, every query of the
# dashboards is asked of it, the alert rules are loaded into it. Counters are those of /v1/counters, and
# none goes backwards while tenants get and lose series of their own.

set -u -o pipefail
# shellcheck source=selftests/lab/lib.sh
. "$(dirname "$0")/lib.sh"

METRICS=127.0.0.1:9464
PROMETHEUS=http://127.0.0.1:9090

# set_metrics "KEY: VALUE, ...": node.metrics
set_metrics()
{
	sed -i '/^  metrics: /d; s/^node:$/node:\n  metrics: {listen: "'"$METRICS"'", '"$1"'}/' "$CONFIG/platform.yaml"
}

# scrape OUT [CURL-OPTION...]
scrape()
{
	local out=$1
	shift
	ns lb curl -sf --max-time 5 -o "$out" "$@" "http://$METRICS/metrics"
}

# What was made less than a second ago is served once more: it must be newer than what is served now.
# mtlbd's own CPU time is another one each time.
scrape_anew()
{
	scrape "$RUN/now"
	wait_until 'scrape "'"$1"'" && ! cmp -s "'"$1"'" "$RUN/now"' 10
}

sum()
{
	"$LAB_DIR/metrics.py" sum "$@"
}

is_clean()
{
	local said
	said=$(promtool check metrics <"$1" 2>&1) && [ -z "$said" ] || { echo "$said" && false; }
}

never_falls()
{
	local fallen
	fallen=$("$LAB_DIR/metrics.py" falls "$1" "$2") && [ -z "$fallen" ] || { echo "$fallen" && false; }
}

# counters TENANT COLUMN: of /v1/counters, as mtlb-top has them
counters()
{
	api counters | json "d['tenants']['$1'][$2]"
}

# A few connections a second for each tenant: a load of which the machine notices nothing.
traffic_start()
{
	rm -f "$RUN/stop"
	ns client1 bash -c 'until [ -e "$0" ]; do
		curl -s -o /dev/null -o /dev/null --max-time 2 http://192.0.2.10/ http://192.0.2.20/
		dig +short +tries=1 +time=1 whoami.lab TXT @192.0.2.53 >/dev/null
		sleep 0.1
	done' "$RUN/stop" &
	TRAFFIC=$!
}

traffic_stop()
{
	touch "$RUN/stop"
	wait "$TRAFFIC"
}

prometheus_start()
{
	mkdir -p "$RUN/prometheus"
	cat >"$RUN/prometheus/prometheus.yml" <<-EOF
		global: {scrape_interval: 500ms, evaluation_interval: 500ms}
		rule_files: [$LAB_ROOT/docs/monitoring/alerts.yaml]
		scrape_configs:
		  - {job_name: mtlb, static_configs: [{targets: ["$METRICS"]}]}
	EOF
	ns lb setsid prometheus --config.file="$RUN/prometheus/prometheus.yml" --log.level=warn \
		--storage.tsdb.path="$RUN/prometheus/data" --web.listen-address="${PROMETHEUS#http://}" \
		</dev/null >"$RUN/prometheus/log" 2>&1 &
	PROMETHEUS_PID=$!
}

prometheus_stop()
{
	kill "$PROMETHEUS_PID" && wait "$PROMETHEUS_PID"
	true
}

ask()
{
	ns lb "$LAB_DIR/metrics.py" ask "$PROMETHEUS" "$1"
}

# holds EXPRESSION: it has a sample, and that is not 0
holds()
{
	[ "$(ask "$1" | json 'd["status"] == "success" and any(float(s["value"][1]) > 0 for s in d["data"]["result"])')" = True ]
}

# try_panels DASHBOARD TENANT: a check for each query, whose TAP comes from there
try_panels()
{
	local out=$RUN/panels
	ns lb "$LAB_DIR/metrics.py" panels "$PROMETHEUS" "$LAB_ROOT/docs/monitoring/$1.json" "$2" "$TESTS" >"$out"
	cat "$out"
	TESTS=$((TESTS + $(grep -cE '^(not )?ok ' "$out")))
	FAILURES=$((FAILURES + $(grep -c '^not ok ' "$out")))
	check "$1: all queries were asked" grep -qx '# all were asked' "$out"
}

scenario metrics bare
set_metrics "top: 2, members: 100"
check "mtlbd starts" agent_start || exit 1
prometheus_start
check "all members come up" wait_until all_up 10 || exit 1

traffic_start
check "Prometheus scrapes it" wait_until "holds 'up{job=\"mtlb\"}'" 20
scrape "$RUN/first"
check "promtool finds nothing to say" is_clean "$RUN/first"
check "the text ends where OpenMetrics wants it to" eval \
	'scrape "$RUN/open" -H "Accept: application/openmetrics-text" && [ "$(tail -n 1 "$RUN/open")" = "# EOF" ]'
is "and is refused in a form that nobody makes" \
	"$(ns lb curl -s -o /dev/null -w '%{http_code}' -H 'Accept: application/json' "http://$METRICS/metrics")" 406
is "the API has the same" "$(curl -s --unix-socket "$SOCKET" http://mtlb/metrics | grep -c '^# TYPE')" "$(grep -c '^# TYPE' "$RUN/first")"

check "Prometheus sees traffic" wait_until "holds 'rate(mtlb_packets_total[5s])'" 30
# whose it is depends on who was seen first: of three tenants two have a place
check "and of tenants by name" wait_until "holds 'rate(mtlb_tenant_packets_total{tenant!=\"_other\"}[5s])'" 30
check "checks were timed" wait_until "holds 'mtlb_member_probe_seconds'" 10
try_panels fleet acme
try_panels tenant acme
is "all rules are evaluated" "$(ns lb curl -s "$PROMETHEUS/api/v1/rules" |
	json "{r['health'] for g in d['data']['groups'] for r in g['rules'] if r['health'] != 'unknown'} - {'ok'}")" "set()"
prometheus_stop

# Series come and go, counters never fall.
for top in 1 3 0 2; do
	set_metrics "top: $top, members: 100"
	check "top: $top" config_apply
	check "it is scraped anew" scrape_anew "$RUN/second"
	check "no counter falls" never_falls "$RUN/first" "$RUN/second"
	mv "$RUN/second" "$RUN/first"
done
traffic_stop

# When nothing moves any more, all figures are those of /v1/counters, and those of their parts.
check "it is scraped anew" scrape_anew "$RUN/last"
check "no counter falls at the end" never_falls "$RUN/first" "$RUN/last"
is "all packets of all tenants" "$(sum "$RUN/last" mtlb_packets_total)" \
	"$(($(counters acme 0) + $(counters globex 0) + $(counters initech 0)))"
is "all bytes" "$(sum "$RUN/last" mtlb_bytes_total)" \
	"$(($(counters acme 1) + $(counters globex 1) + $(counters initech 1)))"
is "all new flows" "$(sum "$RUN/last" mtlb_new_flows_total)" \
	"$(($(counters acme 2) + $(counters globex 2) + $(counters initech 2)))"
is "they are what tenants have and the others" "$(sum "$RUN/last" mtlb_tenant_packets_total)" \
	"$(sum "$RUN/last" mtlb_packets_total)"
is "backends' are what their services' members have" "$(sum "$RUN/last" mtlb_member_packets_total tenant=acme)" \
	"$(counters acme 0)"

# One that is taken off the node keeps nothing to itself.
before=$(sum "$RUN/last" mtlb_packets_total)
rm "$CONFIG/tenants.d/acme.yaml"
sed -i '/name: acme/d' "$CONFIG/platform.yaml"
check "a tenant is taken off" config_apply
check "it is scraped anew" scrape_anew "$RUN/gone"
check "its series are gone" eval '! grep -q "tenant=\"acme\"" "$RUN/gone"'
is "the sum of all is as it was" "$(sum "$RUN/gone" mtlb_packets_total)" "$before"

finish
