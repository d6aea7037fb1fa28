// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "noun.h"

#include "object.h"

static const struct verb verbs[] = {
	{"get", "NAME", "Prints a tier as the configuration has it.", object_get},
	{"add", "NAME [FILE|-|KEY=VALUE...]",
	 "Adds one that is not there yet, from YAML or JSON, or from single keys.", object_add},
	{"set", "NAME [FILE|-|KEY=VALUE...]",
	 "Puts one there, or in the place of the one that is; single keys change only themselves.",
	 object_set},
	{"del", "NAME", "Removes a tier.", object_del},
	{},
};

const struct noun tier_noun = {
	.name = "tier",
	.help = "what tenants are sold",
	.object = "/v1/tiers/{}",
	.verbs = verbs,
};
