// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "metrics.h"

const struct metric_row metric_rows[METRICS] = {
#define METRIC(id, kind, of, more, says)        \
	[METRIC_##id] = {.name = "mtlb_" #id,   \
			 .type = METRIC_##kind, \
			 .scope = METRIC_##of,  \
			 .label = more,         \
			 .sentence = says},
#include "metrics.def"
};

static const struct {
	const char *heading, *labels, *text;
} scopes[METRIC_SCOPES] = {
	[METRIC_NODE] = {"The node", "", "What is the node's, or of all tenants together."},
	[METRIC_TENANT] =
		{"Tenants", "`tenant`",
		 "Of the tenants that have series of their own, and of all others together as "
		 "`tenant=\"_other\"`."},
	[METRIC_SERVICE] = {"Services", "`tenant`, `service`, `protocol`, `pool`",
			    "Of the tenants that have series of their own."},
	[METRIC_MEMBER] = {"Backends", "`tenant`, `service`, `protocol`, `pool`, `backend`",
			   "Of the tenants that have series of their own; a backend has one for "
			   "each service that uses it."},
};

const char *metric_type_name(enum metric_type type)
{
	static const char *const names[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
	};

	return names[type];
}

static void print_scope(enum metric_scope scope, FILE *file)
{
	fprintf(file,
		"\n## %s\n\n%s%s%s%s\n\n| metric | type | label | meaning |\n|---|---|---|---|\n",
		scopes[scope].heading, scopes[scope].text, *scopes[scope].labels ? " Labels: " : "",
		scopes[scope].labels, *scopes[scope].labels ? "." : "");
	for (int i = 0; i < METRICS; i++) {
		const struct metric_row *row = &metric_rows[i];

		if (row->scope != scope)
			continue;
		fprintf(file, "| `%s` | %s | ", row->name, metric_type_name(row->type));
		fprintf(file, row->label ? "`%s` | " : "%s| ", row->label ?: "");
		fprintf(file, "%s |\n", row->sentence);
	}
}

static const char intro[] =
	"# Metrics\n"
	"\n"
	"Printed by `mtlb help metrics` from the table that mtlbd itself uses.\n"
	"\n"
	"`GET /metrics` answers in the text format of Prometheus or, when the Accept header "
	"prefers it, in that\n"
	"of OpenMetrics 1.0: on the API, where it needs the role viewer or operator, and without "
	"TLS and tokens on\n"
	"an address of its own, `node.metrics.listen`, which serves nothing else. Whoever gets "
	"there can read it,\n"
	"so it belongs on a network for management. Dashboards and alert rules are in "
	"[monitoring](monitoring.md).\n"
	"\n"
	"- **Which tenants have series of their own**: as many as `node.metrics.top` says. The "
	"first ones do until\n"
	"  the places are taken; from then on those with most packets, forwarded or dropped, and "
	"requests of\n"
	"  the last minutes. A\n"
	"  tenant gives up its place only to one that has more than twice as many, and only so "
	"many do within five\n"
	"  minutes as a quarter of the places, so that series do not come and go with each "
	"scrape.\n"
	"- **No counter goes backwards.** What a tenant does is added to its own series while it "
	"has a place, and to\n"
	"  `tenant=\"_other\"` while it has none; nothing that was added is taken back or moved. A "
	"tenant that loses its\n"
	"  place is shown for five more minutes, at a standstill, so that everybody who scrapes at "
	"least that often\n"
	"  has seen all of it; one that comes back goes on where its series ended.\n"
	"- **Nothing is lost in the sums.** `sum(rate(...))` over the series of tenants is the "
	"rate of the node, whoever\n"
	"  gets a place or loses it, and `mtlb_packets_total` and the like count all tenants in "
	"one series. What is\n"
	"  counted for a tenant that is gone is in `_other`.\n"
	"- **Counters of tenants and services begin at nothing with mtlbd**, which Prometheus "
	"takes for the reset\n"
	"  that it is; those of backends go on. Packets that passed while no mtlbd ran are in none "
	"of them;\n"
	"  `mtlb tenant list` and [usage](usage.md) have them. All come from the counters that "
	"`GET /v1/counters` reads.\n"
	"- A backend that goes takes its series along; what it did stays in those of its service, "
	"but for its\n"
	"  packets since the scrape before, and in those of its tenant without exception.\n"
	"- What was gathered less than a second ago is served once more.\n";

void metrics_print_reference(FILE *file)
{
	fputs(intro, file);
	for (int scope = 0; scope < METRIC_SCOPES; scope++)
		print_scope((enum metric_scope)scope, file);
}
