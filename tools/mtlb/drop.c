// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include <stdlib.h>

#include "../../userspace/inspect/meaning.h"
#include "cell.h"
#include "list.h"
#include "output.h"
#include "safe.h"
#include "tenant_maps.h"
#include "watch.h"

static const struct column columns[] = {
	{"TENANT", "tenant", VALUE_TEXT},
	{"REASON", "reason", VALUE_TEXT},
	{"VERDICT", "verdict", VALUE_STATE},
	{"PACKETS", "packets", VALUE_NUMBER},
	{"BYTES", "bytes", VALUE_BYTES},
	{"MEANING", "sentence", VALUE_TEXT},
	{},
};

static const char *const spare[] = {"BYTES", "VERDICT", NULL};

static const struct filter filters[] = {
	{"tenant", "NAME", "tenant", "tenant"},
	{"reason", "REASON", "reason", "reason"},
	{"verdict", "drop|pass", "verdict", NULL},
	{},
};

static const char *const keys[] = {"tenant", "reason", "tenant/reason", NULL};

static void print_joined(const json_t *drop, const char *path)
{
	char *text = cell_join(drop, path);

	safe_print(stdout, text ? text : "-");
	free(text);
}

/* Without ports when it has none. */
static void print_drop(const struct options *options, const json_t *drop)
{
	json_int_t packets = json_integer_value(json_object_get(drop, "packets"));
	const json_t *flag;
	size_t i;

	output_text(json_object_get(drop, "at"));
	putchar(' ');
	output_text(json_object_get(drop, "tenant"));
	putchar(' ');
	output_state(options, json_string_value(json_object_get(drop, "reason")));
	putchar(' ');
	output_text(json_object_get(drop, "protocol"));
	putchar(' ');
	print_joined(drop, "source:sourcePort");
	fputs(" > ", stdout);
	print_joined(drop, "destination:destinationPort");
	json_array_foreach (json_object_get(drop, "flags"), i, flag) {
		putchar(' ');
		output_text(flag);
	}
	printf(" %" JSON_INTEGER_FORMAT " bytes",
	       json_integer_value(json_object_get(drop, "length")));
	if (packets > 1)
		printf(", and %" JSON_INTEGER_FORMAT " more of this tenant's", packets - 1);
	putchar('\n');
}

static int run_watch(const struct call *call)
{
	return watch_run(call, print_drop);
}

static void add_reasons(const struct view *view, uint32_t tenant, json_t *items)
{
	for (uint32_t reason = 0; reason < MTLB_REASON_COUNT; reason++) {
		struct mtlb_reason_counter sum = view_sum_reason(view, tenant, reason);

		if (sum.packets)
			json_array_append_new(items,
					      json_pack("{s:s,s:s,s:I,s:I,s:s,s:s}", "reason",
							meaning_reason_name(reason), "verdict",
							meaning_reason_verdict(reason), "packets",
							(json_int_t)sum.packets, "bytes",
							(json_int_t)sum.bytes, "sentence",
							meaning_reason_sentence(reason), "tenant",
							view_tenant_name(view, tenant)));
	}
}

static int from_maps(const struct call *call, json_t **ret_items, struct err *err)
{
	return tenant_maps_items(call, add_reasons, ret_items, err);
}

static const struct verb verbs[] = {
	{"list", NULL, "Lists why packets were not forwarded, by tenant; - is nobody's.", list_run},
	{"show", NULL, "Shows the rows of a tenant or of a reason.", list_run_show},
	{"watch", "[tenant NAME] [reason REASON]",
	 "Prints packets as they are dropped, a few a second of each tenant's, until it is "
	 "stopped.",
	 run_watch},
	{},
};

const struct noun drop_noun = {
	.name = "drop",
	.help = "packets that were dropped or left to the host, and why",
	.endpoint = "/v1/drops",
	.columns = columns,
	.spare = spare,
	.filters = filters,
	.keys = keys,
	.verbs = verbs,
	.options = watch_options,
	.from_maps = from_maps,
};
